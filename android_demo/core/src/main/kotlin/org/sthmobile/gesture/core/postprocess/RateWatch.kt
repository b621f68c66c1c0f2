package org.sthmobile.gesture.core.postprocess

/** Says when the median of the last 9 intervals between frames leaves a range of frame rates. */
internal class RateWatch(
    private val least: Double,
    private val greatest: Double,
) {
    private val intervals = LongArray(COUNT)
    private var seen = 0

    /** Forgets everything. */
    fun reset() {
        seen = 0
    }

    /** Takes note of one interval. */
    fun step(intervalMs: Long) {
        intervals[seen % COUNT] = intervalMs
        seen = if (seen + 1 == 2 * COUNT) COUNT else seen + 1
    }

    /** Null while the rate is right or not known yet. */
    fun warning(): RateWarning? {
        if (seen < COUNT) return null
        val median = intervals.sorted()[COUNT / 2]
        val right = least * median <= MILLISECONDS && MILLISECONDS <= greatest * median
        return if (right) null else RateWarning(MILLISECONDS / median, least, greatest)
    }

    private companion object {
        const val COUNT = 9
        const val MILLISECONDS = 1000.0
    }
}
