package org.sthmobile.gesture.camera

import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.util.Range
import android.util.Size

/**
 * What a camera is: [size] of the network's frames, [preview] of the person's, [sensor] as it is mounted in degrees,
 * whether it can focus by itself, and the frame rates that it offers.
 */
data class CameraFacts(
    val size: FrameSize,
    val preview: FrameSize,
    val sensor: Int,
    val front: Boolean,
    val focuses: Boolean,
    val rates: List<FrameRates>,
)

/** The camera on a side of the phone; null where there is none. */
fun CameraManager.find(front: Boolean): String? {
    val facing = if (front) CameraCharacteristics.LENS_FACING_FRONT else CameraCharacteristics.LENS_FACING_BACK
    return cameraIdList.firstOrNull { getCameraCharacteristics(it).get(CameraCharacteristics.LENS_FACING) == facing }
}

/** The facts of a camera; null where it gives no YUV pictures. */
fun CameraManager.describe(id: String): CameraFacts? {
    val facts = getCameraCharacteristics(id)
    val map = facts.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP) ?: return null
    val size = chooseSize(sizes(map.getOutputSizes(ImageFormat.YUV_420_888))) ?: return null
    val modes = facts.get(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES) ?: IntArray(0)
    val ranges: Array<Range<Int>>? = facts.get(CameraCharacteristics.CONTROL_AE_AVAILABLE_TARGET_FPS_RANGES)
    return CameraFacts(
        size,
        choosePreview(sizes(map.getOutputSizes(SurfaceTexture::class.java)), size),
        facts.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0,
        facts.get(CameraCharacteristics.LENS_FACING) == CameraCharacteristics.LENS_FACING_FRONT,
        CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_VIDEO in modes,
        ranges.orEmpty().map { FrameRates(it.lower, it.upper) },
    )
}

/** Asks for what the camera has of focus and of frame rates up to [most] a second. */
fun CaptureRequest.Builder.suit(
    facts: CameraFacts,
    most: Int,
) {
    if (facts.focuses) set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_VIDEO)
    chooseRates(facts.rates, most)?.let { set(CaptureRequest.CONTROL_AE_TARGET_FPS_RANGE, Range(it.least, it.most)) }
}

private fun sizes(found: Array<Size>?): List<FrameSize> = found.orEmpty().map { FrameSize(it.width, it.height) }
