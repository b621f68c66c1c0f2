package org.sthmobile.gesture.ui

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Matrix
import android.graphics.SurfaceTexture
import android.net.Uri
import android.os.Bundle
import android.provider.Settings
import android.view.Surface
import android.view.TextureView
import android.view.View
import android.widget.Button
import android.widget.ImageButton
import android.widget.Toast
import org.sthmobile.gesture.R
import org.sthmobile.gesture.camera.SourceState
import org.sthmobile.gesture.camera.previewTransform
import org.sthmobile.gesture.pipeline.GestureSession

/**
 * The one screen: hands what a person does to the session, and draws what the session says.
 *
 * The session outlives the activity over a rotation, so the model stays loaded and the stream goes on.
 */
class MainActivity : Activity() {
    private lateinit var session: GestureSession
    private lateinit var view: ScreenView
    private lateinit var preview: TextureView
    private var visible = false
    private var asked = false

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.main)
        @Suppress("DEPRECATION") // the one way without a library to keep an object over a rotation
        session = lastNonConfigurationInstance as? GestureSession ?: GestureSession(this)
        asked = saved?.getBoolean(ASKED) ?: false
        preview = findViewById(R.id.preview)
        preview.surfaceTextureListener = PreviewListener()
        view = ScreenView(findViewById(R.id.root), Words(resources))
        findViewById<ImageButton>(R.id.flip).setOnClickListener { flip() }
        findViewById<ImageButton>(R.id.video).setOnClickListener { pickVideo() }
        findViewById<ImageButton>(R.id.pause).setOnClickListener { session.togglePause() }
        findViewById<ImageButton>(R.id.settings).setOnClickListener { chooseModel() }
        findViewById<Button>(R.id.notice_action).setOnClickListener { view.action?.let { act(it) } }
    }

    override fun onStart() {
        super.onStart()
        visible = true
        session.changed = { draw() }
        session.picture = findViewById<PictureView>(R.id.picture)
        draw()
    }

    // Not in onStart: the question for the permission pauses the activity, and ends here again.
    override fun onResume() {
        super.onResume()
        session.replay()
        startCamera()
    }

    override fun onStop() {
        visible = false
        session.picture = null
        session.changed = {}
        if (!isChangingConfigurations) session.suspendVideo()
        session.stopCamera()
        super.onStop()
    }

    override fun onDestroy() {
        if (!isChangingConfigurations) session.close()
        super.onDestroy()
    }

    @Deprecated("the one way without a library to keep an object over a rotation")
    override fun onRetainNonConfigurationInstance(): Any = session

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putBoolean(ASKED, asked)
    }

    override fun onRequestPermissionsResult(
        code: Int,
        permissions: Array<out String>,
        results: IntArray,
    ) = startCamera() // an empty answer (the question was cut off) counts as none

    @Deprecated("the one way without a library")
    override fun onActivityResult(
        code: Int,
        result: Int,
        data: Intent?,
    ) {
        val uri = data?.data
        if (code == PICK_VIDEO && result == RESULT_OK && uri != null) session.play(uri)
    }

    private fun startCamera() {
        if (session.showsVideo || !visible) return
        if (checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED) {
            val texture = preview.surfaceTexture ?: return // PreviewListener comes back
            if (session.source is SourceState.Running || session.source is SourceState.Starting) return
            layOut()
            session.startCamera(texture, displayDegrees())
        } else if (!asked) {
            asked = true
            requestPermissions(arrayOf(Manifest.permission.CAMERA), 0)
        } else {
            session.refuse(blocked = !shouldShowRequestPermissionRationale(Manifest.permission.CAMERA))
        }
    }

    private fun flip() {
        session.flip()
        session.stopCamera()
        startCamera()
    }

    private fun pickVideo() {
        val pick = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("video/*")
        try {
            @Suppress("DEPRECATION")
            startActivityForResult(pick, PICK_VIDEO)
        } catch (_: ActivityNotFoundException) {
            Toast.makeText(this, R.string.no_picker, Toast.LENGTH_LONG).show()
        }
    }

    private fun chooseModel() {
        val wish = session.wish ?: return
        ModelDialog(this, session.models, wish) { session.open(it) }.show()
    }

    private fun act(action: Action) {
        when (action) {
            Action.ASK_PERMISSION -> {
                requestPermissions(arrayOf(Manifest.permission.CAMERA), 0)
            }

            Action.OPEN_SETTINGS -> {
                startActivity(
                    Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)),
                )
            }

            Action.RETRY_MODEL -> {
                session.retry()
            }

            Action.RESUME -> {
                session.togglePause()
            }

            Action.BACK_TO_CAMERA -> {
                session.stopVideo()
                startCamera()
            }
        }
    }

    private fun draw() {
        view.show(
            screenOf(session.state(), session.source, session.thermal, session.showsVideo, session.brokenModels),
            session.showsVideo,
        )
    }

    /** Fits the preview into its view as the camera and the display are turned now. */
    private fun layOut() {
        val camera = session.opened() ?: return
        if (preview.width == 0 || preview.height == 0) return
        val (rotation, x, y) =
            previewTransform(camera.size, preview.width, preview.height, camera.sensor, displayDegrees())
        val matrix = Matrix()
        matrix.postScale(x, y, preview.width / 2f, preview.height / 2f)
        matrix.postRotate(rotation, preview.width / 2f, preview.height / 2f)
        preview.setTransform(matrix)
        session.turn(displayDegrees())
    }

    @Suppress("DEPRECATION") // its successor is newer than Android 8
    private fun displayDegrees(): Int =
        when (windowManager.defaultDisplay.rotation) {
            Surface.ROTATION_90 -> 90
            Surface.ROTATION_180 -> 180
            Surface.ROTATION_270 -> 270
            else -> 0
        }

    private inner class PreviewListener : TextureView.SurfaceTextureListener {
        override fun onSurfaceTextureAvailable(
            texture: SurfaceTexture,
            width: Int,
            height: Int,
        ) = startCamera()

        override fun onSurfaceTextureSizeChanged(
            texture: SurfaceTexture,
            width: Int,
            height: Int,
        ) = layOut()

        override fun onSurfaceTextureDestroyed(texture: SurfaceTexture): Boolean {
            session.stopCamera { texture.release() } // after the camera has let go of it
            return false
        }

        override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit
    }

    private companion object {
        const val PICK_VIDEO = 1
        const val ASKED = "asked"
    }
}
