@testable import GestureCore

/// Frames of noise with any strides, offsets and order of channels.
struct RandomFrames {
    var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed)
    }

    mutating func bgra(width: Int, height: Int, rotation: Rotation, mirrored: Bool) throws -> CameraFrame {
        let (offset, padding) = (Int.random(in: 0...5, using: &random), Int.random(in: 0...9, using: &random))
        let stride = 4 * width + padding
        let storage = OwnedBytes(random.bytes(offset + (height - 1) * stride + 4 * width))
        let channels = ["B", "G", "R", "A"].enumerated().map { place, name in
            (
                Character(name),
                Channel(storage: storage, rowStride: stride, pixelStride: 4, offset: offset + place)
            )
        }
        return try CameraFrame(
            format: .bgra, width: width, height: height, channels: Dictionary(uniqueKeysWithValues: channels),
            rotation: rotation, mirrored: mirrored)
    }

    /// Two planes as of iOS (U and V in turn), or three of their own.
    mutating func yuv(
        width: Int, height: Int, rotation: Rotation, mirrored: Bool, biplanar: Bool
    ) throws -> CameraFrame {
        let (halfWidth, halfHeight) = ((width + 1) / 2, (height + 1) / 2)
        var channels = ["Y" as Character: plane(width, height, 1)]
        if biplanar {
            let both = plane(halfWidth, halfHeight, 2, last: 1)
            channels["U"] = both
            channels["V"] = Channel(
                storage: both.storage, rowStride: both.rowStride, pixelStride: 2, offset: both.offset + 1)
        } else {
            channels["U"] = plane(halfWidth, halfHeight, Int.random(in: 1...3, using: &random))
            channels["V"] = plane(halfWidth, halfHeight, Int.random(in: 1...3, using: &random))
        }
        return try CameraFrame(
            format: .yuv420, width: width, height: height, channels: channels, rotation: rotation, mirrored: mirrored)
    }

    /// The buffer ends `last` bytes after its last sample.
    private mutating func plane(_ width: Int, _ height: Int, _ step: Int, last: Int = 0) -> Channel {
        let (offset, padding) = (Int.random(in: 0...5, using: &random), Int.random(in: 0...9, using: &random))
        let stride = width * step + padding
        let count = offset + (height - 1) * stride + (width - 1) * step + 1 + last
        return Channel(storage: OwnedBytes(random.bytes(count)), rowStride: stride, pixelStride: step, offset: offset)
    }
}
