package org.sthmobile.gesture.core.preprocess

import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.runner.Contract
import java.nio.ByteBuffer

/** A camera's frame -> the network's input by a contract's rules. One thread at a time; makes no garbage. */
class Preprocessor(
    private val contract: Contract,
) {
    /**
     * Writes [frame] as frame number [slot] of the input tensor [into].
     *
     * Throws [org.sthmobile.gesture.core.camera.FrameException] for a frame that cannot be read.
     */
    fun process(
        frame: YuvFrame,
        into: ByteBuffer,
        slot: Int = 0,
    ): Unit = TODO("$contract")
}
