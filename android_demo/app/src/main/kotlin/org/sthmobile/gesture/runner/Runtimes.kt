package org.sthmobile.gesture.runner

import android.content.Context
import org.sthmobile.gesture.R
import org.sthmobile.gesture.core.pipeline.Model
import org.sthmobile.gesture.core.pipeline.ModelSource
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.Engine
import org.sthmobile.gesture.core.runner.EngineRunner
import org.sthmobile.gesture.core.runner.Runner
import org.sthmobile.gesture.executorch.ExecuTorchEngine
import org.sthmobile.gesture.litert.LiteRtEngine
import java.io.File

/** The runtimes that are in this app, by their names in contracts. */
class Runtimes(
    private val executorchVersion: String,
) {
    /** As the build of this app says. */
    constructor(context: Context) : this(context.getString(R.string.executorch_version))

    /**
     * Loads an artefact.
     *
     * Throws [IllegalStateException] with a line for people where the runtime is unknown or its native library cannot
     * be loaded on this phone.
     */
    fun open(
        file: File,
        contract: Contract,
        threads: Int,
    ): Runner = EngineRunner(contract, engine(file, contract, threads))

    private fun engine(
        file: File,
        contract: Contract,
        threads: Int,
    ): Engine =
        try {
            when (contract.runtime) {
                "litert" -> LiteRtEngine(file, contract, threads)
                "executorch" -> ExecuTorchEngine(file, contract, threads, executorchVersion)
                else -> error("${file.name} is for ${contract.runtime}; this app runs litert and executorch")
            }
        } catch (error: LinkageError) {
            // No library for this processor, or one for pages of 4 KB on a phone with pages of 16 KB.
            throw IllegalStateException("${contract.runtime} does not run on this phone: ${error.message}", error)
        }

    companion object {
        /** How artefacts' names end. */
        val SUFFIXES = listOf(".tflite", ".pte")
    }
}

/** Opens a model of the store for the pipeline. */
class StoredModel(
    private val store: ModelStore,
    private val file: ModelFile,
    private val threads: Int,
    private val framesPerSecond: Double,
) : ModelSource {
    override fun open(): Model {
        val thresholds = store.thresholds(file) // before the runner, which nobody would close if they cannot be read
        return Model(store.open(file, threads), thresholds, framesPerSecond)
    }
}
