package org.sthmobile.gesture.core.runner

import java.nio.ByteBuffer

/** A [Runner] over a runtime's [Engine]; keeps the buffers and the states. */
class EngineRunner(
    override val contract: Contract,
    private val engine: Engine,
) : Runner {
    override val runtime: String get() = engine.runtime

    override val input: ByteBuffer get() = TODO()

    override fun run(logits: FloatArray): Unit = TODO()

    override fun reset(): Unit = TODO()

    override fun close() = engine.close()
}
