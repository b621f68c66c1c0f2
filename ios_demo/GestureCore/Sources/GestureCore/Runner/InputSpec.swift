import Foundation

/// A square of a picture, in pixels.
public struct Square: Equatable, Sendable {
    public let top: Int
    public let left: Int
    public let side: Int

    public init(top: Int, left: Int, side: Int) {
        self.top = top
        self.left = left
        self.side = side
    }
}

/// What a network expects of a picture.
public struct InputSpec: Decodable, Equatable, Sendable {
    public let segments: Int
    /// Height and width in pixels.
    public let size: Int
    public let colourOrder: String
    /// Per colour, of values in [0, 1].
    public let mean: [Double]
    public let std: [Double]
    /// Share of the short side that the central square keeps.
    public let cropFraction: Double

    enum CodingKeys: String, CodingKey {
        case segments, size, mean, std
        case colourOrder = "colour_order"
        case cropFraction = "crop_fraction"
    }

    /// A picture's central square.
    ///
    /// - Throws: `DemoError` where none is left of a tiny picture.
    public func crop(height: Int, width: Int) throws -> Square {
        let side = Int(Double(min(height, width)) * cropFraction)
        if side < 1 {
            throw DemoError("a picture of \(width) x \(height) pixels is too small")
        }
        return Square(top: (height - side) / 2, left: (width - side) / 2, side: side)
    }
}
