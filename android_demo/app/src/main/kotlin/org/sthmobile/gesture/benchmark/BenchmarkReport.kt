package org.sthmobile.gesture.benchmark

import org.json.JSONArray
import org.json.JSONObject
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.Mode
import org.sthmobile.gesture.pipeline.Thermal

/** The JSON file of a benchmark, written as the run goes on; what is not known stays null. */
class BenchmarkReport(
    run: String,
    appVersion: String,
) {
    private val content = JSONObject()

    init {
        for (key in KEYS) content.put(key, JSONObject.NULL)
        content.put("kind", "android_benchmark")
        content.put("schema", SCHEMA)
        content.put("status", "failed")
        content.put("run", run)
        content.put("app_version", appVersion)
        content.put("seed", Measurement.SEED)
    }

    fun device(
        device: JSONObject,
        battery: JSONObject,
    ) {
        content.put("device", device)
        content.put("battery", battery)
    }

    fun plan(plan: BenchmarkPlan) {
        content.put("threads", plan.threads)
        content.put("rounds", plan.rounds)
        content.put("warm_up", plan.warmUp)
        content.put("cool_down_ms", plan.coolDownMs)
    }

    fun artefact(
        name: String,
        sha256: String,
        bytes: Long,
        contract: Contract,
    ) {
        val side = contract.frames.size
        content.put("artefact", name)
        content.put("sha256", sha256)
        content.put("bytes", bytes)
        content.put("network", contract.network)
        content.put("precision", contract.precision)
        content.put("mode", if (contract.mode == Mode.STREAM) "stream" else "clip")
        content.put("input", "${contract.framesPerInference} x $side x $side")
        content.put("state_bytes", contract.states.sumOf { it.tensor.bytes })
        content.put("runtime_key", contract.runtime)
    }

    fun loaded(
        runtime: String,
        version: String,
        loadMs: Double,
    ) {
        content.put("runtime", runtime)
        content.put("runtime_version", version)
        content.put("load_ms", loadMs)
    }

    fun thermalBefore(state: Thermal) {
        content.put("thermal_before", state.key)
    }

    fun thermalAfter(state: Thermal) {
        content.put("thermal_after", state.key)
    }

    fun measured(
        firstMs: Double,
        samples: Samples,
        peakMb: Double?,
    ) {
        content.put("first_ms", firstMs)
        content.put("median_ms", samples.median)
        content.put("p90_ms", samples.p90)
        content.put("peak_mb", peakMb ?: JSONObject.NULL)
        content.put("samples_ms", JSONArray(samples.milliseconds.asList()))
    }

    fun done() {
        content.put("status", "done")
    }

    fun failed(message: String) {
        content.put("status", "failed")
        content.put("error", message)
    }

    fun toJson(): String = content.toString(2)

    companion object {
        const val SCHEMA = 1

        /** Every key is in every file, and the same ones in those of the iOS app. */
        val KEYS =
            listOf(
                "kind",
                "schema",
                "status",
                "error",
                "run",
                "app_version",
                "device",
                "artefact",
                "sha256",
                "bytes",
                "network",
                "precision",
                "mode",
                "input",
                "state_bytes",
                "runtime",
                "runtime_version",
                "runtime_key",
                "compute_units",
                "threads",
                "rounds",
                "warm_up",
                "cool_down_ms",
                "seed",
                "thermal_before",
                "thermal_after",
                "battery",
                "load_ms",
                "first_ms",
                "median_ms",
                "p90_ms",
                "peak_mb",
                "samples_ms",
            )
    }
}
