package org.sthmobile.gesture.camera

import org.sthmobile.gesture.core.camera.YuvFrame

/** Where frames come from, and what a person must know of it. */
sealed class SourceState {
    /** Nobody asked for frames. */
    object Idle : SourceState()

    /** It is being opened. */
    object Starting : SourceState()

    /** Frames come. */
    object Running : SourceState()

    /** The video is over. */
    object Ended : SourceState()

    /** No frames, for a [reason]; [detail] is what the system said, if anything. */
    data class Stopped(
        val reason: Reason,
        val detail: String? = null,
    ) : SourceState()
}

/** Why there are no frames. */
enum class Reason {
    /** The person has not been asked yet, or said no. */
    PERMISSION,

    /** The person said no for good; only the system's settings help. */
    PERMISSION_BLOCKED,

    /** The phone has no camera on this side. */
    NO_CAMERA,

    /** Another app, or a call, has the camera; it comes back by itself. */
    TAKEN,

    /** Cameras are switched off by the phone's owner or by a switch. */
    DISABLED,

    /** The phone is too hot; frames come again once it has cooled. */
    HOT,

    /** The camera, or the video, cannot be read. */
    BROKEN,
}

/** Takes frames on the source's own thread; the frame is not valid any more when this returns. */
fun interface FrameSink {
    fun onFrame(frame: YuvFrame)
}

/** Is told, on the source's own thread, how it goes. */
fun interface SourceListener {
    fun onSource(state: SourceState)
}
