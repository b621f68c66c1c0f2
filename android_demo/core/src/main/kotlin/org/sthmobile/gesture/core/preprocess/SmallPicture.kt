package org.sthmobile.gesture.core.preprocess

import org.sthmobile.gesture.core.camera.ColourTable
import org.sthmobile.gesture.core.camera.Colours
import org.sthmobile.gesture.core.camera.Plane
import org.sthmobile.gesture.core.camera.YuvFrame
import kotlin.math.max
import kotlin.math.min

/**
 * A frame as few pixels for a screen: every n-th one of every n-th row, n as small as leaves [LONGEST] at most on a
 * side. For the eye only; the network's picture is [Preprocessor]'s.
 */
class SmallPicture {
    /** 0xAARRGGBB, row by row, of the frame as it lies in its buffer; at least [width] x [height]. */
    var pixels = IntArray(0)
        private set
    var width = 0
        private set
    var height = 0
        private set
    private var table = ColourTable(Colours.CAMERA)

    /** Reads [frame]; throws [org.sthmobile.gesture.core.camera.FrameException] where it cannot be read. */
    fun read(frame: YuvFrame) {
        frame.check()
        if (frame.colours != table.colours) table = ColourTable(frame.colours)
        val step = (max(frame.width, frame.height) + LONGEST - 1) / LONGEST
        width = (frame.width + step - 1) / step
        height = (frame.height + step - 1) / step
        if (pixels.size < width * height) pixels = IntArray(width * height)
        for (row in 0 until height) readRow(frame, row, step)
    }

    private fun readRow(
        frame: YuvFrame,
        row: Int,
        step: Int,
    ) {
        for (column in 0 until width) {
            val y = table.level[sample(frame.y, row * step, column * step)]
            val u = sample(frame.u, row * step / 2, column * step / 2) - ColourTable.CENTRE
            val v = sample(frame.v, row * step / 2, column * step / 2) - ColourTable.CENTRE
            val red = level(y, table.redFromV * v)
            val green = level(y, table.greenFromU * u + table.greenFromV * v)
            val blue = level(y, table.blueFromU * u)
            pixels[row * width + column] = (0xff shl 24) or (red shl 16) or (green shl 8) or blue
        }
    }

    private fun sample(
        plane: Plane,
        row: Int,
        column: Int,
    ): Int {
        val bytes = plane.buffer ?: return 0
        return bytes.get(plane.offset + row * plane.rowStride + column * plane.pixelStride).toInt() and 0xff
    }

    private fun level(
        y: Int,
        colour: Int,
    ): Int = max(0, min(255, y + ((colour + ColourTable.HALF) shr ColourTable.SHIFT)))

    private companion object {
        const val LONGEST = 720
    }
}
