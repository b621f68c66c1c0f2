package org.sthmobile.gesture.core.preprocess

import org.sthmobile.gesture.core.camera.FrameException
import org.sthmobile.gesture.core.camera.YuvFrame
import kotlin.math.min

/**
 * Where the central square of the upright picture lies in a frame's buffer, and how it must be turned.
 *
 * The square's row a and column b in the buffer become upright row and column
 *
 *     0: (a, b)    90: (b, n - 1 - a)    180: (n - 1 - a, n - 1 - b)    270: (n - 1 - b, a)
 *
 * of n, the last of which is flipped to n - 1 - column where the buffer shows a mirrored scene.
 */
internal class Placement(
    private val cropFraction: Double,
) {
    /** Of the square in the buffer. */
    var top = 0
        private set
    var left = 0
        private set
    var side = 0
        private set
    private var rotation = 0
    private var mirrored = false

    /** Takes a frame's geometry; throws [FrameException] where no square is left, or one too large for 32 bits. */
    fun place(frame: YuvFrame) {
        rotation = frame.rotation
        mirrored = frame.mirrored
        val rows = frame.uprightHeight
        val columns = frame.uprightWidth
        side = (min(rows, columns) * cropFraction).toInt()
        if (side < 1 || side > LARGEST) {
            throw FrameException(
                "a frame of ${frame.width} x ${frame.height} leaves a square of $side; expected 1 to $LARGEST",
            )
        }
        val row = (rows - side) / 2
        val shown = (columns - side) / 2
        val column = if (mirrored) columns - side - shown else shown
        top =
            when (rotation) {
                90 -> frame.height - side - column
                180 -> frame.height - side - row
                270 -> column
                else -> row
            }
        left =
            when (rotation) {
                90 -> row
                180 -> frame.width - side - column
                270 -> frame.width - side - row
                else -> column
            }
    }

    /** Index among n x n upright pixels, row by row, of the pixel (a, 0) of the buffer's order. */
    fun start(
        a: Int,
        n: Int,
    ): Int {
        val row =
            when (rotation) {
                90 -> 0
                180 -> n - 1 - a
                270 -> n - 1
                else -> a
            }
        val column =
            when (rotation) {
                90 -> n - 1 - a
                180 -> n - 1
                270 -> a
                else -> 0
            }
        return row * n + if (mirrored) n - 1 - column else column
    }

    /** From the pixel (a, b) of the buffer's order to (a, b + 1), in the same index. */
    fun step(n: Int): Int =
        when (rotation) {
            90 -> n
            180 -> if (mirrored) 1 else -1
            270 -> -n
            else -> if (mirrored) -1 else 1
        }

    private companion object {
        const val LARGEST = 2048
    }
}
