package org.sthmobile.gesture.preprocess

import org.sthmobile.gesture.core.camera.Plane
import org.sthmobile.gesture.core.camera.YuvFrame
import java.nio.ByteBuffer

/**
 * Frames of a video in limited range (16 to 235, the usual one) -> full range, which cameras give and the core reads.
 *
 * The bytes are copied, since a decoder's are not ours to change; buffers are made when the size changes.
 */
class VideoLevels {
    private val full = YuvFrame()
    private var width = 0
    private var height = 0

    /** [frame] with its levels stretched; valid until the next call. */
    fun stretch(frame: YuvFrame): YuvFrame {
        if (frame.width != width || frame.height != height) allocate(frame.width, frame.height)
        full.rotation = frame.rotation
        full.timestampNs = frame.timestampNs
        copy(frame.y, full.y, height, width, LUMA)
        copy(frame.u, full.u, (height + 1) / 2, (width + 1) / 2, CHROMA)
        copy(frame.v, full.v, (height + 1) / 2, (width + 1) / 2, CHROMA)
        return full
    }

    private fun allocate(
        width: Int,
        height: Int,
    ) {
        this.width = width
        this.height = height
        full.width = width
        full.height = height
        val half = (width + 1) / 2
        full.y.set(ByteBuffer.allocateDirect(width * height), width, 1)
        full.u.set(ByteBuffer.allocateDirect(half * ((height + 1) / 2)), half, 1)
        full.v.set(ByteBuffer.allocateDirect(half * ((height + 1) / 2)), half, 1)
    }

    private fun copy(
        from: Plane,
        into: Plane,
        rows: Int,
        columns: Int,
        levels: ByteArray,
    ) {
        val source = from.buffer ?: return
        val target = into.buffer ?: return
        for (row in 0 until rows) {
            var index = from.offset + row * from.rowStride
            for (column in 0 until columns) {
                target.put(row * columns + column, levels[source.get(index).toInt() and 0xff])
                index += from.pixelStride
            }
        }
    }

    private companion object {
        /** BT.601 and BT.709 alike: luma has 219 steps from 16, chroma 224 around 128. */
        val LUMA = ByteArray(256) { level(Math.round((it - 16) * 255.0 / 219.0)) }
        val CHROMA = ByteArray(256) { level(Math.round((it - 128) * 255.0 / 224.0 + 128)) }

        fun level(value: Long): Byte = value.coerceIn(0, 255).toByte()
    }
}
