package org.sthmobile.gesture.camera

import org.junit.Test
import kotlin.test.assertEquals

class PresentSourceTest {
    private val posted = ArrayDeque<Runnable>()
    private val heard = ArrayList<SourceState>()
    private val present = PresentSource({ posted.addLast(it) }, { heard += it })

    @Test
    fun `what a source says arrives in its order`() {
        val source = present.begin()
        source.onSource(SourceState.Starting)
        source.onSource(SourceState.Running)
        deliver()
        assertEquals(listOf(SourceState.Starting, SourceState.Running), heard)
    }

    @Test
    fun `a camera that says it runs after it was stopped is not heard`() {
        val source = present.begin()
        source.onSource(SourceState.Starting)
        source.onSource(SourceState.Running)
        present.end()
        deliver()
        assertEquals(emptyList(), heard)
    }

    @Test
    fun `the end of a video does not end the next one`() {
        val first = present.begin()
        first.onSource(SourceState.Ended)
        val second = present.begin()
        second.onSource(SourceState.Starting)
        first.onSource(SourceState.Stopped(Reason.BROKEN))
        deliver()
        assertEquals(listOf<SourceState>(SourceState.Starting), heard)
    }

    private fun deliver() {
        while (posted.isNotEmpty()) posted.removeFirst().run()
    }
}
