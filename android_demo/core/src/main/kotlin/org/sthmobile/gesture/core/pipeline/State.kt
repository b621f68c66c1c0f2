package org.sthmobile.gesture.core.pipeline

import org.sthmobile.gesture.core.postprocess.RateWarning

/** What the pipeline does. */
enum class Status {
    /** There is no model. */
    EMPTY,

    /** A model is being opened. */
    LOADING,

    /** Frames are welcome. */
    RUNNING,

    /** Frames are refused until somebody calls `resume`. */
    PAUSED,

    /** Opening or running failed, [PipelineState.message] says how; `retry` or another model goes on. */
    FAILED,
}

/** What became of an offered frame. */
enum class Offer {
    /** It goes through the network. */
    TAKEN,

    /** The network wants fewer frames a second than the camera gives. */
    EARLY,

    /** It was due, but inference is behind: dropped. */
    BEHIND,

    /** It cannot be read: [PipelineState.frameFault] says why. */
    UNREADABLE,

    /** The pipeline is not running: [Status]. */
    REFUSED,
}

/** A class and its smoothed score (0 to 1). */
data class Score(
    val label: Int,
    val score: Double,
)

/**
 * One performance of a gesture; [endMs] is null while it lasts. [beginMs] and [endMs] are times of the frames, in
 * milliseconds, which a video that is played again has again; [number], from 1 on, and [noticedNs] by the pipeline's
 * clock are this performance's own.
 */
data class Gesture(
    val number: Int,
    val noticedNs: Long,
    val label: Int,
    val beginMs: Long,
    val confidence: Double,
    val endMs: Long?,
)

/** Half and nine tenths of the last frames took no longer than this, in milliseconds. */
data class Percentiles(
    val p50: Double,
    val p90: Double,
)

/** Times of the stages over the last frames; null before the first. */
data class Timings(
    val preprocess: Percentiles?,
    val inference: Percentiles?,
    val postprocess: Percentiles?,
)

/**
 * Frames since the model was opened: [offered] by the camera, [early] for the network's rate, [dropped] since inference
 * was behind, [processed]; [missed] are due times for which no frame came or was taken.
 */
data class Counts(
    val offered: Long,
    val early: Long,
    val dropped: Long,
    val processed: Long,
    val missed: Long,
)

/**
 * All that a screen shows, at one moment. It never changes.
 *
 * [revision] grows whenever something changed. [labels]: index = class id. [top]: the best classes, best first.
 * [frameFault]: why the last due frame could not be read; null where it could. [active]: the gesture that lasts. [history]: the last gestures, newest first, [active] too. [nowNs]: that moment by
 * the pipeline's clock. [cameraRate] and [networkRate]: frames a second that were offered and processed, over the last
 * seconds.
 */
data class PipelineState(
    val revision: Long,
    val status: Status,
    val message: String?,
    val frameFault: String?,
    val runtime: String?,
    val labels: List<String>,
    val top: List<Score>,
    val active: Gesture?,
    val history: List<Gesture>,
    val nowNs: Long,
    val warning: RateWarning?,
    val timings: Timings,
    val counts: Counts,
    val cameraRate: Double,
    val networkRate: Double,
)
