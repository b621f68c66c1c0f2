package org.sthmobile.gesture.core.pipeline

import java.io.Closeable
import java.util.concurrent.Executor

/** One thread with room for one task besides the one that runs: enough for [Pipeline], and makes no garbage. */
class WorkerThread(
    name: String = "inference",
) : Executor,
    Closeable {
    private val lock = Object()
    private var task: Runnable? = null
    private var closed = false
    private val thread = Thread({ loop() }, name)

    init {
        thread.start()
    }

    override fun execute(command: Runnable) {
        synchronized(lock) {
            check(task == null) { "there is room for one task" }
            task = command
            lock.notifyAll()
        }
    }

    /** Ends the thread once the task it has been given is done. */
    override fun close() {
        synchronized(lock) {
            closed = true
            lock.notifyAll()
        }
    }

    /** Waits until it has ended, after [close]. */
    fun join() = thread.join()

    private fun loop() {
        while (true) {
            val next =
                synchronized(lock) {
                    while (task == null && !closed) lock.wait()
                    val waiting = task
                    task = null
                    waiting
                }
            if (next == null) return
            next.run()
        }
    }
}
