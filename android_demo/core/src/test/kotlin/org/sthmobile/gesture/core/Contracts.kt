package org.sthmobile.gesture.core

import org.sthmobile.gesture.core.postprocess.Thresholds
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.ElementType
import org.sthmobile.gesture.core.runner.Mode
import org.sthmobile.gesture.core.runner.PreprocessSpec
import org.sthmobile.gesture.core.runner.Quantization
import org.sthmobile.gesture.core.runner.StateSpec
import org.sthmobile.gesture.core.runner.TensorSpec

/** Small contracts of networks that do not exist. */
object Contracts {
    val LABELS = listOf("wave", "point", "nothing")
    private val POINT = Quantization(1 / 128f, 0)

    fun stream(
        size: Int = 32,
        type: ElementType = ElementType.INT8,
        layout: String = "THWC",
        spec: PreprocessSpec = spec(size),
    ): Contract {
        val point = if (type == ElementType.INT8) POINT else null
        val outputPoint = if (type == ElementType.INT8) Quantization(0.25f, -3) else null
        val reset = if (type == ElementType.INT8) -7f else 0.5f
        return Contract(
            runtime = "litert",
            precision = "int8",
            network = "none",
            mode = Mode.STREAM,
            frames = spec,
            input = TensorSpec("frames", shape(1, size, layout), layout, type, point),
            output = TensorSpec("logits", listOf(1, LABELS.size), "TK", type, outputPoint),
            labels = LABELS,
            states =
                listOf("a" to listOf(1, 2, 3), "b" to listOf(4)).map { (name, shape) ->
                    StateSpec(TensorSpec(name, shape, "?", type, point), "${name}_next", reset)
                },
            framesPerSecond = 4.0,
        )
    }

    fun clip(
        frames: Int,
        rows: Int = frames,
    ): Contract =
        stream().let {
            it.copy(
                mode = Mode.CLIP,
                frames = it.frames.copy(segments = frames),
                input = it.input.copy(shape = shape(frames, it.frames.size, "THWC")),
                output = it.output.copy(shape = listOf(rows, LABELS.size)),
                states = emptyList(),
                framesPerSecond = 0.0,
            )
        }

    fun spec(
        size: Int,
        mean: List<Float> = List(3) { 128 / 255f },
        std: List<Float> = List(3) { 128 / 255f },
        cropFraction: Double = 0.875,
    ) = PreprocessSpec(8, size, mean, std, cropFraction)

    fun thresholds() =
        Thresholds(
            temperature = 1.0,
            tauMs = 0,
            on = 0.6,
            off = 0.4,
            holdMs = 250,
            releaseMs = 0,
            refractoryMs = 0,
            repeatMs = 0,
            gapMs = 1000,
            background = listOf("nothing"),
            leastRate = 3.2,
            greatestRate = 5.0,
        )

    private fun shape(
        frames: Int,
        size: Int,
        layout: String,
    ) = if (layout == "THWC") listOf(frames, size, size, 3) else listOf(frames, 3, size, size)
}
