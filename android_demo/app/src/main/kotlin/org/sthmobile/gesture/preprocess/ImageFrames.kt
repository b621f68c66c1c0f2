package org.sthmobile.gesture.preprocess

import android.media.Image
import org.sthmobile.gesture.core.camera.Plane
import org.sthmobile.gesture.core.camera.YuvFrame

/** Android's image -> the core's frame, without a copy; one object serves all images of a source. */
class ImageFrames {
    private val frame = YuvFrame()

    /** [image] as a frame that must be turned by [rotation] degrees; valid until the image is closed. */
    fun read(
        image: Image,
        rotation: Int,
    ): YuvFrame {
        val crop = image.cropRect
        val planes = image.planes
        frame.width = crop.width()
        frame.height = crop.height()
        frame.rotation = rotation
        frame.timestampNs = image.timestamp
        point(frame.y, planes[0], crop.left, crop.top)
        point(frame.u, planes[1], crop.left / 2, crop.top / 2)
        point(frame.v, planes[2], crop.left / 2, crop.top / 2)
        return frame
    }

    /** Lets go of the image's buffers. */
    fun clear() = frame.clear()

    private fun point(
        plane: Plane,
        from: Image.Plane,
        left: Int,
        top: Int,
    ) = plane.set(from.buffer, from.rowStride, from.pixelStride, top * from.rowStride + left * from.pixelStride)
}
