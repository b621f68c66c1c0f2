package org.sthmobile.gesture.litert

import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.Engine
import org.sthmobile.gesture.core.runner.TensorSet
import org.sthmobile.gesture.core.runner.orClose
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor
import org.tensorflow.lite.TensorFlowLite
import java.io.File
import java.nio.ByteBuffer

/**
 * A .tflite in TensorFlow Lite (LiteRT's Android library has the same classes), by XNNPACK where the library has it.
 *
 * Tensors are found by the names of the artefact's signature, since a converter is free to order them otherwise.
 * Throws [IllegalArgumentException] where the file is no model, or is not what [contract] says.
 */
class LiteRtEngine(
    file: File,
    private val contract: Contract,
    threads: Int,
) : Engine {
    override val runtimeVersion: String = TensorFlowLite.runtimeVersion()

    // Whether a delegate took the model, the library does not say.
    override val runtime: String = "TensorFlow Lite $runtimeVersion"

    private val interpreter =
        Interpreter(file, options(threads)).orClose {
            it.allocateTensors()
            requireShape(it.getInputTensorFromSignature(contract.input.name, SIGNATURE), contract.input.shape)
            requireShape(it.getOutputTensorFromSignature(contract.output.name, SIGNATURE), contract.output.shape)
        }
    private val calls = ArrayList<Call>()

    override fun bind(sets: List<TensorSet>) {
        sets.mapTo(calls) { set ->
            Call(
                Array(set.inputs.size) { position -> set.inputs.getValue(nameOfInput(position)) },
                (0 until set.outputs.size).associateWith { position -> set.outputs.getValue(nameOfOutput(position)) },
                set.outputs.values.toTypedArray(),
            )
        }
    }

    override fun run(set: Int) {
        val call = calls[set]
        for (buffer in call.written) buffer.rewind() // the library writes at the position and leaves it at the end
        interpreter.runForMultipleInputsOutputs(call.inputs, call.outputs)
        for (buffer in call.written) buffer.rewind()
    }

    override fun close() = interpreter.close()

    private fun nameOfInput(position: Int): String {
        val index = interpreter.getInputTensor(position).index()
        return interpreter.getSignatureInputs(SIGNATURE).first {
            interpreter.getInputTensorFromSignature(it, SIGNATURE).index() == index
        }
    }

    private fun nameOfOutput(position: Int): String {
        val index = interpreter.getOutputTensor(position).index()
        return interpreter.getSignatureOutputs(SIGNATURE).first {
            interpreter.getOutputTensorFromSignature(it, SIGNATURE).index() == index
        }
    }

    private fun requireShape(
        tensor: Tensor,
        shape: List<Int>,
    ) = require(tensor.shape().toList() == shape) {
        "the model has a tensor of ${tensor.shape().toList()}, its contract says $shape"
    }

    /** What one inference hands to the library: made once, so that a frame makes no garbage here. */
    private class Call(
        val inputs: Array<ByteBuffer>,
        val outputs: Map<Int, Any>,
        val written: Array<ByteBuffer>,
    )

    private companion object {
        const val SIGNATURE = "serving_default"

        fun options(threads: Int) =
            Interpreter.Options().apply {
                setNumThreads(threads)
                setUseXNNPACK(true)
            }
    }
}
