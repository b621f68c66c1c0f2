package org.sthmobile.gesture.core.camera

import org.junit.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

class HeldPhoneTest {
    private val phone = HeldPhone()

    @Test
    fun `each quarter turn is the screen's the other way round`() {
        val turns = listOf(0, 90, 180, 270, 359).map { HeldPhone().apply { angle(it) }.turn }
        assertEquals(listOf(0, 270, 180, 90, 0), turns)
    }

    @Test
    fun `a phone that is held askew stays as it was`() {
        assertTrue(phone.angle(10))
        for (degrees in listOf(40, 50, 59, 320, 301, 44)) assertFalse(phone.angle(degrees), "$degrees degrees")
        assertEquals(0, phone.turn)
        assertTrue(phone.angle(61))
        for (degrees in listOf(50, 31)) assertFalse(phone.angle(degrees), "$degrees degrees, back")
        assertTrue(phone.angle(29))
        assertEquals(0, phone.turn)
    }

    @Test
    fun `from one side to the other without standing upright`() {
        phone.angle(90)
        assertTrue(phone.angle(270))
        assertEquals(90, phone.turn)
    }

    @Test
    fun `a phone that lies flat says nothing`() {
        assertFalse(phone.angle(-1))
        assertNull(phone.turn)
        phone.angle(180)
        assertFalse(phone.angle(-1))
        assertEquals(180, phone.turn)
    }
}
