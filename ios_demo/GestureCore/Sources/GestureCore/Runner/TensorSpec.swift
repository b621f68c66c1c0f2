import Foundation

/// real = scale * (integer - zeroPoint).
public struct Quantization: Decodable, Equatable, Sendable {
    public let dtype: String
    public let scale: Double
    public let zeroPoint: Int

    enum CodingKeys: String, CodingKey {
        case dtype, scale
        case zeroPoint = "zero_point"
    }

    /// The real number that an integer stands for.
    public func real(_ integer: Int8) -> Float {
        Float(scale) * (Float(integer) - Float(zeroPoint))
    }
}

/// Type of a tensor's elements at the artefact's border.
public enum ElementType: String, Decodable, Sendable {
    case int8, float16, float32

    public var bytes: Int {
        switch self {
        case .int8: return 1
        case .float16: return 2
        case .float32: return 4
        }
    }
}

/// Order of an image tensor's axes: T frame, C colour, H row, W column.
public enum Layout: String, Decodable, Sendable {
    case thwc = "THWC"
    case tchw = "TCHW"
}

/// The frames at the artefact's border.
public struct TensorSpec: Decodable, Equatable, Sendable {
    public let name: String
    public let shape: [Int]
    /// Nil for what is no image.
    public let layout: Layout?
    public let dtype: ElementType
    /// Where the elements are integers.
    public let quantization: Quantization?

    enum CodingKeys: String, CodingKey {
        case name, shape, layout, dtype, quantization
    }

    public init(from decoder: Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        shape = try values.decode([Int].self, forKey: .shape)
        layout = Layout(rawValue: try values.decode(String.self, forKey: .layout))
        dtype = try values.decode(ElementType.self, forKey: .dtype)
        quantization = try values.decodeIfPresent(Quantization.self, forKey: .quantization)
    }
}

/// A state of a stream: an input, and the output that takes its place in the next step.
public struct StateSpec: Decodable, Equatable, Sendable {
    public let input: String
    public let output: String
    public let shape: [Int]
    public let dtype: ElementType
    /// The value of each of its elements before the first frame.
    public let reset: Double
    public let quantization: Quantization?

    public var count: Int { shape.reduce(1, *) }
    public var bytes: Int { count * dtype.bytes }
}
