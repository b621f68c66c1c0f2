// What the app uses of AVFoundation and of Core Animation.
@_exported import CoreVideo
@_exported import Foundation

open class CALayer {
    public init() {}
    public var bounds: CGRect {
        get { .zero }
        set {}
    }
    public var position: CGPoint {
        get { .zero }
        set {}
    }
    public var superlayer: CALayer? { nil }
    public func setAffineTransform(_ transform: CGAffineTransform) {}
    public func addSublayer(_ layer: CALayer) {}
    public func removeFromSuperlayer() {}
    public func setNeedsLayout() {}
}
public enum AVLayerVideoGravity: Sendable { case resizeAspect, resizeAspectFill }
public final class AVSampleBufferVideoRenderer {
    public var status: AVQueuedSampleBufferRenderingStatus { .unknown }
    public func enqueue(_ sample: CMSampleBuffer) {}
    public func flush() {}
}
public enum AVQueuedSampleBufferRenderingStatus { case unknown, rendering, failed }
public final class AVSampleBufferDisplayLayer: CALayer {
    public var videoGravity: AVLayerVideoGravity {
        get { .resizeAspect }
        set {}
    }
    public let sampleBufferRenderer = AVSampleBufferVideoRenderer()
}
public final class AVCaptureVideoPreviewLayer: CALayer {
    public var videoGravity: AVLayerVideoGravity {
        get { .resizeAspect }
        set {}
    }
    public var session: AVCaptureSession? {
        get { nil }
        set {}
    }
    public var connection: AVCaptureConnection? { nil }
}

public enum AVMediaType: Sendable { case video, audio }
public enum AVAuthorizationStatus: Sendable { case notDetermined, restricted, denied, authorized }
public final class AVFrameRateRange {
    public var minFrameRate: Double { 0 }
    public var maxFrameRate: Double { 0 }
}
public final class NSKeyValueObservation {}
public struct NSKeyValueObservedChange<Value> {}
public final class AVCaptureDevice {
    public enum DeviceType { case builtInWideAngleCamera }
    public enum Position { case unspecified, back, front }
    public final class Format {
        public var videoSupportedFrameRateRanges: [AVFrameRateRange] { [] }
    }
    public final class RotationCoordinator {
        public init(device: AVCaptureDevice, previewLayer: CALayer?) {}
        public var videoRotationAngleForHorizonLevelPreview: CGFloat { 0 }
        public var videoRotationAngleForHorizonLevelCapture: CGFloat { 0 }
        public func observe<Value>(
            _ path: KeyPath<RotationCoordinator, Value>,
            changeHandler: @escaping (RotationCoordinator, NSKeyValueObservedChange<Value>) -> Void
        ) -> NSKeyValueObservation { fatalError() }
    }
    public static func `default`(_ type: DeviceType, for media: AVMediaType?, position: Position) -> AVCaptureDevice? {
        nil
    }
    public static func authorizationStatus(for media: AVMediaType) -> AVAuthorizationStatus { .denied }
    public static func requestAccess(for media: AVMediaType, completionHandler: @escaping @Sendable (Bool) -> Void) {}
    public func lockForConfiguration() throws {}
    public func unlockForConfiguration() {}
    public var activeFormat: Format {
        get { fatalError() }
        set {}
    }
    public var activeVideoMinFrameDuration: CMTime {
        get { .invalid }
        set {}
    }
}
public class AVCaptureInput {}
public final class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws {}
}
public final class AVCaptureConnection {
    public func isVideoRotationAngleSupported(_ angle: CGFloat) -> Bool { false }
    public var videoRotationAngle: CGFloat {
        get { 0 }
        set {}
    }
    public var isVideoMirroringSupported: Bool { false }
    public var automaticallyAdjustsVideoMirroring: Bool {
        get { false }
        set {}
    }
    public var isVideoMirrored: Bool {
        get { false }
        set {}
    }
}
public class AVCaptureOutput {
    public func connection(with media: AVMediaType) -> AVCaptureConnection? { nil }
}
public protocol AVCaptureVideoDataOutputSampleBufferDelegate: NSObjectProtocol {
    func captureOutput(
        _ output: AVCaptureOutput, didOutput sample: CMSampleBuffer, from connection: AVCaptureConnection)
}
public final class AVCaptureVideoDataOutput: AVCaptureOutput {
    public override init() {}
    public var alwaysDiscardsLateVideoFrames: Bool {
        get { true }
        set {}
    }
    public var availableVideoPixelFormatTypes: [OSType] { [] }
    public var videoSettings: [String: Any]! {
        get { [:] }
        set {}
    }
    public func setSampleBufferDelegate(
        _ delegate: (any AVCaptureVideoDataOutputSampleBufferDelegate)?, queue: DispatchQueue?
    ) {}
}
public let AVCaptureSessionInterruptionReasonKey = ""
public let AVCaptureSessionErrorKey = ""
public struct AVError: Error {
    public enum Code { case mediaServicesWereReset, unknown }
    public var code: Code { .unknown }
}
public final class AVCaptureSession: NSObject {
    public enum Preset { case vga640x480, high }
    public enum InterruptionReason: Int {
        case videoDeviceNotAvailableInBackground = 1
        case audioDeviceInUseByAnotherClient, videoDeviceInUseByAnotherClient
        case videoDeviceNotAvailableWithMultipleForegroundApps, videoDeviceNotAvailableDueToSystemPressure
    }
    public static let wasInterruptedNotification = Notification.Name("")
    public static let interruptionEndedNotification = Notification.Name("")
    public static let runtimeErrorNotification = Notification.Name("")
    public var sessionPreset: Preset {
        get { .high }
        set {}
    }
    public var inputs: [AVCaptureInput] { [] }
    public var isRunning: Bool { false }
    public func canSetSessionPreset(_ preset: Preset) -> Bool { false }
    public func canAddInput(_ input: AVCaptureInput) -> Bool { false }
    public func canAddOutput(_ output: AVCaptureOutput) -> Bool { false }
    public func addInput(_ input: AVCaptureInput) {}
    public func addOutput(_ output: AVCaptureOutput) {}
    public func beginConfiguration() {}
    public func commitConfiguration() {}
    public func startRunning() {}
    public func stopRunning() {}
}

public struct AVAsyncProperty<Root, Value> {}
extension AVAsyncProperty where Root == AVAssetTrack, Value == CGAffineTransform {
    public static var preferredTransform: AVAsyncProperty<Root, Value> { fatalError() }
}
public final class AVAssetTrack {
    public func load<Value>(_ property: AVAsyncProperty<AVAssetTrack, Value>) async throws -> Value { fatalError() }
}
public class AVAsset {
    public func loadTracks(withMediaType type: AVMediaType) async throws -> [AVAssetTrack] { [] }
}
public final class AVURLAsset: AVAsset {
    public init(url: URL, options: [String: Any]? = nil) {}
}
public class AVAssetReaderOutput {
    public func copyNextSampleBuffer() -> CMSampleBuffer? { nil }
}
public final class AVAssetReaderTrackOutput: AVAssetReaderOutput {
    public init(track: AVAssetTrack, outputSettings: [String: Any]?) {}
}
public final class AVAssetReader {
    public init(asset: AVAsset) throws {}
    public var error: (any Error)? { nil }
    public func canAdd(_ output: AVAssetReaderOutput) -> Bool { false }
    public func add(_ output: AVAssetReaderOutput) {}
    public func startReading() -> Bool { false }
}
