package org.sthmobile.gesture.camera

import android.media.MediaFormat
import org.junit.Test
import org.sthmobile.gesture.core.camera.Colours
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

class CameraGeometryTest {
    private val reader = FrameSize(640, 480)

    @Test
    fun `the preview is large and of the shape of the network's frames`() {
        val offered = listOf(FrameSize(4000, 3000), FrameSize(1920, 1080), FrameSize(1440, 1080), reader)
        assertEquals(FrameSize(1440, 1080), choosePreview(offered, reader))
        assertEquals(reader, choosePreview(listOf(FrameSize(1920, 1080)), reader))
    }

    @Test
    fun `frame rates are those that the camera has`() {
        val offered = listOf(FrameRates(15, 15), FrameRates(30, 30), FrameRates(7, 30), FrameRates(30, 60))
        assertEquals(FrameRates(7, 30), chooseRates(offered, 30))
        assertEquals(FrameRates(15, 15), chooseRates(offered, 15))
        assertEquals(FrameRates(15, 15), chooseRates(offered, 10), "the slowest, where none is slow enough")
        assertNull(chooseRates(emptyList(), 30))
    }

    @Test
    fun `both landscapes differ by half a turn, for either camera`() {
        for (front in listOf(true, false)) {
            val (one, other) = listOf(90, 270).map { uprightRotation(90, it, front) }
            assertEquals(180, Math.floorMod(one - other, 360))
        }
    }

    @Test
    fun `a video's colours are those of its format`() {
        val limited = MediaFormat.COLOR_RANGE_LIMITED
        assertEquals(Colours(Colours.Standard.BT709, false), videoColours(null, null, null, 1080))
        assertEquals(Colours(Colours.Standard.BT601, false), videoColours(null, limited, null, 480))
        val full = MediaFormat.COLOR_RANGE_FULL
        assertEquals(Colours(Colours.Standard.BT601, true), videoColours(4, full, null, 1080))
        assertEquals(
            Colours(Colours.Standard.BT2020, false),
            videoColours(6, null, MediaFormat.COLOR_TRANSFER_HLG, 2160),
        )
        val pq = MediaFormat.COLOR_TRANSFER_ST2084
        assertTrue(isHdr(pq) && !isHdr(MediaFormat.COLOR_TRANSFER_SDR_VIDEO) && !isHdr(null))
        assertTrue("HDR10" in assertFailsWith<IllegalStateException> { videoColours(6, null, pq, 2160) }.message!!)
    }
}
