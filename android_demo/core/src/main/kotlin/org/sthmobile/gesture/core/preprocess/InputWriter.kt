package org.sthmobile.gesture.core.preprocess

import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.ElementType
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.FloatBuffer

/**
 * Colours (0 to 255) -> elements of the input tensor, by tables: normalised, and quantized where the contract says so.
 *
 * The arithmetic is float32, rounding is half to even: the same as Python's.
 */
internal abstract class InputWriter(
    contract: Contract,
) : PixelSink {
    private val planar = contract.input.layout == "TCHW"
    private val pixels = contract.frames.size * contract.frames.size

    /** Elements of one frame. */
    protected val count = 3 * pixels

    /** From a pixel to the next one, and from a colour to the next one. */
    protected val pixelStep = if (planar) 1 else 3
    protected val colourStep = if (planar) pixels else 1

    /** Copies the frame into slot number [slot] of the tensor. */
    abstract fun flush(
        into: ByteBuffer,
        slot: Int,
    )

    companion object {
        fun of(contract: Contract): InputWriter =
            when (contract.input.type) {
                ElementType.INT8 -> Int8Writer(contract)
                ElementType.FLOAT32 -> FloatWriter(contract)
            }

        /** (value / 255 - mean) / std of one colour, for each value. */
        fun normalised(
            contract: Contract,
            colour: Int,
        ): FloatArray {
            val mean = contract.frames.mean[colour] * 255f
            val std = contract.frames.std[colour] * 255f
            return FloatArray(256) { (it.toFloat() - mean) / std }
        }
    }
}

private class Int8Writer(
    contract: Contract,
) : InputWriter(contract) {
    private val tables =
        Array(3) { colour ->
            val point = checkNotNull(contract.input.quantization)
            val reals = normalised(contract, colour)
            ByteArray(256) {
                Math
                    .rint(
                        (reals[it] / point.scale + point.zeroPoint).toDouble(),
                    ).coerceIn(-128.0, 127.0)
                    .toInt()
                    .toByte()
            }
        }
    private val frame = ByteArray(count)

    override fun pixels(
        values: IntArray,
        start: Int,
        step: Int,
    ) {
        for (colour in 0 until 3) {
            val table = tables[colour]
            var place = start * pixelStep + colour * colourStep
            var index = colour
            while (index < values.size) {
                frame[place] = table[values[index]]
                place += step * pixelStep
                index += 3
            }
        }
    }

    override fun flush(
        into: ByteBuffer,
        slot: Int,
    ) {
        (into as Buffer).position(slot * count)
        into.put(frame, 0, count)
        (into as Buffer).rewind()
    }
}

private class FloatWriter(
    contract: Contract,
) : InputWriter(contract) {
    private val tables = Array(3) { normalised(contract, it) }
    private val frame = FloatArray(count)
    private var target: ByteBuffer? = null
    private var view: FloatBuffer? = null

    override fun pixels(
        values: IntArray,
        start: Int,
        step: Int,
    ) {
        for (colour in 0 until 3) {
            val table = tables[colour]
            var place = start * pixelStep + colour * colourStep
            var index = colour
            while (index < values.size) {
                frame[place] = table[values[index]]
                place += step * pixelStep
                index += 3
            }
        }
    }

    override fun flush(
        into: ByteBuffer,
        slot: Int,
    ) {
        val floats = viewOf(into)
        (floats as Buffer).position(slot * count)
        floats.put(frame, 0, count)
    }

    /** The same object as long as the tensor is the same. */
    private fun viewOf(into: ByteBuffer): FloatBuffer {
        view?.let { if (target === into) return it }
        (into as Buffer).rewind()
        target = into
        return into.asFloatBuffer().also { view = it }
    }
}
