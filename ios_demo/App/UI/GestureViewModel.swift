import AVFoundation
import GestureCore
import GestureLogic
import SwiftUI

/// Holds the session for the screen and tells it what the system says. On the main thread.
@MainActor
final class GestureViewModel: ObservableObject {
    @Published private(set) var content: ScreenContent
    @Published private(set) var isPaused = false
    /// What the preview shows; nil of a video.
    @Published private(set) var camera: AVCaptureSession?
    let models: [InstalledModel]
    private(set) var choice: ModelChoice?

    private let session: Session
    private var observers: [NSObjectProtocol] = []

    init() {
        let parts = PhoneParts()
        let relay = Relay()
        let pipeline = Pipeline(tracer: SignpostTracer(), onChange: { relay.tell() })
        session = Session(pipeline: pipeline, parts: parts) { work in DispatchQueue.main.async(execute: work) }
        models = ModelFiles.read().models
        content = ScreenContent(
            pipeline: pipeline.state, source: .stopped, condition: SystemCondition.now, input: session.input,
            hasModel: !models.isEmpty)
        parts.onSource = { [weak self] source in self?.camera = (source as? CameraSource)?.session }
        session.onChange = { relay.tell() }
        relay.listen { [weak self] in self?.refresh() }
        session.set(SystemCondition.now)
        watchSystem()
        if let first = models.first { choose(ModelChoice(model: first)) }
    }

    deinit {
        observers.forEach(NotificationCenter.default.removeObserver)
    }

    func choose(_ choice: ModelChoice) {
        self.choice = choice
        session.choose(choice)
    }

    func choose(video: URL) { session.choose(.video(video)) }

    func switchCamera() { session.switchCamera() }

    func retry() { session.retry() }

    func setInFront(_ isInFront: Bool) {
        session.setInFront(isInFront)
        UIApplication.shared.isIdleTimerDisabled = isInFront
    }

    func togglePause() {
        isPaused.toggle()
        if isPaused { session.pipeline.pause() } else { session.pipeline.resume() }
    }

    private func refresh() {
        content = ScreenContent(
            pipeline: session.pipeline.state, source: session.sourceStatus, condition: session.condition,
            input: session.input, hasModel: !models.isEmpty)
    }

    private func watchSystem() {
        observers = SystemCondition.changes.map { name in
            NotificationCenter.default.addObserver(forName: name, object: nil, queue: .main) { [weak self] _ in
                MainActor.assumeIsolated { self?.session.set(SystemCondition.now) }
            }
        }
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
