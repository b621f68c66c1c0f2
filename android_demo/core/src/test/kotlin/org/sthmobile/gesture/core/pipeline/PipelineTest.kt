package org.sthmobile.gesture.core.pipeline

import org.junit.Test
import org.sthmobile.gesture.core.Contracts
import java.nio.ByteBuffer
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

class PipelineTest {
    private val white = 255
    private val dark = 0

    @Test
    fun `frames go to the network at its own rate, by their timestamps`() {
        val bench = Bench()
        val offers = (0L..33L).map { bench.show(33 * it) }
        assertEquals(listOf(0, 8, 16, 23, 31), offers.indices.filter { offers[it] == Offer.TAKEN })
        assertEquals(29, offers.count { it == Offer.EARLY })
        val counts = bench.pipeline.state().counts
        assertEquals(Counts(offered = 34, early = 29, dropped = 0, processed = 5, missed = 0), counts)
    }

    @Test
    fun `a slow camera misses due times`() {
        val bench = Bench()
        for (number in 0L..4L) assertEquals(Offer.TAKEN, bench.show(600 * number))
        assertEquals(
            5,
            bench.pipeline
                .state()
                .counts.missed,
        )
    }

    @Test
    fun `frames are dropped while inference is behind, never queued`() {
        val bench = Bench()
        assertEquals(Offer.TAKEN, bench.pipeline.offer(bench.camera.shoot(0)))
        for (time in 250L..1000L step 250) assertEquals(Offer.BEHIND, bench.pipeline.offer(bench.camera.shoot(time)))
        assertEquals(1, bench.executor.waiting)
        bench.executor.run()
        assertEquals(1, bench.runner.runs)
        assertEquals(
            Offer.TAKEN,
            bench.show(1030),
            "the next frame is taken, though its due time was that of a dropped one",
        )
        val counts = bench.pipeline.state().counts
        assertEquals(listOf(4L, 2L, 3L), listOf(counts.dropped, counts.processed, counts.missed))
    }

    @Test
    fun `a gesture begins and ends once`() {
        val bench = Bench()
        for (time in 0L..1000L step 250) bench.show(time, white)
        for (time in 1250L..2000L step 250) bench.show(time, dark)
        assertEquals(
            1,
            bench.pipeline
                .state()
                .history.size,
        )
        for (time in 2250L..2500L step 250) bench.show(time, white)
        assertEquals(listOf("BEGIN 0 1500", "END 0 2250"), bench.kinds)
        val state = bench.pipeline.state()
        assertNull(state.active)
        assertEquals(Gesture(1, 0, 0, 1500, bench.events[0].confidence, 2250), state.history.single())
        assertEquals(listOf(2, 0, 1), state.top.map { it.label })
        assertEquals(Contracts.LABELS, state.labels)
    }

    @Test
    fun `a video that is played again makes other gestures at the same times`() {
        val bench = Bench()
        val played = ArrayList<PipelineState>()
        repeat(2) {
            for (time in 0L..500L step 250) bench.show(time, dark)
            played += bench.pipeline.state()
            bench.clock.now += 7_000_000_000
        }
        val (again, first) = bench.pipeline.state().history
        assertEquals(listOf(250L, 250L), listOf(again.beginMs, first.beginMs))
        assertEquals(listOf(2, 1), listOf(again.number, first.number))
        assertEquals(7_000_000_000, again.noticedNs - first.noticedNs)
        assertEquals(played[0].history.single().copy(endMs = first.endMs), first, "the older one stays what it was")
        assertNull(again.endMs)
        assertEquals(14_000_000_000, bench.pipeline.state().nowNs - first.noticedNs)
    }

    @Test
    fun `the best classes come first, and the state stays as it was`() {
        val bench = Bench()
        bench.show(0, 128)
        val before = bench.pipeline.state()
        assertEquals(listOf(1, 0, 2), before.top.map { it.label })
        assertTrue(before.top[0].score > 0.99)
        for (time in 250L..750L step 250) bench.show(time, dark)
        assertEquals(1, before.top[0].label)
        assertTrue(bench.pipeline.state().revision > before.revision)
        assertNotNull(bench.pipeline.state().active)
        assertNull(before.active)
    }

    @Test
    fun `a turned phone begins a new stream`() {
        val bench = Bench()
        for (time in 0L..500L step 250) bench.show(time, dark)
        assertEquals(listOf("BEGIN 0 250"), bench.kinds)
        bench.camera.frame.rotation = 90
        assertEquals(Offer.TAKEN, bench.show(517, dark), "a first frame is due at once")
        assertEquals(listOf("BEGIN 0 250", "END 0 500"), bench.kinds)
        assertEquals(1, bench.runner.sinceReset)
        assertEquals(Offer.EARLY, bench.show(550, dark))
        assertEquals(Offer.TAKEN, bench.show(767, dark))
        assertEquals(2, bench.runner.sinceReset)
    }

    @Test
    fun `a phone that is turned while inference runs loses that frame`() {
        val bench = Bench()
        bench.show(0, dark)
        bench.pipeline.offer(bench.camera.shoot(250, dark))
        bench.camera.frame.rotation = 270
        assertEquals(Offer.BEHIND, bench.pipeline.offer(bench.camera.shoot(283, dark)))
        bench.executor.run()
        assertEquals(listOf(1, 0), listOf(bench.runner.runs, bench.runner.sinceReset))
        assertEquals(
            1,
            bench.pipeline
                .state()
                .counts.processed,
        )
        assertEquals(Offer.TAKEN, bench.show(316, dark))
        assertTrue(bench.events.isEmpty(), "the gesture was held for 250 ms in no stream")
    }

    @Test
    fun `a stream is lost by a reset, a time that goes back, another size`() {
        for (lose in listOf<Bench.() -> Unit>(
            { pipeline.reset() },
            { camera.frame.timestampNs = 0 },
            { camera.frame.height = 46 },
            { camera.frame.mirrored = true },
        )) {
            val bench = Bench()
            for (time in 5000L..5500L step 250) bench.show(time, dark)
            val resets = bench.runner.resets
            bench.lose()
            val time = if (bench.camera.frame.timestampNs == 0L) 0L else 5510L
            assertEquals(Offer.TAKEN, bench.show(time, dark))
            assertEquals(listOf("BEGIN 0 5250", "END 0 5500"), bench.kinds)
            assertEquals(resets + 1, bench.runner.resets)
        }
    }

    @Test
    fun `a lost camera ends the gesture at once`() {
        val bench = Bench()
        for (time in 0L..500L step 250) bench.show(time, dark)
        bench.pipeline.reset()
        bench.executor.run()
        assertEquals("END 0 500", bench.kinds.last())
        assertTrue(
            bench.pipeline
                .state()
                .top
                .isEmpty(),
        )
    }

    @Test
    fun `a pause refuses frames and begins anew`() {
        val bench = Bench()
        for (time in 0L..500L step 250) bench.show(time, dark)
        bench.pipeline.pause()
        bench.executor.run()
        assertEquals(Status.PAUSED, bench.pipeline.state().status)
        assertEquals(Offer.REFUSED, bench.show(750, dark))
        bench.pipeline.resume()
        assertEquals(Offer.TAKEN, bench.show(760, dark))
        assertEquals(1, bench.runner.sinceReset)
        assertEquals(Status.RUNNING, bench.pipeline.state().status)
    }

    @Test
    fun `a clip goes through once all its frames are there, and then with each`() {
        val runner = FakeRunner(Contracts.clip(3)).apply { keepInputs = true }
        val bench = Bench(runner)
        for ((number, brightness) in listOf(10, 20, 30, 40, 50).withIndex()) {
            assertEquals(Offer.TAKEN, bench.show(250L * number, brightness))
        }
        assertEquals(3, runner.runs)
        assertEquals(listOf(30, 40, 50), runner.firstElements.map { it + 128 })
        bench.pipeline.reset()
        for (time in 2000L..2250L step 250) bench.show(time, 60)
        assertEquals(3, runner.runs)
        bench.show(2500, 60)
        assertEquals(listOf(60, 60, 60), runner.firstElements.map { it + 128 })
    }

    @Test
    fun `scores without thresholds, and no events`() {
        val bench = Bench(open = false)
        bench.pipeline.open { Model(bench.runner, null) }
        bench.executor.run()
        for (time in 0L..1000L step 250) bench.show(time, dark)
        assertEquals(
            0,
            bench.pipeline
                .state()
                .top[0]
                .label,
        )
        assertTrue(bench.events.isEmpty())
    }

    @Test
    fun `times and rates are told`() {
        val clock = FakeClock()
        val bench = Bench(FakeRunner(clock = clock, takesNs = 7_000_000), clock)
        for (time in 0L..3000L step 50) {
            clock.now = 1_000_000 * time
            bench.show(time)
        }
        val state = bench.pipeline.state()
        assertEquals(Percentiles(7.0, 7.0), state.timings.inference)
        assertEquals(0.0, state.timings.preprocess?.p50)
        assertEquals(4.0, state.networkRate, 0.01)
        assertEquals(20.0, state.cameraRate, 0.01)
        assertNull(state.warning)
        assertEquals(clock.now, state.nowNs)
    }

    @Test
    fun `a wrong frame rate is told`() {
        val bench = Bench()
        for (time in 0L..6000L step 500) bench.show(time)
        assertEquals(
            2.0,
            bench.pipeline
                .state()
                .warning
                ?.framesPerSecond,
        )
    }

    @Test
    fun `a frame that cannot be read is told and harms no model`() {
        val bench = Bench()
        for (time in 0L..500L step 250) bench.show(time, dark)
        val good = ByteArray(64 * 48)
        val luma = bench.camera.frame.y
        luma.set(ByteBuffer.allocate(10), 64, 1)
        assertEquals(Offer.UNREADABLE, bench.show(750))
        val state = bench.pipeline.state()
        assertEquals(Status.RUNNING, state.status)
        assertNull(state.message)
        assertTrue("Y has a buffer of 10 bytes" in state.frameFault!!)
        assertEquals("END 0 500", bench.kinds.last())
        luma.set(ByteBuffer.wrap(good), 64, 1)
        assertEquals(Offer.TAKEN, bench.pipeline.offer(bench.camera.frame.apply { timestampNs = 1_000_000_000 }))
        bench.executor.run()
        assertNull(bench.pipeline.state().frameFault)
        assertEquals(1, bench.runner.sinceReset, "it begins a stream")
        assertFalse(bench.runner.closed)
    }

    @Test
    fun `a frame that cannot be read is forgotten with its source`() {
        val bench = Bench()
        bench.camera.frame.width = 5000
        bench.camera.frame.height = 5000
        assertEquals(Offer.UNREADABLE, bench.show(0))
        bench.pipeline.reset()
        assertNull(bench.pipeline.state().frameFault)
    }
}
