package org.sthmobile.gesture.core.golden

import org.json.JSONArray
import org.json.JSONObject
import org.sthmobile.gesture.core.postprocess.Thresholds
import org.sthmobile.gesture.core.runner.Contract
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The folder that `sth golden` wrote; the property `golden` names it. */
object Golden {
    private val folder = File(System.getProperty("golden") ?: error("-Dgolden=DIR names no folder of golden vectors"))
    private val text = File(folder, "manifest.json").readText()
    val manifest = JSONObject(text)

    val contract: Contract by lazy {
        manifest
            .getString(
                "contract",
            ).let { Contract.read(File(folder, it).readText(), it) }
    }
    val contractText: String get() = File(folder, manifest.getString("contract")).readText()
    val thresholds: Thresholds by lazy {
        manifest.getString("thresholds").let { Thresholds.read(File(folder, it).readText(), it) }
    }
    val thresholdsText: String get() = File(folder, manifest.getString("thresholds")).readText()

    fun bytes(name: String): ByteArray = File(folder, name).readBytes()

    fun buffer(name: String): ByteBuffer = ByteBuffer.wrap(bytes(name)).order(ByteOrder.LITTLE_ENDIAN)

    fun ints(name: String): IntArray = IntArray(bytes(name).size / 4).also { buffer(name).asIntBuffer().get(it) }

    fun floats(name: String): FloatArray =
        FloatArray(bytes(name).size / 4).also { buffer(name).asFloatBuffer().get(it) }
}

fun JSONArray.objects(): List<JSONObject> = List(length()) { getJSONObject(it) }

/** What the golden tests compared; [CoreTests] writes it where every test passed. */
object GoldenRows {
    private val rows = ArrayList<JSONObject>()

    /** Takes note of a comparison, and fails where a value differs at all. */
    fun require(
        name: String,
        wanted: DoubleArray,
        found: DoubleArray,
    ) {
        assertEquals(wanted.size, found.size, "$name: number of values")
        assertTrue(wanted.isNotEmpty(), "$name: nothing to compare")
        val differences = wanted.indices.map { abs(wanted[it] - found[it]) }
        val differing = wanted.indices.count { wanted[it].toRawBits() != found[it].toRawBits() }
        val row = JSONObject().put("name", name).put("values", wanted.size).put("differing", differing)
        rows.add(row.put("largest", differences.max()))
        assertEquals(0, differing, "$name: values that differ, by at most ${differences.max()}")
    }

    fun bytes(values: ByteArray): DoubleArray = DoubleArray(values.size) { values[it].toDouble() }

    fun floats(values: FloatArray): DoubleArray = DoubleArray(values.size) { values[it].toDouble() }

    fun write(file: File) {
        val content =
            JSONObject()
                .put(
                    "kind",
                    "golden",
                ).put("side", "Kotlin")
                .put("made_of", Golden.manifest.getJSONObject("made_of"))
        val temporary = File(file.path + ".part")
        temporary.writeText(content.put("rows", JSONArray(rows.sortedBy { it.getString("name") })).toString(2) + "\n")
        check(temporary.renameTo(file)) { "cannot write $file" }
    }
}
