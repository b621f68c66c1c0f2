/// The elements of a tensor in C order.
public enum TensorElements: Equatable, Sendable {
    case int8([Int8])
    case float32([Float])

    public var count: Int {
        switch self {
        case .int8(let values): return values.count
        case .float32(let values): return values.count
        }
    }

    public var type: ElementType {
        switch self {
        case .int8: return .int8
        case .float32: return .float32
        }
    }
}

/// A tensor at an artefact's border.
public struct Tensor: Equatable, Sendable {
    public let shape: [Int]
    public let elements: TensorElements

    public init(shape: [Int], elements: TensorElements) {
        precondition(shape.reduce(1, *) == elements.count, "shape \(shape) of \(elements.count) elements")
        self.shape = shape
        self.elements = elements
    }
}
