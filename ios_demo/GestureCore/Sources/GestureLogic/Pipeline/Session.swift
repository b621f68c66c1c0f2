import Foundation
import GestureCore

/// Makes what needs the phone's frameworks.
public protocol SessionParts: AnyObject {
    /// - Parameter outlet: where its frames and news go.
    func source(of input: Input, into outlet: SourceOutlet) -> FrameSource
    func model(of choice: ModelChoice) -> ModelSource
}

/// How the system shows the app.
public enum AppPhase: Sendable {
    case active
    /// A call, Control Centre or another window lies over it.
    case inactive
    case background

    /// The camera stays with an app that is only covered for a moment.
    var isInFront: Bool { self != .background }
}

/// Joins source, pipeline and the system's wishes: what runs when. One thread at a time, the main one in the app.
///
/// Frames flow while the app is in front and the phone is not too hot; they reach the network unless the person paused
/// it. The stream begins anew with each source, after an interruption and after a pause.
public final class Session {
    public let pipeline: Pipeline
    public private(set) var input: Input
    public private(set) var choice: ModelChoice?
    public private(set) var sourceStatus = SourceStatus.stopped
    public private(set) var condition = DeviceCondition()
    /// By the person; the picture goes on.
    public private(set) var isPaused = false
    /// Told after each change of what is above, on the thread that made it.
    public var onChange: () -> Void = {}

    private let parts: SessionParts
    /// Brings what a source tells to the session's thread.
    private let onOwnThread: (@escaping () -> Void) -> Void
    private var source: FrameSource?
    private var outlet: SourceOutlet?
    /// Sources so far.
    private var made = 0
    private var isInFront = false

    public init(
        pipeline: Pipeline, parts: SessionParts, input: Input = .camera(.front),
        onOwnThread: @escaping (@escaping () -> Void) -> Void
    ) {
        self.pipeline = pipeline
        self.parts = parts
        self.input = input
        self.onOwnThread = onOwnThread
    }

    /// The screen must not fall asleep: gestures are being looked for.
    public var keepsScreenOn: Bool {
        mayRun && !isPaused && sourceStatus == .running && pipeline.state.status == .running
    }

    // MARK: What the person does

    public func choose(_ choice: ModelChoice) {
        guard choice != self.choice else { return }
        self.choice = choice
        pipeline.open(parts.model(of: choice))
        onChange()
    }

    public func choose(_ input: Input) {
        guard input != self.input else { return }
        self.input = input
        replaceSource()
    }

    /// Front to back and back; from a video to the front camera.
    public func switchCamera() {
        if case .camera(let side) = input {
            choose(Input.camera(side.other))
        } else {
            choose(Input.camera(.front))
        }
    }

    /// After an error: the model is opened again, the source begins again.
    public func retry() {
        pipeline.retry()
        if case .failed = sourceStatus { replaceSource() }
    }

    public func setPaused(_ isPaused: Bool) {
        guard isPaused != self.isPaused else { return }
        self.isPaused = isPaused
        settle()
    }

    // MARK: What the system does

    /// The app comes to the front or goes behind others.
    public func enter(_ phase: AppPhase) {
        guard phase.isInFront != isInFront else { return }
        isInFront = phase.isInFront
        if isInFront { pipeline.retry() }  // what failed behind, where the system refuses the GPU, may work now
        settle()
    }

    public func set(_ condition: DeviceCondition) {
        guard condition != self.condition else { return }
        self.condition = condition
        source?.limit(framesPerSecond: condition.frameLimit)
        settle()
    }

    // MARK: Inside

    private var mayRun: Bool { isInFront && !condition.mustRest }

    /// Starts or stops by what holds now.
    private func settle() {
        if mayRun && !isPaused { pipeline.resume() } else { pipeline.pause() }
        if !mayRun {
            stopSource()
        } else if source == nil {
            return replaceSource()
        }
        onChange()
    }

    private func stopSource() {
        outlet?.close()
        source?.stop()
        (source, outlet) = (nil, nil)
        sourceStatus = .stopped
    }

    private func replaceSource() {
        stopSource()
        pipeline.reset()
        guard mayRun else { return onChange() }
        made += 1
        let outlet = SourceOutlet(
            onFrame: { [pipeline] frame in pipeline.offer(frame) },
            onStatus: { [weak self, made] status in self?.onOwnThread { self?.heard(status, from: made) } })
        let source = parts.source(of: input, into: outlet)
        (self.source, self.outlet) = (source, outlet)
        source.limit(framesPerSecond: condition.frameLimit)
        source.start()
        onChange()
    }

    /// News that were on their way when their source was replaced do not count.
    private func heard(_ status: SourceStatus, from number: Int) {
        guard number == made, source != nil else { return }
        if status != .running { pipeline.reset() }
        sourceStatus = status
        onChange()
    }
}
