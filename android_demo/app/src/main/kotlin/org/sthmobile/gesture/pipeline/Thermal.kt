package org.sthmobile.gesture.pipeline

/** How hot the phone says it is; [key] is its name in files. The order is PowerManager's, from 0 on. */
enum class Thermal(
    val key: String,
) {
    NONE("none"),
    LIGHT("light"),
    MODERATE("moderate"),
    SEVERE("severe"),
    CRITICAL("critical"),
    EMERGENCY("emergency"),
    SHUTDOWN("shutdown"),

    /** Phones before Android 10 do not tell. */
    UNKNOWN("unknown"),
    ;

    companion object {
        /** PowerManager's number. */
        fun of(status: Int): Thermal = values().getOrNull(status) ?: UNKNOWN
    }
}
