package org.sthmobile.gesture.pipeline

import android.content.Context
import android.graphics.SurfaceTexture
import android.net.Uri
import android.os.Handler
import android.os.Looper
import org.sthmobile.gesture.camera.CameraFacts
import org.sthmobile.gesture.camera.CameraSource
import org.sthmobile.gesture.camera.FrameSink
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
import org.sthmobile.gesture.runner.ModelChoice
import org.sthmobile.gesture.runner.ModelFile
import org.sthmobile.gesture.runner.ModelStore
import org.sthmobile.gesture.runner.Models
import org.sthmobile.gesture.runner.StoredModel
import org.sthmobile.gesture.runner.choose
import org.sthmobile.gesture.runner.frameRate
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
    private val thermalWatch = ThermalWatch(app) { main.post { heatIs() } }
    private val permission = CameraPermission(settings.refused) { settings.refused = it }
    private val present = PresentSource({ main.post(it) }, ::sourceIs)
    private val camera = CameraSource(app, FrameSink { pipeline.offer(it) })
    private val hold = HoldWatch(app, camera::turn)
    private var preview: SurfaceTexture? = null
    private var video: VideoSource? = null
    private var uri: Uri? = null
    private var pace = Pace.FULL
    private var closed = false

    /** Called when the screen should be drawn anew. */
    var changed: () -> Unit = {}

    /** Gets a video's frames besides the network, to show them; on the video's thread. */
    @Volatile var picture: FrameSink? = null

    /** Artefacts to choose from; null until they have been read. */
    var models: Models? = null
        private set

    var source: SourceState = SourceState.Idle
        private set

    val thermal: Thermal get() = thermalWatch.state

    val showsVideo: Boolean get() = uri != null

    /** The camera that is, or was last, open. */
    val facts: CameraFacts? get() = camera.facts

    var front: Boolean = settings.front
        private set

    /** The model in force; null without any. */
    var model: ModelFile? = null
        private set

    /** How many threads it computes with. */
    val threads: Int get() = settings.choice.threads

    init {
        Thread({ store.list().let { found -> main.post { listed(found) } } }, "models").start()
    }

    fun state(): PipelineState = pipeline.state()

    /** Opens another model, or the same one with other options. */
    fun open(choice: ModelChoice) {
        val files = models?.files ?: return
        settings.choice = choice
        val file = choose(files, choice)
        model = file
        if (file != null) pipeline.open(StoredModel(store, file, choice.threads, frameRate(file, files)))
        redraw()
    }

    /** Shows the camera; the permission must have been given. */
    fun startCamera(preview: SurfaceTexture) {
        permission.granted()
        this.preview = preview
        hold.enable()
        openCamera()
    }

    /** The person is asked for the camera. */
    fun asked() = permission.asked()

    /** The camera may not be used: shows why; see [CameraPermission.missing]. */
    fun refuse(rationale: Boolean) {
        if (uri == null) sourceIs(SourceState.Stopped(permission.missing(rationale)))
    }

    /** The screen's content is turned by so many degrees. */
    fun displayIs(turn: Int) = hold.displayIs(turn)

    /** Lets go of the camera while nobody looks; [then] runs when it is free, on the camera's thread or at once. */
    fun stopCamera(then: () -> Unit = {}) {
        preview = null
        hold.disable()
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
        if (pace == Pace.REST) return sourceIs(SourceState.Stopped(Reason.HOT))
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
        closed = true
        changed = {}
        suspendVideo()
        hold.disable()
        camera.close()
        thermalWatch.close()
        pipeline.close()
        worker.close()
    }

    private fun listed(found: Models) {
        if (closed) return
        models = found
        open(settings.choice)
    }

    private fun openCamera() {
        val preview = preview ?: return
        if (uri != null) return
        if (pace == Pace.REST) return sourceIs(SourceState.Stopped(Reason.HOT))
        camera.start(front, preview, pace.framesPerSecond, present.begin())
    }

    /** A hot phone takes fewer pictures, a very hot one none until it has cooled. */
    private fun heatIs() {
        val before = pace
        pace = thermal.pace(before)
        redraw()
        if (closed || pace == before) return
        if (pace == Pace.REST) {
            camera.stop()
            suspendVideo()
            present.end()
            sourceIs(SourceState.Stopped(Reason.HOT))
        } else if (before == Pace.REST) {
            if (uri == null) {
                openCamera()
            } else if (picture != null) {
                replay()
            }
        } else {
            camera.pace(pace.framesPerSecond)
        }
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
