package org.sthmobile.gesture.camera

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.view.Surface
import org.sthmobile.gesture.preprocess.ImageFrames
import java.io.Closeable

/** What the preview must know of the camera that was opened. */
data class OpenedCamera(
    val size: FrameSize,
    val sensor: Int,
    val front: Boolean,
)

/**
 * A camera -> [sink], and a preview in a texture.
 *
 * All of it runs on one thread. When another app takes the camera, it says so and takes it back once the system says
 * that it is free. Frames are read one at a time; those that come meanwhile are dropped by the reader.
 */
class CameraSource(
    context: Context,
    private val sink: FrameSink,
) : Closeable {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)
    private val frames = ImageFrames()
    private val taken = WaitForCamera()

    @Volatile private var display = 0
    private var listener = SourceListener { }
    private var texture: SurfaceTexture? = null
    private var id: String? = null
    private var opened: OpenedCamera? = null

    /** Of the camera that is being opened or open; another one that calls is an earlier one, and is closed. */
    private var callback: DeviceCallback? = null
    private var device: CameraDevice? = null
    private var session: CameraCaptureSession? = null
    private var reader: ImageReader? = null
    private var surface: Surface? = null

    init {
        manager.registerAvailabilityCallback(taken, handler)
    }

    /** Which camera a person sees: known before it is open, so that the preview can be laid out. Null: there is none. */
    fun describe(front: Boolean): OpenedCamera? =
        try {
            find(front)?.let { describe(it) }
        } catch (_: CameraAccessException) {
            null
        }

    /** Opens the camera; the permission must have been given. [listener] is told how it goes until the next start. */
    fun start(
        front: Boolean,
        preview: SurfaceTexture,
        listener: SourceListener,
    ) = run {
        handler.post {
            this.listener = listener
            texture = preview
            watched {
                id = find(front)
                if (id == null) listener.onSource(SourceState.Stopped(Reason.NO_CAMERA)) else open()
            }
        }
        Unit
    }

    /** How far the screen's content is turned, in degrees; may change while the camera runs. */
    fun turn(display: Int) {
        this.display = display
    }

    /** Lets go of the camera; [then] runs afterwards, on the camera's thread. */
    fun stop(then: () -> Unit = {}) {
        handler.post {
            id = null
            release()
            then()
        }
    }

    override fun close() {
        manager.unregisterAvailabilityCallback(taken)
        stop { thread.quitSafely() }
    }

    @SuppressLint("MissingPermission") // who calls start has it; losing it meanwhile ends in SecurityException
    private fun open() {
        val wanted = id ?: return
        release()
        listener.onSource(SourceState.Starting)
        opened = describe(wanted) ?: return fail(SourceState.Stopped(Reason.BROKEN, "it gives no YUV pictures"))
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

    private fun fail(state: SourceState) {
        release()
        listener.onSource(state)
    }

    private fun begin(camera: CameraDevice) {
        val (size, sensor, front) = opened ?: return
        val preview = texture ?: return
        preview.setDefaultBufferSize(size.width, size.height)
        val shown = Surface(preview).also { surface = it }
        val read = ImageReader.newInstance(size.width, size.height, ImageFormat.YUV_420_888, 2).also { reader = it }
        read.setOnImageAvailableListener({ deliver(it, sensor, front) }, handler)
        val request =
            camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW).apply {
                addTarget(shown)
                addTarget(read.surface)
                set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_VIDEO)
            }
        @Suppress("DEPRECATION") // its successor is newer than Android 8
        camera.createCaptureSession(listOf(shown, read.surface), SessionCallback(request.build()), handler)
    }

    private fun deliver(
        reader: ImageReader,
        sensor: Int,
        front: Boolean,
    ) {
        val image = reader.acquireLatestImage() ?: return
        try {
            sink.onFrame(frames.read(image, uprightRotation(sensor, display, front)))
        } finally {
            frames.clear()
            image.close()
        }
    }

    private fun release() {
        session?.close()
        device?.close()
        reader?.close()
        surface?.release()
        session = null
        callback = null
        device = null
        reader = null
        surface = null
    }

    private fun find(front: Boolean): String? {
        val facing = if (front) CameraCharacteristics.LENS_FACING_FRONT else CameraCharacteristics.LENS_FACING_BACK
        return manager.cameraIdList.firstOrNull {
            manager.getCameraCharacteristics(it).get(CameraCharacteristics.LENS_FACING) == facing
        }
    }

    private fun describe(id: String): OpenedCamera? {
        val facts = manager.getCameraCharacteristics(id)
        val map = facts.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP) ?: return null
        val sizes = map.getOutputSizes(ImageFormat.YUV_420_888).orEmpty().map { FrameSize(it.width, it.height) }
        return OpenedCamera(
            chooseSize(sizes) ?: return null,
            facts.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0,
            facts.get(CameraCharacteristics.LENS_FACING) == CameraCharacteristics.LENS_FACING_FRONT,
        )
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
            state: SourceState,
        ) {
            if (callback === this) fail(state)
            camera.close()
        }
    }

    private inner class SessionCallback(
        private val request: CaptureRequest,
    ) : CameraCaptureSession.StateCallback() {
        override fun onConfigured(configured: CameraCaptureSession) {
            if (configured.device !== device) return
            session = configured
            watched {
                configured.setRepeatingRequest(request, null, handler)
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
            if (cameraId == id && callback == null) watched { open() }
        }
    }
}

private fun stopped(error: CameraAccessException): SourceState {
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
