package org.sthmobile.gesture.camera

import android.content.Context
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.os.Handler
import android.os.Looper
import android.util.Range
import android.util.Size
import org.junit.After
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.ShadowCameraManager
import org.robolectric.shadows.StreamConfigurationMapBuilder
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** How a camera comes, goes and comes back, with the system's part played by Robolectric. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class CameraSourceTest {
    private val context: Context = RuntimeEnvironment.getApplication()
    private val system = shadowOf(context.getSystemService(CameraManager::class.java))
    private val states = LinkedBlockingQueue<SourceState>()
    private lateinit var camera: CameraSource

    @Before
    fun plug() {
        system.addCamera(BACK, facts(CameraCharacteristics.LENS_FACING_BACK))
        camera = CameraSource(context) { }
    }

    @After
    fun close() = camera.close()

    @Test
    fun `a camera that another app takes comes back`() {
        start(front = false)
        assertEquals(listOf(SourceState.Starting, SourceState.Running), next(2))
        system.triggerDisconnect()
        assertEquals(listOf<SourceState>(SourceState.Stopped(Reason.TAKEN)), next(1))
        system.removeCamera(BACK)
        system.addCamera(BACK, facts(CameraCharacteristics.LENS_FACING_BACK))
        assertEquals(listOf(SourceState.Starting, SourceState.Running), next(2))
    }

    @Test
    fun `a camera that is free again while it runs is not opened twice`() {
        start(front = false)
        assertEquals(listOf(SourceState.Starting, SourceState.Running), next(2))
        system.removeCamera(BACK)
        system.addCamera(BACK, facts(CameraCharacteristics.LENS_FACING_BACK))
        assertNull(states.poll(300, TimeUnit.MILLISECONDS))
    }

    @Test
    fun `a phone without a camera on this side says so`() {
        start(front = true)
        assertEquals(listOf<SourceState>(SourceState.Stopped(Reason.NO_CAMERA)), next(1))
    }

    @Test
    fun `a broken camera is not opened again by itself`() {
        start(front = false)
        assertEquals(listOf(SourceState.Starting, SourceState.Running), next(2))
        fail(CameraDevice.StateCallback.ERROR_CAMERA_DEVICE)
        assertEquals(Reason.BROKEN, (next(1).single() as SourceState.Stopped).reason)
        free()
        idle(minutes = 5)
        assertNull(states.poll(300, TimeUnit.MILLISECONDS))
        start(front = false)
        assertEquals(listOf(SourceState.Starting, SourceState.Running), next(2), "a person may ask for it")
    }

    @Test
    fun `a camera that is always taken again is tried later and later, and then no more`() {
        start(front = false)
        assertEquals(listOf(SourceState.Starting, SourceState.Running), next(2))
        repeat(5) {
            fail(CameraDevice.StateCallback.ERROR_CAMERA_IN_USE)
            assertEquals(Reason.TAKEN, (next(1).single() as SourceState.Stopped).reason)
            free()
            if (it > 0) assertNull(states.poll(100, TimeUnit.MILLISECONDS), "it waits")
            idle(minutes = 1)
            assertEquals(listOf(SourceState.Starting, SourceState.Running), next(2))
        }
        fail(CameraDevice.StateCallback.ERROR_CAMERA_IN_USE)
        assertEquals(1, next(1).size)
        free()
        idle(minutes = 5)
        assertNull(states.poll(300, TimeUnit.MILLISECONDS))
    }

    @Test
    fun `what waits for the camera's end is done after the end of the source too`() {
        val done = LinkedBlockingQueue<Boolean>()
        camera.close()
        looper().thread.join(60_000)
        camera.stop { done += true }
        assertEquals(true, done.poll(1, TimeUnit.MINUTES))
    }

    @Test
    fun `focus and frame rates are what the camera offers`() {
        val manager = context.getSystemService(CameraManager::class.java)
        val plain = manager.describe(BACK)!!
        assertFalse(plain.focuses)
        assertEquals(emptyList(), plain.rates)
        assertEquals(listOf(FrameSize(640, 480), FrameSize(1440, 1080)), listOf(plain.size, plain.preview))
        val modes = intArrayOf(CameraCharacteristics.CONTROL_AF_MODE_CONTINUOUS_VIDEO)
        val better = facts(CameraCharacteristics.LENS_FACING_FRONT)
        shadowOf(better).set(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES, modes)
        shadowOf(better).set(CameraCharacteristics.CONTROL_AE_AVAILABLE_TARGET_FPS_RANGES, arrayOf(Range(7, 30)))
        system.addCamera("1", better)
        val found = manager.describe("1")!!
        assertTrue(found.focuses && found.front)
        assertEquals(listOf(FrameRates(7, 30)), found.rates)
    }

    /** The system says that the camera that is open has an error. */
    private fun fail(error: Int) {
        val kept = ShadowCameraManager::class.java.getDeclaredField("lastCallback").apply { isAccessible = true }
        val device = ShadowCameraManager::class.java.getDeclaredField("lastDevice").apply { isAccessible = true }
        val callback = kept.get(system) as CameraDevice.StateCallback
        Handler(looper()).post { callback.onError(device.get(system) as CameraDevice, error) }
    }

    /** The system says that nobody has the camera. */
    private fun free() {
        system.removeCamera(BACK)
        system.addCamera(BACK, facts(CameraCharacteristics.LENS_FACING_BACK))
    }

    private fun looper(): Looper =
        (
            CameraSource::class.java
                .getDeclaredField(
                    "handler",
                ).apply { isAccessible = true }
                .get(camera) as Handler
        ).looper

    /** What was to run on the camera's thread within so many minutes. */
    private fun idle(minutes: Long) = shadowOf(looper()).idleFor(minutes, TimeUnit.MINUTES)

    private fun start(front: Boolean) = camera.start(front, SurfaceTexture(0), 30) { states += it }

    private fun next(count: Int): List<SourceState?> = List(count) { states.poll(2, TimeUnit.MINUTES) }

    private fun facts(facing: Int): CameraCharacteristics =
        ShadowCameraCharacteristics.newCameraCharacteristics().also { facts ->
            val sizes =
                StreamConfigurationMapBuilder
                    .newBuilder()
                    .addOutputSize(ImageFormat.YUV_420_888, Size(640, 480))
                    .addOutputSize(Size(1440, 1080))
                    .addOutputSize(Size(1920, 1080))
                    .build()
            shadowOf(facts).set(CameraCharacteristics.LENS_FACING, facing)
            shadowOf(facts).set(CameraCharacteristics.SENSOR_ORIENTATION, 90)
            shadowOf(facts).set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, sizes)
        }

    private companion object {
        const val BACK = "0"
    }
}
