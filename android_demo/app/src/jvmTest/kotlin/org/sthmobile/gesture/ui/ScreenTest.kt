package org.sthmobile.gesture.ui

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Rect
import android.os.Bundle
import android.view.View
import android.view.View.MeasureSpec
import android.view.ViewGroup
import android.widget.TextView
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.sthmobile.gesture.R
import org.sthmobile.gesture.camera.Reason
import org.sthmobile.gesture.camera.SourceState
import org.sthmobile.gesture.core.pipeline.PipelineState
import org.sthmobile.gesture.pipeline.Thermal
import org.sthmobile.gesture.postprocess.history
import org.sthmobile.gesture.runner.Models
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/**
 * The app's layout with the app's views, filled from a [Recording] by the app's pipeline and drawn by Android's own code.
 *
 * The property `pictures` names a folder for what was drawn.
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class ScreenTest {
    private val recording = Recording()
    private val state = recording.play()

    @Test
    @Config(qualifiers = "w360dp-h720dp-hdpi")
    fun `a phone in light`() = show("light", 540, 1080)

    @Test
    @Config(qualifiers = "w360dp-h720dp-night-hdpi")
    fun `a phone in the dark`() = show("dark", 540, 1080)

    @Test
    @Config(qualifiers = "w720dp-h360dp-land-hdpi")
    fun `a phone on its side`() = show("land", 1080, 540)

    @Test
    @Config(qualifiers = "w360dp-h720dp-hdpi")
    fun `a refused camera says what to do`() {
        val shown = Shown(540, 1080)
        val source = SourceState.Stopped(Reason.PERMISSION_BLOCKED)
        val lost = recording.play { it.reset() }
        shown.view.show(screenOf(lost, source, Thermal.SEVERE, video = false, models = NONE), video = false)
        shown.draw("refused")
        assertEquals(shown.string(R.string.no_gesture), shown.text(R.id.headline))
        assertTrue(shown.text(R.id.history).startsWith(recording.gestures.last()), "the history stays")
        assertEquals(shown.string(R.string.notice_permission_blocked), shown.text(R.id.notice_text))
        assertEquals(shown.string(R.string.action_settings), shown.text(R.id.notice_action))
        assertEquals(Action.OPEN_SETTINGS, shown.view.action)
        assertFalse(shown.root.keepScreenOn)
        assertTrue(shown.string(R.string.thermal_severe) in shown.text(R.id.figures))
        assertEquals(emptyList(), shown.cut())
    }

    @Test
    fun `gestures grow older by the clock, whatever times the frames have`() {
        val ages = history(state).map { it.secondsAgo }
        assertEquals(ages.sorted().distinct(), ages, "newest first, each of its own age")
        val later = state.copy(nowNs = state.nowNs + 60_000_000_000)
        assertEquals(ages.map { it + 60 }, history(later).map { it.secondsAgo })
    }

    private fun show(
        name: String,
        width: Int,
        height: Int,
    ) {
        val shown = Shown(width, height)
        shown.view.show(screenOf(state, SourceState.Running, Thermal.NONE, video = true, models = NONE), video = true)
        shown.picture.onFrame(recording.last())
        val bitmap = shown.draw(name)
        checkTexts(shown)
        assertEquals(emptyList(), shown.cut())
        assertTrue(shown.root.keepScreenOn)
        if (height > width) assertTrue(shown.isWholly(R.id.figures), "the figures are below the fold")
        for (id in listOf(R.id.picture, R.id.bars, R.id.history, R.id.figures, R.id.pause)) {
            assertTrue(shown.coloursOf(bitmap, id) > 8, "${shown.name(id)} is blank")
        }
    }

    private fun checkTexts(shown: Shown) {
        assertEquals(recording.gestures, state.history.map { state.labels[it.label] }.reversed())
        assertEquals(recording.gestures.last(), shown.text(R.id.headline))
        val lines = shown.text(R.id.history).lines()
        assertEquals(state.history.size, lines.size)
        val first = state.history.first()
        val percent = Math.round(first.confidence * 100).toInt()
        assertEquals(shown.string(R.string.history_now, recording.gestures.last(), percent), lines.first())
        val figures = shown.text(R.id.figures).lines()
        assertEquals(state.runtime, figures.first())
        assertTrue(shown.string(R.string.rates, state.cameraRate, state.networkRate) in figures)
        val inference = state.timings.inference!!
        assertTrue(shown.string(R.string.time_inference, inference.p50, inference.p90) in figures)
        assertTrue(shown.string(R.string.thermal, shown.string(R.string.thermal_none)) in figures)
        val best = state.top.first()
        val spoken =
            shown.root
                .findViewById<View>(R.id.bars)
                .contentDescription
                .toString()
        assertTrue(spoken.startsWith(state.labels[best.label]), spoken)
    }
}

/** Read, and none of them broken: what is open comes from the recording. */
private val NONE = Models(emptyList(), emptyList())

/** The layout in an activity of the app's theme, at a size in pixels. */
private class Shown(
    private val width: Int,
    private val height: Int,
) {
    private val activity: Activity = Robolectric.buildActivity(ThemedActivity::class.java).create().get()
    val root: View = activity.findViewById(R.id.root)
    val view = ScreenView(root, Words(activity.resources))
    val picture: PictureView = root.findViewById(R.id.picture)

    fun string(
        id: Int,
        vararg values: Any,
    ): String = activity.getString(id, *values)

    fun name(id: Int): String = activity.resources.getResourceEntryName(id)

    fun text(id: Int): String = root.findViewById<TextView>(id).text.toString()

    /** Lays the window out and draws it. */
    fun draw(name: String): Bitmap {
        val window = activity.window.decorView
        repeat(2) {
            window.measure(exactly(width), exactly(height))
            window.layout(0, 0, width, height)
        }
        val bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        window.draw(Canvas(bitmap))
        System.getProperty("pictures")?.let { folder ->
            File(folder, "screen_$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
        }
        return bitmap
    }

    /** Names of visible texts that have more than fits into their views, or stand outside the window. */
    fun cut(): List<String> =
        texts(root)
            .filter { it.isShown && it.text.isNotEmpty() }
            .filter { view ->
                val room = view.height - view.compoundPaddingTop - view.compoundPaddingBottom
                val lines = view.layout ?: return@filter true
                val wide = (0 until lines.lineCount).any { lines.getLineWidth(it) > lines.width + 1 }
                wide || lines.height > room || (0 until lines.lineCount).any { lines.getEllipsisCount(it) > 0 }
            }.map { view -> if (view.id == View.NO_ID) view.text.toString() else name(view.id) }

    /** Whether all of a view is in the window, without scrolling. */
    fun isWholly(id: Int): Boolean {
        val view = root.findViewById<View>(id)
        val seen = Rect()
        return view.getGlobalVisibleRect(seen) && seen.height() == view.height
    }

    /** How many colours are in a view's part of the picture. */
    fun coloursOf(
        bitmap: Bitmap,
        id: Int,
    ): Int {
        val view = root.findViewById<View>(id)
        val place = IntArray(2).also { view.getLocationInWindow(it) }
        val colours = HashSet<Int>()
        for (y in place[1] until minOf(place[1] + view.height, bitmap.height)) {
            for (x in place[0] until minOf(place[0] + view.width, bitmap.width)) colours += bitmap.getPixel(x, y)
        }
        return colours.size
    }

    private fun texts(view: View): List<TextView> =
        when (view) {
            is TextView -> listOf(view)
            is ViewGroup -> (0 until view.childCount).flatMap { texts(view.getChildAt(it)) }
            else -> emptyList()
        }

    private fun exactly(pixels: Int) = MeasureSpec.makeMeasureSpec(pixels, MeasureSpec.EXACTLY)
}

/** As [MainActivity], without what a JVM has not: a camera and the runtimes. */
class ThemedActivity : Activity() {
    override fun onCreate(saved: Bundle?) {
        setTheme(R.style.App)
        super.onCreate(saved)
        setContentView(R.layout.main)
    }
}
