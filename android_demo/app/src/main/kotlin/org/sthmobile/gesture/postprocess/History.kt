package org.sthmobile.gesture.postprocess

import org.sthmobile.gesture.core.pipeline.Gesture
import org.sthmobile.gesture.core.pipeline.PipelineState

/** A performed gesture as the list shows it: [secondsAgo] of its begin; [lasts] while it is not over. */
data class HistoryLine(
    val label: String,
    val percent: Int,
    val secondsAgo: Int,
    val lasts: Boolean,
)

/** A class and its score as a bar: [share] of 0 to 1. */
data class Bar(
    val label: String,
    val share: Float,
) {
    val percent: Int get() = Math.round(share * 100)
}

/** The best classes, best first; an empty list before the first frame. */
fun bars(state: PipelineState): List<Bar> = state.top.map { Bar(state.labels[it.label], it.score.toFloat()) }

/** The last gestures, newest first. */
fun history(state: PipelineState): List<HistoryLine> = state.history.map { line(state, it) }

/** The gesture that lasts, for the headline; null while there is none. */
fun current(state: PipelineState): HistoryLine? = state.active?.let { line(state, it) }

private fun line(
    state: PipelineState,
    gesture: Gesture,
) = HistoryLine(
    state.labels[gesture.label],
    Math.round(gesture.confidence * 100).toInt(),
    ((state.nowNs - gesture.noticedNs) / 1_000_000_000).toInt(),
    gesture.endMs == null,
)
