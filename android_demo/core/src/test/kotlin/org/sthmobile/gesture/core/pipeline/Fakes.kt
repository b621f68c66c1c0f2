package org.sthmobile.gesture.core.pipeline

import org.sthmobile.gesture.core.Contracts
import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.postprocess.GestureEvent
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.Runner
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.concurrent.Executor

/** Does what it was given only when it is told to, as a busy thread would. */
class ManualExecutor : Executor {
    private val tasks = ArrayDeque<Runnable>()
    val waiting get() = tasks.size

    override fun execute(command: Runnable) {
        check(tasks.isEmpty()) { "the pipeline queues" }
        tasks.addLast(command)
    }

    /** All of it, and what that leads to. */
    fun run() {
        while (tasks.isNotEmpty()) tasks.removeFirst().run()
    }
}

/** A clock that a test moves. */
class FakeClock : Clock {
    var now = 0L

    override fun nanoseconds() = now
}

/** A network that recognises the class whose number the frame's brightness tells: dark is 0, grey is 1, white is 2. */
class FakeRunner(
    override val contract: Contract = Contracts.stream(),
    private val clock: FakeClock = FakeClock(),
    private val takesNs: Long = 0,
) : Runner {
    override val runtime = "fake"
    override val runtimeVersion = "0"
    override val input: ByteBuffer = ByteBuffer.allocateDirect(contract.input.bytes).order(ByteOrder.nativeOrder())
    var failure: Throwable? = null
    var resetFailure: Throwable? = null
    var runs = 0
    var resets = 0
    var sinceReset = 0
    var closed = false

    /** The first element of each frame of the last input. */
    var firstElements = emptyList<Int>()
    var keepInputs = false

    override fun run(logits: FloatArray) {
        failure?.let { throw it }
        runs++
        sinceReset++
        clock.now += takesNs
        if (keepInputs) {
            val frames = contract.framesPerInference
            firstElements = List(frames) { input.get(it * contract.input.bytes / frames).toInt() }
        }
        val brightness = input.get(input.capacity() - 3) + 128
        logits.fill(0f)
        logits[brightness / 86] = 9f
    }

    override fun reset() {
        resetFailure?.let { throw it }
        resets++
        sinceReset = 0
    }

    override fun close() {
        closed = true
    }
}

/** A camera of 64 x 48 that is asked for each frame. */
class FakeCamera {
    private val luma = ByteArray(64 * 48)
    val frame =
        YuvFrame().apply {
            width = 64
            height = 48
            y.set(ByteBuffer.wrap(luma), 64, 1)
            for (plane in listOf(u, v)) plane.set(ByteBuffer.wrap(ByteArray(32 * 24) { -128 }), 32, 1)
        }

    /** The next frame, of one grey. */
    fun shoot(
        timeMs: Long,
        brightness: Int = 255,
    ): YuvFrame {
        luma.fill(brightness.toByte())
        frame.timestampNs = timeMs * 1_000_000
        return frame
    }
}

/** A pipeline with a model in it, and all that was heard from it. */
class Bench(
    val runner: FakeRunner = FakeRunner(),
    val clock: FakeClock = FakeClock(),
    open: Boolean = true,
    rate: Double = 4.0,
) {
    val executor = ManualExecutor()
    val camera = FakeCamera()
    val events = ArrayList<GestureEvent>()
    var changes = 0
    val pipeline = Pipeline(executor, clock, { events.add(it) }, { changes++ })

    init {
        if (open) {
            pipeline.open { Model(runner, Contracts.thresholds(), rate) }
            executor.run()
        }
    }

    /** Offers a frame, and lets the executor finish. */
    fun show(
        timeMs: Long,
        brightness: Int = 255,
    ): Offer = pipeline.offer(camera.shoot(timeMs, brightness)).also { executor.run() }

    val kinds get() = events.map { "${it.kind} ${it.label} ${it.timeMs}" }
}
