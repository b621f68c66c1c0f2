import CoreVideo
import GestureCore

/// A plane of a locked pixel buffer; the lock holds while any of its planes lives.
private final class Plane: ByteStorage {
    let bytes: UnsafeRawBufferPointer
    private let lock: BufferLock

    init(_ lock: BufferLock, _ start: UnsafeMutableRawPointer, _ count: Int) {
        self.lock = lock
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }
}

private final class BufferLock {
    private let buffer: CVPixelBuffer

    init(_ buffer: CVPixelBuffer) throws {
        guard CVPixelBufferLockBaseAddress(buffer, .readOnly) == kCVReturnSuccess else {
            throw DemoError("the camera's picture cannot be read")
        }
        self.buffer = buffer
    }

    deinit {
        CVPixelBufferUnlockBaseAddress(buffer, .readOnly)
    }
}

/// A picture of the camera or of a video as the core's frame; nothing is copied.
enum PixelBuffer {
    /// What the core's YUV rule holds for: full range, and BT.601. Others are to be asked for as BGRA.
    static func isKnownYUV(_ buffer: CVPixelBuffer) -> Bool {
        guard CVPixelBufferGetPixelFormatType(buffer) == kCVPixelFormatType_420YpCbCr8BiPlanarFullRange else {
            return false
        }
        let matrix = CVBufferCopyAttachment(buffer, kCVImageBufferYCbCrMatrixKey, nil)
        return (matrix as? String) == (kCVImageBufferYCbCrMatrix_ITU_R_601_4 as String)
    }

    /// - Throws: `DemoError` of a format that is neither BGRA nor full-range bi-planar YUV.
    static func frame(_ buffer: CVPixelBuffer, orientation: Orientation, timeMs: Int) throws -> CameraFrame {
        let format = CVPixelBufferGetPixelFormatType(buffer)
        let (width, height) = (CVPixelBufferGetWidth(buffer), CVPixelBufferGetHeight(buffer))
        let lock = try BufferLock(buffer)
        switch format {
        case kCVPixelFormatType_32BGRA:
            return try CameraFrame(
                format: .bgra, width: width, height: height, channels: try bgra(buffer, lock),
                rotation: orientation.rotation, mirrored: orientation.mirrored, timeMs: timeMs)
        case kCVPixelFormatType_420YpCbCr8BiPlanarFullRange:
            return try CameraFrame(
                format: .yuv420, width: width, height: height, channels: try yuv(buffer, lock),
                rotation: orientation.rotation, mirrored: orientation.mirrored, timeMs: timeMs)
        default:
            throw DemoError("the camera gives pixels of format \(format), which the app does not read")
        }
    }

    private static func bgra(_ buffer: CVPixelBuffer, _ lock: BufferLock) throws -> [Character: Channel] {
        guard let start = CVPixelBufferGetBaseAddress(buffer) else { throw DemoError("a picture without pixels") }
        let stride = CVPixelBufferGetBytesPerRow(buffer)
        let plane = Plane(lock, start, stride * CVPixelBufferGetHeight(buffer))
        return Dictionary(
            uniqueKeysWithValues: PixelFormat.bgra.channelNames.enumerated().map { offset, name in
                (name, Channel(storage: plane, rowStride: stride, pixelStride: 4, offset: offset))
            })
    }

    private static func yuv(_ buffer: CVPixelBuffer, _ lock: BufferLock) throws -> [Character: Channel] {
        let (luma, lumaStride) = try plane(buffer, 0, lock)
        let (chroma, chromaStride) = try plane(buffer, 1, lock)
        return [
            "Y": Channel(storage: luma, rowStride: lumaStride, pixelStride: 1),
            "U": Channel(storage: chroma, rowStride: chromaStride, pixelStride: 2, offset: 0),
            "V": Channel(storage: chroma, rowStride: chromaStride, pixelStride: 2, offset: 1),
        ]
    }

    private static func plane(_ buffer: CVPixelBuffer, _ index: Int, _ lock: BufferLock) throws -> (Plane, Int) {
        guard let start = CVPixelBufferGetBaseAddressOfPlane(buffer, index) else {
            throw DemoError("a picture without its plane \(index)")
        }
        let stride = CVPixelBufferGetBytesPerRowOfPlane(buffer, index)
        return (Plane(lock, start, stride * CVPixelBufferGetHeightOfPlane(buffer, index)), stride)
    }
}
