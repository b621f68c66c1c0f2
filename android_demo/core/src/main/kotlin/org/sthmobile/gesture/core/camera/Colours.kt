package org.sthmobile.gesture.core.camera

/**
 * What the samples of a frame mean: the standard by its shares of red and blue in the luma, and the range. Limited
 * range has luma from 16 to 235 and chroma from 16 to 240, as most videos have; cameras give full range.
 */
data class Colours(
    val standard: Standard,
    val full: Boolean,
) {
    /** ITU-R recommendations, with the shares of red and blue in the luma. */
    enum class Standard(
        internal val red: Double,
        internal val blue: Double,
    ) {
        BT601(0.299, 0.114),
        BT709(0.2126, 0.0722),
        BT2020(0.2627, 0.0593),
    }

    companion object {
        /** What Android's cameras give. */
        val CAMERA = Colours(Standard.BT601, full = true)
    }
}

/**
 * The numbers that turn luma and chroma of [colours] into red, green and blue, in 16-bit fixed point; those of
 * [Colours.CAMERA] are libjpeg's.
 */
internal class ColourTable(
    val colours: Colours,
) {
    private val green = 1 - colours.standard.red - colours.standard.blue
    val redFromV = fixed(2 * (1 - colours.standard.red))
    val greenFromU = -fixed(2 * (1 - colours.standard.blue) * colours.standard.blue / green)
    val greenFromV = -fixed(2 * (1 - colours.standard.red) * colours.standard.red / green)
    val blueFromU = fixed(2 * (1 - colours.standard.blue))

    /** Luma, 0 to 255, as a grey level; below 0 and above 255 where a limited range is left. */
    val level = IntArray(256) { if (colours.full) it else Math.round((it - 16) * 255.0 / 219.0).toInt() }

    /** As libjpeg has them: from five decimals. */
    private fun fixed(share: Double): Int =
        Math.round(Math.round(share * 1e5) / 1e5 * (if (colours.full) 1.0 else 255.0 / 224.0) * (1 shl SHIFT)).toInt()

    companion object {
        const val CENTRE = 128
        const val SHIFT = 16
        const val HALF = 32768
    }
}
