import Foundation

/// A camera's frames -> gestures.
///
/// `offer` preprocesses a due frame on the camera's thread, so that its buffer is free at once, and hands the tensor to
/// the executor for inference and postprocessing. While that is busy, due frames are dropped; there is no queue. The
/// stream begins anew after `reset`, another model, a frame of another size or rotation, and a time that goes back; a
/// frame of an older stream that is still on its way is dropped then. Errors end in `Status.failed`. All functions may
/// be called from any thread.
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
    public var state: PipelineState { locked { book.snapshot(at: clock.nanoseconds()) } }

    // MARK: Models

    /// Opens another model in place of the one before; the first frame after it begins a stream.
    public func open(_ source: ModelSource) {
        let (number, before): (Int, PipelineSession?) = locked {
            self.source = source
            defer { session = nil }
            opened += 1
            book.begin()
            return (opened, session)
        }
        onChange()
        executor.execute { [self] in
            if let before { end(before) }
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
            session = PipelineSession(model, number: opened)
            book.running(model, paused: wantsPause)
        case .failure(let error):
            book.fail(error)
        }
    }

    // MARK: Frames

    /// Offers a frame; its buffer is not used any more when this returns.
    @discardableResult
    public func offer(_ frame: CameraFrame) -> Offer {
        let (offer, ticket) = locked { admit(frame) }
        if let ticket { process(frame, ticket) }
        return offer
    }

    private func admit(_ frame: CameraFrame) -> (Offer, Ticket?) {
        guard let session, book.state.status == .running else { return (.refused, nil) }
        book.offered(at: clock.nanoseconds())
        let offer = session.admit(frame)
        book.count(offer, missed: session.sampler.missed)
        let ticket = Ticket(session: session, stream: session.stream, timeMs: frame.timeMs)
        return (offer, offer == .taken ? ticket : nil)
    }

    private func process(_ frame: CameraFrame, _ ticket: Ticket) {
        do {
            let tensor = try timed(.preprocess, ticket) { try ticket.session.model.preprocessor.tensor(of: frame) }
            executor.execute { [self] in infer(tensor, ticket) }
        } catch {
            fail(error, ticket)
        }
    }

    private func infer(_ tensor: Tensor, _ ticket: Ticket) {
        let (session, model) = (ticket.session, ticket.session.model)
        guard isCurrent(ticket) else { return drop(ticket) }
        do {
            try restart(session, ticket.stream)
            let logits = try timed(.inference, ticket) { try model.runner.run(tensor) }
            guard isCurrent(ticket) else { return drop(ticket) }
            let events = try timed(.postprocess, ticket) {
                try model.postprocessor.step(logits, timeMs: ticket.timeMs)
            }
            finish(events, session) { book in
                book.processed(ticket.timeMs, model.postprocessor, at: clock.nanoseconds())
                session.isBusy = false
            }
        } catch {
            fail(error, ticket)
        }
    }

    private func isCurrent(_ ticket: Ticket) -> Bool {
        locked { ticket.session === session && ticket.stream == ticket.session.stream }
    }

    /// A frame of a stream that is over.
    private func drop(_ ticket: Ticket) {
        locked { ticket.session.isBusy = false }
    }

    /// On the executor: where another stream begins, the gesture that lasts ends and the network forgets.
    private func restart(_ session: PipelineSession, _ stream: Int) throws {
        guard session.running != stream else { return }
        end(session)
        try session.model.runner.reset()
        session.running = stream
    }

    /// On the executor: ends the gesture that lasts.
    private func end(_ session: PipelineSession) {
        finish(session.model.postprocessor.reset(), session) { $0.forget() }
    }

    /// Tells of events; the book keeps those of the newest model only.
    private func finish(
        _ events: [GestureEvent], _ session: PipelineSession, _ note: (inout PipelineBook) -> Void
    ) {
        locked {
            guard session.number == opened else { return }
            book.keep(events, at: clock.nanoseconds())
            note(&book)
        }
        events.forEach(onEvent)
        onChange()
    }

    /// What fails for a stream that is over harms nobody: the next frame tells whether the model works.
    private func fail(_ error: Error, _ ticket: Ticket) {
        guard isCurrent(ticket) else { return drop(ticket) }
        locked {
            session = nil
            book.fail(error)
        }
        onChange()
        executor.execute { [self] in end(ticket.session) }
    }

    // MARK: Streams

    /// The stream was lost (camera gone, another video): the next frame is a first one.
    public func reset() {
        let begun: Ticket? = locked {
            session?.begin()
            return session.map { Ticket(session: $0, stream: $0.stream, timeMs: 0) }
        }
        guard let begun else { return }
        executor.execute { [self] in
            guard isCurrent(begun) else { return }
            do { try restart(begun.session, begun.stream) } catch { fail(error, begun) }
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

    private func timed<Result>(_ stage: Stage, _ ticket: Ticket, _ work: () throws -> Result) rethrows -> Result {
        tracer?.begin(stage)
        defer { tracer?.end(stage) }
        let started = clock.nanoseconds()
        let result = try work()
        let milliseconds = Double(clock.nanoseconds() - started) / 1e6
        locked {
            if ticket.session === session { book.took(stage, milliseconds: milliseconds) }
        }
        return result
    }

    private func locked<Result>(_ work: () -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return work()
    }
}
