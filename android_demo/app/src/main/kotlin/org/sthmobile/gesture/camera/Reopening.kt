package org.sthmobile.gesture.camera

/**
 * When a camera that was lost may be opened again by itself: where another app had it or the phone's owner had switched
 * it off, never where it is broken. Each try waits longer, and after [MOST_TRIES] without a picture a person must ask.
 */
class Reopening {
    private var tries = 0
    private var allowed = false

    /** A person asked for the camera. */
    fun asked() {
        tries = 0
        allowed = false
    }

    /** The camera was lost, or could not be opened. */
    fun lost(reason: Reason) {
        allowed = reason == Reason.TAKEN || reason == Reason.DISABLED
    }

    /** A picture came. */
    fun works() {
        tries = 0
    }

    /** The camera is free: milliseconds until it may be tried, null where it may not. Counts as a try. */
    fun next(): Long? {
        if (!allowed || tries == MOST_TRIES) return null
        val wait = if (tries == 0) 0L else FIRST_WAIT_MS shl (tries - 1)
        tries++
        return wait
    }

    private companion object {
        const val MOST_TRIES = 5
        const val FIRST_WAIT_MS = 500L
    }
}
