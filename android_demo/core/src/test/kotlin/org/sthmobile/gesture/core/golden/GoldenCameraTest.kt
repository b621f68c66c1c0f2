package org.sthmobile.gesture.core.golden

import org.json.JSONObject
import org.junit.Test
import org.sthmobile.gesture.core.camera.Plane
import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.preprocess.Preprocessor
import org.sthmobile.gesture.core.preprocess.SquareReader
import org.sthmobile.gesture.core.runner.ElementType
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.assertEquals

/** Python's camera frames become Python's pictures and input tensors. BGRA, which Android does not give, is iOS's. */
class GoldenCameraTest {
    private val contract = Golden.contract
    private val cases =
        Golden.manifest
            .getJSONArray("camera")
            .objects()
            .filter { it.getString("format") == "yuv420" }

    @Test
    fun `input tensors are Python's`() {
        val preprocessor = Preprocessor(contract) // one for all, as in the app, whatever the size
        val tensor = ByteBuffer.allocateDirect(contract.input.bytes).order(ByteOrder.nativeOrder())
        for (case in cases) {
            preprocessor.process(frame(case), tensor)
            val wanted = case.getString("tensor")
            val name = "camera/${case.getString("name")}/tensor"
            if (contract.input.type == ElementType.INT8) {
                val found = ByteArray(tensor.capacity()) { tensor.get(it) }
                GoldenRows.require(name, GoldenRows.bytes(Golden.bytes(wanted)), GoldenRows.bytes(found))
            } else {
                val found = FloatArray(contract.input.count) { tensor.getFloat(4 * it) }
                GoldenRows.require(name, GoldenRows.floats(Golden.floats(wanted)), GoldenRows.floats(found))
            }
        }
    }

    @Test
    fun `resized pictures are Python's`() {
        val reader = SquareReader(contract.frames)
        for (case in cases) {
            val found = IntArray(3 * contract.frames.size * contract.frames.size) { -1 }
            reader.read(frame(case)) { values, start, step ->
                for (index in values.indices) found[3 * (start + index / 3 * step) + index % 3] = values[index]
            }
            val wanted = Golden.bytes(case.getString("resized")).map { (it.toInt() and 255).toDouble() }
            GoldenRows.require(
                "camera/${case.getString("name")}/resized",
                wanted.toDoubleArray(),
                found
                    .map {
                        it.toDouble()
                    }.toDoubleArray(),
            )
        }
    }

    @Test
    fun `there are frames of all kinds`() {
        assertEquals(setOf(0, 90, 180, 270), cases.map { it.getInt("rotation") }.toSet())
        assertEquals(setOf(true, false), cases.map { it.getBoolean("mirrored") }.toSet())
        assertEquals(8, cases.size)
    }

    private fun frame(case: JSONObject): YuvFrame =
        YuvFrame().apply {
            width = case.getInt("width")
            height = case.getInt("height")
            rotation = case.getInt("rotation")
            mirrored = case.getBoolean("mirrored")
            fill(y, case, "Y")
            fill(u, case, "U")
            fill(v, case, "V")
        }

    private fun fill(
        plane: Plane,
        case: JSONObject,
        name: String,
    ) {
        val place = case.getJSONObject("channels").getJSONObject(name)
        val bytes = Golden.bytes(case.getJSONObject("buffers").getString(place.getString("buffer")))
        val direct = ByteBuffer.allocateDirect(bytes.size).put(bytes)
        plane.set(direct, place.getInt("row_stride"), place.getInt("pixel_stride"), place.getInt("offset"))
    }
}
