package org.sthmobile.gesture.core.preprocess

import org.sthmobile.gesture.core.camera.ColourTable
import org.sthmobile.gesture.core.camera.Colours
import org.sthmobile.gesture.core.camera.Plane
import org.sthmobile.gesture.core.camera.YuvFrame
import java.nio.Buffer
import java.nio.ByteBuffer
import kotlin.math.max
import kotlin.math.min

/**
 * One row of a frame as red, green and blue (0 to 255), in libjpeg's whole numbers. A pixel takes the chroma at
 * (row / 2, column / 2); nothing is interpolated.
 */
internal class RgbRow {
    var red = IntArray(0)
        private set
    var green = IntArray(0)
        private set
    var blue = IntArray(0)
        private set
    private var luma = ByteArray(0)
    private var chroma = ByteArray(0)
    private var toRed = IntArray(0)
    private var toGreen = IntArray(0)
    private var toBlue = IntArray(0)
    private var chromaRow = -1
    private var table = ColourTable(Colours.CAMERA)

    /** Before the first row of a frame. */
    fun begin(
        frame: YuvFrame,
        columns: Int,
    ) {
        chromaRow = -1
        if (frame.colours != table.colours) table = ColourTable(frame.colours)
        if (red.size < columns) {
            red = IntArray(columns)
            green = IntArray(columns)
            blue = IntArray(columns)
            toRed = IntArray(columns / 2 + 1)
            toGreen = IntArray(columns / 2 + 1)
            toBlue = IntArray(columns / 2 + 1)
        }
        val bytes = columns * frame.y.pixelStride
        if (luma.size < bytes) luma = ByteArray(bytes)
        val chromaBytes = (columns / 2 + 1) * max(frame.u.pixelStride, frame.v.pixelStride)
        if (chroma.size < chromaBytes) chroma = ByteArray(chromaBytes)
    }

    /** Reads [columns] pixels of a row from column [left] on. */
    fun read(
        frame: YuvFrame,
        row: Int,
        left: Int,
        columns: Int,
    ) {
        if (row / 2 != chromaRow) readChroma(frame, row / 2, left / 2, (left + columns - 1) / 2 - left / 2 + 1)
        fetch(frame.y, luma, row, left, columns)
        val step = frame.y.pixelStride
        val odd = left and 1
        val level = table.level
        for (column in 0 until columns) {
            val y = level[luma[column * step].toInt() and 255]
            val place = (column + odd) shr 1
            red[column] = max(0, min(255, y + toRed[place]))
            green[column] = max(0, min(255, y + toGreen[place]))
            blue[column] = max(0, min(255, y + toBlue[place]))
        }
    }

    /** What a row of chroma adds to red, green and blue. */
    private fun readChroma(
        frame: YuvFrame,
        row: Int,
        left: Int,
        columns: Int,
    ) {
        chromaRow = row
        fetch(frame.u, chroma, row, left, columns)
        for (column in 0 until columns) {
            val u = (chroma[column * frame.u.pixelStride].toInt() and 255) - ColourTable.CENTRE
            toGreen[column] = table.greenFromU * u
            toBlue[column] = (table.blueFromU * u + ColourTable.HALF) shr ColourTable.SHIFT
        }
        fetch(frame.v, chroma, row, left, columns)
        for (column in 0 until columns) {
            val v = (chroma[column * frame.v.pixelStride].toInt() and 255) - ColourTable.CENTRE
            toGreen[column] = (toGreen[column] + table.greenFromV * v + ColourTable.HALF) shr ColourTable.SHIFT
            toRed[column] = (table.redFromV * v + ColourTable.HALF) shr ColourTable.SHIFT
        }
    }

    private fun fetch(
        plane: Plane,
        into: ByteArray,
        row: Int,
        left: Int,
        columns: Int,
    ) {
        val bytes: ByteBuffer = plane.buffer ?: return
        // As Buffer, since ByteBuffer has a `position` of its own only from Java 9 and Android 14 on.
        (bytes as Buffer).position(plane.offset + row * plane.rowStride + left * plane.pixelStride)
        bytes.get(into, 0, (columns - 1) * plane.pixelStride + 1)
    }
}
