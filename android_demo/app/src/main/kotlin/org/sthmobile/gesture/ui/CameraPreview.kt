package org.sthmobile.gesture.ui

import android.graphics.Matrix
import android.graphics.SurfaceTexture
import android.hardware.display.DisplayManager
import android.os.Handler
import android.os.Looper
import android.view.Surface
import android.view.TextureView
import android.view.View
import org.sthmobile.gesture.camera.CameraFacts
import org.sthmobile.gesture.camera.previewTransform
import java.io.Closeable

/**
 * The camera's picture in [view]: laid out anew when the view, the camera or the display changes. A display that turns
 * upside down changes nothing else, so that the system's display listener is the one to tell.
 *
 * [ready] is told that there is a texture, [gone] gets what must run before it can go, and [displayIs] how the display
 * is turned, in degrees.
 */
class CameraPreview(
    private val view: TextureView,
    private val ready: () -> Unit,
    private val gone: (() -> Unit) -> Unit,
    private val displayIs: (Int) -> Unit,
) : TextureView.SurfaceTextureListener,
    DisplayManager.DisplayListener,
    Closeable {
    private val displays = view.context.getSystemService(DisplayManager::class.java)
    private var facts: CameraFacts? = null

    /** Where the camera draws; null while there is nothing. */
    val texture: SurfaceTexture? get() = view.surfaceTexture

    init {
        view.surfaceTextureListener = this
        view.addOnLayoutChangeListener { _: View, _, _, _, _, _, _, _, _ -> layOut() }
        displays.registerDisplayListener(this, Handler(Looper.getMainLooper()))
    }

    /** This camera is the one to lay out. */
    fun show(facts: CameraFacts?) {
        if (facts == this.facts) return
        this.facts = facts
        layOut()
    }

    /** Fits the picture into the view as the camera and the display are turned now. */
    fun layOut() {
        displayIs(displayDegrees())
        val camera = facts ?: return
        if (view.width == 0 || view.height == 0) return
        val (rotation, x, y) =
            previewTransform(camera.preview, view.width, view.height, camera.sensor, displayDegrees())
        val matrix = Matrix()
        matrix.postScale(x, y, view.width / 2f, view.height / 2f)
        matrix.postRotate(rotation, view.width / 2f, view.height / 2f)
        view.setTransform(matrix)
    }

    override fun close() = displays.unregisterDisplayListener(this)

    override fun onDisplayChanged(display: Int) = layOut()

    override fun onDisplayAdded(display: Int) = Unit

    override fun onDisplayRemoved(display: Int) = Unit

    override fun onSurfaceTextureAvailable(
        texture: SurfaceTexture,
        width: Int,
        height: Int,
    ) = ready()

    override fun onSurfaceTextureSizeChanged(
        texture: SurfaceTexture,
        width: Int,
        height: Int,
    ) = layOut()

    override fun onSurfaceTextureDestroyed(texture: SurfaceTexture): Boolean {
        gone { texture.release() } // after the camera has let go of it
        return false
    }

    override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit

    private fun displayDegrees(): Int =
        when (view.display?.rotation) {
            Surface.ROTATION_90 -> 90
            Surface.ROTATION_180 -> 180
            Surface.ROTATION_270 -> 270
            else -> 0
        }
}
