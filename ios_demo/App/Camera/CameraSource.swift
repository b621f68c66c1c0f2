import AVFoundation
import GestureCore
import GestureLogic

/// A camera's video output (not stills). Frames that come while one is looked at are dropped by the system.
///
/// The buffers come as the sensor gives them, neither turned nor mirrored; the frame says how it lies. What can change
/// belongs to the queue.
final class CameraSource: NSObject, FrameSource, @unchecked Sendable {
    let session = AVCaptureSession()
    /// Nil where the phone has no camera on this side.
    let device: AVCaptureDevice?

    /// One for all cameras, so that one has stopped before the next one starts.
    private static let queue = DispatchQueue(label: "camera", qos: .userInitiated)
    private let outlet: SourceOutlet
    private let output = AVCaptureVideoDataOutput()
    private var observers: [NSObjectProtocol] = []
    private var coordinator: AVCaptureDevice.RotationCoordinator?
    private var isWanted = false
    private var frameLimit: Double?

    init(_ side: CameraSide, into outlet: SourceOutlet) {
        self.outlet = outlet
        device = AVCaptureDevice.default(
            .builtInWideAngleCamera, for: .video, position: side == .front ? .front : .back)
    }

    func start() {
        Self.queue.async { self.isWanted = true }
        switch AVCaptureDevice.authorizationStatus(for: .video) {
        case .authorized: Self.queue.async { self.begin() }
        case .notDetermined:
            AVCaptureDevice.requestAccess(for: .video) { [weak self] granted in
                guard let self else { return }
                if granted { Self.queue.async { self.begin() } } else { outlet.status(.refused) }
            }
        case .restricted: outlet.status(.failed(Strings.cameraRestricted))
        default: outlet.status(.refused)
        }
    }

    func stop() {
        Self.queue.async { [self] in
            isWanted = false
            observers.forEach(NotificationCenter.default.removeObserver)
            observers = []
            output.setSampleBufferDelegate(nil, queue: nil)
            if session.isRunning { session.stopRunning() }
        }
    }

    func limit(framesPerSecond: Double?) {
        Self.queue.async { [self] in
            frameLimit = framesPerSecond
            if !session.inputs.isEmpty { applyLimit() }
        }
    }

    // MARK: On the queue

    private func begin() {
        guard isWanted else { return }
        do {
            try configure()
            applyLimit()  // not before the commit, which sets the rate back to the format's usual one
            observe()
            session.startRunning()
            outlet.status(session.isRunning ? .running : .failed(Strings.cameraDidNotStart))
        } catch {
            outlet.status(.failed(error.localizedDescription))
        }
    }

    private func configure() throws {
        guard let device else { throw DemoError(Strings.noCamera) }
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        session.sessionPreset = session.canSetSessionPreset(.vga640x480) ? .vga640x480 : .high
        let input = try AVCaptureDeviceInput(device: device)
        guard session.canAddInput(input), session.canAddOutput(output) else { throw DemoError(Strings.noCamera) }
        session.addInput(input)
        session.addOutput(output)
        output.alwaysDiscardsLateVideoFrames = true
        ask(for: kCVPixelFormatType_420YpCbCr8BiPlanarFullRange)
        output.setSampleBufferDelegate(self, queue: Self.queue)
        leaveAsTheSensorGives()
        coordinator = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: nil)
    }

    private func ask(for format: OSType) {
        let known = output.availableVideoPixelFormatTypes
        let wanted = known.contains(format) ? format : kCVPixelFormatType_32BGRA
        output.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: wanted]
    }

    private func leaveAsTheSensorGives() {
        guard let connection = output.connection(with: .video) else { return }
        if connection.isVideoRotationAngleSupported(0) { connection.videoRotationAngle = 0 }
        if connection.isVideoMirroringSupported {
            connection.automaticallyAdjustsVideoMirroring = false
            connection.isVideoMirrored = false
        }
    }

    /// The longest time between two frames that the limit allows; the format's usual one without a limit.
    private func applyLimit() {
        guard let device, (try? device.lockForConfiguration()) != nil else { return }
        defer { device.unlockForConfiguration() }
        let ranges = device.activeFormat.videoSupportedFrameRateRanges
        let limit = frameLimit.flatMap { rate in
            ranges.contains { $0.minFrameRate <= rate && rate <= $0.maxFrameRate } ? rate : nil
        }
        device.activeVideoMinFrameDuration = limit.map { CMTime(seconds: 1 / $0, preferredTimescale: 600) } ?? .invalid
    }

    // MARK: What the system tells

    private func observe() {
        let center = NotificationCenter.default
        let outlet = outlet
        let pairs: [(Notification.Name, @Sendable (Notification) -> Void)] = [
            (AVCaptureSession.wasInterruptedNotification, { outlet.status(.interrupted(Interruption($0))) }),
            (AVCaptureSession.interruptionEndedNotification, { _ in outlet.status(.running) }),
            (AVCaptureSession.runtimeErrorNotification, { [weak self] in self?.failed($0) }),
        ]
        observers = pairs.map { name, react in
            center.addObserver(forName: name, object: session, queue: nil, using: react)
        }
    }

    /// The system's media services were reset: begin again; anything else is told.
    private func failed(_ notification: Notification) {
        let error = notification.userInfo?[AVCaptureSessionErrorKey] as? AVError
        Self.queue.async { [self] in
            if error?.code == .mediaServicesWereReset, isWanted {
                session.startRunning()
            } else {
                outlet.status(.failed(error?.localizedDescription ?? Strings.cameraDidNotStart))
            }
        }
    }
}

extension CameraSource: AVCaptureVideoDataOutputSampleBufferDelegate {
    func captureOutput(_: AVCaptureOutput, didOutput sample: CMSampleBuffer, from connection: AVCaptureConnection) {
        guard let buffer = sample.imageBuffer, let timeMs = sample.timeMs else { return }
        let format = CVPixelBufferGetPixelFormatType(buffer)
        if format != kCVPixelFormatType_32BGRA && !PixelBuffer.isKnownYUV(buffer) {
            return ask(for: kCVPixelFormatType_32BGRA)  // the core's YUV rule is not for this camera's colours
        }
        let angle = Double(coordinator?.videoRotationAngleForHorizonLevelCapture ?? 0)
        let orientation = Orientation(
            rotation: Rotation(angle: angle) ?? .degrees0, mirrored: connection.isVideoMirrored)
        do {
            outlet.frame(try PixelBuffer.frame(buffer, orientation: orientation, timeMs: timeMs))
        } catch {
            outlet.status(.failed(error.localizedDescription))
        }
    }
}

extension Interruption {
    fileprivate init(_ notification: Notification) {
        let code = notification.userInfo?[AVCaptureSessionInterruptionReasonKey] as? Int
        switch code.flatMap(AVCaptureSession.InterruptionReason.init(rawValue:)) {
        case .videoDeviceInUseByAnotherClient, .audioDeviceInUseByAnotherClient: self = .inUse
        case .videoDeviceNotAvailableWithMultipleForegroundApps: self = .severalApps
        case .videoDeviceNotAvailableDueToSystemPressure: self = .pressure
        default: self = .other
        }
    }
}
