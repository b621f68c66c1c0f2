package org.sthmobile.gesture.core.runner

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * A [Runner] over a runtime's [Engine]; keeps the buffers and the states, and makes no garbage.
 *
 * Throws whatever the engine throws when it gets the buffers; the engine is closed then.
 */
class EngineRunner(
    override val contract: Contract,
    private val engine: Engine,
) : Runner {
    override val runtime: String get() = engine.runtime
    override val runtimeVersion: String get() = engine.runtimeVersion
    override val input: ByteBuffer = buffer(contract.input)
    private val output = buffer(contract.output)
    private val rows = contract.output.count / contract.labels.size
    private val states = StreamStates(contract.states)

    init {
        engine.orClose { it.bind(states.sets(contract, input, output)) }
        reset()
    }

    override fun run(logits: FloatArray) {
        require(logits.size == contract.labels.size) { "room for ${logits.size} logits of ${contract.labels.size}" }
        engine.run(states.current)
        states.swap()
        consensus(logits)
    }

    override fun reset() = states.reset()

    override fun close() = engine.close()

    /** The mean over the rows of logits, as float: added row by row, then divided. */
    private fun consensus(logits: FloatArray) {
        for (label in logits.indices) {
            var sum = real(label)
            for (row in 1 until rows) sum += real(row * logits.size + label)
            logits[label] = if (rows == 1) sum else sum / rows
        }
    }

    private fun real(index: Int): Float {
        val point = contract.output.quantization ?: return output.getFloat(index * ElementType.FLOAT32.bytes)
        return point.scale * (output.get(index).toFloat() - point.zeroPoint)
    }
}

/**
 * The states of a stream in two sets of buffers that take turns: what step n writes is what step n + 1 reads, in place.
 */
internal class StreamStates(
    private val specs: List<StateSpec>,
) {
    private val buffers: List<List<ByteBuffer>> =
        List(if (specs.isEmpty()) 1 else 2) { specs.map { buffer(it.tensor) } }

    /** The set that the next step reads. */
    var current = 0
        private set

    /** The step is done: what it wrote is read next. */
    fun swap() {
        current = (current + 1) % buffers.size
    }

    /** Before the first frame. */
    fun reset() {
        current = 0
        for (index in specs.indices) fill(buffers[0][index], specs[index])
    }

    /** All tensors of the inferences that read set 0, and, of a stream, set 1. */
    fun sets(
        contract: Contract,
        input: ByteBuffer,
        output: ByteBuffer,
    ): List<TensorSet> =
        buffers.indices.map { reads ->
            val writes = buffers[(reads + 1) % buffers.size]
            TensorSet(
                mapOf(contract.input.name to input) + specs.map { it.tensor.name }.zip(buffers[reads]),
                mapOf(contract.output.name to output) + specs.map { it.output }.zip(writes),
            )
        }

    private fun fill(
        buffer: ByteBuffer,
        spec: StateSpec,
    ) {
        for (index in 0 until spec.tensor.count) {
            when (spec.tensor.type) {
                ElementType.INT8 -> buffer.put(index, spec.reset.toInt().toByte())
                ElementType.FLOAT32 -> buffer.putFloat(index * ElementType.FLOAT32.bytes, spec.reset)
            }
        }
    }
}

/** A buffer as runtimes want it, for a tensor. */
private fun buffer(spec: TensorSpec): ByteBuffer = ByteBuffer.allocateDirect(spec.bytes).order(ByteOrder.nativeOrder())
