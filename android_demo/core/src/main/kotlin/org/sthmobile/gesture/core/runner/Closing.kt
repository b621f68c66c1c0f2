package org.sthmobile.gesture.core.runner

/** Does [work] with something that was just opened; closes it where that throws, since nobody else would. */
inline fun <T : AutoCloseable> T.orClose(work: (T) -> Unit): T {
    try {
        work(this)
    } catch (error: Throwable) {
        close()
        throw error
    }
    return this
}
