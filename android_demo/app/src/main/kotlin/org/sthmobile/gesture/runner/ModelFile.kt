package org.sthmobile.gesture.runner

import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.Mode

/** An artefact that the app can open: [name] is its file's, [contract] what lies beside it. */
data class ModelFile(
    val name: String,
    val contract: Contract,
)

/** What a person chose; a model that has all of it need not exist. */
data class ModelWish(
    val runtime: String = "litert",
    val precision: String = "int8",
    val mode: Mode = Mode.STREAM,
    val threads: Int = 1,
)

/** The file for a wish: the same runtime counts most, then the mode, then the precision. Null where there is none. */
fun choose(
    files: List<ModelFile>,
    wish: ModelWish,
): ModelFile? =
    files.maxByOrNull { file ->
        val contract = file.contract
        (if (contract.runtime == wish.runtime) 4 else 0) +
            (if (contract.mode == wish.mode) 2 else 0) +
            (if (contract.precision == wish.precision) 1 else 0)
    }

/** [wish] as [file] fulfils it. */
fun granted(
    file: ModelFile,
    wish: ModelWish,
): ModelWish = ModelWish(file.contract.runtime, file.contract.precision, file.contract.mode, wish.threads)

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
