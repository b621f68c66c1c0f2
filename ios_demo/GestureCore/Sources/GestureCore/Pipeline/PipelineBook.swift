import Foundation

/// Keeps the account that the screen sees; guarded by the pipeline's lock.
struct PipelineBook {
    private static let shownGestures = 20

    private(set) var state = PipelineState()
    private var gestures = 0
    private var times = StageTimes()
    private var cameraRate = RateMeter()
    private var networkRate = RateMeter()

    /// The state as it is to be seen at a time of the clock.
    func snapshot(at nanoseconds: UInt64) -> PipelineState {
        var seen = state
        seen.nowNs = nanoseconds
        seen.cameraRate = cameraRate.rate(at: nanoseconds)
        seen.networkRate = networkRate.rate(at: nanoseconds)
        return seen
    }

    /// A model is being opened; what was shown of the one before is of no use.
    mutating func begin() {
        let revision = state.revision
        state = PipelineState()
        state.revision = revision
        times = StageTimes()
        cameraRate = RateMeter()
        networkRate = RateMeter()
        status(.loading)
    }

    mutating func running(_ model: Model, paused: Bool) {
        state.labels = model.runner.contract.labels
        state.runtime = model.runner.runtime
        status(paused ? .paused : .running)
    }

    mutating func status(_ status: Status) {
        state.status = status
        state.revision += 1
    }

    mutating func fail(_ error: Error) {
        status(.failed((error as? LocalizedError)?.errorDescription ?? String(describing: error)))
    }

    mutating func offered(at nanoseconds: UInt64) {
        state.counts.offered += 1
        cameraRate.tick(nanoseconds)
        state.revision += 1
    }

    mutating func count(_ offer: Offer, missed: Int) {
        if offer == .early { state.counts.early += 1 }
        if offer == .behind { state.counts.dropped += 1 }
        state.counts.missed = missed
    }

    mutating func took(_ stage: Stage, milliseconds: Double) {
        times.add(stage, milliseconds: milliseconds)
        state.timings = times.percentiles
    }

    mutating func processed(_ timeMs: Int, _ postprocessor: Postprocessor, at nanoseconds: UInt64) {
        state.counts.processed += 1
        state.timeMs = timeMs
        state.warning = postprocessor.warning
        networkRate.tick(nanoseconds)
        state.scores = postprocessor.scores ?? []
        state.revision += 1
    }

    /// The stream is over: what was said of its last frame does not hold any more.
    mutating func forget() {
        state.scores = []
        state.warning = nil
        state.revision += 1
    }

    mutating func keep(_ events: [GestureEvent], at nanoseconds: UInt64) {
        for event in events {
            switch event.kind {
            case .begin:
                gestures += 1
                let gesture = Gesture(
                    number: gestures, label: event.label, beginMs: event.timeMs, beganNs: nanoseconds,
                    confidence: event.confidence)
                state.history = Array(([gesture] + state.history).prefix(Self.shownGestures))
            case .end:
                guard !state.history.isEmpty else { continue }
                state.history[0].endMs = event.timeMs
                state.history[0].endedNs = nanoseconds
            }
        }
    }
}
