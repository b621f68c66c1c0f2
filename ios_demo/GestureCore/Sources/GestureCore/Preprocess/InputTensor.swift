/// A resized picture as the input tensor that a contract asks for: normalised, and quantized where its elements are
/// integers. The rule is `mobile.runtimes.input_tensor`: float32, rounded half to even.
public struct InputTensor: Sendable {
    private let spec: TensorSpec
    private let size: Int
    /// For each colour what each of the 256 values becomes.
    private let table: Table

    private enum Table: Sendable {
        case int8([[Int8]])
        case float32([[Float]])
    }

    /// - Throws: `DemoError` where the contract asks for a type that the app has not.
    public init(_ contract: Contract) throws {
        spec = contract.input
        size = contract.preprocess.size
        let real = try Self.normalised(contract.preprocess)
        switch (contract.input.dtype, contract.input.quantization) {
        case (.int8, let quantization?): table = .int8(real.map { $0.map { Self.quantized($0, quantization) } })
        case (.float32, nil): table = .float32(real)
        default:
            throw DemoError(
                "the model takes frames of \(contract.input.dtype.rawValue), which the app does not give; export it "
                    + "again with int8 or fp32")
        }
    }

    private static func normalised(_ spec: InputSpec) throws -> [[Float]] {
        guard spec.mean.count == 3, spec.std.count == 3 else {
            throw DemoError("the contract has \(spec.mean.count) means and \(spec.std.count) deviations; expected 3")
        }
        return (0..<3).map { colour in
            let (mean, std) = (Float(spec.mean[colour]) * 255, Float(spec.std[colour]) * 255)
            return (0..<256).map { (Float($0) - mean) / std }
        }
    }

    private static func quantized(_ real: Float, _ quantization: Quantization) -> Int8 {
        let value = real / Float(quantization.scale) + Float(quantization.zeroPoint)
        return Int8(max(-128, min(127, value.rounded(.toNearestOrEven))))
    }

    /// The tensor of one frame.
    public func make(_ picture: Picture) -> Tensor {
        precondition(picture.height == size && picture.width == size)
        switch table {
        case .int8(let table): return Tensor(shape: spec.shape, elements: .int8(arrange(picture.pixels, table)))
        case .float32(let table): return Tensor(shape: spec.shape, elements: .float32(arrange(picture.pixels, table)))
        }
    }

    private func arrange<Element>(_ pixels: [UInt8], _ table: [[Element]]) -> [Element] {
        if spec.layout == .tchw {
            return (0..<3).flatMap { colour in
                stride(from: colour, to: pixels.count, by: 3).map { table[colour][Int(pixels[$0])] }
            }
        }
        return pixels.indices.map { table[$0 % 3][Int(pixels[$0])] }
    }
}
