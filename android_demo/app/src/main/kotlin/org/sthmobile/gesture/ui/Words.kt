package org.sthmobile.gesture.ui

import android.content.res.Resources
import org.sthmobile.gesture.R
import org.sthmobile.gesture.camera.Reason
import org.sthmobile.gesture.core.pipeline.Percentiles
import org.sthmobile.gesture.pipeline.Thermal
import org.sthmobile.gesture.postprocess.Bar
import org.sthmobile.gesture.postprocess.HistoryLine

/** A [Screen]'s words, from the resources. */
class Words(
    private val resources: Resources,
) {
    fun headline(screen: Screen): String = screen.gesture?.label ?: resources.getString(R.string.no_gesture)

    fun history(lines: List<HistoryLine>): String =
        if (lines.isEmpty()) {
            resources.getString(R.string.history_empty)
        } else {
            lines.joinToString("\n") { line ->
                val text = if (line.lasts) R.string.history_now else R.string.history_line
                resources.getString(text, line.label, line.percent, line.secondsAgo)
            }
        }

    /** The bars as TalkBack reads them. */
    fun bars(bars: List<Bar>): String =
        if (bars.isEmpty()) {
            resources.getString(R.string.bars_empty)
        } else {
            bars.joinToString { resources.getString(R.string.bar_spoken, it.label, it.percent) }
        }

    fun figures(figures: Figures): String =
        listOfNotNull(
            figures.runtime,
            resources.getString(R.string.rates, figures.cameraRate, figures.networkRate),
            time(R.string.time_preprocess, figures.timings.preprocess),
            time(R.string.time_inference, figures.timings.inference),
            time(R.string.time_postprocess, figures.timings.postprocess),
            resources.getString(
                R.string.counts,
                figures.counts.processed,
                figures.counts.dropped,
                figures.counts.missed,
            ),
            resources.getString(R.string.thermal, resources.getString(thermal(figures.thermal))),
            figures.warning?.let {
                resources.getString(R.string.rate_warning, it.framesPerSecond, it.least, it.greatest)
            },
        ).joinToString("\n")

    fun notice(notice: Notice): String =
        when (notice) {
            is Notice.NoModel -> {
                (
                    listOf(
                        resources.getString(R.string.notice_no_model),
                    ) + notice.broken
                ).joinToString("\n")
            }

            is Notice.Loading -> {
                resources.getString(R.string.notice_loading)
            }

            is Notice.ModelFailed -> {
                resources.getString(R.string.notice_model_failed, notice.message)
            }

            is Notice.BadFrame -> {
                resources.getString(R.string.notice_bad_frame, notice.message)
            }

            is Notice.Paused -> {
                resources.getString(R.string.notice_paused)
            }

            is Notice.VideoEnded -> {
                resources.getString(R.string.notice_video_ended)
            }

            is Notice.NoFrames -> {
                noFrames(notice)
            }
        }

    fun action(action: Action): String =
        resources.getString(
            when (action) {
                Action.ASK_PERMISSION -> R.string.action_permission
                Action.OPEN_SETTINGS -> R.string.action_settings
                Action.RETRY_CAMERA, Action.RETRY_MODEL -> R.string.action_retry
                Action.RESUME -> R.string.action_resume
                Action.BACK_TO_CAMERA -> R.string.action_camera
            },
        )

    private fun noFrames(notice: Notice.NoFrames): String {
        val text =
            when {
                notice.reason == Reason.HOT -> R.string.notice_hot
                notice.video -> R.string.notice_video_broken
                notice.reason == Reason.PERMISSION -> R.string.notice_permission
                notice.reason == Reason.PERMISSION_BLOCKED -> R.string.notice_permission_blocked
                notice.reason == Reason.NO_CAMERA -> R.string.notice_no_camera
                notice.reason == Reason.TAKEN -> R.string.notice_taken
                notice.reason == Reason.DISABLED -> R.string.notice_disabled
                else -> R.string.notice_broken
            }
        return listOfNotNull(resources.getString(text), notice.detail).joinToString("\n")
    }

    private fun time(
        text: Int,
        time: Percentiles?,
    ): String? = time?.let { resources.getString(text, it.p50, it.p90) }

    private fun thermal(thermal: Thermal): Int =
        when (thermal) {
            Thermal.NONE -> R.string.thermal_none
            Thermal.LIGHT -> R.string.thermal_light
            Thermal.MODERATE -> R.string.thermal_moderate
            Thermal.SEVERE -> R.string.thermal_severe
            Thermal.CRITICAL -> R.string.thermal_critical
            Thermal.EMERGENCY -> R.string.thermal_emergency
            Thermal.SHUTDOWN -> R.string.thermal_shutdown
            Thermal.UNKNOWN -> R.string.thermal_unknown
        }
}
