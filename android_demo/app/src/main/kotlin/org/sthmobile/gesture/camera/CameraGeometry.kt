package org.sthmobile.gesture.camera

/** Columns and rows of a camera's buffers. */
data class FrameSize(
    val width: Int,
    val height: Int,
)

/** The size next to 640 x 480 in area, of several the one whose sides are most alike: the network sees a square. */
fun chooseSize(sizes: List<FrameSize>): FrameSize? =
    sizes.minWithOrNull(
        compareBy({ size -> Math.abs(size.width * size.height - WANTED_AREA) }, { size ->
            Math.abs(size.width - size.height)
        }),
    )

private const val WANTED_AREA = 640 * 480

/**
 * By how many degrees clockwise a buffer must be turned to stand upright on the screen.
 *
 * [sensor] is how the sensor is mounted (SENSOR_ORIENTATION), [display] by how much the screen's content is turned
 * (Display.getRotation in degrees). The front camera looks the other way, so the display's turn counts the other way.
 */
fun uprightRotation(
    sensor: Int,
    display: Int,
    front: Boolean,
): Int = if (front) (sensor + display) % 360 else (sensor - display + 360) % 360

/** How a preview's texture is drawn: numbers of a matrix, in the order in which they apply. */
data class PreviewTransform(
    val rotation: Float,
    val scaleX: Float,
    val scaleY: Float,
)

/**
 * Fills a view of [viewWidth] x [viewHeight] with a buffer of [size], keeping its proportions.
 *
 * A TextureView stretches the buffer, turned by [sensor] (and mirrored, of a front camera) by the system, over the whole
 * view; this undoes the stretching, turns by the display's rotation and crops.
 */
fun previewTransform(
    size: FrameSize,
    viewWidth: Int,
    viewHeight: Int,
    sensor: Int,
    display: Int,
): PreviewTransform {
    val turned = sensor % 180 != 0
    val width = (if (turned) size.height else size.width).toFloat() // as it stands on a screen that is not turned
    val height = (if (turned) size.width else size.height).toFloat()
    val across = display % 180 != 0
    val fill = maxOf(viewWidth / (if (across) height else width), viewHeight / (if (across) width else height))
    return PreviewTransform(-display.toFloat(), fill * width / viewWidth, fill * height / viewHeight)
}
