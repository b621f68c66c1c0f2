package org.sthmobile.gesture.core.camera

import java.nio.ByteBuffer

/**
 * Where the samples of one channel lie: the sample at (row, column) is the byte at
 * `offset + row * rowStride + column * pixelStride` of [buffer], counted from the buffer's beginning.
 *
 * Bytes between samples have no meaning, and a buffer may end right after its last sample. One object serves all frames
 * of a camera: [set] points it at the next buffer.
 */
class Plane {
    /** The bytes; null before the first [set]. Reading moves its position. */
    var buffer: ByteBuffer? = null
        private set

    /** Bytes from a row to the next one. */
    var rowStride = 1
        private set

    /** Bytes from a sample to the next one of its row. */
    var pixelStride = 1
        private set

    /** Bytes before the first sample. */
    var offset = 0
        private set

    /** Points at the samples of the next frame. */
    fun set(
        buffer: ByteBuffer,
        rowStride: Int,
        pixelStride: Int,
        offset: Int = 0,
    ) {
        this.buffer = buffer
        this.rowStride = rowStride
        this.pixelStride = pixelStride
        this.offset = offset
    }

    /** Lets go of the buffer, so that nobody reads it after its image was closed. */
    fun clear() {
        buffer = null
    }

    /** The buffer, once it is known to hold [rows] x [columns] samples; else throws [FrameException]. */
    internal fun require(
        name: String,
        rows: Int,
        columns: Int,
    ): ByteBuffer {
        val bytes = buffer ?: throw FrameException("$name has no buffer")
        if (rowStride < 1 || pixelStride < 1 || offset < 0) {
            throw FrameException(
                "$name has strides $rowStride and $pixelStride, offset $offset; expected at least 1, 1, 0",
            )
        }
        val last = offset + (rows - 1).toLong() * rowStride + (columns - 1).toLong() * pixelStride
        if (last >= bytes.limit()) {
            throw FrameException("$name has a buffer of ${bytes.limit()} bytes; its last sample is byte $last")
        }
        return bytes
    }
}

/** A frame that cannot be read: sizes, strides or buffers that do not fit each other. */
class FrameException(
    message: String,
) : IllegalArgumentException(message)

/**
 * A camera's or a video's frame in YUV_420_888 (I420, NV12, NV21 or planes of their own) and the colours that it names.
 *
 * [u] and [v] have (height + 1) / 2 rows of (width + 1) / 2 samples. The object is filled again for each frame, so that
 * a camera makes none while it runs; who takes it must be done with it when the call returns.
 */
class YuvFrame {
    val y = Plane()
    val u = Plane()
    val v = Plane()

    /** Columns of the buffer. */
    var width = 0

    /** Rows of the buffer. */
    var height = 0

    /** By how many degrees clockwise the buffer must be turned to stand upright: 0, 90, 180 or 270. */
    var rotation = 0

    /**
     * The bytes show a mirrored scene already. Android's cameras never do; a mirrored preview is the view's own affair,
     * since the network tells left from right.
     */
    var mirrored = false

    /** What the samples mean. */
    var colours = Colours.CAMERA

    /** When it was taken, on a clock that does not go back. */
    var timestampNs = 0L

    /** Rows of the upright picture. */
    val uprightHeight get() = if (rotation % 180 == 0) height else width

    /** Columns of the upright picture. */
    val uprightWidth get() = if (rotation % 180 == 0) width else height

    /** Throws [FrameException] where something does not fit. */
    fun check() {
        if (width < 1 || height < 1) {
            throw FrameException("a frame of $width x $height; expected at least one pixel")
        }
        if (rotation != 0 && rotation != 90 && rotation != 180 && rotation != 270) {
            throw FrameException("rotation is $rotation; expected 0, 90, 180 or 270")
        }
        y.require("Y", height, width)
        u.require("U", (height + 1) / 2, (width + 1) / 2)
        v.require("V", (height + 1) / 2, (width + 1) / 2)
    }

    /** Lets go of the buffers. */
    fun clear() {
        y.clear()
        u.clear()
        v.clear()
    }
}
