package org.sthmobile.gesture.core.postprocess

import org.sthmobile.gesture.core.runner.ContractException

/**
 * A stream of logits -> events: when a gesture begins and when it ends, once for each time that it is made.
 *
 * Time between two frames above `gapMs` is a stall: an active gesture ends at the frame before, and smoothing and
 * holding begin anew; `refractoryMs` and `repeatMs` still count from the ends before.
 *
 * Throws [ContractException] for a background label that is not among [labels], and where no gesture is left.
 */
class EventDetector(
    private val thresholds: Thresholds,
    private val labels: List<String>,
) {
    private val smoother = Smoother(thresholds.temperature, thresholds.tauMs, labels.size)
    private val gate = Gate(thresholds, gestures(), labels.size)
    private val rate = RateWatch(thresholds.leastRate, thresholds.greatestRate)
    private var started = false
    private var timeMs = 0L

    /** The smoothed scores of the last frame, index = class id, the detector's own array; null before the first. */
    val scores: DoubleArray? get() = if (smoother.started) smoother.scores else null

    /** While the stream's frame rate is outside of what the thresholds were fitted for. */
    fun warning(): RateWarning? = rate.warning()

    /**
     * Gives [sink] the events of the next frame: its [logits] and its time in whole milliseconds.
     *
     * Throws IllegalArgumentException for another number of logits, one that is not finite, or a time not after the
     * frame before.
     */
    fun step(
        logits: FloatArray,
        timeMs: Long,
        sink: EventSink,
    ) {
        require(logits.size == labels.size) { "${logits.size} logits; expected ${labels.size}" }
        for (logit in logits) require(!logit.isNaN() && !logit.isInfinite()) { "a logit is $logit" }
        require(!started || timeMs > this.timeMs) { "a frame at $timeMs ms after one at ${this.timeMs} ms" }
        val interval = if (started) timeMs - this.timeMs else 0
        if (started) rate.step(interval)
        if (started && interval > thresholds.gapMs) {
            smoother.reset()
            gate.stop(this.timeMs, sink)
        }
        started = true
        this.timeMs = timeMs
        smoother.step(logits, interval)
        gate.step(smoother.scores, timeMs, sink)
    }

    /** Forgets the stream, its times too; [sink] gets the end of a gesture that was active. */
    fun reset(sink: EventSink) {
        if (started) gate.stop(timeMs, sink)
        smoother.reset()
        gate.reset()
        rate.reset()
        started = false
    }

    private fun gestures(): IntArray {
        for (name in thresholds.background) {
            if (name !in labels) throw ContractException("background: $name is none of the network's labels")
        }
        val found = labels.indices.filter { labels[it] !in thresholds.background }
        if (found.isEmpty()) {
            throw ContractException(
                "background: all ${labels.size} labels; leave at least one gesture",
            )
        }
        return found.toIntArray()
    }
}
