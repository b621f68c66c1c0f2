package org.sthmobile.gesture.pipeline

import org.junit.Test
import org.sthmobile.gesture.camera.Reason
import kotlin.test.assertEquals

/** Heat and the camera's permission: what the app makes of what the system says. */
class ConditionTest {
    @Test
    fun `a hot phone takes fewer pictures, a very hot one rests until it has cooled`() {
        var pace = Pace.FULL
        val heats = listOf(Thermal.MODERATE, Thermal.SEVERE, Thermal.CRITICAL, Thermal.SEVERE, Thermal.MODERATE)
        assertEquals(
            listOf(Pace.FULL, Pace.FEW, Pace.REST, Pace.REST, Pace.FULL),
            heats.map { heat -> heat.pace(pace).also { pace = it } },
        )
        assertEquals(Pace.FULL, Thermal.UNKNOWN.pace(Pace.FULL))
    }

    @Test
    fun `a dismissed question is no refusal for good`() {
        val permission = CameraPermission(refused = false) { }
        permission.asked()
        assertEquals(Reason.PERMISSION, permission.missing(rationale = false))
        assertEquals(Reason.PERMISSION, permission.missing(rationale = false), "looking again asks nobody")
        permission.asked()
        assertEquals(Reason.PERMISSION_BLOCKED, permission.missing(rationale = false), "the system never asks")
    }

    @Test
    fun `two refusals are for good, also after a restart`() {
        var kept = false
        val first = CameraPermission(kept) { kept = it }
        first.asked()
        assertEquals(Reason.PERMISSION, first.missing(rationale = true))
        first.asked()
        assertEquals(Reason.PERMISSION_BLOCKED, first.missing(rationale = false))
        assertEquals(Reason.PERMISSION_BLOCKED, CameraPermission(kept) { kept = it }.missing(rationale = false))
        first.granted()
        assertEquals(false, kept)
    }
}
