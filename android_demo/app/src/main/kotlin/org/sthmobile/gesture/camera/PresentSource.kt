package org.sthmobile.gesture.camera

/**
 * Lets through what the present source says. What an earlier one said before it was stopped may arrive late, since
 * sources have threads of their own: it is dropped.
 *
 * [post] takes the words to the thread of [heard], on which all functions must be called.
 */
class PresentSource(
    private val post: (Runnable) -> Unit,
    private val heard: (SourceState) -> Unit,
) {
    private var present: SourceListener? = null

    /** Another source begins: the listener for it. */
    fun begin(): SourceListener {
        lateinit var mine: SourceListener
        mine = SourceListener { state -> post(Runnable { if (present === mine) heard(state) }) }
        present = mine
        return mine
    }

    /** The present source is no longer wanted. */
    fun end() {
        present = null
    }
}
