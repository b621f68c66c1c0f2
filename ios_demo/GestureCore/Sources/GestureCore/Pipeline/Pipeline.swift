import Foundation

/// A camera's frames -> gestures.
///
/// `offer` preprocesses a due frame on the camera's thread, so that its buffer is free at once, and hands the tensor to
/// the executor for inference and postprocessing. While that is busy, due frames are dropped; there is no queue. The
/// stream begins anew after `reset`, another model, a frame of another size or rotation, and a time that goes back.
/// Errors end in `Status.failed`. All functions may be called from any thread.
///
/// `onEvent` gets each begin and end on the executor; `onChange` is told that `state` would show something new. It must
/// be quick.
public final class Pipeline: @unchecked Sendable {
    private let executor: WorkExecutor
    private let clock: MonotonicClock
    private let tracer: StageTracer?
    private let onEvent: (GestureEvent) -> Void
    private let onChange: () -> Void

    private let lock = NSLock()
    private var book = PipelineBook()
    /// Of the model that is open; nil while there is none.
    private var session: PipelineSession?
    private var source: ModelSource?
    /// Only the newest `open` counts.
    private var opened = 0
    private var wantsPause = false

    public init(
        executor: WorkExecutor = WorkerQueue(), clock: MonotonicClock = SystemClock(), tracer: StageTracer? = nil,
        onEvent: @escaping (GestureEvent) -> Void = { _ in }, onChange: @escaping () -> Void = {}
    ) {
        self.executor = executor
        self.clock = clock
        self.tracer = tracer
        self.onEvent = onEvent
        self.onChange = onChange
    }

    /// What to show now.
    public var state: PipelineState { locked { book.state } }

    // MARK: Models

    /// Opens another model in place of the one before; the first frame after it begins a stream.
    public func open(_ source: ModelSource) {
        let number: Int = locked {
            self.source = source
            session = nil
            opened += 1
            book.begin()
            return opened
        }
        onChange()
        executor.execute { [self] in
            let result = Result { try source.open() }
            let isNewest: Bool = locked {
                guard number == opened else { return false }
                install(result)
                return true
            }
            if isNewest { onChange() }
        }
    }

    /// Tries a failed model again from its source.
    public func retry() {
        let again: ModelSource? = locked {
            if case .failed = book.state.status { return source }
            return nil
        }
        if let again { open(again) }
    }

    private func install(_ result: Result<Model, Error>) {
        switch result {
        case .success(let model):
            session = PipelineSession(model)
            book.running(model, paused: wantsPause)
        case .failure(let error):
            book.fail(error)
        }
    }

    // MARK: Frames

    /// Offers a frame; its buffer is not used any more when this returns.
    @discardableResult
    public func offer(_ frame: CameraFrame) -> Offer {
        let (offer, taken) = locked { admit(frame) }
        if let taken { process(frame, taken) }
        return offer
    }

    private func admit(_ frame: CameraFrame) -> (Offer, PipelineSession?) {
        guard let session, book.state.status == .running else { return (.refused, nil) }
        book.offered(at: clock.nanoseconds())
        let offer = session.admit(frame)
        book.count(offer, missed: session.sampler.missed)
        return (offer, offer == .taken ? session : nil)
    }

    private func process(_ frame: CameraFrame, _ session: PipelineSession) {
        do {
            let tensor = try timed(.preprocess) { try session.model.preprocessor.tensor(of: frame) }
            let (timeMs, first) = (frame.timeMs, locked { session.takeBegins() })
            executor.execute { [self] in
                infer(tensor, timeMs, first, session)
            }
        } catch {
            fail(error, session)
        }
    }

    private func infer(_ tensor: Tensor, _ timeMs: Int, _ isFirst: Bool, _ session: PipelineSession) {
        do {
            if isFirst { try forget(session) }
            let logits = try timed(.inference) { try session.model.runner.run(tensor) }
            let events = try timed(.postprocess) {
                try session.model.postprocessor.step(logits, timeMs: timeMs)
            }
            finish(events, session) { book, model in
                book.processed(timeMs, model.postprocessor, at: clock.nanoseconds())
                session.isBusy = false
            }
        } catch {
            fail(error, session)
        }
    }

    /// On the executor: ends what is active, and the network forgets.
    private func forget(_ session: PipelineSession) throws {
        finish(session.model.postprocessor.reset(), session) { book, _ in book.top([]) }
        try session.model.runner.reset()
    }

    private func finish(
        _ events: [GestureEvent], _ session: PipelineSession, _ note: (inout PipelineBook, Model) -> Void
    ) {
        let isOpen: Bool = locked {
            guard session === self.session else { return false }
            book.keep(events)
            note(&book, session.model)
            return true
        }
        guard isOpen else { return }
        events.forEach(onEvent)
        onChange()
    }

    private func fail(_ error: Error, _ session: PipelineSession) {
        let isOpen: Bool = locked {
            guard session === self.session else { return false }
            self.session = nil
            book.fail(error)
            return true
        }
        if isOpen { onChange() }
    }

    // MARK: Streams

    /// The stream was lost (camera gone, another video): the next frame is a first one.
    public func reset() {
        guard let session = locked({ session }) else { return }
        locked { session.begin() }
        executor.execute { [self] in
            do { try forget(session) } catch { fail(error, session) }
        }
    }

    /// Refuses frames, and begins anew on `resume`.
    public func pause() {
        locked {
            wantsPause = true
            if book.state.status == .running { book.status(.paused) }
        }
        reset()
        onChange()
    }

    public func resume() {
        locked {
            wantsPause = false
            if book.state.status == .paused { book.status(.running) }
        }
        onChange()
    }

    // MARK: Help

    private func timed<Result>(_ stage: Stage, _ work: () throws -> Result) rethrows -> Result {
        tracer?.begin(stage)
        defer { tracer?.end(stage) }
        let started = clock.nanoseconds()
        let result = try work()
        let milliseconds = Double(clock.nanoseconds() - started) / 1e6
        locked { book.took(stage, milliseconds: milliseconds) }
        return result
    }

    private func locked<Result>(_ work: () -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return work()
    }
}
