package org.sthmobile.gesture.core.pipeline

import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.postprocess.EventSink
import org.sthmobile.gesture.core.postprocess.Thresholds
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
 * and a timestamp that goes back. Exceptions of a runner end in [Status.FAILED]. All functions may be called from any
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
    /** Opens another model, closing the one before; the first frame after it begins a stream. */
    fun open(source: ModelSource): Unit = TODO("$executor $clock $events $changes $source")

    /** Tries a failed model again from its source. */
    fun retry(): Unit = TODO()

    /** Offers a frame; it is not used any more when this returns. Never throws. */
    fun offer(frame: YuvFrame): Offer = TODO("$frame")

    /** The stream was lost (camera gone, another video): the next frame is a first one. */
    fun reset(): Unit = TODO()

    /** Refuses frames, and begins anew on [resume]. */
    fun pause(): Unit = TODO()

    fun resume(): Unit = TODO()

    /** What to show now; makes a new object, so ask at the screen's pace. */
    fun state(): PipelineState = TODO()

    /** Closes the model, on the executor; the pipeline is of no use afterwards. */
    override fun close(): Unit = TODO()
}
