/// From a camera's frame to the network's input.
public protocol Preprocessor: AnyObject {
    /// - Throws: `DemoError` of a frame that cannot be used.
    func tensor(of frame: CameraFrame) throws -> Tensor
}

/// In the contract's order: colours, rotation, mirroring, centre crop, resize, normalisation, quantization.
public final class ContractPreprocessor: Preprocessor {
    private let spec: InputSpec
    private let input: InputTensor
    private var square = Picture(height: 0, width: 0)
    private var resizer: SquareResizer?

    /// - Throws: as `InputTensor`.
    public init(_ contract: Contract) throws {
        spec = contract.preprocess
        input = try InputTensor(contract)
    }

    public func tensor(of frame: CameraFrame) throws -> Tensor {
        input.make(try resized(frame))
    }

    /// The central square of the upright picture at the network's size.
    public func resized(_ frame: CameraFrame) throws -> Picture {
        let crop = try spec.crop(height: frame.uprightHeight, width: frame.uprightWidth)
        let resizer = prepare(crop.side)
        FrameReader.read(frame, top: crop.top, left: crop.left, into: &square)
        return resizer.resize(square)
    }

    /// The buffers are those of the frame before unless its size was another.
    private func prepare(_ side: Int) -> SquareResizer {
        if let resizer, resizer.side == side { return resizer }
        let made = SquareResizer(side: side, size: spec.size)
        square = Picture(height: side, width: side)
        resizer = made
        return made
    }
}
