/// uint8 RGB, rows from the top, three bytes a pixel.
public struct Picture: Equatable, Sendable {
    public let height: Int
    public let width: Int
    public internal(set) var pixels: [UInt8]

    public init(height: Int, width: Int, pixels: [UInt8]) {
        precondition(pixels.count == 3 * height * width)
        self.height = height
        self.width = width
        self.pixels = pixels
    }

    init(height: Int, width: Int) {
        self.init(height: height, width: width, pixels: [UInt8](repeating: 0, count: 3 * height * width))
    }
}
