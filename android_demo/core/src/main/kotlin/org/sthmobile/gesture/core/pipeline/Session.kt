package org.sthmobile.gesture.core.pipeline

import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.postprocess.EventDetector
import org.sthmobile.gesture.core.postprocess.EventSink
import org.sthmobile.gesture.core.postprocess.RateWarning
import org.sthmobile.gesture.core.postprocess.Smoother
import org.sthmobile.gesture.core.preprocess.Preprocessor
import java.nio.Buffer
import java.nio.ByteBuffer

/**
 * An open model with the buffers that it works in. At most one frame is in it: who takes [busy] owns the input tensor
 * until it is given back.
 */
internal class Session(
    private val model: Model,
) {
    val runner = model.runner
    val labels = runner.contract.labels
    val sampler = Sampler(model.framesPerSecond)
    private val preprocessor = Preprocessor(runner.contract)
    private val detector = model.thresholds?.let { EventDetector(it, labels) }
    private val smoother = Smoother(1.0, 0, labels.size)
    private val window = ClipWindow(runner.input, runner.contract.framesPerInference)
    private val logits = FloatArray(labels.size)

    /** A frame is on its way through, and whoever brought it owns the input tensor. */
    @Volatile
    var busy = false

    /** That frame is preprocessed and waits for inference. */
    @Volatile
    var pending = false

    /** The stream that it belongs to. */
    @Volatile
    var stream = 0L
        private set
    private var timeMs = 0L

    /** The stream that runner and detector are in; the executor's own. */
    var running = -1L

    init {
        require(
            model.framesPerSecond > 0,
        ) { "frames go to the network ${model.framesPerSecond} times a second; expected more" }
    }

    /** Smoothed scores, index = class id, to be copied; null before the first frame of a stream. */
    val scores: DoubleArray? get() =
        if (detector !=
            null
        ) {
            detector.scores
        } else {
            smoother.scores.takeIf { smoother.started }
        }

    fun warning(): RateWarning? = detector?.warning()

    /** A frame of [stream], taken at [timeMs], is on its way. */
    fun begin(
        timeMs: Long,
        stream: Long,
    ) {
        busy = true
        this.timeMs = timeMs
        this.stream = stream
    }

    /** It is through, or given up. */
    fun end() {
        pending = false
        busy = false
    }

    /** Puts a frame into the input tensor; whether that is complete. */
    fun preprocess(frame: YuvFrame): Boolean {
        val slot = window.next(stream)
        preprocessor.process(frame, runner.input, slot)
        return window.complete
    }

    fun infer() = runner.run(logits)

    /** Scores and events of the last inference. */
    fun postprocess(sink: EventSink) {
        if (detector != null) detector.step(logits, timeMs, sink) else smoother.step(logits, 0)
    }

    /** Ends what the detector was in. */
    fun forget(sink: EventSink) {
        detector?.reset(sink)
        smoother.reset()
    }

    companion object {
        /** Opens a model; one that does not fit its thresholds is closed again. */
        fun open(source: ModelSource): Session {
            val model = source.open()
            try {
                return Session(model)
            } catch (error: Throwable) {
                model.runner.close()
                throw error
            }
        }
    }
}

/** The last frames of a clip, oldest first, in the input tensor; a single frame of a stream. */
internal class ClipWindow(
    input: ByteBuffer,
    private val frames: Int,
) {
    private val bytes = input.capacity() / frames
    private val from: ByteBuffer = input.duplicate()
    private val to: ByteBuffer = input.duplicate()
    private var stream = -1L
    private var filled = 0

    /** All frames are of one stream. */
    val complete get() = filled == frames

    /** The slot for the next frame of [stream]; where all are taken, they move on by one. */
    fun next(stream: Long): Int {
        if (stream != this.stream) filled = 0
        this.stream = stream
        if (filled < frames) return filled++
        if (frames > 1) {
            (from as Buffer).position(bytes)
            (to as Buffer).rewind()
            to.put(from)
        }
        return frames - 1
    }
}
