package org.sthmobile.gesture.core.postprocess

/**
 * Scores -> events, with hysteresis and times.
 *
 * A step, in this order:
 * 1. The best gesture is the one of the greatest score, of several the first. Background is no gesture.
 * 2. If a gesture is active: when its score is below `off`, and has been in all frames for `releaseMs`, it ends.
 * 3. The candidate is the best gesture if its score is at least `on`, else there is none. It is held since the first
 *    frame of the unbroken row of frames with this candidate, also while another gesture is active.
 * 4. If no gesture is active and the candidate is held for `holdMs`, and `refractoryMs` have passed since the last end
 *    of any gesture and `repeatMs` since the last end of this one, it begins.
 */
internal class Gate(
    private val rule: Thresholds,
    private val gestures: IntArray,
    classes: Int,
) {
    private val ended = LongArray(classes)
    private var lastEnd = NEVER
    private var active = NONE
    private var score = 0.0
    private var lowSince = NEVER
    private var candidate = NONE
    private var heldSince = NEVER

    init {
        reset()
    }

    /** Forgets everything. */
    fun reset() {
        active = NONE
        candidate = NONE
        lowSince = NEVER
        lastEnd = NEVER
        ended.fill(NEVER)
    }

    /** Ends what is active, and drops the candidate; when gestures ended is still known. */
    fun stop(
        timeMs: Long,
        sink: EventSink,
    ) {
        if (active != NONE) end(timeMs, sink)
        candidate = NONE
    }

    /** The events of one frame: none, an end, a begin, or both in this order. */
    fun step(
        scores: DoubleArray,
        timeMs: Long,
        sink: EventSink,
    ) {
        val best = best(scores)
        if (active != NONE) release(scores[active], timeMs, sink)
        if (scores[best] < rule.on) {
            candidate = NONE
        } else if (best != candidate) {
            candidate = best
            heldSince = timeMs
        }
        if (active == NONE && candidate != NONE && mayBegin(candidate, timeMs)) {
            active = best
            score = scores[best]
            lowSince = NEVER
            sink.onEvent(GestureEvent(GestureEvent.Kind.BEGIN, best, timeMs, score))
        }
    }

    private fun best(scores: DoubleArray): Int {
        var best = gestures[0]
        for (gesture in gestures) if (scores[gesture] > scores[best]) best = gesture
        return best
    }

    private fun release(
        now: Double,
        timeMs: Long,
        sink: EventSink,
    ) {
        score = now
        if (score >= rule.off) {
            lowSince = NEVER
        } else if (lowSince == NEVER) {
            lowSince = timeMs
        }
        if (lowSince != NEVER && timeMs - lowSince >= rule.releaseMs) end(timeMs, sink)
    }

    private fun mayBegin(
        gesture: Int,
        timeMs: Long,
    ): Boolean =
        timeMs - heldSince >= rule.holdMs &&
            (lastEnd == NEVER || timeMs - lastEnd >= rule.refractoryMs) &&
            (ended[gesture] == NEVER || timeMs - ended[gesture] >= rule.repeatMs)

    private fun end(
        timeMs: Long,
        sink: EventSink,
    ) {
        val gesture = active
        active = NONE
        lowSince = NEVER
        lastEnd = timeMs
        ended[gesture] = timeMs
        sink.onEvent(GestureEvent(GestureEvent.Kind.END, gesture, timeMs, score))
    }

    private companion object {
        const val NONE = -1
        const val NEVER = Long.MIN_VALUE
    }
}
