import AVFoundation
import GestureCore
import GestureLogic

/// A camera's video output (not stills). Frames that come while one is looked at are dropped by the system.
///
/// The buffers come as the sensor gives them, neither turned nor mirrored; the frame says how it lies.
final class CameraSource: NSObject, FrameSource {
    var onFrame: ((CameraFrame) -> Void)?
    var onStatus: ((SourceStatus) -> Void)?
    let session = AVCaptureSession()

    private let side: CameraSide
    private let queue = DispatchQueue(label: "camera", qos: .userInitiated)
    private let output = AVCaptureVideoDataOutput()
    private var observers: [NSObjectProtocol] = []
    private var coordinator: AVCaptureDevice.RotationCoordinator?
    private var isWanted = false

    init(_ side: CameraSide) {
        self.side = side
    }

    func start() {
        switch AVCaptureDevice.authorizationStatus(for: .video) {
        case .authorized: queue.async { self.begin() }
        case .notDetermined:
            AVCaptureDevice.requestAccess(for: .video) { [weak self] granted in
                guard let self else { return }
                if granted { queue.async { self.begin() } } else { onStatus?(.refused) }
            }
        default: onStatus?(.refused)
        }
    }

    func stop() {
        queue.async { [self] in
            isWanted = false
            observers.forEach(NotificationCenter.default.removeObserver)
            observers = []
            output.setSampleBufferDelegate(nil, queue: nil)
            if session.isRunning { session.stopRunning() }
        }
    }

    // MARK: On the queue

    private func begin() {
        do {
            try configure()
            isWanted = true
            observe()
            session.startRunning()
            onStatus?(session.isRunning ? .running : .failed(Strings.cameraDidNotStart))
        } catch {
            onStatus?(.failed("\(error)"))
        }
    }

    private func configure() throws {
        let position: AVCaptureDevice.Position = side == .front ? .front : .back
        guard let device = AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: position) else {
            throw DemoError(Strings.noCamera)
        }
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        session.inputs.forEach(session.removeInput)
        session.sessionPreset = session.canSetSessionPreset(.vga640x480) ? .vga640x480 : .high
        let input = try AVCaptureDeviceInput(device: device)
        guard session.canAddInput(input) else { throw DemoError(Strings.noCamera) }
        session.addInput(input)
        if !session.outputs.contains(output) {
            guard session.canAddOutput(output) else { throw DemoError(Strings.noCamera) }
            session.addOutput(output)
        }
        output.alwaysDiscardsLateVideoFrames = true
        ask(for: kCVPixelFormatType_420YpCbCr8BiPlanarFullRange)
        output.setSampleBufferDelegate(self, queue: queue)
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

    private func observe() {
        let center = NotificationCenter.default
        let pairs: [(Notification.Name, (Notification) -> Void)] = [
            (AVCaptureSession.wasInterruptedNotification, { [weak self] _ in self?.onStatus?(.interrupted) }),
            (AVCaptureSession.interruptionEndedNotification, { [weak self] _ in self?.onStatus?(.running) }),
            (AVCaptureSession.runtimeErrorNotification, { [weak self] in self?.failed($0) }),
        ]
        observers = pairs.map { name, react in
            center.addObserver(forName: name, object: session, queue: nil, using: react)
        }
    }

    /// The system's media services were reset: begin again; anything else is told.
    private func failed(_ notification: Notification) {
        let error = notification.userInfo?[AVCaptureSessionErrorKey] as? AVError
        queue.async { [self] in
            if error?.code == .mediaServicesWereReset, isWanted {
                session.startRunning()
            } else {
                onStatus?(.failed(error?.localizedDescription ?? Strings.cameraDidNotStart))
            }
        }
    }
}

extension CameraSource: AVCaptureVideoDataOutputSampleBufferDelegate {
    func captureOutput(_: AVCaptureOutput, didOutput sample: CMSampleBuffer, from connection: AVCaptureConnection) {
        guard let buffer = sample.imageBuffer else { return }
        let format = CVPixelBufferGetPixelFormatType(buffer)
        if format != kCVPixelFormatType_32BGRA && !PixelBuffer.isKnownYUV(buffer) {
            return ask(for: kCVPixelFormatType_32BGRA)  // the core's YUV rule is not for this camera's colours
        }
        let angle = coordinator?.videoRotationAngleForHorizonLevelCapture ?? 0
        let time = sample.presentationTimeStamp.seconds
        do {
            onFrame?(
                try PixelBuffer.frame(
                    buffer, rotation: Rotation(angle: angle) ?? .degrees0, mirrored: connection.isVideoMirrored,
                    timeMs: Int((time * 1000).rounded())))
        } catch {
            onStatus?(.failed("\(error)"))
        }
    }
}
