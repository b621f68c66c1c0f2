package org.sthmobile.gesture.core.postprocess

/**
 * e to the power of [x], for x <= 0: the Taylor polynomial of degree 8 at x / 1024, squared ten times; 0 below -64.
 *
 * The same bits on every platform, which no library function promises: only +, *, / of doubles in this order.
 */
internal fun exponential(x: Double): Double {
    if (x < -64.0) return 0.0
    val y = x / 1024.0
    var result = 1.0
    for (degree in 8 downTo 1) result = 1.0 + result * y / degree
    repeat(10) { result *= result }
    return result
}

/**
 * Logits -> scores between 0 and 1: a softmax, then exponential smoothing in time.
 *
 * p_k = exponential((logit_k - largest logit) / temperature), divided by their sum, added from class 0 on. The first
 * frame's score is p. After it score_k = score_k + a * (p_k - score_k) with
 * a = 1 - exponential(-(milliseconds since the frame before) / tauMs), or 1 where tauMs is 0.
 */
internal class Smoother(
    private val temperature: Double,
    private val tauMs: Int,
    classes: Int,
) {
    /** Of the last frame; without meaning before the first. */
    val scores = DoubleArray(classes)
    private val shares = DoubleArray(classes)
    private var first = true

    /** There was a frame. */
    val started get() = !first

    /** The next frame is a first one. */
    fun reset() {
        first = true
    }

    /** Takes a frame that comes [intervalMs] after the frame before it. */
    fun step(
        logits: FloatArray,
        intervalMs: Long,
    ) {
        val total = softmax(logits)
        val a = if (tauMs == 0) 1.0 else 1.0 - exponential(-intervalMs.toDouble() / tauMs)
        for (k in scores.indices) {
            val share = shares[k] / total
            scores[k] = if (first) share else scores[k] + a * (share - scores[k])
        }
        first = false
    }

    /** Fills the shares; their sum. */
    private fun softmax(logits: FloatArray): Double {
        var largest = logits[0].toDouble()
        for (logit in logits) if (logit > largest) largest = logit.toDouble()
        var total = 0.0
        for (k in logits.indices) {
            shares[k] = exponential((logits[k].toDouble() - largest) / temperature)
            total += shares[k]
        }
        return total
    }
}
