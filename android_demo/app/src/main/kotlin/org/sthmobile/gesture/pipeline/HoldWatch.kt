package org.sthmobile.gesture.pipeline

import android.content.Context
import android.view.OrientationEventListener
import org.sthmobile.gesture.core.camera.HeldPhone

/**
 * Follows how the phone is held, by its sensors: also where the screen does not turn with it, since the person has
 * locked it. [turned] gets degrees as [HeldPhone.turn] counts them.
 */
class HoldWatch(
    context: Context,
    private val turned: (Int) -> Unit,
) : OrientationEventListener(context) {
    private val phone = HeldPhone()

    override fun onOrientationChanged(degrees: Int) {
        if (phone.angle(degrees)) phone.turn?.let(turned)
    }

    /** The screen is turned by [display] degrees, which counts while the sensors say nothing. */
    fun displayIs(display: Int) = turned(phone.turn ?: display)
}
