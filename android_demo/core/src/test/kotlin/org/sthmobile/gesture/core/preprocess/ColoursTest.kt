package org.sthmobile.gesture.core.preprocess

import org.junit.Test
import org.sthmobile.gesture.core.Contracts
import org.sthmobile.gesture.core.camera.Colours
import org.sthmobile.gesture.core.camera.YuvFrame
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.random.Random
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Videos' colours, against the standards' formulas in floating point. */
class ColoursTest {
    private val shares =
        mapOf(
            Colours.Standard.BT601 to (0.299 to 0.114),
            Colours.Standard.BT709 to (0.2126 to 0.0722),
            Colours.Standard.BT2020 to (0.2627 to 0.0593),
        )

    @Test
    fun `every standard and range is the formula's within a step`() {
        val random = Random(3)
        for (standard in shares.keys) {
            for (full in listOf(true, false)) {
                repeat(40) {
                    val samples = List(3) { random.nextInt(256) }
                    val colours = Colours(standard, full)
                    val wanted = formula(samples, colours)
                    val found = network(plain(samples, colours))
                    val shown = SmallPicture().apply { read(plain(samples, colours)) }.pixels[0]
                    for (colour in 0 until 3) {
                        assertTrue(abs(wanted[colour] - found[colour]) <= 1, "$samples $colours: $wanted, $found")
                        val pixel = shown shr (16 - 8 * colour) and 0xff
                        assertEquals(found[colour], pixel, "the person sees what the network sees")
                    }
                }
            }
        }
    }

    @Test
    fun `HD green is not what BT 601 would make of it`() {
        val samples = listOf(173, 42, 26) // green of BT.709 in limited range
        val right = network(plain(samples, Colours(Colours.Standard.BT709, full = false)))
        val wrong = network(plain(samples, Colours(Colours.Standard.BT601, full = false)))
        assertTrue(right[0] <= 1 && right[1] == 255 && right[2] <= 1, "$right")
        assertTrue(wrong.zip(right).any { (one, other) -> abs(one - other) > 10 }, "$wrong")
    }

    @Test
    fun `a large frame becomes few pixels of the right places`() {
        val frame = plain(listOf(0, 128, 128), Colours.CAMERA, 1443, 30)
        frame.y.set(ByteBuffer.wrap(ByteArray(1443 * 30) { if (it % 1443 < 720) 0 else -1 }), 1443, 1)
        val small = SmallPicture().apply { read(frame) }
        assertEquals(listOf(481, 10), listOf(small.width, small.height))
        val row = List(481) { small.pixels[9 * 481 + it] and 0xff }
        assertEquals(List(481) { if (3 * it < 720) 0 else 255 }, row)
    }

    private fun formula(
        samples: List<Int>,
        colours: Colours,
    ): List<Int> {
        val (red, blue) = shares.getValue(colours.standard)
        val y = if (colours.full) samples[0].toDouble() else (samples[0] - 16) * 255 / 219.0
        val scale = if (colours.full) 1.0 else 255 / 224.0
        val (u, v) = samples.drop(1).map { (it - 128) * scale }
        val r = y + 2 * (1 - red) * v
        val b = y + 2 * (1 - blue) * u
        val g = (y - red * r - blue * b) / (1 - red - blue)
        return listOf(r, g, b).map { Math.round(it).toInt().coerceIn(0, 255) }
    }

    private fun network(frame: YuvFrame): List<Int> {
        val contract = Contracts.stream(32)
        val tensor = ByteBuffer.allocateDirect(contract.input.bytes).order(ByteOrder.nativeOrder())
        Preprocessor(contract).process(frame, tensor)
        return List(3) { tensor.get(it) + 128 }
    }

    private fun plain(
        samples: List<Int>,
        colours: Colours,
        width: Int = 40,
        height: Int = 40,
    ) = YuvFrame().apply {
        this.width = width
        this.height = height
        this.colours = colours
        y.set(ByteBuffer.wrap(ByteArray(width * height) { samples[0].toByte() }), width, 1)
        val half = (width + 1) / 2
        val bytes = half * ((height + 1) / 2)
        u.set(ByteBuffer.wrap(ByteArray(bytes) { samples[1].toByte() }), half, 1)
        v.set(ByteBuffer.wrap(ByteArray(bytes) { samples[2].toByte() }), half, 1)
    }
}
