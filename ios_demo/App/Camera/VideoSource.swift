import AVFoundation
import GestureCore

/// A video of the library at its own pace, again and again; each time is a stream of its own.
final class VideoSource: FrameSource {
    var onFrame: ((CameraFrame) -> Void)?
    var onStatus: ((SourceStatus) -> Void)?
    /// Shows what the network sees.
    let layer = AVSampleBufferDisplayLayer()

    private let url: URL
    private var task: Task<Void, Never>?

    init(_ url: URL) {
        self.url = url
    }

    func start() {
        task = Task.detached(priority: .userInitiated) { [weak self] in
            do {
                while !Task.isCancelled {
                    guard let self else { return }
                    try await playOnce()
                }
            } catch is CancellationError {
                return
            } catch {
                self?.onStatus?(.failed(error.localizedDescription))
            }
        }
    }

    func stop() {
        task?.cancel()
        task = nil
    }

    private func playOnce() async throws {
        let asset = AVURLAsset(url: url)
        guard let track = try await asset.loadTracks(withMediaType: .video).first else {
            throw DemoError(Strings.noVideo)
        }
        let transform = try await track.load(.preferredTransform)
        let angle = atan2(transform.b, transform.a) * 180 / .pi
        let reader = try AVAssetReader(asset: asset)
        let output = AVAssetReaderTrackOutput(
            track: track, outputSettings: [kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA])
        guard reader.canAdd(output) else { throw DemoError(Strings.noVideo) }
        reader.add(output)
        guard reader.startReading() else { throw reader.error ?? DemoError(Strings.noVideo) }
        onStatus?(.running)
        let clock = ContinuousClock()
        let began = clock.now
        while let sample = output.copyNextSampleBuffer() {
            let time = sample.presentationTimeStamp.seconds
            try await clock.sleep(until: began + .seconds(time))
            try show(sample, time: time, rotation: Rotation(angle: angle) ?? .degrees0)
        }
        if let error = reader.error { throw error }
    }

    private func show(_ sample: CMSampleBuffer, time: Double, rotation: Rotation) throws {
        guard let buffer = sample.imageBuffer else { return }
        let frame = try PixelBuffer.frame(
            buffer, rotation: rotation, mirrored: false, timeMs: Int((time * 1000).rounded()))
        onFrame?(frame)
        display(buffer, turned: rotation)
    }

    private func display(_ buffer: CVPixelBuffer, turned: Rotation) {
        guard let shown = try? CMSampleBuffer(shownNow: buffer) else { return }
        DispatchQueue.main.async { [layer] in
            layer.setAffineTransform(CGAffineTransform(rotationAngle: Double(turned.rawValue) * .pi / 180))
            layer.sampleBufferRenderer.enqueue(shown)
        }
    }
}

extension CMSampleBuffer {
    /// A picture to be shown at once.
    fileprivate init(shownNow imageBuffer: CVPixelBuffer) throws {
        let timing = CMSampleTimingInfo(
            duration: .invalid, presentationTimeStamp: CMClockGetTime(CMClockGetHostTimeClock()),
            decodeTimeStamp: .invalid)
        let format = try CMVideoFormatDescription(imageBuffer: imageBuffer)
        try self.init(imageBuffer: imageBuffer, formatDescription: format, sampleTiming: timing)
    }
}
