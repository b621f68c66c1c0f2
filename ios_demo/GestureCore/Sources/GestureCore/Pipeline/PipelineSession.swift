/// An open model and where its stream stands; guarded by the pipeline's lock.
final class PipelineSession {
    let model: Model
    private(set) var sampler: Sampler
    /// A frame is on its way through the network.
    var isBusy = false
    /// The next frame is a first one, of which the network must know.
    private var begins = true
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

    init(_ model: Model) {
        self.model = model
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

    /// The next frame is a first one.
    func begin() {
        begins = true
        last = nil
        sampler.reset()
    }

    /// Whether the frame that was taken is a first one; only once.
    func takeBegins() -> Bool {
        defer { begins = false }
        return begins
    }
}
