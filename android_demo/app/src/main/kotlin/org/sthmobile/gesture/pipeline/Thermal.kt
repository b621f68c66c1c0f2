package org.sthmobile.gesture.pipeline

/** How many pictures a second a camera may take. */
enum class Pace(
    val framesPerSecond: Int,
) {
    FULL(30),
    FEW(15),
    REST(0),
}

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

    /** What a phone as hot as this should do; [now] is what it does: it rests until it has clearly cooled. */
    fun pace(now: Pace): Pace =
        when (this) {
            CRITICAL, EMERGENCY, SHUTDOWN -> Pace.REST
            SEVERE -> if (now == Pace.REST) Pace.REST else Pace.FEW
            else -> Pace.FULL
        }

    companion object {
        /** PowerManager's number. */
        fun of(status: Int): Thermal = values().getOrNull(status) ?: UNKNOWN
    }
}
