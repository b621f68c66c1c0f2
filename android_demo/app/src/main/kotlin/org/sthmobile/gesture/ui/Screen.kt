package org.sthmobile.gesture.ui

import org.sthmobile.gesture.camera.Reason
import org.sthmobile.gesture.camera.SourceState
import org.sthmobile.gesture.core.pipeline.Counts
import org.sthmobile.gesture.core.pipeline.PipelineState
import org.sthmobile.gesture.core.pipeline.Status
import org.sthmobile.gesture.core.pipeline.Timings
import org.sthmobile.gesture.core.postprocess.RateWarning
import org.sthmobile.gesture.pipeline.Thermal
import org.sthmobile.gesture.postprocess.Bar
import org.sthmobile.gesture.postprocess.HistoryLine
import org.sthmobile.gesture.postprocess.bars
import org.sthmobile.gesture.postprocess.current
import org.sthmobile.gesture.postprocess.history
import org.sthmobile.gesture.runner.Models

/** What a person can do about a notice. */
enum class Action { ASK_PERMISSION, OPEN_SETTINGS, RETRY_CAMERA, RETRY_MODEL, RESUME, BACK_TO_CAMERA }

/** Something that stands in the way; the words are in the resources. */
sealed class Notice(
    val action: Action?,
) {
    /** There is no model in the app. */
    data class NoModel(
        val broken: List<String>,
    ) : Notice(null)

    /** The model is being opened. */
    object Loading : Notice(null)

    /** The model failed, with what it said. */
    data class ModelFailed(
        val message: String,
    ) : Notice(Action.RETRY_MODEL)

    /** A picture cannot be read, for what [message] says. */
    data class BadFrame(
        val message: String,
        val video: Boolean,
    ) : Notice(if (video) Action.BACK_TO_CAMERA else Action.RETRY_CAMERA)

    /** No frames come. */
    data class NoFrames(
        val reason: Reason,
        val detail: String?,
        val video: Boolean,
    ) : Notice(actionFor(reason, video))

    /** Paused by the person. */
    object Paused : Notice(Action.RESUME)

    /** The video is over. */
    object VideoEnded : Notice(Action.BACK_TO_CAMERA)
}

/** The numbers line by line. */
data class Figures(
    val runtime: String?,
    val cameraRate: Double,
    val networkRate: Double,
    val timings: Timings,
    val counts: Counts,
    val thermal: Thermal,
    val warning: RateWarning?,
)

/** All that stands on the screen; it holds no words of its own but the labels. */
data class Screen(
    val gesture: HistoryLine?,
    val bars: List<Bar>,
    val history: List<HistoryLine>,
    val figures: Figures,
    val notice: Notice?,
    val paused: Boolean,
)

/** What a screen shows, from what the pipeline and the source say. */
fun screenOf(
    state: PipelineState,
    source: SourceState,
    thermal: Thermal,
    video: Boolean,
    models: Models?,
): Screen =
    Screen(
        current(state),
        bars(state),
        history(state),
        Figures(
            state.runtime,
            state.cameraRate,
            state.networkRate,
            state.timings,
            state.counts,
            thermal,
            state.warning,
        ),
        noticeOf(state, source, video, models),
        state.status == Status.PAUSED,
    )

/** The most important of what stands in the way: what a person must mend comes before what only takes time. */
private fun noticeOf(
    state: PipelineState,
    source: SourceState,
    video: Boolean,
    models: Models?,
): Notice? =
    when {
        models == null -> Notice.Loading
        state.status == Status.EMPTY -> Notice.NoModel(models.broken)
        state.status == Status.FAILED -> Notice.ModelFailed(state.message.orEmpty())
        source is SourceState.Stopped -> Notice.NoFrames(source.reason, source.detail, video)
        state.status == Status.PAUSED -> Notice.Paused
        state.frameFault != null -> Notice.BadFrame(state.frameFault.orEmpty(), video)
        source is SourceState.Ended -> Notice.VideoEnded
        state.status == Status.LOADING -> Notice.Loading
        else -> null
    }

private fun actionFor(
    reason: Reason,
    video: Boolean,
): Action? =
    when {
        reason == Reason.HOT -> null
        video -> Action.BACK_TO_CAMERA
        reason == Reason.PERMISSION -> Action.ASK_PERMISSION
        reason == Reason.PERMISSION_BLOCKED -> Action.OPEN_SETTINGS
        reason == Reason.NO_CAMERA -> null
        else -> Action.RETRY_CAMERA
    }
