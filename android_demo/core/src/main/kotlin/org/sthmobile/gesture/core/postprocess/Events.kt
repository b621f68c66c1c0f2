package org.sthmobile.gesture.core.postprocess

/**
 * A gesture begins or ends.
 *
 * [label]: class id. [timeMs]: of the frame that decided it; for an end by a stall or a reset, of the last frame before.
 * [confidence]: the label's score (0 to 1) at that frame.
 */
data class GestureEvent(
    val kind: Kind,
    val label: Int,
    val timeMs: Long,
    val confidence: Double,
) {
    enum class Kind { BEGIN, END }
}

/** Takes events as they occur. */
fun interface EventSink {
    fun onEvent(event: GestureEvent)
}

/** The stream's frame rate is outside of what the thresholds were fitted for: gestures may be missed or doubled. */
data class RateWarning(
    val framesPerSecond: Double,
    val least: Double,
    val greatest: Double,
)
