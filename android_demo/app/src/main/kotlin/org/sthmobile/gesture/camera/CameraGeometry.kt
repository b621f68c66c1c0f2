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
 * The preview's size: of those with the shape of the network's frames ([reader]) and no larger than Android promises
 * beside them, the one next to 1440 x 1080 in area; [reader] where there is none.
 */
fun choosePreview(
    sizes: List<FrameSize>,
    reader: FrameSize,
): FrameSize =
    sizes
        .filter { it.width <= 1920 && it.height <= 1080 && isAlike(it, reader) }
        .minByOrNull { Math.abs(it.width * it.height - 1440 * 1080) } ?: reader

private fun isAlike(
    one: FrameSize,
    other: FrameSize,
): Boolean {
    val across = one.width.toLong() * other.height
    val down = other.width.toLong() * one.height
    return Math.abs(across - down) * 100 <= down // whole pixels: within a hundredth
}

/** Frames a second that a camera chooses from by the light. */
data class FrameRates(
    val least: Int,
    val most: Int,
)

/** The fastest of what is not above [most], and of several the one that may become slowest, for the dark; null: none. */
fun chooseRates(
    offered: List<FrameRates>,
    most: Int,
): FrameRates? =
    offered.filter { it.most <= most }.maxWithOrNull(compareBy({ it.most }, { -it.least }))
        ?: offered.minWithOrNull(compareBy({ it.most }, { it.least }))

/**
 * By how many degrees clockwise a buffer must be turned to stand upright.
 *
 * [sensor] is how the sensor is mounted (SENSOR_ORIENTATION), [turn] how the phone is held
 * ([org.sthmobile.gesture.core.camera.HeldPhone]). The front camera looks the other way, so the turn counts the other
 * way.
 */
fun uprightRotation(
    sensor: Int,
    turn: Int,
    front: Boolean,
): Int = if (front) (sensor + turn) % 360 else (sensor - turn + 360) % 360

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
