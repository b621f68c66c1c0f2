package org.sthmobile.gesture.core.pipeline

import com.sun.management.ThreadMXBean
import org.junit.Test
import org.sthmobile.gesture.core.Contracts
import org.sthmobile.gesture.core.golden.Golden
import org.sthmobile.gesture.core.preprocess.randomFrame
import java.lang.management.ManagementFactory
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.TimeUnit
import kotlin.random.Random
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Real threads, and what the hot path leaves for the garbage collector. */
class ThreadsTest {
    @Test
    fun `a frame makes no garbage`() {
        val beans = ManagementFactory.getThreadMXBean() as ThreadMXBean
        val thread = Thread.currentThread().id
        val pipeline = Pipeline(Executor { it.run() })
        pipeline.open { Model(FakeRunner(), Contracts.thresholds()) }
        val camera = FakeCamera()
        var time = 0L
        val round = { frames: Int -> repeat(frames) { pipeline.offer(camera.shoot(time++ * 125, 255)) } }
        round(3000)
        val before = beans.getThreadAllocatedBytes(thread)
        val measuring = beans.getThreadAllocatedBytes(thread) - before
        val begin = beans.getThreadAllocatedBytes(thread)
        round(2000)
        val made = beans.getThreadAllocatedBytes(thread) - begin - measuring
        assertEquals(2500, pipeline.state().counts.processed)
        assertTrue(made < 2000, "$made bytes for 2000 frames")
    }

    @Test
    fun `the worker's thread goes on until it is closed`() {
        val worker = WorkerThread("test")
        val done = CountDownLatch(3)
        val names = ArrayList<String>()
        repeat(3) { number ->
            worker.execute {
                names += Thread.currentThread().name
                done.countDown()
            }
            while (done.count > 2 - number) Thread.sleep(1)
        }
        assertTrue(done.await(5, TimeUnit.SECONDS))
        assertEquals(listOf("test", "test", "test"), names)
        worker.close()
        worker.join()
    }

    @Test
    fun `streams from two threads, turned, paused and with other models, come through`() {
        val worker = WorkerThread()
        val random = Random(7)
        val pipeline = Pipeline(worker)
        pipeline.open { Model(FakeRunner(), Contracts.thresholds(), 1000.0) }
        val offers = ArrayList<Offer>()
        val nuisance =
            Thread {
                repeat(60) {
                    when (it % 4) {
                        0 -> pipeline.pause()
                        1 -> pipeline.resume()
                        2 -> pipeline.open { Model(FakeRunner(), Contracts.thresholds(), 1000.0) }
                        else -> pipeline.reset()
                    }
                    pipeline.state()
                    Thread.sleep(5)
                }
                pipeline.resume()
            }
        nuisance.start()
        var time = 0L
        while (nuisance.isAlive || time < 100) offers += offerOne(pipeline, random, time++)
        val end = System.nanoTime() + 20_000_000_000
        while (pipeline.state().counts.processed < 3 &&
            System.nanoTime() < end
        ) {
            offers += offerOne(pipeline, random, time++)
        }
        assertEquals(Status.RUNNING, pipeline.state().status, pipeline.state().message)
        assertTrue(pipeline.state().counts.processed >= 3)
        assertTrue(Offer.TAKEN in offers && Offer.REFUSED in offers)
        pipeline.close()
        worker.close()
        worker.join()
    }

    private fun offerOne(
        pipeline: Pipeline,
        random: Random,
        time: Long,
    ): Offer {
        val frame = randomFrame(random, 60, 44).apply { timestampNs = time * 1_000_000 }
        frame.rotation = if (time / 50 % 2 == 0L) 0 else 90
        frame.mirrored = false
        Thread.sleep(1)
        return pipeline.offer(frame)
    }

    @Test
    fun `the project's own contract and thresholds fit each other`() {
        val bench = Bench(open = false)
        bench.pipeline.open { Model(FakeRunner(Golden.contract), Golden.thresholds) }
        bench.executor.run()
        assertEquals(Status.RUNNING, bench.pipeline.state().status, bench.pipeline.state().message)
    }
}
