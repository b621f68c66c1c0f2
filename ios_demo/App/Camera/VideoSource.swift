@preconcurrency import AVFoundation
import GestureCore
import GestureLogic

/// A video of the library at its own pace, again and again; each time is a stream of its own.
///
/// `task` belongs to the session's thread, which is the main one, as the layer does.
final class VideoSource: FrameSource, @unchecked Sendable {
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
        var isEmpty = true
        while let sample = output.copyNextSampleBuffer() {
            // a reader also gives marks without a picture or a time
            guard let buffer = sample.imageBuffer, let timeMs = sample.timeMs else { continue }
            isEmpty = false
            try await clock.sleep(until: began + .milliseconds(timeMs))
            try show(buffer, timeMs: timeMs, orientation)
        }
        if let error = reader.error { throw error }
        if isEmpty { throw DemoError(Strings.noVideo) }
    }

    private func show(_ buffer: CVPixelBuffer, timeMs: Int, _ orientation: Orientation) throws {
        outlet.frame(try PixelBuffer.frame(buffer, orientation: orientation, timeMs: timeMs))
        guard let shown = try? CMSampleBuffer.shownNow(buffer) else { return }
        DispatchQueue.main.async { [self] in
            if self.orientation != orientation {
                self.orientation = orientation
                layer.superlayer?.setNeedsLayout()
            }
            let renderer = layer.sampleBufferRenderer
            if renderer.status == .failed { renderer.flush() }
            renderer.enqueue(shown)
        }
    }
}

extension CMSampleBuffer {
    /// When it was taken, in milliseconds; nil where it does not tell.
    var timeMs: Int? {
        let time = presentationTimeStamp
        return time.isNumeric ? Int((time.seconds * 1000).rounded()) : nil
    }

    /// A picture to be shown at once. No initialiser: an extension cannot add one to a Core Foundation type.
    fileprivate static func shownNow(_ imageBuffer: CVPixelBuffer) throws -> CMSampleBuffer {
        let timing = CMSampleTimingInfo(
            duration: .invalid, presentationTimeStamp: CMClockGetTime(CMClockGetHostTimeClock()),
            decodeTimeStamp: .invalid)
        let format = try CMVideoFormatDescription(imageBuffer: imageBuffer)
        return try CMSampleBuffer(imageBuffer: imageBuffer, formatDescription: format, sampleTiming: timing)
    }
}
