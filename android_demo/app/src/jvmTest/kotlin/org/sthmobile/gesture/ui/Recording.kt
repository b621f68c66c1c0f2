package org.sthmobile.gesture.ui

import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.golden.Golden
import org.sthmobile.gesture.core.pipeline.Clock
import org.sthmobile.gesture.core.pipeline.Model
import org.sthmobile.gesture.core.pipeline.Offer
import org.sthmobile.gesture.core.pipeline.Pipeline
import org.sthmobile.gesture.core.pipeline.PipelineState
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.Runner
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.assertEquals

/** The video that `android_demo.tools.recording` showed to an artefact, and what that said; the property `golden`. */
class Recording {
    private val about = Golden.manifest
    private val steps = about.getJSONArray("steps")
    private val bytes = Golden.buffer(about.getString("frames"))

    /** Labels of the gestures that Python saw begin, oldest first. */
    val gestures: List<String> = about.getJSONArray("gestures").let { all -> List(all.length()) { all.getString(it) } }

    /** The app's pipeline over all of it, and what [then] does to it at last; the network's answers and their times are those of the recording. */
    fun play(then: (Pipeline) -> Unit = {}): PipelineState {
        val clock = PacedClock()
        val pipeline = Pipeline({ it.run() }, clock)
        pipeline.open { Model(Replay(clock), Golden.thresholds) }
        for (step in 0 until steps.length()) {
            val frame = frame(step)
            clock.at(frame.timestampNs)
            assertEquals(Offer.TAKEN, pipeline.offer(frame))
        }
        then(pipeline)
        return pipeline.state().also { pipeline.close() }
    }

    /** The last frame. */
    fun last(): YuvFrame = frame(steps.length() - 1)

    private fun frame(step: Int): YuvFrame {
        val frame = YuvFrame()
        frame.width = about.getInt("width")
        frame.height = about.getInt("height")
        frame.timestampNs = steps.getJSONObject(step).getLong("time_ms") * 1_000_000
        val luma = frame.width * frame.height
        val begin = step * luma * 3 / 2
        frame.y.set(bytes, frame.width, 1, begin)
        frame.u.set(bytes, frame.width / 2, 1, begin + luma)
        frame.v.set(bytes, frame.width / 2, 1, begin + luma * 5 / 4)
        return frame
    }

    private inner class Replay(
        private val clock: PacedClock,
    ) : Runner {
        override val contract: Contract = Golden.contract
        override val runtime: String = about.getString("runtime")
        override val runtimeVersion = ""
        override val input: ByteBuffer =
            ByteBuffer.allocateDirect(contract.input.bytes).order(ByteOrder.nativeOrder())
        private val answers = Golden.floats(about.getString("logits"))
        private var step = 0

        override fun run(logits: FloatArray) {
            answers.copyInto(logits, 0, step * logits.size, (step + 1) * logits.size)
            clock.pass((steps.getJSONObject(step).getDouble("milliseconds") * 1e6).toLong())
            step++
        }

        override fun reset() {
            step = 0
        }

        override fun close() = Unit
    }
}

/** Real time, but that it can be set to a frame's time and that what took long elsewhere can be added. */
private class PacedClock : Clock {
    private var added = 0L

    override fun nanoseconds() = System.nanoTime() + added

    fun at(nanoseconds: Long) {
        added = nanoseconds - System.nanoTime()
    }

    fun pass(nanoseconds: Long) {
        added += nanoseconds
    }
}
