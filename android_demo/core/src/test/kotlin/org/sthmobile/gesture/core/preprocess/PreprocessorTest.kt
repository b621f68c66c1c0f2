package org.sthmobile.gesture.core.preprocess

import org.junit.Test
import org.sthmobile.gesture.core.Contracts
import org.sthmobile.gesture.core.camera.FrameException
import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.ElementType
import org.sthmobile.gesture.core.runner.Quantization
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.random.Random
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class PreprocessorTest {
    private val regimes = HashMap<String, Int>()

    @Test
    fun `any strides, sizes, rotations and layouts are read as the slow reference reads them`() {
        val random = Random(1)
        for (size in listOf(32, 64)) {
            val contract = Contracts.stream(size)
            val preprocessor = Preprocessor(contract)
            repeat(120) {
                val frame = randomFrame(random, 2 + random.nextInt(3 * size), 2 + random.nextInt(3 * size))
                check(preprocessor, contract, frame)
            }
            val same = generateSequence(size) { it + 1 }.first { (it * 0.875).toInt() == size }
            repeat(8) { check(preprocessor, contract, randomFrame(random, same + it, same)) }
        }
        assertEquals(setOf("shrinks", "enlarges", "copies"), regimes.keys)
        assertTrue(regimes.values.all { it >= 16 }, "$regimes")
    }

    @Test
    fun `a large camera frame does not overflow`() {
        val contract = Contracts.stream(32)
        val frame = randomFrame(Random(2), 2341, 2340) // a square of 2047
        val bright = ByteArray(2341 * 2341) { -1 }
        frame.y.set(ByteBuffer.wrap(bright), 2341, 1)
        check(Preprocessor(contract), contract, frame)
        val larger =
            assertFailsWith<FrameException> {
                Preprocessor(
                    contract,
                ).process(randomFrame(Random(3), 2342, 2342), tensor(contract))
            }
        assertTrue("2049" in larger.message!!)
    }

    @Test
    fun `crops of any share`() {
        val random = Random(4)
        for (fraction in listOf(1.0, 0.5, 224.0 / 256)) {
            val contract = Contracts.stream(32, spec = Contracts.spec(32, cropFraction = fraction))
            repeat(10) {
                check(
                    Preprocessor(contract),
                    contract,
                    randomFrame(
                        random,
                        40 + random.nextInt(90),
                        40 + random.nextInt(90),
                    ),
                )
            }
        }
    }

    @Test
    fun `other means, colours first, float`() {
        val spec = Contracts.spec(32, listOf(0.485f, 0.456f, 0.406f), listOf(0.229f, 0.224f, 0.225f))
        val contract = Contracts.stream(32, ElementType.FLOAT32, "TCHW", spec)
        val frame = randomFrame(Random(5), 77, 66)
        val tensor = tensor(contract)
        Preprocessor(contract).process(frame, tensor)
        val square = SlowReference.square(frame, 32, 0.875)
        for (index in 0 until contract.input.count) {
            val colour = index / 1024
            val real = (square[3 * (index % 1024) + colour] / 255.0 - spec.mean[colour]) / spec.std[colour]
            assertTrue(abs(real - tensor.getFloat(4 * index)) < 2e-6, "element $index")
        }
    }

    @Test
    fun `quantization rounds halves to even and saturates`() {
        val fine = Contracts.stream(32)
        val contract = fine.copy(input = fine.input.copy(quantization = Quantization(1 / 64f, 100)))
        val frame = randomFrame(Random(6), 37, 37)
        val tensor = tensor(contract)
        Preprocessor(contract).process(frame, tensor)
        val square = SlowReference.square(frame, 32, 0.875)
        val wanted = square.map { Math.rint((it - 128) / 2.0 + 100).coerceIn(-128.0, 127.0).toInt() }
        assertEquals(wanted, List(square.size) { tensor.get(it).toInt() })
        assertTrue(127 in wanted && wanted.toSet().size > 50)
    }

    @Test
    fun `a frame goes into its slot and no other`() {
        val contract = Contracts.clip(3)
        val tensor = tensor(contract)
        val frames = List(3) { randomFrame(Random(it), 60, 50) }
        val preprocessor = Preprocessor(contract)
        for (slot in listOf(2, 0, 1)) preprocessor.process(frames[slot], tensor, slot)
        val wanted = frames.flatMap { frame -> SlowReference.square(frame, 32, 0.875).map { (it - 128).toByte() } }
        assertContentEquals(wanted.toByteArray(), ByteArray(tensor.capacity()) { tensor.get(it) })
        assertEquals(0, tensor.position())
    }

    @Test
    fun `left and right of the front camera are not swapped`() {
        val contract = Contracts.stream(32)
        val tensor = tensor(contract)
        val bright = brightLeft()
        Preprocessor(contract).process(bright, tensor)
        assertTrue(tensor.get(3 * 16 * 32) > 100 && tensor.get(3 * 16 * 32 + 3 * 31) < -100)
        bright.mirrored = true
        Preprocessor(contract).process(bright, tensor)
        assertTrue(tensor.get(3 * 16 * 32) < -100 && tensor.get(3 * 16 * 32 + 3 * 31) > 100)
    }

    @Test
    fun `frames that cannot be read say why`() {
        val contract = Contracts.stream(32)

        fun failure(change: YuvFrame.() -> Unit): String {
            val frame = brightLeft().apply(change)
            return assertFailsWith<FrameException> { Preprocessor(contract).process(frame, tensor(contract)) }.message!!
        }
        assertTrue("rotation is 45" in failure { rotation = 45 })
        assertTrue("0 x 48" in failure { width = 0 })
        assertTrue("square of 0" in failure { apply { width = 1 }.apply { height = 1 } })
        assertTrue("Y has a buffer of 3071 bytes" in failure { y.set(ByteBuffer.allocate(3071), 64, 1) })
        assertTrue("U has strides 0" in failure { u.set(ByteBuffer.allocate(999), 0, 1) })
        assertTrue("V has no buffer" in failure { v.clear() })
        assertTrue(
            "byte 99999999" in
                failure {
                    y.set(
                        ByteBuffer.allocate(9),
                        Int.MAX_VALUE,
                        1,
                    )
                }.replace(Regex("byte \\d{9,}"), "byte 99999999"),
        )
    }

    /** 64 x 48, white on the left half, black on the right one. */
    private fun brightLeft() =
        YuvFrame().apply {
            width = 64
            height = 48
            y.set(ByteBuffer.wrap(ByteArray(64 * 48) { if (it % 64 < 32) -1 else 0 }), 64, 1)
            for (plane in listOf(u, v)) plane.set(ByteBuffer.wrap(ByteArray(32 * 24) { -128 }), 32, 1)
        }

    private fun check(
        preprocessor: Preprocessor,
        contract: Contract,
        frame: YuvFrame,
    ) {
        val size = contract.frames.size
        val side = (minOf(frame.width, frame.height) * contract.frames.cropFraction).toInt()
        if (side < 1) return
        regimes.merge(
            if (side > size) {
                "shrinks"
            } else if (side < size) {
                "enlarges"
            } else {
                "copies"
            },
            1,
            Int::plus,
        )
        val tensor = tensor(contract)
        preprocessor.process(frame, tensor)
        val wanted = SlowReference.square(frame, size, contract.frames.cropFraction)
        val found = IntArray(wanted.size) { tensor.get(it) + 128 }
        assertContentEquals(
            wanted,
            found,
            "${frame.width} x ${frame.height}, ${frame.rotation} degrees, mirrored ${frame.mirrored}",
        )
    }

    private fun tensor(contract: Contract) =
        ByteBuffer.allocateDirect(contract.input.bytes).order(ByteOrder.nativeOrder())
}
