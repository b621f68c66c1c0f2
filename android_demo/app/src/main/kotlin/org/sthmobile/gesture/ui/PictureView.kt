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
import org.sthmobile.gesture.core.preprocess.SmallPicture

/** Shows a video's frames as the network gets them, in fewer pixels. */
class PictureView(
    context: Context,
    attributes: AttributeSet,
) : View(context, attributes),
    FrameSink {
    private val lock = Any()
    private val paint = Paint(Paint.FILTER_BITMAP_FLAG)
    private val place = Matrix()
    private val picture = SmallPicture()
    private var bitmap: Bitmap? = null
    private var rotation = 0

    override fun onFrame(frame: YuvFrame) {
        synchronized(lock) {
            rotation = frame.rotation
            picture.read(frame)
            val into = bitmapFor(picture.width, picture.height)
            into.setPixels(picture.pixels, 0, into.width, 0, 0, into.width, into.height)
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
        return Bitmap.createBitmap(columns, rows, Bitmap.Config.ARGB_8888).also { bitmap = it }
    }
}
