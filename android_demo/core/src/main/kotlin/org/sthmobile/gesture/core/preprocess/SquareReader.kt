package org.sthmobile.gesture.core.preprocess

import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.runner.PreprocessSpec

/** Takes the network's picture piece by piece. */
internal fun interface PixelSink {
    /**
     * Pixels that lie [step] apart among size x size upright ones, row by row, from pixel number [start] on: [values]
     * holds red, green and blue (0 to 255) of one after the other.
     */
    fun pixels(
        values: IntArray,
        start: Int,
        step: Int,
    )
}

/** A frame -> the upright central square, resized to the network's size. Keeps its tables until the geometry changes. */
internal class SquareReader(
    spec: PreprocessSpec,
) {
    private val size = spec.size
    private val placement = Placement(spec.cropFraction)
    private val row = RgbRow()
    private val copied = IntArray(3 * size)
    private var shrinker: AreaMean? = null
    private var enlarger: Bilinear? = null
    private var preparedSide = -1

    /** Throws [org.sthmobile.gesture.core.camera.FrameException] for a frame that cannot be read. */
    fun read(
        frame: YuvFrame,
        sink: PixelSink,
    ) {
        frame.check()
        placement.place(frame)
        if (placement.side != preparedSide) prepare(placement.side)
        row.begin(frame, placement.side)
        val shrinker = shrinker
        val enlarger = enlarger
        if (shrinker != null) {
            shrink(frame, shrinker, sink)
        } else if (enlarger != null) {
            enlarge(frame, enlarger, sink)
        } else {
            copy(frame, sink)
        }
    }

    private fun prepare(side: Int) {
        shrinker = if (side > size) AreaMean(side, size) else null
        enlarger = if (side < size) Bilinear(side, size) else null
        preparedSide = side
    }

    private fun shrink(
        frame: YuvFrame,
        mean: AreaMean,
        sink: PixelSink,
    ) {
        mean.begin()
        val step = placement.step(size)
        for (a in 0 until placement.side) {
            readRow(frame, a)
            val done = mean.add(row)
            if (done >= 0) sink.pixels(mean.values, placement.start(done, size), step)
        }
    }

    private fun enlarge(
        frame: YuvFrame,
        bilinear: Bilinear,
        sink: PixelSink,
    ) {
        val side = placement.side
        val step = placement.step(side)
        for (a in 0 until side) {
            readRow(frame, a)
            interleave(bilinear.source, placement.start(a, side), step)
        }
        for (upright in 0 until size) {
            bilinear.row(upright)
            sink.pixels(bilinear.values, upright * size, 1)
        }
    }

    private fun copy(
        frame: YuvFrame,
        sink: PixelSink,
    ) {
        for (a in 0 until size) {
            readRow(frame, a)
            interleave(copied, 0, 1)
            sink.pixels(copied, placement.start(a, size), placement.step(size))
        }
    }

    private fun readRow(
        frame: YuvFrame,
        a: Int,
    ) = row.read(frame, placement.top + a, placement.left, placement.side)

    private fun interleave(
        into: IntArray,
        start: Int,
        step: Int,
    ) {
        for (b in 0 until placement.side) {
            val place = 3 * (start + b * step)
            into[place] = row.red[b]
            into[place + 1] = row.green[b]
            into[place + 2] = row.blue[b]
        }
    }
}
