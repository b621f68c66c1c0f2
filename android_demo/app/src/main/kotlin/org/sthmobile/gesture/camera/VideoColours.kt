package org.sthmobile.gesture.camera

import android.media.MediaFormat
import org.sthmobile.gesture.core.camera.Colours

/**
 * What a decoder's samples mean, by MediaFormat's numbers; null where the format says nothing: of the standard, HD is
 * then BT.709 and what is smaller BT.601, and the range is limited.
 *
 * Throws [IllegalStateException] with a line for people for PQ, whose light cannot be shown as ordinary colours. HLG
 * was made so that it can.
 */
fun videoColours(
    standard: Int?,
    range: Int?,
    transfer: Int?,
    height: Int,
): Colours {
    check(transfer != MediaFormat.COLOR_TRANSFER_ST2084) { "it is an HDR10 video, which this phone does not convert" }
    val named =
        when (standard) {
            MediaFormat.COLOR_STANDARD_BT709 -> Colours.Standard.BT709
            MediaFormat.COLOR_STANDARD_BT2020 -> Colours.Standard.BT2020
            MediaFormat.COLOR_STANDARD_BT601_PAL, MediaFormat.COLOR_STANDARD_BT601_NTSC -> Colours.Standard.BT601
            else -> if (height >= HD) Colours.Standard.BT709 else Colours.Standard.BT601
        }
    return Colours(named, range == MediaFormat.COLOR_RANGE_FULL)
}

/** Whether a video is of high dynamic range, which a decoder must be asked to convert. */
fun isHdr(transfer: Int?): Boolean =
    transfer == MediaFormat.COLOR_TRANSFER_ST2084 || transfer == MediaFormat.COLOR_TRANSFER_HLG

private const val HD = 720
