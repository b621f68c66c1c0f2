package org.sthmobile.gesture.core.preprocess

import org.sthmobile.gesture.core.camera.Plane
import org.sthmobile.gesture.core.camera.YuvFrame
import java.nio.ByteBuffer
import kotlin.random.Random

/** A frame of random samples, with rubbish between them, whose buffers end right after the last sample. */
fun randomFrame(
    random: Random,
    width: Int,
    height: Int,
): YuvFrame =
    YuvFrame().apply {
        this.width = width
        this.height = height
        rotation = 90 * random.nextInt(4)
        mirrored = random.nextBoolean()
        fill(y, random, width, height, 1 + random.nextInt(2))
        if (random.nextBoolean()) {
            semiPlanar(this, random)
        } else {
            for (plane in listOf(u, v)) fill(plane, random, (width + 1) / 2, (height + 1) / 2, 1 + random.nextInt(3))
        }
    }

private fun fill(
    plane: Plane,
    random: Random,
    columns: Int,
    rows: Int,
    pixelStride: Int,
) {
    val rowStride = columns * pixelStride + random.nextInt(20)
    val offset = random.nextInt(3)
    val bytes = random.nextBytes(offset + (rows - 1) * rowStride + (columns - 1) * pixelStride + 1)
    plane.set(store(bytes, random), rowStride, pixelStride, offset)
}

/** NV12 or NV21: two views of one buffer, as Android gives them. */
private fun semiPlanar(
    frame: YuvFrame,
    random: Random,
) {
    val columns = (frame.width + 1) / 2
    val rows = (frame.height + 1) / 2
    val rowStride = 2 * columns + random.nextInt(20)
    val buffer = store(random.nextBytes((rows - 1) * rowStride + 2 * columns), random)
    val (early, late) = if (random.nextBoolean()) frame.u to frame.v else frame.v to frame.u
    early.set(buffer, rowStride, 2)
    late.set(buffer, rowStride, 2, 1)
}

private fun store(
    bytes: ByteArray,
    random: Random,
): ByteBuffer = if (random.nextBoolean()) ByteBuffer.wrap(bytes) else ByteBuffer.allocateDirect(bytes.size).put(bytes)
