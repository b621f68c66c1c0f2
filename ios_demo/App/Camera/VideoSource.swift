import AVFoundation
import GestureCore
import GestureLogic

/// A video of the library at its own pace, again and again; each time is a stream of its own.
final class VideoSource: FrameSource {
    /// Shows the pictures as they are stored; `orientation` says how they are meant.
    let layer = AVSampleBufferDisplayLayer()
    /// Of the main thread.
    private(set) var orientation = Orientation(rotation: .degrees0, mirrored: false)

    private let url: URL
    private let outlet: SourceOutlet
    private var task: Task<Void, Never>?

    init(_ url: URL, into outlet: SourceOutlet) {
        self.url = url
        self.outlet = outlet
    }

    func start() {
        task = Task.detached(priority: .userInitiated) { [weak self, outlet] in
            do {
                while !Task.isCancelled {
                    guard let self else { return }
                    try await playOnce()
                }
            } catch is CancellationError {
                return
            } catch {
                outlet.status(.failed(error.localizedDescription))
            }
        }
    }

    func stop() {
        task?.cancel()
        task = nil
    }

    /// A video keeps its pace: fewer frames would be another video.
    func limit(framesPerSecond: Double?) {}

    private func playOnce() async throws {
        let asset = AVURLAsset(url: url)
        guard let track = try await asset.loadTracks(withMediaType: .video).first else {
            throw DemoError(Strings.noVideo)
        }
        let meant = try await track.load(.preferredTransform)
        guard let orientation = Orientation(a: meant.a, b: meant.b, c: meant.c, d: meant.d) else {
            throw DemoError(Strings.noVideo)
        }
        let reader = try AVAssetReader(asset: asset)
        let output = AVAssetReaderTrackOutput(
            track: track, outputSettings: [kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA])
        guard reader.canAdd(output) else { throw DemoError(Strings.noVideo) }
        reader.add(output)
        guard reader.startReading() else { throw reader.error ?? DemoError(Strings.noVideo) }
        outlet.status(.running)
        let clock = ContinuousClock()
        let began = clock.now
        while let sample = output.copyNextSampleBuffer() {
            let time = sample.presentationTimeStamp.seconds
            try await clock.sleep(until: began + .seconds(time))
            try show(sample, time: time, orientation)
        }
        if let error = reader.error { throw error }
    }

    private func show(_ sample: CMSampleBuffer, time: Double, _ orientation: Orientation) throws {
        guard let buffer = sample.imageBuffer else { return }
        outlet.frame(try PixelBuffer.frame(buffer, orientation: orientation, timeMs: Int((time * 1000).rounded())))
        guard let shown = try? CMSampleBuffer(shownNow: buffer) else { return }
        DispatchQueue.main.async { [self] in
            if self.orientation != orientation {
                self.orientation = orientation
                layer.superlayer?.setNeedsLayout()
            }
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
