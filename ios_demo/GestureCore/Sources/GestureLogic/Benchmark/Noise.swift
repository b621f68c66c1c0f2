import GestureCore

/// The same noise each time: what time takes does not depend on it, but constant frames might be faster.
public enum Noise {
    public static let seed: UInt64 = 0

    /// An input tensor as a contract asks for.
    ///
    /// - Throws: `DemoError` of a type that the app does not give.
    public static func tensor(_ spec: TensorSpec) throws -> Tensor {
        var state = seed
        let count = spec.shape.reduce(1, *)
        switch spec.dtype {
        case .int8: return Tensor(shape: spec.shape, elements: .int8((0..<count).map { _ in next(&state) }))
        case .float32:
            return Tensor(shape: spec.shape, elements: .float32((0..<count).map { _ in Float(next(&state)) / 128 }))
        case .float16: throw DemoError("the model takes frames of float16, which the app does not give")
        }
    }

    /// Knuth's linear congruential generator; its upper bits.
    private static func next(_ state: inout UInt64) -> Int8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int8(truncatingIfNeeded: state >> 56)
    }
}
