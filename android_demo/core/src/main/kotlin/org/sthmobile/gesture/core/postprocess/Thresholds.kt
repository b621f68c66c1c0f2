package org.sthmobile.gesture.core.postprocess

/**
 * What [EventDetector] decides by, read from `NAME.events.json`; durations are whole milliseconds.
 *
 * [temperature]: logits are divided by it before the softmax. [tauMs]: time constant of the smoothing of the scores, 0
 * for none. [on]: a gesture may begin while its score is at least this. [off]: and ends when its score stays below this.
 * [holdMs]: how long it must be the best one, at least at [on], before it begins. [releaseMs]: how long its score must
 * stay below [off] before it ends. [refractoryMs]: after an end, no gesture begins for so long. [repeatMs]: after its
 * end, the same gesture does not begin for so long. [gapMs]: a longer time between two frames is a stall. [background]:
 * labels that are no gestures. [leastRate], [greatestRate]: frames a second that the values were fitted for.
 */
data class Thresholds(
    val temperature: Double,
    val tauMs: Int,
    val on: Double,
    val off: Double,
    val holdMs: Int,
    val releaseMs: Int,
    val refractoryMs: Int,
    val repeatMs: Int,
    val gapMs: Int,
    val background: List<String>,
    val leastRate: Double,
    val greatestRate: Double,
) {
    companion object {
        /**
         * Reads [text], the content of a file that messages call [file]; every threshold must be there, nothing else.
         *
         * Throws [org.sthmobile.gesture.core.runner.ContractException].
         */
        fun read(
            text: String,
            file: String,
        ): Thresholds = TODO()
    }
}
