package org.sthmobile.gesture.ui

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.util.AttributeSet
import android.view.View
import org.sthmobile.gesture.camera.FrameSink
import org.sthmobile.gesture.core.camera.YuvFrame

/** Shows a video's frames as the network gets them: the same bytes, every second pixel of every second row. */
class PictureView(
    context: Context,
    attributes: AttributeSet,
) : View(context, attributes),
    FrameSink {
    private val lock = Any()
    private val paint = Paint(Paint.FILTER_BITMAP_FLAG)
    private val place = Matrix()
    private var pixels = IntArray(0)
    private var bitmap: Bitmap? = null
    private var rotation = 0

    override fun onFrame(frame: YuvFrame) {
        synchronized(lock) {
            rotation = frame.rotation
            val into = bitmapFor(frame.width / 2, frame.height / 2)
            convert(frame, into.width, into.height)
            into.setPixels(pixels, 0, into.width, 0, 0, into.width, into.height)
        }
        postInvalidate()
    }

    override fun onDraw(canvas: Canvas) =
        synchronized(lock) {
            val shown = bitmap ?: return
            val across = rotation % 180 != 0
            val columns = if (across) shown.height else shown.width
            val rows = if (across) shown.width else shown.height
            val scale = minOf(width.toFloat() / columns, height.toFloat() / rows)
            place.setTranslate(-shown.width / 2f, -shown.height / 2f)
            place.postRotate(rotation.toFloat())
            place.postScale(scale, scale)
            place.postTranslate(width / 2f, height / 2f)
            canvas.drawBitmap(shown, place, paint)
        }

    private fun bitmapFor(
        columns: Int,
        rows: Int,
    ): Bitmap {
        val old = bitmap
        if (old != null && old.width == columns && old.height == rows) return old
        pixels = IntArray(columns * rows)
        return Bitmap.createBitmap(columns, rows, Bitmap.Config.ARGB_8888).also { bitmap = it }
    }

    /** BT.601 in full range, in 16-bit fixed point: for the eye only, the network has the core's own conversion. */
    private fun convert(
        frame: YuvFrame,
        columns: Int,
        rows: Int,
    ) {
        val luma = frame.y.buffer ?: return
        val blue = frame.u.buffer ?: return
        val red = frame.v.buffer ?: return
        for (row in 0 until rows) {
            val lumaRow = frame.y.offset + 2 * row * frame.y.rowStride
            val blueRow = frame.u.offset + row * frame.u.rowStride
            val redRow = frame.v.offset + row * frame.v.rowStride
            for (column in 0 until columns) {
                val y = luma.get(lumaRow + 2 * column * frame.y.pixelStride).toInt() and 0xff
                val u = (blue.get(blueRow + column * frame.u.pixelStride).toInt() and 0xff) - 128
                val v = (red.get(redRow + column * frame.v.pixelStride).toInt() and 0xff) - 128
                val r = level(y + (91881 * v shr 16))
                val g = level(y - (22554 * u + 46802 * v shr 16))
                val b = level(y + (116130 * u shr 16))
                pixels[row * columns + column] = (0xff shl 24) or (r shl 16) or (g shl 8) or b
            }
        }
    }

    private fun level(value: Int): Int = if (value < 0) 0 else minOf(value, 255)
}
