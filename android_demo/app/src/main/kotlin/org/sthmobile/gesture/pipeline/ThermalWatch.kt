package org.sthmobile.gesture.pipeline

import android.content.Context
import android.os.Build
import android.os.PowerManager
import java.io.Closeable

/** Follows the phone's thermal state, where it tells (Android 10). */
class ThermalWatch(
    context: Context,
    private val changed: () -> Unit,
) : Closeable {
    private val power = context.getSystemService(PowerManager::class.java)

    /** A PowerManager.OnThermalStatusChangedListener; the type is newer than Android 8. */
    private var listener: Any? = null

    @Volatile var state = Thermal.UNKNOWN
        private set

    init {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
            val listening =
                PowerManager.OnThermalStatusChangedListener {
                    state = Thermal.of(it)
                    changed()
                }
            power.addThermalStatusListener(listening) // which tells the state at once
            listener = listening
        }
    }

    override fun close() {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
            (listener as? PowerManager.OnThermalStatusChangedListener)?.let { power.removeThermalStatusListener(it) }
        }
        listener = null
    }
}

/** The thermal state now. */
fun thermalNow(context: Context): Thermal =
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
        Thermal.of(context.getSystemService(PowerManager::class.java).currentThermalStatus)
    } else {
        Thermal.UNKNOWN
    }
