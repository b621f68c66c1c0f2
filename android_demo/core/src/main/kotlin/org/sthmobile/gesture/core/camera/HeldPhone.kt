package org.sthmobile.gesture.core.camera

/**
 * How a person holds a phone, from its angle. The nearest quarter turn counts, and it stays until another one is clearly
 * nearer, so that a phone that is held askew does not turn to and fro: each turn begins a new stream.
 */
class HeldPhone {
    /**
     * By how many degrees the screen's content would be turned if it followed the phone (as Display.getRotation counts):
     * 0, 90, 180 or 270; null before the first angle.
     */
    var turn: Int? = null
        private set

    /**
     * Takes an angle: by how many degrees the phone is turned clockwise from its usual position, 0 to 359; below 0 where
     * that is not known, since the phone lies flat. Whether [turn] has changed.
     */
    fun angle(degrees: Int): Boolean {
        if (degrees < 0) return false
        val before = turn
        val held = if (before == null) degrees else (360 - before) % 360
        if (before != null && apart(degrees, held) < CLEARLY) return false
        turn = (360 - (degrees + 45) / 90 * 90 % 360) % 360
        return turn != before
    }

    private fun apart(
        one: Int,
        other: Int,
    ): Int = minOf(Math.floorMod(one - other, 360), Math.floorMod(other - one, 360))

    private companion object {
        /** 15 degrees beyond the middle between two quarter turns. */
        const val CLEARLY = 60
    }
}
