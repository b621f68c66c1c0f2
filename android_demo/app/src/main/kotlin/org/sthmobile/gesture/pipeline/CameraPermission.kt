package org.sthmobile.gesture.pipeline

import org.sthmobile.gesture.camera.Reason

/**
 * Tells a refusal for good, which only the system's settings undo, from a question that was dismissed: of both the
 * system says that it needs no reason to ask. [refused] is whether the person has once said no, kept by [keep].
 */
class CameraPermission(
    private var refused: Boolean,
    private val keep: (Boolean) -> Unit,
) {
    private var unanswered = 0

    /** The system was told to ask. */
    fun asked() {
        unanswered++
    }

    /** The permission is there; when it is taken back, all begins anew. */
    fun granted() {
        unanswered = 0
        remember(false)
    }

    /**
     * The permission is not there; [rationale] is what shouldShowRequestPermissionRationale says: true after a first no.
     * Two questions without any answer were not shown at all: somebody forbids the camera for this phone.
     */
    fun missing(rationale: Boolean): Reason {
        if (rationale) {
            unanswered = 0
            remember(true)
        }
        val blocked = !rationale && (refused || unanswered >= 2)
        return if (blocked) Reason.PERMISSION_BLOCKED else Reason.PERMISSION
    }

    private fun remember(refused: Boolean) {
        if (refused == this.refused) return
        this.refused = refused
        keep(refused)
    }
}
