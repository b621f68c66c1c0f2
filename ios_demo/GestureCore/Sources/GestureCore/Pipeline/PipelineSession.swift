/// An open model and where its stream stands; guarded by the pipeline's lock.
final class PipelineSession {
    let model: Model
    /// Of the `open` that it came of.
    let number: Int
    private(set) var sampler: Sampler
    /// The number of the stream that frames belong to now.
    private(set) var stream = 1
    /// The stream that the network remembers. Of the executor.
    var running = 0
    /// A frame is on its way through the network.
    var isBusy = false
    private var last: Seen?

    /// What must not change within a stream.
    private struct Seen {
        let width: Int
        let height: Int
        let rotation: Rotation
        let mirrored: Bool
        let timeMs: Int

        init(_ frame: CameraFrame) {
            width = frame.width
            height = frame.height
            rotation = frame.rotation
            mirrored = frame.mirrored
            timeMs = frame.timeMs
        }

        func isFollowed(by next: Seen) -> Bool {
            (width, height, rotation) == (next.width, next.height, next.rotation) && mirrored == next.mirrored
                && next.timeMs > timeMs
        }
    }

    init(_ model: Model, number: Int) {
        self.model = model
        self.number = number
        sampler = Sampler(rate: model.framesPerSecond)
    }

    /// Whether a frame goes to the network.
    func admit(_ frame: CameraFrame) -> Offer {
        let seen = Seen(frame)
        if let last, !last.isFollowed(by: seen) { begin() }
        last = seen
        guard sampler.isDue(frame.timeMs) else { return .early }
        if isBusy { return .behind }
        sampler.take(frame.timeMs)
        isBusy = true
        return .taken
    }

    /// The next frame is the first one of another stream.
    func begin() {
        stream += 1
        last = nil
        sampler.reset()
    }
}

/// A frame that was taken: whose it is, and of which stream.
struct Ticket {
    let session: PipelineSession
    let stream: Int
    let timeMs: Int
}
