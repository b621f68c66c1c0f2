package org.sthmobile.gesture.runner

import android.content.Context
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.sthmobile.gesture.core.golden.Golden
import org.sthmobile.gesture.pipeline.GestureSession
import java.io.File
import java.util.concurrent.TimeUnit
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
class ModelStoreTest {
    private val context: Context = RuntimeEnvironment.getApplication()
    private val store = ModelStore(context)

    @Test
    fun `two models of the same kind can both be chosen, by their names`() {
        for (name in listOf("one.tflite", "two.tflite")) push(name)
        val files = store.list().files.filter { it.pushed }
        assertEquals(setOf("one.tflite", "two.tflite"), files.map { it.name }.toSet())
        for (file in files) assertEquals(file, choose(store.list().files, ModelChoice(file.id)))
        val builtIn = files[0].copy(pushed = false)
        assertEquals(builtIn, choose(files + builtIn, ModelChoice(builtIn.id)), "a pushed one of its name does not win")
        assertNotNull(choose(files, ModelChoice("pushed/gone.tflite")))
    }

    @Test
    fun `copies of an earlier installation are deleted`() {
        val old = File(context.noBackupFilesDir, "models-1/old.tflite")
        old.parentFile!!.mkdirs()
        old.writeText("old")
        store.list()
        assertFalse(old.exists())
    }

    @Test
    fun `models are not read on the main thread`() {
        push("one.tflite")
        val session = GestureSession(context)
        assertNull(session.models)
        val end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1)
        while (session.models == null && System.nanoTime() < end) {
            Thread.sleep(20)
            shadowOf(context.mainLooper).idle()
        }
        assertTrue(session.models!!.files.any { it.name == "one.tflite" })
        session.close()
    }

    private fun push(name: String) {
        val folder = context.getExternalFilesDir("models")!!
        File(folder, name).writeText("model")
        File(folder, "$name.contract.json").writeText(Golden.contractText)
    }
}
