package org.sthmobile.gesture.core.pipeline

/** Times of the last frames of one stage. */
internal class StageTimes {
    private val recent = LongArray(RECENT)
    private var next = 0
    private var filled = 0

    /** Takes note of one frame. */
    fun add(nanoseconds: Long) {
        recent[next] = nanoseconds
        next = (next + 1) % RECENT
        if (filled < RECENT) filled++
    }

    /** In milliseconds, between the closest ranks; null before the first frame. */
    fun percentiles(): Percentiles? {
        if (filled == 0) return null
        val sorted = recent.copyOf(filled).apply { sort() }
        return Percentiles(quantile(sorted, 0.5), quantile(sorted, 0.9))
    }

    private fun quantile(
        sorted: LongArray,
        share: Double,
    ): Double {
        val place = share * (sorted.size - 1)
        val low = sorted[place.toInt()]
        val high = sorted[minOf(place.toInt() + 1, sorted.size - 1)]
        return (low + (place - place.toInt()) * (high - low)) / NANOSECONDS
    }

    private companion object {
        const val RECENT = 120
        const val NANOSECONDS = 1e6
    }
}

/** How often something happens in a second, over the last two. */
internal class RateMeter {
    private val times = LongArray(ROOM)
    private var next = 0
    private var filled = 0

    /** It happens at [now] nanoseconds. */
    fun tick(now: Long) {
        times[next] = now
        next = (next + 1) % ROOM
        if (filled < ROOM) filled++
        while (now - oldest() > SPAN) filled--
    }

    /** A second; 0 until it is known, and once nothing has happened for the two seconds before [now]. */
    fun rate(now: Long): Double {
        if (filled < 2 || now - newest() > SPAN) return 0.0
        val span = newest() - oldest()
        return if (span > 0) (filled - 1) * 1e9 / span else 0.0
    }

    private fun newest() = times[(next + ROOM - 1) % ROOM]

    private fun oldest() = times[(next + ROOM - filled) % ROOM]

    private companion object {
        const val ROOM = 512
        const val SPAN = 2_000_000_000L
    }
}
