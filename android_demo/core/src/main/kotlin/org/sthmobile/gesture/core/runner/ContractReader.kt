package org.sthmobile.gesture.core.runner

/** Reads a contract strictly: whatever this app would not compute as it is written there is refused. */
internal class ContractReader(
    private val file: String,
) {
    fun read(text: String): Contract {
        val content = JsonFields.parse(text, file, VERSION)
        val mode = if (content.oneOf("mode", "clip", "stream") == "clip") Mode.CLIP else Mode.STREAM
        if (content.has("stateful") &&
            content.flag("stateful")
        ) {
            content.fail("stateful", "false: this app keeps the states")
        }
        val contract =
            Contract(
                runtime = content.text("runtime"),
                precision = content.text("precision"),
                network = content.text("network"),
                mode = mode,
                frames = preprocess(content.fields("preprocess")),
                input = tensor(content.fields("input")),
                output = tensor(content.fields("output")),
                labels = content.texts("labels"),
                states = content.objects("states").map(::state),
                framesPerSecond = content.number("frames_per_second"),
            )
        check(contract, content)
        return contract
    }

    private fun check(
        contract: Contract,
        content: JsonFields,
    ) {
        val size = contract.frames.size
        val frames = contract.framesPerInference
        val wanted =
            if (contract.input.layout ==
                "THWC"
            ) {
                listOf(frames, size, size, 3)
            } else {
                listOf(frames, 3, size, size)
            }
        content.fields("input").oneOf("layout", "THWC", "TCHW")
        if (contract.input.shape != wanted) content.fields("input").fail("shape", "$wanted")
        if (contract.labels.isEmpty()) content.fail("labels", "at least one")
        val rows = contract.output.shape.firstOrNull()
        if (contract.output.shape != listOf(rows, contract.labels.size)) {
            content.fields("output").fail("shape", "rows of ${contract.labels.size} logits")
        }
        val stream = contract.mode == Mode.STREAM
        if (stream && contract.framesPerSecond <= 0) content.fail("frames_per_second", "more than 0 of a stream")
        if (!stream && contract.states.isNotEmpty()) content.fail("states", "none of a clip")
    }

    private fun preprocess(fields: JsonFields): PreprocessSpec {
        fields.oneOf("colour_order", "RGB")
        fields.oneOf("normalisation", "(value / 255 - mean) / std")
        fields.oneOf("resize_rule", RESIZE_RULE)
        if (fields.wholes("value_range") != listOf(0, 255)) fields.fail("value_range", "[0, 255]")
        val spec =
            PreprocessSpec(
                segments = fields.positive("segments"),
                size = fields.positive("size"),
                mean = fields.perColour("mean"),
                std = fields.perColour("std"),
                cropFraction = fields.number("crop_fraction"),
            )
        if (spec.std.any { it <= 0 }) fields.fail("std", "numbers above 0")
        if (spec.cropFraction <= 0 || spec.cropFraction > 1) fields.fail("crop_fraction", "more than 0, at most 1")
        return spec
    }

    private fun state(fields: JsonFields): StateSpec =
        StateSpec(tensor(fields, "input"), fields.text("output"), fields.number("reset").toFloat())

    private fun tensor(
        fields: JsonFields,
        name: String = "name",
    ): TensorSpec {
        val type = if (fields.oneOf("dtype", "int8", "float32") == "int8") ElementType.INT8 else ElementType.FLOAT32
        val quantization = fields.fieldsOrNull("quantization")?.let(::quantization)
        if ((quantization != null) != (type == ElementType.INT8)) {
            fields.fail("quantization", "scale and zero_point of int8, null of float32")
        }
        val shape = fields.wholes("shape")
        if (shape.isEmpty() || shape.any { it < 1 }) fields.fail("shape", "sides of at least 1")
        return TensorSpec(fields.text(name), shape, fields.text("layout"), type, quantization)
    }

    private fun quantization(fields: JsonFields): Quantization {
        fields.oneOf("dtype", "int8")
        val scale = fields.number("scale").toFloat()
        val zeroPoint = fields.whole("zero_point")
        if (scale <= 0) fields.fail("scale", "more than 0")
        if (zeroPoint < Byte.MIN_VALUE || zeroPoint > Byte.MAX_VALUE) fields.fail("zero_point", "-128 to 127")
        return Quantization(scale, zeroPoint)
    }

    private fun JsonFields.oneOf(
        key: String,
        vararg allowed: String,
    ): String = text(key).also { if (it !in allowed) fail(key, allowed.joinToString(" or ")) }

    private fun JsonFields.positive(key: String): Int = whole(key).also { if (it < 1) fail(key, "at least 1") }

    private fun JsonFields.perColour(key: String): List<Float> =
        numbers(key).map(Double::toFloat).also { if (it.size != 3) fail(key, "3 numbers") }

    private companion object {
        const val VERSION = 2
        const val RESIZE_RULE =
            "square of side floor(crop_fraction * short side) at ((height - side) // 2, (width - side) // 2); " +
                "then area average if the side is above size, bilinear with half-pixel centres if it is below"
    }
}
