package org.sthmobile.gesture.benchmark

import android.content.Context
import android.util.Log
import org.sthmobile.gesture.pipeline.thermalNow
import org.sthmobile.gesture.runner.ModelStore
import org.sthmobile.gesture.runner.sha256
import java.io.File
import java.io.IOException

/** How a run ended: its file, and a message where it failed. */
class Outcome(
    val file: File,
    val error: String?,
)

/** Runs one plan and writes its file; the last line in the log says that it has ended. */
class Benchmark(
    private val context: Context,
) {
    private val store = ModelStore(context)

    /** Takes as long as the plan says; not for the main thread. [readPlan] may throw [IllegalArgumentException]. */
    fun run(
        run: String,
        readPlan: () -> BenchmarkPlan,
    ): Outcome {
        val target = File(context.getExternalFilesDir("benchmark") ?: context.filesDir, "$run.json")
        target.delete() // so that the file's being there means that this run has ended
        val report = BenchmarkReport(run, context.packageManager.getPackageInfo(context.packageName, 0).versionName)
        val error =
            try {
                report.device(deviceFacts(context), batteryFacts(context))
                measure(readPlan(), report)
                report.done()
                null
            } catch (error: Exception) {
                // whatever it was: whoever waits for the file must read it
                report.failed(error.message ?: error.javaClass.name)
                error.message ?: error.javaClass.name
            }
        write(target, report.toJson())
        Log.i(TAG, if (error == null) "done $run $target" else "failed $run $error")
        return Outcome(target, error)
    }

    private fun measure(
        plan: BenchmarkPlan,
        report: BenchmarkReport,
    ) {
        report.plan(plan)
        val model = store.find(plan.model)
        val contract = model.contract
        require(plan.runtime == null || plan.runtime == contract.runtime) {
            "${plan.model} is for ${contract.runtime}, --es runtime says ${plan.runtime}"
        }
        val file = store.file(model)
        report.artefact(file.name, sha256(file), file.length(), contract)
        val memoryBefore = memoryMb()
        val begin = System.nanoTime()
        store.open(model, plan.threads).use { runner ->
            report.loaded(runner.runtime, runner.runtimeVersion, (System.nanoTime() - begin) / 1e6)
            val measurement = Measurement(runner)
            val first = measurement.run(1).milliseconds[0]
            measurement.run(plan.warmUp)
            Thread.sleep(plan.coolDownMs.toLong())
            report.thermalBefore(thermalNow(context))
            val samples = measurement.run(plan.rounds)
            val memory = memoryMb() - memoryBefore
            Thread.sleep(plan.coolDownMs.toLong())
            report.thermalAfter(thermalNow(context))
            report.measured(first, samples, memory)
        }
    }

    private fun write(
        target: File,
        text: String,
    ) {
        val temporary = File(target.path + ".part")
        temporary.writeText(text)
        if (!temporary.renameTo(target)) throw IOException("cannot write $target")
    }

    companion object {
        const val TAG = "sth-benchmark"
    }
}
