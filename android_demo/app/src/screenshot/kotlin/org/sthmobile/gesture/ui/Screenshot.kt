package org.sthmobile.gesture.ui

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Canvas
import org.junit.Test
import org.junit.runner.JUnitCore
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowLooper
import org.sthmobile.gesture.R
import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.pipeline.Counts
import org.sthmobile.gesture.core.pipeline.Percentiles
import org.sthmobile.gesture.core.pipeline.Timings
import org.sthmobile.gesture.pipeline.Thermal
import org.sthmobile.gesture.postprocess.Bar
import org.sthmobile.gesture.postprocess.HistoryLine
import java.io.File
import java.nio.ByteBuffer
import kotlin.system.exitProcess
import kotlin.test.assertEquals

/**
 * Draws the app's own layout with its own [ScreenView] and [PictureView] in Android's own view classes and renderer,
 * which Robolectric runs on the JVM. The picture is a rendered gesture; the numbers on the screen are examples.
 */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = [34])
class Screenshot {
    @Test
    @Config(qualifiers = "w360dp-h720dp-port-notnight-xhdpi")
    fun light() = shoot("light", EXAMPLE)

    @Test
    @Config(qualifiers = "w360dp-h720dp-port-night-xhdpi")
    fun dark() = shoot("dark", EXAMPLE)

    private fun shoot(
        name: String,
        screen: Screen,
    ) {
        val controller = Robolectric.buildActivity(Activity::class.java)
        val shown = controller.get().apply { setTheme(R.style.App) }
        controller.create()
        shown.setContentView(R.layout.main)
        controller.start().resume().visible()
        shown.findViewById<PictureView>(R.id.picture).onFrame(picture())
        ScreenView(shown.findViewById(R.id.root), Words(shown.resources)).show(screen, video = true)
        ShadowLooper.idleMainLooper()
        val window = shown.window.decorView
        val bitmap = Bitmap.createBitmap(window.width, window.height, Bitmap.Config.ARGB_8888)
        window.draw(Canvas(bitmap))
        assertEquals(window.width, 720)
        File(System.getProperty("screenshots"), "$name.png").outputStream().use {
            bitmap.compress(Bitmap.CompressFormat.PNG, 100, it)
        }
    }

    /** I420 of the size in the property `picture.size`, from the file in the property `picture`. */
    private fun picture(): YuvFrame {
        val (columns, rows) = System.getProperty("picture.size").split("x").map { it.toInt() }
        val bytes = File(System.getProperty("picture")).readBytes()
        val buffer = ByteBuffer.allocateDirect(bytes.size).put(bytes)
        return YuvFrame().apply {
            width = columns
            height = rows
            y.set(buffer, columns, 1)
            u.set(buffer, columns / 2, 1, columns * rows)
            v.set(buffer, columns / 2, 1, columns * rows * 5 / 4)
        }
    }

    private companion object {
        val EXAMPLE =
            Screen(
                gesture = HistoryLine("Swiping Left", 93, 1, lasts = true),
                bars =
                    listOf(
                        Bar("Swiping Left", 0.93f),
                        Bar("Sliding Two Fingers Left", 0.04f),
                        Bar("Swiping Right", 0.01f),
                        Bar("No gesture", 0.01f),
                        Bar("Shaking Hand", 0.01f),
                    ),
                history =
                    listOf(
                        HistoryLine("Swiping Left", 93, 1, lasts = true),
                        HistoryLine("Thumb Up", 97, 6, lasts = false),
                        HistoryLine("Turning Hand Clockwise", 88, 11, lasts = false),
                    ),
                figures =
                    Figures(
                        "Example (XNNPACK)",
                        cameraRate = 30.0,
                        networkRate = 4.0,
                        timings = Timings(Percentiles(1.0, 1.0), Percentiles(1.0, 1.0), Percentiles(0.1, 0.1)),
                        counts = Counts(900, 780, 0, 120, 0),
                        thermal = Thermal.NONE,
                        warning = null,
                    ),
                notice = null,
                paused = false,
            )
    }
}

/** Draws all screenshots into the folder in the property `screenshots`. */
fun main() {
    val result = JUnitCore.runClasses(Screenshot::class.java)
    for (failure in result.failures) System.err.println(failure.trace)
    exitProcess(if (result.wasSuccessful()) 0 else 1)
}
