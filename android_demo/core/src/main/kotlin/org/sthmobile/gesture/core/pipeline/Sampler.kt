package org.sthmobile.gesture.core.pipeline

import kotlin.math.floor
import kotlin.math.max

/**
 * Picks the frames for a network that wants [rate] a second: for each due time, the first that is not before.
 *
 * The first frame is due, and the due times count from it, so that a late frame does not delay those after it.
 */
internal class Sampler(
    private val rate: Double,
) {
    /** Due times that had no frame of their own. */
    var missed = 0L
        private set
    private var started = false
    private var origin = 0L
    private var step = 0L

    /** The next frame is a first one. */
    fun reset() {
        started = false
        step = 0
    }

    /** Whether a frame of this time is for the network. */
    fun isDue(timeMs: Long): Boolean = !started || timeMs - origin >= due(step)

    /** Takes note that a frame that is due was taken. */
    fun take(timeMs: Long) {
        if (!started) origin = timeMs
        started = true
        val since = timeMs - origin
        var following = max(step + 1, floor(since * rate / 1000).toLong())
        while (due(following) <= since) following++
        missed += following - step - 1
        step = following
    }

    private fun due(step: Long): Long = floor(1000 * (step / rate) + 0.5).toLong()
}
