package org.sthmobile.gesture.pipeline

import android.content.Context
import org.sthmobile.gesture.core.runner.Mode
import org.sthmobile.gesture.runner.ModelWish

/** What a person chose last, kept over restarts. */
class Settings(
    context: Context,
) {
    private val kept = context.getSharedPreferences("settings", Context.MODE_PRIVATE)

    var wish: ModelWish
        get() {
            val usual = ModelWish()
            return ModelWish(
                kept.getString("runtime", null) ?: usual.runtime,
                kept.getString("precision", null) ?: usual.precision,
                Mode.values().firstOrNull { it.name == kept.getString("mode", null) } ?: usual.mode,
                kept.getInt("threads", usual.threads),
            )
        }
        set(wish) =
            kept
                .edit()
                .putString("runtime", wish.runtime)
                .putString("precision", wish.precision)
                .putString("mode", wish.mode.name)
                .putInt("threads", wish.threads)
                .apply()

    var front: Boolean
        get() = kept.getBoolean("front", true)
        set(front) = kept.edit().putBoolean("front", front).apply()
}
