package org.sthmobile.gesture.camera

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.view.Surface
import org.sthmobile.gesture.preprocess.ImageFrames
import java.io.Closeable

/**
 * A camera -> [sink], and a preview in a texture.
 *
 * All of it runs on one thread, what it asks the system too. When another app takes the camera, it says so and takes it
 * back once the system says that it is free, as [Reopening] allows. Frames are read one at a time; those that come
 * meanwhile are dropped by the reader.
 */
class CameraSource(
    context: Context,
    private val sink: FrameSink,
) : Closeable {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)
    private val frames = ImageFrames()
    private val free = WaitForCamera()
    private val reopening = Reopening()
    private val reopen = Runnable { watched { open() } }
    private var waiting = false

    @Volatile private var turn = 0

    /** The camera that was opened last, so that its preview can be laid out. */
    @Volatile var facts: CameraFacts? = null
        private set
    private var most = 0
    private var listener = SourceListener { }
    private var texture: SurfaceTexture? = null
    private var id: String? = null

    /** Of the camera that is being opened or open; another one that calls is an earlier one, and is closed. */
    private var callback: DeviceCallback? = null
    private var device: CameraDevice? = null
    private var session: CameraCaptureSession? = null
    private var request: CaptureRequest.Builder? = null
    private var reader: ImageReader? = null
    private var surface: Surface? = null

    init {
        handler.post { manager.registerAvailabilityCallback(free, handler) }
    }

    /**
     * Opens the camera for up to [most] frames a second; the permission must have been given. [listener] is told how it
     * goes until the next start.
     */
    fun start(
        front: Boolean,
        preview: SurfaceTexture,
        most: Int,
        listener: SourceListener,
    ) {
        handler.post {
            this.listener = listener
            this.most = most
            texture = preview
            reopening.asked()
            watched {
                id = manager.find(front)
                if (id == null) fail(SourceState.Stopped(Reason.NO_CAMERA)) else open()
            }
        }
    }

    /** How the phone is held, in degrees as [uprightRotation] takes them; may change while the camera runs. */
    fun turn(turn: Int) {
        this.turn = turn
    }

    /** Up to so many frames a second from now on. */
    fun pace(most: Int) {
        handler.post {
            this.most = most
            watched { repeat() }
        }
    }

    /** Lets go of the camera; [then] runs afterwards, on the camera's thread or, after [close], at once. */
    fun stop(then: () -> Unit = {}) {
        val posted =
            handler.post {
                id = null
                release()
                then()
            }
        if (!posted) then() // the thread has ended, and has let go of the camera before
    }

    override fun close() {
        stop {
            manager.unregisterAvailabilityCallback(free)
            thread.quitSafely()
        }
    }

    @SuppressLint("MissingPermission") // who calls start has it; losing it meanwhile ends in SecurityException
    private fun open() {
        val wanted = id ?: return
        release()
        facts = manager.describe(wanted)
        listener.onSource(SourceState.Starting)
        if (facts == null) return fail(SourceState.Stopped(Reason.BROKEN, "it gives no YUV pictures"))
        val mine = DeviceCallback()
        callback = mine // before it can be called
        manager.openCamera(wanted, mine, handler)
    }

    /** Does something with the camera; what the system throws becomes a state. */
    private fun watched(work: () -> Unit) =
        try {
            work()
        } catch (error: CameraAccessException) {
            fail(stopped(error))
        } catch (error: SecurityException) {
            fail(SourceState.Stopped(Reason.PERMISSION, error.message))
        } catch (error: IllegalArgumentException) {
            // the camera was unplugged, or the preview is gone
            fail(SourceState.Stopped(Reason.BROKEN, error.message))
        } catch (error: IllegalStateException) {
            // taken between two lines
            fail(SourceState.Stopped(Reason.TAKEN, error.message))
        }

    private fun fail(state: SourceState.Stopped) {
        release()
        reopening.lost(state.reason)
        listener.onSource(state)
    }

    private fun begin(camera: CameraDevice) {
        val facts = facts ?: return
        val preview = texture ?: return
        preview.setDefaultBufferSize(facts.preview.width, facts.preview.height)
        val shown = Surface(preview).also { surface = it }
        val (width, height) = facts.size
        val read = ImageReader.newInstance(width, height, ImageFormat.YUV_420_888, 2).also { reader = it }
        read.setOnImageAvailableListener({ deliver(it, facts) }, handler)
        request =
            camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW).apply {
                addTarget(shown)
                addTarget(read.surface)
            }
        @Suppress("DEPRECATION") // its successor is newer than Android 8
        camera.createCaptureSession(listOf(shown, read.surface), SessionCallback(), handler)
    }

    private fun repeat() {
        val facts = facts ?: return
        val wanted = request ?: return
        wanted.suit(facts, most)
        session?.setRepeatingRequest(wanted.build(), null, handler)
    }

    private fun deliver(
        reader: ImageReader,
        facts: CameraFacts,
    ) {
        val image = reader.acquireLatestImage() ?: return
        reopening.works()
        try {
            sink.onFrame(frames.read(image, uprightRotation(facts.sensor, turn, facts.front)))
        } finally {
            frames.clear()
            image.close()
        }
    }

    private fun release() {
        handler.removeCallbacks(reopen)
        waiting = false
        session?.close()
        device?.close()
        reader?.close()
        surface?.release()
        session = null
        request = null
        callback = null
        device = null
        reader = null
        surface = null
    }

    private inner class DeviceCallback : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            if (callback !== this) return camera.close() // somebody stopped or switched meanwhile
            device = camera
            watched { begin(camera) }
        }

        override fun onDisconnected(camera: CameraDevice) = lose(camera, SourceState.Stopped(Reason.TAKEN))

        override fun onError(
            camera: CameraDevice,
            error: Int,
        ) = lose(camera, SourceState.Stopped(reasonOf(error), "error $error"))

        private fun lose(
            camera: CameraDevice,
            state: SourceState.Stopped,
        ) {
            if (callback === this) fail(state)
            camera.close()
        }
    }

    private inner class SessionCallback : CameraCaptureSession.StateCallback() {
        override fun onConfigured(configured: CameraCaptureSession) {
            if (configured.device !== device) return
            session = configured
            watched {
                repeat()
                listener.onSource(SourceState.Running)
            }
        }

        override fun onConfigureFailed(configured: CameraCaptureSession) {
            if (configured.device !== device) return
            fail(SourceState.Stopped(Reason.BROKEN, "its streams cannot be configured"))
        }
    }

    /** Opens the camera again once nobody else has it. */
    private inner class WaitForCamera : CameraManager.AvailabilityCallback() {
        override fun onCameraAvailable(cameraId: String) {
            if (cameraId != id || callback != null || waiting) return
            val wait = reopening.next() ?: return
            waiting = true
            handler.postDelayed(reopen, wait)
        }
    }
}

private fun stopped(error: CameraAccessException): SourceState.Stopped {
    val reason =
        when (error.reason) {
            CameraAccessException.CAMERA_IN_USE, CameraAccessException.MAX_CAMERAS_IN_USE -> Reason.TAKEN
            CameraAccessException.CAMERA_DISABLED -> Reason.DISABLED
            else -> Reason.BROKEN
        }
    return SourceState.Stopped(reason, error.message)
}

private fun reasonOf(error: Int): Reason =
    when (error) {
        CameraDevice.StateCallback.ERROR_CAMERA_IN_USE -> Reason.TAKEN
        CameraDevice.StateCallback.ERROR_MAX_CAMERAS_IN_USE -> Reason.TAKEN
        CameraDevice.StateCallback.ERROR_CAMERA_DISABLED -> Reason.DISABLED
        else -> Reason.BROKEN
    }
