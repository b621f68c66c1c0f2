package org.sthmobile.gesture.core.pipeline

import org.junit.Test
import org.sthmobile.gesture.core.Contracts
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Opening, changing and losing models. */
class PipelineModelTest {
    private val dark = 0

    @Test
    fun `there is nothing before a model is open`() {
        val bench = Bench(open = false)
        assertEquals(Status.EMPTY, bench.pipeline.state().status)
        assertEquals(Offer.REFUSED, bench.show(0))
        bench.pipeline.open { Model(bench.runner, null) }
        assertEquals(Status.LOADING, bench.pipeline.state().status)
        assertEquals(Offer.REFUSED, bench.pipeline.offer(bench.camera.shoot(0)))
        bench.executor.run()
        assertEquals(Status.RUNNING, bench.pipeline.state().status)
        assertEquals("fake", bench.pipeline.state().runtime)
        assertEquals(Offer.TAKEN, bench.show(0))
    }

    @Test
    fun `another model ends the gesture, closes the first and begins anew`() {
        val bench = Bench()
        for (time in 0L..500L step 250) bench.show(time, dark)
        val other = FakeRunner()
        bench.pipeline.open { Model(other, Contracts.thresholds()) }
        bench.executor.run()
        assertEquals(listOf("BEGIN 0 250", "END 0 500"), bench.kinds)
        assertTrue(bench.runner.closed)
        assertTrue(
            bench.pipeline
                .state()
                .history
                .isEmpty(),
            "its labels may be others",
        )
        assertEquals(Offer.TAKEN, bench.show(510, dark))
        assertEquals(listOf(3, 1), listOf(bench.runner.runs, other.runs))
        assertEquals(
            1,
            bench.pipeline
                .state()
                .counts.processed,
        )
    }

    @Test
    fun `a model that is changed while a frame is on its way drops it`() {
        val bench = Bench()
        bench.pipeline.offer(bench.camera.shoot(0))
        val other = FakeRunner()
        bench.pipeline.open { Model(other, null) }
        bench.executor.run()
        assertEquals(listOf(0, 0), listOf(bench.runner.runs, other.runs))
        assertEquals(Offer.TAKEN, bench.show(10))
    }

    @Test
    fun `the last of several models wins`() {
        val bench = Bench(open = false)
        val opened = List(3) { FakeRunner() }
        val sources = opened.map { runner -> ModelSource { Model(runner, null) } }
        bench.pipeline.open { sources[0].open().also { bench.pipeline.open(sources[1]) } }
        bench.pipeline.open { sources[2].open() }
        bench.executor.run()
        bench.show(0)
        assertEquals(listOf(0, 0, 1), opened.map { it.runs })
        bench.pipeline.open { sources[0].open().also { bench.pipeline.open(sources[1]) } }
        bench.executor.run()
        bench.show(0)
        assertEquals(listOf(0, 1, 1), opened.map { it.runs })
        assertEquals(listOf(true, false, true), opened.map { it.closed })
    }

    @Test
    fun `an exception of the runner is a state, and can be tried again`() {
        val bench = Bench()
        for (time in 0L..500L step 250) bench.show(time, dark)
        bench.runner.failure = IllegalStateException("the delegate is gone")
        bench.show(750, dark)
        val state = bench.pipeline.state()
        assertEquals(Status.FAILED, state.status)
        assertEquals("the delegate is gone", state.message)
        assertEquals("END 0 500", bench.kinds.last())
        assertEquals(Offer.REFUSED, bench.show(1000, dark))
        bench.runner.failure = null
        bench.pipeline.retry()
        bench.executor.run()
        assertEquals(Offer.TAKEN, bench.show(1250, dark))
        assertEquals(Status.RUNNING, bench.pipeline.state().status)
        assertNull(bench.pipeline.state().message)
    }

    @Test
    fun `an error without words is told by its name`() {
        val bench = Bench()
        bench.runner.failure = UnsatisfiedLinkError()
        bench.show(0)
        assertEquals("UnsatisfiedLinkError", bench.pipeline.state().message)
    }

    @Test
    fun `a reset that fails does not go round in circles`() {
        val bench = Bench()
        bench.runner.resetFailure = IllegalStateException("no reset")
        assertEquals(Offer.TAKEN, bench.show(0))
        assertEquals("no reset", bench.pipeline.state().message)
        bench.pipeline.reset()
        bench.executor.run()
        assertEquals(Status.FAILED, bench.pipeline.state().status)
    }

    @Test
    fun `a model that cannot be opened is a state`() {
        val bench = Bench()
        bench.pipeline.open { error("no such file") }
        bench.executor.run()
        assertEquals("no such file", bench.pipeline.state().message)
        assertTrue(bench.runner.closed)
        bench.pipeline.open { Model(FakeRunner(), null) }
        bench.executor.run()
        assertEquals(Status.RUNNING, bench.pipeline.state().status)
    }

    @Test
    fun `a model that does not fit its thresholds is closed again`() {
        val bench = Bench(open = false)
        bench.pipeline.open { Model(bench.runner, Contracts.thresholds().copy(background = listOf("sleeping"))) }
        bench.executor.run()
        assertTrue("sleeping" in bench.pipeline.state().message!!)
        assertTrue(bench.runner.closed)
        val clip = FakeRunner(Contracts.clip(2))
        bench.pipeline.open { Model(clip, null) }
        bench.executor.run()
        assertEquals(Status.FAILED, bench.pipeline.state().status, "a clip's contract has no frame rate")
    }

    @Test
    fun `a closed pipeline refuses all`() {
        val bench = Bench()
        assertFalse(bench.runner.closed)
        bench.pipeline.close()
        bench.executor.run()
        assertTrue(bench.runner.closed)
        assertEquals(Offer.REFUSED, bench.show(0))
        bench.pipeline.open { Model(FakeRunner(), null) }
        bench.executor.run()
        assertEquals(Status.EMPTY, bench.pipeline.state().status)
    }
}
