package org.sthmobile.gesture.executorch

import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.ElementType
import org.sthmobile.gesture.core.runner.Engine
import org.sthmobile.gesture.core.runner.TensorSet
import org.sthmobile.gesture.core.runner.TensorSpec
import org.sthmobile.gesture.core.runner.orClose
import java.io.File
import java.nio.ByteBuffer
import java.nio.FloatBuffer

/**
 * A .pte in ExecuTorch, by the backends that it was lowered to. Tensors go in and come out in the order of the artefact, since a .pte names none.
 *
 * The library makes objects for its results in each inference; this class makes none. ExecuTorch has one pool of
 * threads in a process: the number of the module that was loaded last holds for all. The library does not say its
 * version, so that the build must.
 */
class ExecuTorchEngine(
    file: File,
    private val contract: Contract,
    threads: Int,
    override val runtimeVersion: String,
) : Engine {
    private var backends = ""
    private val module =
        Module.load(file.path, Module.LOAD_MODE_MMAP, threads).orClose {
            it.loadMethod(METHOD)
            backends =
                it
                    .getMethodMetadata(METHOD)
                    .backends
                    .distinct()
                    .joinToString()
        }
    private val calls = ArrayList<Call>()

    override val runtime: String = "ExecuTorch $runtimeVersion ($backends)"

    override fun bind(sets: List<TensorSet>) {
        val inputs = listOf(contract.input) + contract.states.map { it.tensor }
        val outputs = listOf(contract.output) + contract.states.map { it.tensor.copy(name = it.output) }
        sets.mapTo(calls) { set ->
            Call(
                Array(inputs.size) { EValue.from(tensor(inputs[it], set.inputs.getValue(inputs[it].name))) },
                Array(outputs.size) { Sink(set.outputs.getValue(outputs[it].name), outputs[it]) },
            )
        }
    }

    override fun run(set: Int) {
        val call = calls[set]
        val results = module.execute(METHOD, *call.inputs)
        check(results.size == call.sinks.size) {
            "the program has ${results.size} outputs, its contract says ${call.sinks.size}"
        }
        for (index in results.indices) call.sinks[index].take(results[index].toTensor())
    }

    override fun close() = module.close()

    private fun tensor(
        spec: TensorSpec,
        buffer: ByteBuffer,
    ): Tensor {
        val shape = LongArray(spec.shape.size) { spec.shape[it].toLong() }
        return when (spec.type) {
            ElementType.INT8 -> Tensor.fromBlob(buffer, shape)
            ElementType.FLOAT32 -> Tensor.fromBlob(buffer.asFloatBuffer(), shape)
        }
    }

    private class Call(
        val inputs: Array<EValue>,
        val sinks: Array<Sink>,
    )

    /** Where an output goes: both views of its buffer, made once. */
    private class Sink(
        private val bytes: ByteBuffer,
        private val spec: TensorSpec,
    ) {
        private val floats: FloatBuffer? = if (spec.type == ElementType.FLOAT32) bytes.asFloatBuffer() else null

        fun take(tensor: Tensor) {
            check(tensor.numel() == spec.count.toLong()) {
                "${spec.name} has ${tensor.numel()} elements, its contract says ${spec.count}"
            }
            if (floats != null) {
                floats.rewind()
                tensor.copyDataInto(floats)
            } else {
                bytes.rewind()
                tensor.copyDataInto(bytes)
                bytes.rewind()
            }
        }
    }

    private companion object {
        const val METHOD = "forward"
    }
}
