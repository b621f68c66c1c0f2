package org.sthmobile.gesture.core.pipeline

import org.sthmobile.gesture.core.camera.FrameException
import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.postprocess.EventSink
import org.sthmobile.gesture.core.postprocess.Thresholds
import org.sthmobile.gesture.core.postprocess.topLabels
import org.sthmobile.gesture.core.runner.Runner
import java.io.Closeable
import java.util.concurrent.Executor

/**
 * What the pipeline runs: a loaded artefact and its thresholds (null: scores but no events).
 *
 * [framesPerSecond] is how fast frames go to the network; the contract says it for a stream, the app for a clip.
 */
class Model(
    val runner: Runner,
    val thresholds: Thresholds?,
    val framesPerSecond: Double = runner.contract.framesPerSecond,
)

/** Opens a model; it runs on the pipeline's executor, since it may take seconds, and may throw. */
fun interface ModelSource {
    fun open(): Model
}

/** Nanoseconds that never go back. */
fun interface Clock {
    fun nanoseconds(): Long
}

/** Called on whatever thread changed something; must be quick and must not call the pipeline, but for `state`. */
fun interface ChangeListener {
    fun onChange()
}

/**
 * A camera's frames -> gestures.
 *
 * [offer] preprocesses a due frame on the camera's thread, so that its image can be closed at once, and hands it to
 * [executor] (one thread, see [WorkerThread]) for inference and postprocessing. While that is busy, due frames are
 * dropped; there is no queue. The stream begins anew after [reset], another model, a frame of another size or rotation,
 * and a timestamp that goes back. A frame that cannot be read is the source's fault and harms no model; exceptions of a
 * runner end in [Status.FAILED]. All functions may be called from any
 * thread.
 *
 * [events] gets each begin and end on the executor's thread; [changes] is told that [state] would show something new.
 */
class Pipeline(
    private val executor: Executor,
    private val clock: Clock = Clock { System.nanoTime() },
    private val events: EventSink = EventSink { },
    private val changes: ChangeListener = ChangeListener { },
) : Closeable {
    private val turn = Runnable { turn() }

    // What follows belongs to whoever holds the lock, but for what `Session` says of itself.
    private val lock = Any()
    private val log = GestureLog(clock)
    private val continuity = Continuity()
    private var progress = Progress()
    private var source: ModelSource? = null
    private var opening: ModelSource? = null
    private var session: Session? = null
    private var stream = 0L
    private var scheduled = false
    private var paused = false
    private var closed = false
    private var failure: String? = null
    private var frameFault: String? = null
    private var revision = 0L

    private val status: Status
        get() =
            when {
                failure != null -> Status.FAILED
                opening != null -> Status.LOADING
                session == null -> Status.EMPTY
                paused -> Status.PAUSED
                else -> Status.RUNNING
            }

    /** Opens another model, closing the one before; the first frame after it begins a stream. */
    fun open(source: ModelSource) {
        synchronized(lock) {
            if (closed) return
            this.source = source
            opening = source
            failure = null
            beginStream()
        }
        schedule()
        changes.onChange()
    }

    /** Tries a failed model again from its source. */
    fun retry() {
        val again = synchronized(lock) { if (failure == null) null else source }
        if (again != null) open(again)
    }

    /** Offers a frame; it is not used any more when this returns. Never throws. */
    fun offer(frame: YuvFrame): Offer {
        val taken: Session
        synchronized(lock) {
            progress.offered++
            progress.camera.tick(clock.nanoseconds())
            val open = session
            if (open == null || status != Status.RUNNING) return Offer.REFUSED
            if (continuity.breaks(frame)) beginStream()
            val timeMs = milliseconds(frame.timestampNs)
            if (!open.sampler.isDue(timeMs)) {
                progress.early++
                return Offer.EARLY
            }
            if (open.busy) {
                progress.dropped++
                return Offer.BEHIND
            }
            open.sampler.take(timeMs)
            open.begin(timeMs, stream)
            taken = open
        }
        return preprocess(taken, frame)
    }

    /** The stream was lost (camera gone, another video): a gesture that lasts ends, and the next frame is a first one. */
    fun reset() {
        synchronized(lock) {
            frameFault = null
            beginStream()
        }
        schedule()
        changes.onChange()
    }

    /** Refuses frames, and begins anew on [resume]. */
    fun pause() {
        synchronized(lock) { paused = true }
        reset()
    }

    fun resume() {
        synchronized(lock) {
            paused = false
            revision++
        }
        changes.onChange()
    }

    /** What to show now; makes a new object, so ask at the screen's pace. */
    fun state(): PipelineState =
        synchronized(lock) {
            val open = session
            val scores = open?.scores
            val now = clock.nanoseconds()
            PipelineState(
                revision = revision,
                status = status,
                message = failure,
                frameFault = frameFault,
                runtime = open?.runner?.runtime,
                labels = open?.labels.orEmpty(),
                top = if (scores == null) emptyList() else topLabels(scores, TOP).map { Score(it, scores[it]) },
                active = log.active,
                history = log.history(),
                nowNs = now,
                warning = open?.warning(),
                timings = progress.timings(),
                counts = progress.counts(open?.sampler?.missed ?: 0),
                cameraRate = progress.camera.rate(now),
                networkRate = progress.network.rate(now),
            )
        }

    /** Closes the model, on the executor; the pipeline is of no use afterwards. */
    override fun close() {
        synchronized(lock) {
            closed = true
            opening = null
        }
        schedule()
    }

    /** What went before does not count on. With the lock held. */
    private fun beginStream() {
        stream++
        revision++
        session?.sampler?.reset()
    }

    private fun schedule() {
        synchronized(lock) {
            if (scheduled) return
            scheduled = true
        }
        executor.execute(turn)
    }

    /** On the camera's thread, which owns the session's input while it is busy. */
    private fun preprocess(
        taken: Session,
        frame: YuvFrame,
    ): Offer {
        try {
            val began = clock.nanoseconds()
            val complete = taken.preprocess(frame)
            val ended = clock.nanoseconds()
            synchronized(lock) {
                progress.preprocess.add(ended - began)
                taken.pending = complete
                taken.busy = complete
                frameFault = null
            }
        } catch (error: FrameException) {
            return refuse(taken, error)
        } catch (error: Throwable) {
            fail(taken, error)
            schedule()
            return Offer.REFUSED
        }
        if (taken.pending) schedule()
        return Offer.TAKEN
    }

    /** A frame that cannot be read: what follows begins a stream, since it may be of another size. */
    private fun refuse(
        taken: Session,
        error: FrameException,
    ): Offer {
        synchronized(lock) {
            taken.end()
            if (taken === session) frameFault = words(error)
            stream++
            revision++
        }
        schedule()
        changes.onChange()
        return Offer.UNREADABLE
    }

    /** All that the executor does: whatever has to be done now. */
    private fun turn() {
        val current: Session?
        val wanted: ModelSource?
        val last: Boolean
        synchronized(lock) {
            scheduled = false
            current = session
            wanted = opening
            last = closed
        }
        if (wanted != null || last) current?.let(::discard)
        if (wanted != null && !last) {
            load(wanted)
        } else if (current != null && !last) {
            work(current)
        }
        deliver()
    }

    private fun work(current: Session) {
        try {
            val now = synchronized(lock) { stream }
            if (current.running != now) restart(current, now)
            if (current.pending) step(current)
        } catch (error: Throwable) {
            fail(current, error)
        }
    }

    private fun restart(
        current: Session,
        now: Long,
    ) {
        synchronized(lock) { current.forget(log) }
        current.runner.reset()
        current.running = now
    }

    private fun step(current: Session) {
        val began = clock.nanoseconds()
        val stale = current.stream != current.running
        if (!stale) current.infer()
        val inferred = clock.nanoseconds()
        synchronized(lock) {
            if (!stale && current.stream == stream) {
                current.postprocess(log)
                val ended = clock.nanoseconds()
                progress.inference.add(inferred - began)
                progress.postprocess.add(ended - inferred)
                progress.network.tick(ended)
                progress.processed++
                revision++
            }
            current.end()
        }
    }

    private fun load(wanted: ModelSource) {
        val fresh =
            try {
                Session.open(wanted)
            } catch (error: Throwable) {
                synchronized(lock) { if (opening === wanted) failure = words(error) }
                null
            }
        val superseded =
            synchronized(lock) {
                session = fresh
                progress = Progress()
                if (opening === wanted) opening = null
                beginStream()
                opening != null || closed
            }
        if (superseded) schedule()
    }

    /** Ends and closes a model that is no longer wanted; a fault of its runner then harms nobody. */
    private fun discard(old: Session) {
        synchronized(lock) {
            session = null
            old.forget(log)
        }
        deliver()
        synchronized(lock) { log.clear() }
        try {
            old.runner.close()
        } catch (error: Throwable) {
            // The next model does not depend on it.
        }
    }

    /** An error of a model becomes a state. */
    private fun fail(
        failed: Session,
        error: Throwable,
    ) {
        synchronized(lock) {
            failed.end()
            if (failed !== session) return
            failed.forget(log)
            failure = words(error)
            beginStream()
        }
    }

    private fun deliver() {
        val found = synchronized(lock) { log.take() }
        if (found != null) for (event in found) events.onEvent(event)
        changes.onChange()
    }

    private companion object {
        const val TOP = 5

        fun words(error: Throwable): String = error.message ?: error.javaClass.simpleName

        /** Whole milliseconds, halves up. */
        fun milliseconds(nanoseconds: Long): Long = Math.floorDiv(nanoseconds + 500_000, 1_000_000L)
    }
}
