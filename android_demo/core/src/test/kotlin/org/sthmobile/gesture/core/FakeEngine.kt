package org.sthmobile.gesture.core

import org.sthmobile.gesture.core.runner.Engine
import org.sthmobile.gesture.core.runner.TensorSet
import java.nio.ByteBuffer

/**
 * A runtime that computes [answer] of each logit's number and the first value of state "a", and adds 1 to that state; a
 * tensor of integers is told from one of floats by its size.
 */
class FakeEngine(
    private val binds: Boolean = true,
    private val answer: (Int, Float) -> Float = { label, _ -> label.toFloat() },
) : Engine {
    override val runtime = "fake 1.0"
    override val runtimeVersion = "1.0"
    var sets = emptyList<TensorSet>()
        private set

    /** What state "a" was in each run. */
    val seen = ArrayList<Float>()
    var closed = false
        private set

    override fun bind(sets: List<TensorSet>) {
        check(binds) { "no memory" }
        this.sets = sets
    }

    override fun run(set: Int) {
        val tensors = sets[set]
        val logits = tensors.outputs.getValue("logits")
        val before = tensors.inputs["a"]
        val after = tensors.outputs["a_next"]
        val float = before != null && before.capacity() > 6
        val state = if (before == null) 0f else get(before, float)
        for (label in 0 until logits.capacity() / if (float) 4 else 1) put(logits, label, answer(label, state), float)
        if (after != null) put(after, 0, state + 1, float)
        seen += state
    }

    private fun get(
        buffer: ByteBuffer,
        float: Boolean,
    ) = if (float) buffer.getFloat(0) else buffer.get(0).toFloat()

    private fun put(
        buffer: ByteBuffer,
        index: Int,
        value: Float,
        float: Boolean,
    ) {
        if (float) buffer.putFloat(4 * index, value) else buffer.put(index, value.toInt().toByte())
    }

    override fun close() {
        closed = true
    }
}
