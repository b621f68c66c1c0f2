package org.sthmobile.gesture.benchmark

import org.sthmobile.gesture.core.runner.ElementType
import org.sthmobile.gesture.core.runner.Runner
import java.util.Random

/** Milliseconds of single inferences, in the order in which they ran. */
class Samples(
    val milliseconds: DoubleArray,
) {
    val median: Double get() = percentile(50.0)
    val p90: Double get() = percentile(90.0)

    /** By numpy's usual rule: linear between the two samples around. */
    fun percentile(percent: Double): Double {
        val sorted = milliseconds.sortedArray()
        val place = (sorted.size - 1) * percent / 100
        val below = place.toInt()
        val above = minOf(below + 1, sorted.size - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (place - below)
    }
}

/** Times inferences of a loaded model over noise. */
class Measurement(
    private val runner: Runner,
    private val clock: () -> Long = System::nanoTime,
) {
    private val logits = FloatArray(runner.contract.labels.size)
    private val random = Random(SEED)

    /** [count] inferences, each over new noise whose making is not timed. A stream keeps its states over them. */
    fun run(count: Int): Samples = Samples(DoubleArray(count) { once() })

    private fun once(): Double {
        fill()
        val begin = clock()
        runner.run(logits)
        return (clock() - begin) / 1e6
    }

    private fun fill() {
        val input = runner.input
        val spec = runner.contract.input
        for (index in 0 until spec.count) {
            when (spec.type) {
                ElementType.INT8 -> input.put(index, random.nextInt(256).toByte())
                ElementType.FLOAT32 -> input.putFloat(4 * index, random.nextGaussian().toFloat())
            }
        }
    }

    companion object {
        const val SEED = 0L
    }
}
