package org.sthmobile.gesture.runner

import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.Mode

/**
 * An artefact that the app can open: [name] is its file's, [contract] what lies beside it. [pushed] into the app's
 * folder, or built into the app; both may have one of a name.
 */
data class ModelFile(
    val name: String,
    val contract: Contract,
    val pushed: Boolean = false,
) {
    /** Tells it from all others. */
    val id: String get() = (if (pushed) "pushed/" else "built-in/") + name
}

/** What a person chose last: the [ModelFile.id] of a model, which need not be there any more; null before a choice. */
data class ModelChoice(
    val id: String? = null,
    val threads: Int = 1,
)

/** The file for a choice; else a stream in int8 for LiteRT, or what comes closest. Null where there is none. */
fun choose(
    files: List<ModelFile>,
    choice: ModelChoice,
): ModelFile? =
    files.firstOrNull { it.id == choice.id }
        ?: files.maxByOrNull { file ->
            val contract = file.contract
            (if (contract.mode == Mode.STREAM) 4 else 0) +
                (if (contract.runtime == "litert") 2 else 0) +
                (if (contract.precision == "int8") 1 else 0)
        }

/** Frames a second for [file]: its own rate, or that of a stream of the same network where it is a clip. */
fun frameRate(
    file: ModelFile,
    files: List<ModelFile>,
): Double {
    val own = file.contract.framesPerSecond
    if (own > 0) return own
    val streams = files.filter { it.contract.mode == Mode.STREAM }
    val sibling = streams.firstOrNull { it.contract.network == file.contract.network } ?: streams.firstOrNull()
    return sibling?.contract?.framesPerSecond ?: CLIP_RATE
}

/** Of clips without any stream beside them: Jester's clips of 3 s, 8 frames each, have about as many. */
private const val CLIP_RATE = 4.0
