// What the app uses of Core Graphics, Core Video and Core Media, and what Apple's Foundation has beyond Linux'.
@_exported import Foundation

public struct CGAffineTransform: Equatable, Sendable {
    public var a, b, c, d, tx, ty: CGFloat
    public static let identity = CGAffineTransform(rotationAngle: 0)
    public init(rotationAngle angle: CGFloat) { fatalError() }
    public init(scaleX: CGFloat, y: CGFloat) { fatalError() }
    public func concatenating(_ other: CGAffineTransform) -> CGAffineTransform { fatalError() }
}

public typealias OSType = UInt32
public typealias CVReturn = Int32
public final class CVPixelBuffer {}
public typealias CVImageBuffer = CVPixelBuffer
public struct CVPixelBufferLockFlags: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let readOnly = CVPixelBufferLockFlags(rawValue: 1)
}
public let kCVReturnSuccess: CVReturn = 0
public let kCVPixelFormatType_32BGRA: OSType = 0
public let kCVPixelFormatType_420YpCbCr8BiPlanarFullRange: OSType = 1
public let kCVPixelBufferPixelFormatTypeKey = ""
public let kCVImageBufferYCbCrMatrixKey = ""
public let kCVImageBufferYCbCrMatrix_ITU_R_601_4 = ""
public func CVPixelBufferLockBaseAddress(_ buffer: CVPixelBuffer, _ flags: CVPixelBufferLockFlags) -> CVReturn { 0 }
@discardableResult
public func CVPixelBufferUnlockBaseAddress(_ buffer: CVPixelBuffer, _ flags: CVPixelBufferLockFlags) -> CVReturn { 0 }
public func CVPixelBufferGetPixelFormatType(_ buffer: CVPixelBuffer) -> OSType { 0 }
public func CVPixelBufferGetWidth(_ buffer: CVPixelBuffer) -> Int { 0 }
public func CVPixelBufferGetHeight(_ buffer: CVPixelBuffer) -> Int { 0 }
public func CVPixelBufferGetHeightOfPlane(_ buffer: CVPixelBuffer, _ plane: Int) -> Int { 0 }
public func CVPixelBufferGetBytesPerRow(_ buffer: CVPixelBuffer) -> Int { 0 }
public func CVPixelBufferGetBytesPerRowOfPlane(_ buffer: CVPixelBuffer, _ plane: Int) -> Int { 0 }
public func CVPixelBufferGetBaseAddress(_ buffer: CVPixelBuffer) -> UnsafeMutableRawPointer? { nil }
public func CVPixelBufferGetBaseAddressOfPlane(_ buffer: CVPixelBuffer, _ plane: Int) -> UnsafeMutableRawPointer? {
    nil
}
public typealias CVAttachmentMode = UInt32
public func CVBufferCopyAttachment(
    _ buffer: CVPixelBuffer, _ key: String, _ mode: UnsafeMutablePointer<CVAttachmentMode>?
) -> AnyObject? { nil }

public struct CMTime: Sendable {
    public static let invalid = CMTime(seconds: 0, preferredTimescale: 1)
    public init(seconds: Double, preferredTimescale: Int32) {}
    public var seconds: Double { 0 }
    public var isNumeric: Bool { false }
}
public final class CMClock {}
public func CMClockGetHostTimeClock() -> CMClock { fatalError() }
public func CMClockGetTime(_ clock: CMClock) -> CMTime { fatalError() }
public struct CMSampleTimingInfo: Sendable {
    public init(duration: CMTime, presentationTimeStamp: CMTime, decodeTimeStamp: CMTime) {}
}
public final class CMFormatDescription {
    public init(imageBuffer: CVImageBuffer) throws {}
}
public typealias CMVideoFormatDescription = CMFormatDescription
public final class CMSampleBuffer {
    public init(
        imageBuffer: CVImageBuffer, formatDescription: CMVideoFormatDescription, sampleTiming: CMSampleTimingInfo
    ) throws {}
    public var imageBuffer: CVImageBuffer? { nil }
    public var presentationTimeStamp: CMTime { .invalid }
}

extension ProcessInfo {
    public enum ThermalState: Int, Sendable { case nominal, fair, serious, critical }
    public var thermalState: ThermalState { .nominal }
    public var isLowPowerModeEnabled: Bool { false }
    public static let thermalStateDidChangeNotification = Notification.Name("")
}
extension URL {
    public static var documentsDirectory: URL { fatalError() }
}
extension Notification.Name {
    public static let NSProcessInfoPowerStateDidChange = Notification.Name("")
}
