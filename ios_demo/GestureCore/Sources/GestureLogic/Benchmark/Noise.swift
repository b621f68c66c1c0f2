import GestureCore

/// Noise for a benchmark's inputs: another tensor each time, since constant frames might be faster; the same ones in
/// each run.
public struct Noise {
    public static let seed: UInt64 = 0
    private var state = Self.seed

    public init() {}

    /// The next input tensor as a contract asks for.
    ///
    /// - Throws: `DemoError` of a type that the app does not give.
    public mutating func tensor(_ spec: TensorSpec) throws -> Tensor {
        let count = spec.shape.reduce(1, *)
        switch spec.dtype {
        case .int8: return Tensor(shape: spec.shape, elements: .int8((0..<count).map { _ in next() }))
        case .float32:
            return Tensor(shape: spec.shape, elements: .float32((0..<count).map { _ in Float(next()) / 128 }))
        case .float16: throw DemoError("the model takes frames of float16, which the app does not give")
        }
    }

    /// Knuth's linear congruential generator; its upper bits.
    private mutating func next() -> Int8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int8(truncatingIfNeeded: state >> 56)
    }
}
