import AVFoundation
import GestureCore
import GestureLogic
import SwiftUI

/// Holds the session for the screen and tells it what the system says. On the main thread.
@MainActor
final class GestureViewModel: ObservableObject {
    @Published private(set) var content: ScreenContent
    @Published private(set) var choice: ModelChoice?
    /// What the preview shows.
    @Published private(set) var source: FrameSource?
    let models: ModelFolder

    private let session: Session
    private let parts = PhoneParts()
    private var watch: SystemWatch?

    init() {
        let relay = Relay()
        let pipeline = Pipeline(tracer: SignpostTracer(), onChange: { relay.tell() })
        let session = Session(pipeline: pipeline, parts: parts) { work in
            DispatchQueue.main.async(execute: DispatchWorkItem(block: work))
        }
        let models = ModelFiles.read()
        self.session = session
        self.models = models
        content = ScreenContent(session: session, models: models)
        parts.onSource = { [weak self] source in self?.source = source }
        session.onChange = { relay.tell() }
        relay.listen { [weak self] in self?.refresh() }
        session.set(SystemCondition.now)
        watch = SystemWatch { [weak self] in self?.session.set(SystemCondition.now) }
        if let first = models.models.first { choose(ModelChoice(model: first)) }
    }

    /// The artefact's file name, for the picker.
    var chosenName: String {
        get { choice?.model.id ?? "" }
        set {
            guard let model = models.models.first(where: { $0.id == newValue }) else { return }
            choose(ModelChoice(model: model, computeUnits: computeUnits))
        }
    }

    var computeUnits: ComputeUnits {
        get { choice?.computeUnits ?? .all }
        set { if let choice { choose(ModelChoice(model: choice.model, computeUnits: newValue)) } }
    }

    func choose(video: URL) { session.choose(Input.video(video)) }

    func switchCamera() { session.switchCamera() }

    func retry() { session.retry() }

    func togglePause() { session.setPaused(!session.isPaused) }

    func enter(_ phase: AppPhase) { session.enter(phase) }

    private func choose(_ choice: ModelChoice) {
        self.choice = choice
        session.choose(choice)
    }

    private func refresh() {
        let now = ScreenContent(session: session, models: models)
        if now != content { content = now }
        UIApplication.shared.isIdleTimerDisabled = session.keepsScreenOn
    }
}

/// Joins many changes of other threads into one refresh of the screen.
private final class Relay: @unchecked Sendable {
    private let lock = NSLock()
    private var isDue = false
    private var refresh: @MainActor () -> Void = {}

    func listen(_ refresh: @escaping @MainActor () -> Void) {
        lock.withLock { self.refresh = refresh }
    }

    func tell() {
        let wasDue = lock.withLock {
            defer { isDue = true }
            return isDue
        }
        if wasDue { return }
        DispatchQueue.main.async { [self] in
            let refresh = lock.withLock {
                isDue = false
                return self.refresh
            }
            MainActor.assumeIsolated { refresh() }
        }
    }
}
