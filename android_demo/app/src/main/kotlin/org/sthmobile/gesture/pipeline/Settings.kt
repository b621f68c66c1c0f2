package org.sthmobile.gesture.pipeline

import android.content.Context
import org.sthmobile.gesture.runner.ModelChoice

/** What a person chose last, kept over restarts. */
class Settings(
    context: Context,
) {
    private val kept = context.getSharedPreferences("settings", Context.MODE_PRIVATE)

    var choice: ModelChoice
        get() = ModelChoice(kept.getString("model", null), kept.getInt("threads", ModelChoice().threads))
        set(choice) =
            kept
                .edit()
                .putString("model", choice.id)
                .putInt("threads", choice.threads)
                .apply()

    /** The person has once said no to the camera: only then can the system's not asking again be told from its first. */
    var refused: Boolean
        get() = kept.getBoolean("refused", false)
        set(refused) = kept.edit().putBoolean("refused", refused).apply()

    var front: Boolean
        get() = kept.getBoolean("front", true)
        set(front) = kept.edit().putBoolean("front", front).apply()
}
