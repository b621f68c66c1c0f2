package org.sthmobile.gesture.core.runner

import org.junit.Test
import org.sthmobile.gesture.core.Contracts
import org.sthmobile.gesture.core.FakeEngine
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotSame
import kotlin.test.assertSame
import kotlin.test.assertTrue

class EngineRunnerTest {
    private val logits = FloatArray(Contracts.LABELS.size)

    @Test
    fun `states take turns in place`() {
        val engine = FakeEngine()
        EngineRunner(Contracts.stream(), engine)
        val (first, second) = engine.sets
        assertSame(first.outputs["a_next"], second.inputs["a"])
        assertSame(second.outputs["b_next"], first.inputs["b"])
        assertNotSame(first.inputs["a"], second.inputs["a"])
        assertSame(first.inputs["frames"], second.inputs["frames"])
        assertEquals(listOf("frames", "a", "b"), first.inputs.keys.toList())
        assertEquals(listOf("logits", "a_next", "b_next"), second.outputs.keys.toList())
        assertTrue(engine.sets.all { set -> (set.inputs.values + set.outputs.values).all { it.isDirect } })
    }

    @Test
    fun `a stream remembers, and forgets when it is told to`() {
        for (type in ElementType.values()) {
            val engine = FakeEngine { _, state -> state + 1 }
            val runner = EngineRunner(Contracts.stream(type = type), engine)
            repeat(5) { runner.run(logits) }
            runner.reset()
            repeat(2) { runner.run(logits) }
            val begin = if (type == ElementType.INT8) -7f else 0.5f
            assertEquals(listOf(0f, 1f, 2f, 3f, 4f, 0f, 1f).map { begin + it }, engine.seen)
        }
    }

    @Test
    fun `integers become real logits`() {
        val engine = FakeEngine { label, _ -> listOf(-3f, 1f, 127f)[label] }
        EngineRunner(Contracts.stream(), engine).run(logits)
        assertContentEquals(floatArrayOf(0f, 1f, 32.5f), logits)
    }

    @Test
    fun `a clip's logits are the mean of its rows`() {
        val engine = FakeEngine { index, _ -> index.toFloat() }
        val runner = EngineRunner(Contracts.clip(4), engine)
        assertEquals(1, engine.sets.size)
        repeat(2) { runner.run(logits) }
        assertContentEquals(floatArrayOf(0.25f * 7.5f, 0.25f * 8.5f, 0.25f * 9.5f), logits)
    }

    @Test
    fun `what was opened is closed where the rest fails`() {
        val engine = FakeEngine(binds = false)
        assertFailsWith<IllegalStateException> { EngineRunner(Contracts.stream(), engine) }
        assertTrue(engine.closed)
        val whole = FakeEngine()
        assertSame(whole, whole.orClose { it.bind(emptyList()) })
        assertFalse(whole.closed)
    }

    @Test
    fun `faults of the caller and of the runtime are told`() {
        assertFailsWith<IllegalArgumentException> { EngineRunner(Contracts.stream(), FakeEngine()).run(FloatArray(2)) }
        val engine = FakeEngine { _, _ -> error("no memory") }
        assertEquals(
            "no memory",
            assertFailsWith<IllegalStateException> {
                EngineRunner(Contracts.stream(), engine).run(logits)
            }.message,
        )
    }
}
