package org.sthmobile.gesture.core.runner

/** A file that is not what it should be; the message names the file and the key. */
class ContractException(
    message: String,
) : IllegalArgumentException(message)

/** The type of a tensor's elements. */
enum class ElementType(
    val bytes: Int,
) {
    INT8(1),
    FLOAT32(4),
}

/** real = scale * (integer - zeroPoint). */
data class Quantization(
    val scale: Float,
    val zeroPoint: Int,
)

/** A tensor at the artefact's border; [quantization] where its elements stand for real numbers. */
data class TensorSpec(
    val name: String,
    val shape: List<Int>,
    val layout: String,
    val type: ElementType,
    val quantization: Quantization?,
) {
    /** Number of elements. */
    val count: Int get() = shape.fold(1) { product, side -> product * side }

    /** Size of all elements. */
    val bytes: Int get() = count * type.bytes
}

/** A state of a stream: [tensor] goes in, [output] takes its place in the next step; [reset] is how it begins. */
data class StateSpec(
    val tensor: TensorSpec,
    val output: String,
    val reset: Float,
)

/** From the camera's frame to the network's: the contract's part `preprocess`. */
data class PreprocessSpec(
    val segments: Int,
    val size: Int,
    val mean: List<Float>,
    val std: List<Float>,
    val cropFraction: Double,
)

/** What one inference takes. */
enum class Mode {
    /** The frames of a whole clip. */
    CLIP,

    /** One frame and the states that the frames before left. */
    STREAM,
}

/**
 * The interface of one artefact, read from its `NAME.contract.json`: the only place where sizes, labels and states are
 * written.
 *
 * [labels]: index = class id. [framesPerSecond]: how fast frames should come to a stream; 0 of a clip.
 */
data class Contract(
    val runtime: String,
    val precision: String,
    val network: String,
    val mode: Mode,
    val frames: PreprocessSpec,
    val input: TensorSpec,
    val output: TensorSpec,
    val labels: List<String>,
    val states: List<StateSpec>,
    val framesPerSecond: Double,
) {
    /** Frames of one inference. */
    val framesPerInference: Int get() = if (mode == Mode.STREAM) 1 else frames.segments

    companion object {
        /**
         * Reads [text], the content of a file that messages call [file].
         *
         * Throws [ContractException] for another version, a key that is missing or of another type, or a rule that
         * this code does not compute.
         */
        fun read(
            text: String,
            file: String,
        ): Contract = ContractReader(file).read(text)
    }
}
