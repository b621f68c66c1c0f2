/// How the samples of a frame are to be read; the rules are those of `mobile/interface/camera_frames.py`.
public enum PixelFormat: String, Sendable {
    /// Channels Y, U and V; BT.601 in full range.
    case yuv420
    /// Channels B, G, R and A; A is not looked at.
    case bgra

    public var channelNames: [Character] { self == .yuv420 ? ["Y", "U", "V"] : ["B", "G", "R", "A"] }
}

/// By how many degrees clockwise the buffer must be turned to stand upright.
public enum Rotation: Int, CaseIterable, Sendable {
    case degrees0 = 0
    case degrees90 = 90
    case degrees180 = 180
    case degrees270 = 270

    /// Height and width change places.
    public var isQuarter: Bool { self == .degrees90 || self == .degrees270 }
}

/// Where the samples of one channel lie: the one at (row, column) is the byte `offset + row * rowStride + column *
/// pixelStride`. Bytes between samples have no meaning, and the buffer may end right after the last sample.
public struct Channel {
    public let storage: ByteStorage
    public let rowStride: Int
    public let pixelStride: Int
    public let offset: Int

    public init(storage: ByteStorage, rowStride: Int, pixelStride: Int, offset: Int = 0) {
        self.storage = storage
        self.rowStride = rowStride
        self.pixelStride = pixelStride
        self.offset = offset
    }

    func check(height: Int, width: Int) throws {
        if pixelStride < 1 || rowStride < 1 || offset < 0 {
            throw DemoError("strides \(rowStride) and \(pixelStride), offset \(offset); expected 1 or more, 0 or more")
        }
        let last = offset + (height - 1) * rowStride + (width - 1) * pixelStride
        if last >= storage.bytes.count {
            throw DemoError("a buffer of \(storage.bytes.count) bytes; its last sample is byte \(last)")
        }
    }
}

/// A frame as a camera gives it.
public struct CameraFrame {
    public let format: PixelFormat
    /// Of the buffer, pixels.
    public let width: Int
    public let height: Int
    public let channels: [Character: Channel]
    public let rotation: Rotation
    /// The bytes come mirrored already; the upright picture is flipped back. Never so of a mirrored preview.
    public let mirrored: Bool
    /// When it was taken, in milliseconds of any clock.
    public let timeMs: Int

    /// - Throws: `DemoError` of other channels than the format's, no pixel, or a buffer that ends too early.
    public init(
        format: PixelFormat, width: Int, height: Int, channels: [Character: Channel], rotation: Rotation = .degrees0,
        mirrored: Bool = false, timeMs: Int = 0
    ) throws {
        guard Set(channels.keys) == Set(format.channelNames) else {
            throw DemoError("format \(format.rawValue) with channels \(channels.keys.sorted())")
        }
        guard width > 0, height > 0 else {
            throw DemoError("a frame of \(width) x \(height); expected at least one pixel")
        }
        for (name, channel) in channels {
            let half = format == .yuv420 && name != "Y"
            try channel.check(height: half ? (height + 1) / 2 : height, width: half ? (width + 1) / 2 : width)
        }
        self.format = format
        self.width = width
        self.height = height
        self.channels = channels
        self.rotation = rotation
        self.mirrored = mirrored
        self.timeMs = timeMs
    }

    public var uprightWidth: Int { rotation.isQuarter ? height : width }
    public var uprightHeight: Int { rotation.isQuarter ? width : height }
}
