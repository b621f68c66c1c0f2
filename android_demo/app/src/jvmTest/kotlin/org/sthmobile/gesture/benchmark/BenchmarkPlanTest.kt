package org.sthmobile.gesture.benchmark

import org.junit.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class BenchmarkPlanTest {
    @Test
    fun `a model is named, never a path`() {
        assertEquals("a.pte", plan("a.pte").model)
        for (path in listOf("/sdcard/Download/a.pte", "../a.pte", "folder/a.pte")) {
            val message = assertFailsWith<IllegalArgumentException> { plan(path) }.message!!
            assertTrue(path in message, message)
        }
        assertFailsWith<IllegalArgumentException> { plan(null) }
    }

    private fun plan(model: String?) = BenchmarkPlan.read({ if (it == "model") model else null }, { null })
}
