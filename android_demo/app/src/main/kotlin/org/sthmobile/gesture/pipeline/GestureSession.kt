package org.sthmobile.gesture.pipeline

import android.content.Context
import android.graphics.SurfaceTexture
import android.net.Uri
import android.os.Handler
import android.os.Looper
import org.sthmobile.gesture.camera.CameraSource
import org.sthmobile.gesture.camera.FrameSink
import org.sthmobile.gesture.camera.OpenedCamera
import org.sthmobile.gesture.camera.PresentSource
import org.sthmobile.gesture.camera.Reason
import org.sthmobile.gesture.camera.SourceState
import org.sthmobile.gesture.camera.VideoSource
import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.pipeline.ChangeListener
import org.sthmobile.gesture.core.pipeline.Pipeline
import org.sthmobile.gesture.core.pipeline.PipelineState
import org.sthmobile.gesture.core.pipeline.Status
import org.sthmobile.gesture.core.pipeline.WorkerThread
import org.sthmobile.gesture.runner.ModelFile
import org.sthmobile.gesture.runner.ModelStore
import org.sthmobile.gesture.runner.ModelWish
import org.sthmobile.gesture.runner.StoredModel
import org.sthmobile.gesture.runner.choose
import org.sthmobile.gesture.runner.frameRate
import org.sthmobile.gesture.runner.granted
import java.io.Closeable
import java.util.concurrent.atomic.AtomicBoolean

/**
 * A source of frames, the pipeline and the model: what outlives a rotation of the screen.
 *
 * All functions are for the main thread; [changed] runs there too, at most [REDRAW_MS] apart while something changes.
 */
class GestureSession(
    context: Context,
) : Closeable {
    private val app = context.applicationContext
    private val settings = Settings(app)
    private val store = ModelStore(app)
    private val worker = WorkerThread()
    private val pipeline = Pipeline(worker, changes = ChangeListener { redraw() })
    private val main = Handler(Looper.getMainLooper())
    private val redrawAsked = AtomicBoolean()
    private val redraw =
        Runnable {
            redrawAsked.set(false)
            changed()
        }
    private val thermalWatch = ThermalWatch(app) { redraw() }
    private val present = PresentSource({ main.post(it) }, ::sourceIs)
    private val camera = CameraSource(app, FrameSink { pipeline.offer(it) })
    private var video: VideoSource? = null
    private var uri: Uri? = null

    /** Called when the screen should be drawn anew. */
    var changed: () -> Unit = {}

    /** Gets a video's frames besides the network, to show them; on the video's thread. */
    @Volatile var picture: FrameSink? = null

    /** Artefacts to choose from. */
    var models: List<ModelFile> = emptyList()
        private set

    var source: SourceState = SourceState.Idle
        private set

    val thermal: Thermal get() = thermalWatch.state

    val brokenModels: List<String> get() = store.broken

    val showsVideo: Boolean get() = uri != null

    var front: Boolean = settings.front
        private set

    /** The choice in force; null without any model. */
    var wish: ModelWish? = null
        private set

    init {
        models = store.list()
        open(settings.wish)
    }

    fun state(): PipelineState = pipeline.state()

    /** Which camera is, or would be, shown. */
    fun opened(): OpenedCamera? = camera.describe(front)

    /** Opens another model, or the same one with other options. */
    fun open(wish: ModelWish) {
        settings.wish = wish
        val file = choose(models, wish)
        this.wish = file?.let { granted(it, wish) }
        if (file != null) pipeline.open(StoredModel(store, file, wish.threads, frameRate(file, models)))
        redraw()
    }

    /** Shows the camera; the permission must have been given. */
    fun startCamera(
        preview: SurfaceTexture,
        display: Int,
    ) {
        camera.turn(display)
        if (uri == null) camera.start(front, preview, present.begin())
    }

    /** The camera may not be used: shows why. */
    fun refuse(blocked: Boolean) {
        if (uri == null) {
            sourceIs(SourceState.Stopped(if (blocked) Reason.PERMISSION_BLOCKED else Reason.PERMISSION))
        }
    }

    fun turn(display: Int) = camera.turn(display)

    /** Lets go of the camera while nobody looks; [then] runs on the camera's thread when it is free. */
    fun stopCamera(then: () -> Unit = {}) {
        camera.stop(then)
        if (uri == null) end()
    }

    /** Selects the other camera; start it then. */
    fun flip() {
        front = !front
        settings.front = front
        stopVideo()
    }

    /** Plays a video through the network instead of the camera. */
    fun play(uri: Uri) {
        stopVideo()
        camera.stop()
        pipeline.reset()
        this.uri = uri
        val both =
            FrameSink { frame: YuvFrame ->
                pipeline.offer(frame)
                picture?.onFrame(frame)
            }
        video = VideoSource(app, uri, both, present.begin()).also { it.start() }
        redraw()
    }

    /** Goes back to the camera; start it then. */
    fun stopVideo() {
        suspendVideo()
        uri = null
        pipeline.reset()
        redraw()
    }

    /** A video does not go on while nobody looks; it begins anew when somebody does. */
    fun suspendVideo() {
        if (video == null) return
        video?.close()
        video = null
        end()
    }

    /** Plays the video from its beginning, if one is selected and does not run. */
    fun replay() {
        if (video == null) uri?.let { play(it) }
    }

    fun togglePause() {
        if (pipeline.state().status == Status.PAUSED) pipeline.resume() else pipeline.pause()
    }

    /** Tries the model again that failed. */
    fun retry() = pipeline.retry()

    override fun close() {
        changed = {}
        suspendVideo()
        camera.close()
        thermalWatch.close()
        pipeline.close()
        worker.close()
    }

    private fun end() {
        present.end()
        sourceIs(SourceState.Idle)
    }

    private fun sourceIs(state: SourceState) {
        if (state is SourceState.Ended) video = null
        if (state !is SourceState.Running && source is SourceState.Running) pipeline.reset()
        source = state
        redraw()
    }

    private fun redraw() {
        if (redrawAsked.compareAndSet(false, true)) main.postDelayed(redraw, REDRAW_MS)
    }

    private companion object {
        const val REDRAW_MS = 50L
    }
}
