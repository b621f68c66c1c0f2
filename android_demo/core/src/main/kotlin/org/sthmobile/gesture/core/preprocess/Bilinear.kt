package org.sthmobile.gesture.core.preprocess

/**
 * Enlarges a square of side n to side s between the centres of pixels, in OpenCV's whole numbers.
 *
 * Of output pixel j: `before` and the remainder of dividing (2 * j + 1) * n - s by 2 * s, rounded down, and the weight
 * (2048 * remainder + s) / (2 * s) of the pixel after it. Columns are interpolated first; turn the square before.
 */
internal class Bilinear(
    private val side: Int,
    private val size: Int,
) {
    private val first = IntArray(size) { Math.floorDiv((2 * it + 1) * side - size, 2 * size).coerceIn(0, side - 1) }
    private val second =
        IntArray(size) { (Math.floorDiv((2 * it + 1) * side - size, 2 * size) + 1).coerceIn(0, side - 1) }
    private val weights =
        IntArray(size) {
            (ONE * Math.floorMod((2 * it + 1) * side - size, 2 * size) + size) /
                (2 * size)
        }

    /** The upright square, row by row, three colours a pixel. */
    val source = IntArray(3 * side * side)

    /** The values of the last output row, red, green and blue of one pixel after the other. */
    val values = IntArray(3 * size)

    /** Computes output row [row] into [values]. */
    fun row(row: Int) {
        val above = 3 * side * first[row]
        val below = 3 * side * second[row]
        val weight = weights[row]
        for (column in 0 until size) {
            for (colour in 0 until 3) {
                val a = across(above + colour, column) shr 4
                val b = across(below + colour, column) shr 4
                values[3 * column + colour] = ((((ONE - weight) * a) shr 16) + ((weight * b) shr 16) + 2) shr 2
            }
        }
    }

    private fun across(
        start: Int,
        column: Int,
    ): Int {
        val weight = weights[column]
        return source[start + 3 * first[column]] * (ONE - weight) + source[start + 3 * second[column]] * weight
    }

    private companion object {
        const val ONE = 2048
    }
}
