package org.sthmobile.gesture.ui

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import android.provider.Settings
import android.widget.Button
import android.widget.ImageButton
import android.widget.Toast
import org.sthmobile.gesture.R
import org.sthmobile.gesture.camera.SourceState
import org.sthmobile.gesture.pipeline.GestureSession
import org.sthmobile.gesture.runner.ModelChoice

/**
 * The one screen: hands what a person does to the session, and draws what the session says.
 *
 * The session outlives the activity over a rotation, so the model stays loaded and the stream goes on.
 */
class MainActivity : Activity() {
    private lateinit var session: GestureSession
    private lateinit var view: ScreenView
    private lateinit var preview: CameraPreview
    private var visible = false
    private var asked = false

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.main)
        @Suppress("DEPRECATION") // the one way without a library to keep an object over a rotation
        session = lastNonConfigurationInstance as? GestureSession ?: GestureSession(this)
        asked = saved?.getBoolean(ASKED) ?: false
        preview = CameraPreview(findViewById(R.id.preview), ::startCamera, session::stopCamera, session::displayIs)
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
        preview.close()
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
            val texture = preview.texture ?: return // the preview comes back
            if (session.source is SourceState.Running || session.source is SourceState.Starting) return
            preview.layOut()
            session.startCamera(texture)
        } else if (!asked) {
            askForCamera()
        } else {
            session.refuse(shouldShowRequestPermissionRationale(Manifest.permission.CAMERA))
        }
    }

    private fun askForCamera() {
        asked = true
        session.asked()
        requestPermissions(arrayOf(Manifest.permission.CAMERA), 0)
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
        val model = session.model ?: return
        ModelDialog(this, session.models?.files.orEmpty(), ModelChoice(model.id, session.threads)) {
            session.open(it)
        }.show()
    }

    private fun act(action: Action) {
        when (action) {
            Action.ASK_PERMISSION -> {
                askForCamera()
            }

            Action.OPEN_SETTINGS -> {
                startActivity(
                    Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)),
                )
            }

            Action.RETRY_CAMERA -> {
                startCamera()
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
        preview.show(session.facts)
        view.show(
            screenOf(session.state(), session.source, session.thermal, session.showsVideo, session.models),
            session.showsVideo,
        )
    }

    private companion object {
        const val PICK_VIDEO = 1
        const val ASKED = "asked"
    }
}
