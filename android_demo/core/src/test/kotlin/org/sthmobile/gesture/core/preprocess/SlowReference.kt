package org.sthmobile.gesture.core.preprocess

import org.sthmobile.gesture.core.camera.Plane
import org.sthmobile.gesture.core.camera.YuvFrame
import kotlin.math.max
import kotlin.math.min

/** The rules as they are written down, pixel by pixel and in 64 bits, without a thought for time. */
object SlowReference {
    /** Upright square of the network's size: index (row * size + column) * 3 + colour. */
    fun square(
        frame: YuvFrame,
        size: Int,
        cropFraction: Double,
    ): IntArray {
        val rows = if (frame.rotation % 180 == 0) frame.height else frame.width
        val columns = if (frame.rotation % 180 == 0) frame.width else frame.height
        val side = (min(rows, columns) * cropFraction).toInt()
        val top = (rows - side) / 2
        val left = (columns - side) / 2
        val pixel = {
            row: Int,
            column: Int,
            colour: Int,
            ->
            upright(frame, columns, top + row, left + column, colour).toLong()
        }
        val result = IntArray(3 * size * size)
        for (index in result.indices) {
            val row = index / 3 / size
            val column = index / 3 % size
            val colour = index % 3
            result[index] =
                when {
                    side > size -> {
                        shrunk(
                            side.toLong(),
                            size.toLong(),
                            row.toLong(),
                            column.toLong(),
                        ) { i, j -> pixel(i, j, colour) }
                    }

                    side < size -> {
                        enlarged(side, size, row, column) { i, j -> pixel(i, j, colour) }
                    }

                    else -> {
                        pixel(row, column, colour).toInt()
                    }
                }
        }
        return result
    }

    private fun upright(
        frame: YuvFrame,
        columns: Int,
        row: Int,
        shown: Int,
        colour: Int,
    ): Int {
        val column = if (frame.mirrored) columns - 1 - shown else shown
        return when (frame.rotation) {
            0 -> colour(frame, row, column, colour)
            90 -> colour(frame, frame.height - 1 - column, row, colour)
            180 -> colour(frame, frame.height - 1 - row, frame.width - 1 - column, colour)
            else -> colour(frame, column, frame.width - 1 - row, colour)
        }
    }

    private fun colour(
        frame: YuvFrame,
        row: Int,
        column: Int,
        colour: Int,
    ): Int {
        val y = sample(frame.y, row, column)
        val u = sample(frame.u, row / 2, column / 2) - 128
        val v = sample(frame.v, row / 2, column / 2) - 128
        val added =
            when (colour) {
                0 -> 91881 * v
                1 -> -22554 * u - 46802 * v
                else -> 116130 * u
            }
        return (y + ((added + 32768) shr 16)).coerceIn(0, 255)
    }

    private fun sample(
        plane: Plane,
        row: Int,
        column: Int,
    ): Int = plane.buffer!!.get(plane.offset + row * plane.rowStride + column * plane.pixelStride).toInt() and 255

    private fun shrunk(
        n: Long,
        s: Long,
        row: Long,
        column: Long,
        pixel: (Int, Int) -> Long,
    ): Int {
        val weight = { j: Long, i: Long -> max(0L, min((j + 1) * n, (i + 1) * s) - max(j * n, i * s)) }
        var sum = 0L
        for (i in row * n / s until min(n, (row + 1) * n / s + 1)) {
            for (j in column * n / s until min(n, (column + 1) * n / s + 1)) {
                sum += weight(row, i) * weight(column, j) * pixel(i.toInt(), j.toInt())
            }
        }
        return ((2 * sum + n * n) / (2 * n * n)).toInt()
    }

    private fun enlarged(
        n: Int,
        s: Int,
        row: Int,
        column: Int,
        pixel: (Int, Int) -> Long,
    ): Int {
        val before = { j: Int -> Math.floorDiv((2 * j + 1) * n - s, 2 * s) }
        val weight = { j: Int -> (2048L * Math.floorMod((2 * j + 1) * n - s, 2 * s) + s) / (2 * s) }
        val inside = { i: Int -> i.coerceIn(0, n - 1) }
        val across = { i: Int ->
            val right = weight(column)
            (2048 - right) * pixel(inside(i), inside(before(column))) +
                right * pixel(inside(i), inside(before(column) + 1))
        }
        val low = weight(row)
        val above = across(before(row)) shr 4
        val below = across(before(row) + 1) shr 4
        return (((((2048 - low) * above) shr 16) + ((low * below) shr 16) + 2) shr 2).toInt()
    }
}
