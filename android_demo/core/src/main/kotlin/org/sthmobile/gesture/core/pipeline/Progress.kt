package org.sthmobile.gesture.core.pipeline

import org.sthmobile.gesture.core.camera.YuvFrame

/** Counts and times since a model was opened. */
internal class Progress {
    val preprocess = StageTimes()
    val inference = StageTimes()
    val postprocess = StageTimes()
    val camera = RateMeter()
    val network = RateMeter()
    var offered = 0L
    var early = 0L
    var dropped = 0L
    var processed = 0L

    fun counts(missed: Long) = Counts(offered, early, dropped, processed, missed)

    fun timings() = Timings(preprocess.percentiles(), inference.percentiles(), postprocess.percentiles())
}

/** Notices when frames no longer continue those before. */
internal class Continuity {
    private var known = false
    private var width = 0
    private var height = 0
    private var rotation = 0
    private var mirrored = false
    private var timestampNs = 0L

    /** Whether [frame] has another size, rotation or mirroring than the one before, or an earlier time. */
    fun breaks(frame: YuvFrame): Boolean {
        val same =
            frame.width == width &&
                frame.height == height &&
                frame.rotation == rotation &&
                frame.mirrored == mirrored &&
                frame.timestampNs >= timestampNs
        val broken = known && !same
        known = true
        width = frame.width
        height = frame.height
        rotation = frame.rotation
        mirrored = frame.mirrored
        timestampNs = frame.timestampNs
        return broken
    }
}
