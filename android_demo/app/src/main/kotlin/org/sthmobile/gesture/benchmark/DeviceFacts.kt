package org.sthmobile.gesture.benchmark

import android.app.ActivityManager
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.os.BatteryManager
import android.os.Build
import android.os.Debug
import org.json.JSONObject

/** What this phone is. */
fun deviceFacts(context: Context): JSONObject {
    val memory = ActivityManager.MemoryInfo()
    context.getSystemService(ActivityManager::class.java).getMemoryInfo(memory)
    return JSONObject()
        .put("manufacturer", Build.MANUFACTURER)
        .put("model", Build.MODEL)
        .put("device", Build.DEVICE)
        .put("soc", soc() ?: JSONObject.NULL)
        .put("abi", Build.SUPPORTED_ABIS.firstOrNull() ?: JSONObject.NULL)
        .put("cores", Runtime.getRuntime().availableProcessors())
        .put("memory_mb", memory.totalMem / 1e6)
        .put("ios", JSONObject.NULL)
        .put("android", Build.VERSION.RELEASE)
        .put("api", Build.VERSION.SDK_INT)
        .put("fingerprint", Build.FINGERPRINT)
        .put("emulator", Build.HARDWARE == "ranchu" || Build.HARDWARE == "goldfish")
}

/** The battery now, since a low or hot one slows a phone down. */
fun batteryFacts(context: Context): JSONObject {
    val sticky = context.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED)) ?: Intent()

    fun number(key: String): Int? = sticky.getIntExtra(key, Int.MIN_VALUE).takeIf { it != Int.MIN_VALUE }
    val level = number(BatteryManager.EXTRA_LEVEL)
    val scale = number(BatteryManager.EXTRA_SCALE)
    val tenths = number(BatteryManager.EXTRA_TEMPERATURE)
    return JSONObject()
        .put("percent", if (level == null || scale == null || scale == 0) JSONObject.NULL else 100 * level / scale)
        .put("charging", number(BatteryManager.EXTRA_PLUGGED)?.let { it != 0 } ?: JSONObject.NULL)
        .put("temperature_c", tenths?.let { it / 10.0 } ?: JSONObject.NULL)
}

/** Memory of this process in MB: its share of all pages that it touches. */
fun memoryMb(): Double {
    val memory = Debug.MemoryInfo()
    Debug.getMemoryInfo(memory)
    return memory.totalPss * 1024 / 1e6
}

private fun soc(): String? =
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
        "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}"
    } else {
        Build.HARDWARE.takeIf { it != Build.UNKNOWN }
    }
