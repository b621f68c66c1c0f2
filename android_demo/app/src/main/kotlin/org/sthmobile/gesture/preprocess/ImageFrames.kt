package org.sthmobile.gesture.preprocess

import android.graphics.ImageFormat
import android.media.Image
import org.sthmobile.gesture.core.camera.Colours
import org.sthmobile.gesture.core.camera.Plane
import org.sthmobile.gesture.core.camera.YuvFrame

/** Android's image -> the core's frame, without a copy; one object serves all images of a source. */
class ImageFrames {
    private val frame = YuvFrame()

    /**
     * [image] as a frame that must be turned by [rotation] degrees; valid until the image is closed. Of 10 bits a sample
     * (P010) the upper 8 are read.
     *
     * Throws [IllegalStateException] for an image of another format.
     */
    fun read(
        image: Image,
        rotation: Int,
        colours: Colours = Colours.CAMERA,
    ): YuvFrame {
        val upper =
            when (image.format) {
                ImageFormat.YUV_420_888 -> 0

                ImageFormat.YCBCR_P010 -> 1

                // little-endian 16 bits, the 10 in the upper ones
                else -> error("its pictures have format ${image.format}, which this app does not read")
            }
        val crop = image.cropRect
        val planes = image.planes
        frame.width = crop.width()
        frame.height = crop.height()
        frame.rotation = rotation
        frame.colours = colours
        frame.timestampNs = image.timestamp
        point(frame.y, planes[0], crop.left, crop.top, upper)
        point(frame.u, planes[1], crop.left / 2, crop.top / 2, upper)
        point(frame.v, planes[2], crop.left / 2, crop.top / 2, upper)
        return frame
    }

    /** Lets go of the image's buffers. */
    fun clear() = frame.clear()

    private fun point(
        plane: Plane,
        from: Image.Plane,
        left: Int,
        top: Int,
        upper: Int,
    ) = plane.set(from.buffer, from.rowStride, from.pixelStride, top * from.rowStride + left * from.pixelStride + upper)
}
