package org.sthmobile.gesture.core.preprocess

/**
 * Shrinks a square of side n to side s by the mean over the area of each output pixel, in whole numbers.
 *
 * With a source pixel s units long and an output pixel n units long, output pixel j covers the units from j * n to
 * (j + 1) * n, and the weight of a source pixel is how many of them it shares:
 *
 *     value = (2 * sum over rows and columns of (row weight * column weight * source) + n * n) / (2 * n * n), rounded down
 *
 * The weights are the same from both ends, so the square may be turned afterwards.
 */
internal class AreaMean(
    private val side: Int,
    private val size: Int,
) {
    private val whole = IntArray(size + 1) { j -> (j.toLong() * side / size).toInt() }
    private val rest = IntArray(size + 1) { j -> (j.toLong() * side % size).toInt() }
    private val row = IntArray(3 * size)
    private val sums = IntArray(3 * size)
    private val divisor = 2 * side * side
    private val shift = 31 + (32 - Integer.numberOfLeadingZeros(divisor - 1))
    private val reciprocal = ((1L shl shift) + divisor - 1) / divisor
    private var next = 0
    private var output = 0

    /** The values of the last output row, red, green and blue of one pixel after the other. */
    val values = IntArray(3 * size)

    /** Begins a square. */
    fun begin() {
        next = 0
        output = 0
        sums.fill(0)
    }

    /** Takes the next source row; the number of the output row that it completed, now in [values], or -1. */
    fun add(source: RgbRow): Int {
        shrink(source.red, 0)
        shrink(source.green, 1)
        shrink(source.blue, 2)
        val end = (next + 1) * size
        next++
        val boundary = (output + 1) * side
        if (end < boundary) {
            weigh(size)
            return -1
        }
        val after = end - boundary
        weigh(size - after)
        divide()
        for (index in sums.indices) sums[index] = after * row[index]
        return output++
    }

    /** One colour of the row: differences of the running sum at the borders of the output pixels. */
    private fun shrink(
        source: IntArray,
        colour: Int,
    ) {
        var sum = 0
        var column = 0
        var before = 0
        for (j in 1..size) {
            val border = whole[j]
            while (column < border) sum += source[column++]
            // The last border is the end of the row, after which there is no pixel.
            val now = size * sum + if (rest[j] == 0) 0 else rest[j] * source[border]
            row[3 * (j - 1) + colour] = now - before
            before = now
        }
    }

    private fun weigh(weight: Int) {
        for (index in sums.indices) sums[index] += weight * row[index]
    }

    /** A division by an invariant number as a multiplication, exact for all that 31 bits hold. */
    private fun divide() {
        val half = side * side
        for (index in sums.indices) values[index] = ((2 * sums[index] + half) * reciprocal shr shift).toInt()
    }
}
