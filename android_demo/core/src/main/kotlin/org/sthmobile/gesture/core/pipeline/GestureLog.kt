package org.sthmobile.gesture.core.pipeline

import org.sthmobile.gesture.core.postprocess.EventSink
import org.sthmobile.gesture.core.postprocess.GestureEvent

/** Makes performances of begins and ends, and keeps the last ones; the events wait here until somebody takes them. */
internal class GestureLog(
    private val clock: Clock,
) : EventSink {
    private val gestures = ArrayList<Gesture>()
    private val waiting = ArrayList<GestureEvent>()
    private var begun = 0

    /** The gesture that lasts. */
    val active: Gesture? get() = gestures.firstOrNull()?.takeIf { it.endMs == null }

    /** Newest first. */
    fun history(): List<Gesture> = gestures.toList()

    override fun onEvent(event: GestureEvent) {
        waiting.add(event)
        when (event.kind) {
            GestureEvent.Kind.BEGIN -> gestures.add(0, gesture(event))
            GestureEvent.Kind.END -> gestures[0] = gestures[0].copy(endMs = event.timeMs)
        }
        if (gestures.size > KEPT) gestures.removeAt(KEPT)
    }

    /** Labels mean something else from now on. */
    fun clear() = gestures.clear()

    /** The events since the last call, null if there are none. */
    fun take(): List<GestureEvent>? {
        if (waiting.isEmpty()) return null
        return waiting.toList().also { waiting.clear() }
    }

    private fun gesture(event: GestureEvent) =
        Gesture(++begun, clock.nanoseconds(), event.label, event.timeMs, event.confidence, null)

    private companion object {
        const val KEPT = 20
    }
}
