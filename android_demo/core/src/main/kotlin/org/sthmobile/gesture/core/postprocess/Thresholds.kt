package org.sthmobile.gesture.core.postprocess

import org.sthmobile.gesture.core.runner.JsonFields

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
        private const val VERSION = 1

        /**
         * Reads [text], the content of a file that messages call [file]; every threshold must be there, nothing else.
         *
         * Throws [org.sthmobile.gesture.core.runner.ContractException].
         */
        fun read(
            text: String,
            file: String,
        ): Thresholds {
            val content = JsonFields.parse(text, file, VERSION)
            val rates = content.numbers("frames_per_second")
            val found =
                Thresholds(
                    temperature = content.number("temperature"),
                    tauMs = content.duration("tau_ms"),
                    on = content.number("on"),
                    off = content.number("off"),
                    holdMs = content.duration("hold_ms"),
                    releaseMs = content.duration("release_ms"),
                    refractoryMs = content.duration("refractory_ms"),
                    repeatMs = content.duration("repeat_ms"),
                    gapMs = content.duration("gap_ms"),
                    background = content.texts("background"),
                    leastRate = rates.firstOrNull() ?: 0.0,
                    greatestRate = rates.lastOrNull() ?: 0.0,
                )
            check(found, content, rates.size)
            return found
        }

        private fun check(
            found: Thresholds,
            content: JsonFields,
            rates: Int,
        ) {
            if (found.temperature <= 0) content.fail("temperature", "more than 0")
            if (found.on >= 1 || found.off >= found.on) content.fail("on", "more than off, less than 1")
            if (found.off <= 0) content.fail("off", "more than 0")
            if (found.gapMs == 0) content.fail("gap_ms", "at least 1")
            if (rates != 2 || found.leastRate <= 0 || found.leastRate > found.greatestRate) {
                content.fail("frames_per_second", "the least and the greatest rate")
            }
            content.keys.firstOrNull { it !in KEYS }?.let { content.fail(it, "nothing: it is no threshold") }
            if (!content.has("fitted")) content.fail("fitted", "an object or null")
        }

        private fun JsonFields.duration(key: String): Int =
            whole(key).also { if (it < 0) fail(key, "whole milliseconds, 0 or more") }

        private val KEYS =
            setOf(
                "version",
                "temperature",
                "tau_ms",
                "on",
                "off",
                "hold_ms",
                "release_ms",
                "refractory_ms",
                "repeat_ms",
                "gap_ms",
                "background",
                "frames_per_second",
                "fitted",
            )
    }
}
