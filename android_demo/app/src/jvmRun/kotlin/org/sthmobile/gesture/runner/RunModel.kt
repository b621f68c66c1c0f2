package org.sthmobile.gesture.runner

import org.json.JSONObject
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.Engine
import org.sthmobile.gesture.core.runner.EngineRunner
import org.sthmobile.gesture.core.runner.TensorSet
import org.sthmobile.gesture.executorch.ExecuTorchEngine
import org.sthmobile.gesture.litert.LiteRtEngine
import java.io.File
import java.io.OutputStream
import java.nio.ByteBuffer
import kotlin.system.exitProcess

/**
 * Runs an artefact by the app's engines over input tensors: MODEL INPUTS OUTPUTS STEPS. The contract lies beside the
 * model.
 *
 * OUTPUTS gets, for each inference, the raw logits and then the raw states in the contract's order; a stream begins
 * anew after every STEPS inferences. Nothing has happened until the last line of standard output is JSON.
 */
fun main(arguments: Array<String>) {
    val model = File(arguments[0])
    val contract = Contract.read(File("$model.contract.json").readText(), model.name)
    val inputs = File(arguments[1]).readBytes()
    val steps = arguments[3].toInt()
    val inferences = inputs.size / contract.input.bytes
    val logits = FloatArray(contract.labels.size)
    val engine = engineOf(model, contract)
    File(arguments[2]).outputStream().buffered().use { outputs ->
        val runner = EngineRunner(contract, Watched(engine, outputs))
        for (number in 0 until inferences) {
            if (number % steps == 0) runner.reset()
            runner.input.clear()
            runner.input.put(inputs, number * contract.input.bytes, contract.input.bytes)
            runner.run(logits)
        }
        runner.close()
    }
    println(JSONObject().put("runtime", engine.runtime).put("inferences", inferences))
    exitProcess(0) // a thread of fbjni would go on
}

private fun engineOf(
    model: File,
    contract: Contract,
): Engine =
    when (contract.runtime) {
        "executorch" -> ExecuTorchEngine(model, contract, 1, System.getProperty("executorch.version"))
        "litert" -> LiteRtEngine(model, contract, 1)
        else -> error("${model.name} is for ${contract.runtime}")
    }

/** An engine whose outputs are kept as they are after each inference. */
private class Watched(
    private val engine: Engine,
    private val kept: OutputStream,
) : Engine by engine {
    private lateinit var sets: List<TensorSet>

    override fun bind(sets: List<TensorSet>) {
        this.sets = sets
        engine.bind(sets)
    }

    override fun run(set: Int) {
        engine.run(set)
        for (buffer in sets[set].outputs.values) kept.write(bytes(buffer))
    }

    private fun bytes(buffer: ByteBuffer) = ByteArray(buffer.capacity()) { buffer.get(it) }
}
