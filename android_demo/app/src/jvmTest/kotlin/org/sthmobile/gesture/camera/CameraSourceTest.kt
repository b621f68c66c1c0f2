package org.sthmobile.gesture.camera

import android.content.Context
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
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
import org.robolectric.shadows.StreamConfigurationMapBuilder
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.test.assertEquals
import kotlin.test.assertNull

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

    private fun start(front: Boolean) = camera.start(front, SurfaceTexture(0), { states += it })

    private fun next(count: Int): List<SourceState?> = List(count) { states.poll(2, TimeUnit.MINUTES) }

    private fun facts(facing: Int): CameraCharacteristics =
        ShadowCameraCharacteristics.newCameraCharacteristics().also { facts ->
            val sizes =
                StreamConfigurationMapBuilder
                    .newBuilder()
                    .addOutputSize(ImageFormat.YUV_420_888, Size(640, 480))
                    .build()
            shadowOf(facts).set(CameraCharacteristics.LENS_FACING, facing)
            shadowOf(facts).set(CameraCharacteristics.SENSOR_ORIENTATION, 90)
            shadowOf(facts).set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, sizes)
        }

    private companion object {
        const val BACK = "0"
    }
}
