package org.sthmobile.gesture.core.golden

import org.junit.Test
import org.sthmobile.gesture.core.runner.ElementType
import org.sthmobile.gesture.core.runner.Engine
import org.sthmobile.gesture.core.runner.EngineRunner
import org.sthmobile.gesture.core.runner.TensorSet
import java.nio.ByteBuffer
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals

/**
 * Python's stream through the runner: a runtime that answers with Python's outputs must be given Python's states back,
 * and what it answers must be read as Python's logits. The network itself does not run here.
 */
class GoldenStreamTest {
    private val contract = Golden.contract
    private val about = Golden.manifest.getJSONObject("stream")
    private val frames = about.getInt("frames")
    private val logits = Golden.floats(about.getString("logits"))
    private val kept = about.getJSONArray("state_frames").toList().map { (it as Int) - 1 }
    private val states =
        contract.states.associate {
            it.tensor.name to
                Golden.bytes(about.getJSONObject("states").getString(it.tensor.name))
        }

    @Test
    fun `states and logits are Python's`() {
        val replay = Replay()
        val runner = EngineRunner(contract, replay)
        val inputs = Golden.bytes(about.getString("inputs"))
        repeat(2) {
            replay.begin()
            runner.reset()
            val found = FloatArray(contract.labels.size)
            val all = ArrayList<Float>()
            for (frame in 0 until frames) {
                runner.input.clear()
                runner.input.put(inputs, frame * contract.input.bytes, contract.input.bytes)
                runner.run(found)
                all += found.toList()
            }
            if (it ==
                0
            ) {
                GoldenRows.require(
                    "stream/logits",
                    GoldenRows.floats(logits),
                    GoldenRows.floats(all.toFloatArray()),
                )
            }
            assertContentEquals(logits, all.toFloatArray())
        }
        for ((name, wanted) in replay.wanted) {
            GoldenRows.require(
                "stream/$name given back",
                wanted.toDoubleArray(),
                replay.given.getValue(name).toDoubleArray(),
            )
        }
    }

    /** Gives Python's states and logits, and keeps the states that it is given, for the frames that Python kept. */
    private inner class Replay : Engine {
        override val runtime = "replay"
        override val runtimeVersion = "0"
        val wanted = contract.states.associate { it.tensor.name to ArrayList<Double>() }
        val given = contract.states.associate { it.tensor.name to ArrayList<Double>() }
        private lateinit var sets: List<TensorSet>
        private var frame = 0

        fun begin() {
            frame = 0
        }

        override fun bind(sets: List<TensorSet>) {
            assertEquals(2, sets.size)
            this.sets = sets
        }

        override fun run(set: Int) {
            val tensors = sets[set]
            assertEquals(listOf(contract.input.name) + states.keys, tensors.inputs.keys.toList())
            for (state in contract.states) {
                val name = state.tensor.name
                val before = if (frame == 0) null else kept.indexOf(frame - 1).takeIf { it >= 0 }
                val buffer = tensors.inputs.getValue(name)
                if (frame == 0) {
                    wanted.getValue(name) += List(state.tensor.count) { state.reset.toDouble() }
                    given.getValue(name) += values(buffer, state.tensor.type)
                } else if (before != null) {
                    wanted.getValue(name) += values(slice(name, before, state.tensor.bytes), state.tensor.type)
                    given.getValue(name) += values(buffer, state.tensor.type)
                }
                val after = kept.indexOf(frame)
                if (after >=
                    0
                ) {
                    tensors.outputs
                        .getValue(state.output)
                        .duplicate()
                        .put(slice(name, after, state.tensor.bytes))
                }
            }
            answer(tensors.outputs.getValue(contract.output.name))
            frame++
        }

        private fun answer(output: ByteBuffer) {
            val classes = contract.labels.size
            for (label in 0 until classes) {
                val real = logits[frame * classes + label]
                val point = contract.output.quantization
                if (point ==
                    null
                ) {
                    output.putFloat(4 * label, real)
                } else {
                    output.put(
                        label,
                        Math.round(real / point.scale + point.zeroPoint).toByte(),
                    )
                }
            }
        }

        private fun slice(
            name: String,
            number: Int,
            bytes: Int,
        ): ByteBuffer =
            ByteBuffer
                .wrap(
                    states.getValue(name),
                    number * bytes,
                    bytes,
                ).slice()
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)

        private fun values(
            buffer: ByteBuffer,
            type: ElementType,
        ): List<Double> =
            if (type == ElementType.INT8) {
                List(buffer.capacity()) { buffer.get(it).toDouble() }
            } else {
                List(buffer.capacity() / 4) { buffer.getFloat(4 * it).toDouble() }
            }

        override fun close() = Unit
    }
}
