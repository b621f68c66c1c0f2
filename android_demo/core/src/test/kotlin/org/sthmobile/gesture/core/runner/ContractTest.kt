package org.sthmobile.gesture.core.runner

import org.json.JSONArray
import org.json.JSONObject
import org.junit.Test
import org.sthmobile.gesture.core.golden.Golden
import org.sthmobile.gesture.core.postprocess.Thresholds
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class ContractTest {
    private val text = Golden.contractText

    @Test
    fun `a contract of Python's`() {
        val contract = Contract.read(text, "a.contract.json")
        val content = JSONObject(text)
        assertEquals(Mode.STREAM, contract.mode)
        assertEquals(content.getJSONArray("labels").toList(), contract.labels)
        assertEquals(content.getJSONObject("preprocess").getInt("size"), contract.frames.size)
        assertEquals(content.getJSONArray("states").length(), contract.states.size)
        assertEquals("state_1", contract.states[0].tensor.name)
        assertEquals("state_1_next", contract.states[0].output)
        assertEquals(content.getDouble("frames_per_second"), contract.framesPerSecond)
        assertEquals(1, contract.framesPerInference)
    }

    @Test
    fun `every missing key is named`() {
        val nullable = setOf("options", "stateful", "sampling")
        var tried = 0
        for (path in listOf("", "preprocess", "input", "output", "states", "input.quantization")) {
            for (key in at(JSONObject(text), path)?.keySet().orEmpty() - nullable) {
                val message = failure { at(it, path)!!.remove(key) }
                assertTrue("a.contract.json: " in message && "$key is missing" in message, "$path $key: $message")
                tried++
            }
        }
        assertTrue(tried > 30, "$tried keys")
    }

    @Test
    fun `values that this app would not honour are refused`() {
        assertTrue("version is 3" in failure { it.put("version", 3) })
        assertTrue("mode is video" in failure { it.put("mode", "video") })
        assertTrue("stateful is true" in failure { it.put("stateful", true) })
        assertTrue("labels is" in failure { it.put("labels", JSONArray(listOf(1))) })
        assertTrue("output.shape is" in failure { it.put("labels", JSONArray(listOf("one"))) })
        assertTrue("frames_per_second is 0" in failure { it.put("frames_per_second", 0) })
        assertTrue(
            "states is" in
                failure {
                    it
                        .put(
                            "mode",
                            "clip",
                        ).put("frames_per_second", 0)
                        .getJSONObject("preprocess")
                        .put("segments", 1)
                },
        )
        assertTrue(
            "preprocess.colour_order is BGR" in failure { it.getJSONObject("preprocess").put("colour_order", "BGR") },
        )
        assertTrue(
            "preprocess.resize_rule is" in failure { it.getJSONObject("preprocess").put("resize_rule", "nearest") },
        )
        assertTrue("preprocess.size is 96.5" in failure { it.getJSONObject("preprocess").put("size", 96.5) })
        assertTrue(
            "preprocess.std is" in failure { it.getJSONObject("preprocess").put("std", JSONArray(listOf(1, 2, 0))) },
        )
        assertTrue(
            "preprocess.mean is" in failure { it.getJSONObject("preprocess").put("mean", JSONArray(listOf(1, 2))) },
        )
        assertTrue(
            "preprocess.crop_fraction is 2" in failure { it.getJSONObject("preprocess").put("crop_fraction", 2) },
        )
        assertTrue(
            "input.shape is" in failure { it.getJSONObject("input").put("shape", JSONArray(listOf(1, 9, 9, 3))) },
        )
        assertTrue("input.layout is" in failure { it.getJSONObject("input").put("layout", "THCW") })
        assertTrue(
            "states[0].dtype is float16" in
                failure { it.getJSONArray("states").getJSONObject(0).put("dtype", "float16") },
        )
        assertTrue(
            "states[1].shape is" in
                failure { it.getJSONArray("states").getJSONObject(1).put("shape", JSONArray(listOf(0))) },
        )
        assertTrue("states[1].reset is" in failure { it.getJSONArray("states").getJSONObject(1).put("reset", "none") })
        assertTrue("input.quantization is" in failure { it.getJSONObject("input").put("quantization", "none") })
        assertTrue("no JSON" in assertFailsWith<ContractException> { Contract.read("{", "a.contract.json") }.message!!)
    }

    @Test
    fun `thresholds are read as strictly`() {
        val whole = JSONObject(Golden.thresholdsText)
        val read = Thresholds.read(whole.toString(), "a.events.json")
        assertEquals(whole.getInt("hold_ms"), read.holdMs)
        assertEquals(whole.getDouble("on"), read.on)

        fun failure(change: (JSONObject) -> Unit): String {
            val content = JSONObject(Golden.thresholdsText).also(change)
            return assertFailsWith<ContractException> { Thresholds.read(content.toString(), "a.events.json") }.message!!
        }
        for (key in whole.keySet()) assertTrue("a.events.json: $key is " in failure { it.remove(key) }, key)
        assertTrue("extra is 1" in failure { it.put("extra", 1) })
        assertTrue("tau_ms is -1" in failure { it.put("tau_ms", -1) })
        assertTrue("tau_ms is 0.5" in failure { it.put("tau_ms", 0.5) })
        assertTrue("gap_ms is 0" in failure { it.put("gap_ms", 0) })
        assertTrue("on is 0.1" in failure { it.put("on", 0.1) })
        assertTrue("temperature is 0" in failure { it.put("temperature", 0) })
        assertTrue("frames_per_second is" in failure { it.put("frames_per_second", JSONArray(listOf(5, 4))) })
    }

    private fun failure(change: (JSONObject) -> Unit): String {
        val content = JSONObject(text).also(change)
        return assertFailsWith<ContractException> { Contract.read(content.toString(), "a.contract.json") }.message!!
    }

    private fun at(
        content: JSONObject,
        path: String,
    ): JSONObject? =
        path.split(".").filter { it.isNotEmpty() }.fold(content as JSONObject?) { found, key ->
            if (key == "states") found?.getJSONArray(key)?.getJSONObject(0) else found?.optJSONObject(key)
        }
}
