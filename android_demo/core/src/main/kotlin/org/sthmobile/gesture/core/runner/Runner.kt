package org.sthmobile.gesture.core.runner

import java.io.Closeable
import java.nio.ByteBuffer

/**
 * A loaded artefact: frames in, real logits out. One thread at a time.
 *
 * The pipeline fills [input], then calls [run]; a stream's states stay in here.
 */
interface Runner : Closeable {
    val contract: Contract

    /** Name and version of what computes, for people. */
    val runtime: String

    /** The version alone. */
    val runtimeVersion: String

    /** The input tensor of the next [run], as `contract.input` says: direct, native order. */
    val input: ByteBuffer

    /** Computes one inference over [input] and writes the logits of all classes, float, into [logits]. */
    fun run(logits: FloatArray)

    /** Forgets what a stream has seen. */
    fun reset()
}

/**
 * What a runtime must bring: one inference over buffers that belong to [EngineRunner]. Errors are exceptions.
 *
 * [bind] comes once, before the first [run]. Of a stream there are two sets, which [run] gets in turn: the states that
 * leave set 0 are the memory that enters set 1, and the other way round, so that no state is copied.
 */
interface Engine : Closeable {
    /** Name and version of what computes, for people. */
    val runtime: String

    /** The version alone. */
    val runtimeVersion: String

    /** Hands over the buffers of all inferences: one set of a clip, two of a stream. */
    fun bind(sets: List<TensorSet>)

    /** Reads the inputs of set number [set] and writes its outputs. */
    fun run(set: Int)
}

/**
 * The buffers of one inference, direct and in native order, by name in the order of the artefact: the frames and then
 * the states; the logits and then the states. Their positions are 0 and their limits the tensors' sizes.
 */
class TensorSet(
    val inputs: Map<String, ByteBuffer>,
    val outputs: Map<String, ByteBuffer>,
)
