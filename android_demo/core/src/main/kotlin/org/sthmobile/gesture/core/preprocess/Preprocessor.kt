package org.sthmobile.gesture.core.preprocess

import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.runner.Contract
import java.nio.ByteBuffer

/**
 * A camera's frame -> the network's input by a contract's rules: colours, rotation, mirroring, central square, resize,
 * normalisation, quantization. One thread at a time; makes no garbage while frames keep their size.
 */
class Preprocessor(
    contract: Contract,
) {
    private val reader = SquareReader(contract.frames)
    private val writer = InputWriter.of(contract)

    /**
     * Writes [frame] as frame number [slot] of the input tensor [into].
     *
     * Throws [org.sthmobile.gesture.core.camera.FrameException] for a frame that cannot be read.
     */
    fun process(
        frame: YuvFrame,
        into: ByteBuffer,
        slot: Int = 0,
    ) {
        reader.read(frame, writer)
        writer.flush(into, slot)
    }
}
