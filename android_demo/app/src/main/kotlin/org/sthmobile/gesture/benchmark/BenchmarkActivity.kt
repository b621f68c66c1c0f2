package org.sthmobile.gesture.benchmark

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import android.util.Log
import android.view.WindowManager
import android.widget.TextView
import org.sthmobile.gesture.R

/**
 * `adb shell am start -n org.sthmobile.gesture/.benchmark.BenchmarkActivity --es model NAME ...`: measures and writes a
 * file; see [BenchmarkPlan.read] for the extras. One run at a time: an intent that comes meanwhile is refused in the log.
 */
class BenchmarkActivity : Activity() {
    private lateinit var text: TextView
    private var running = false

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        text = TextView(this)
        setContentView(text)
        if (saved == null) begin(intent)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        begin(intent)
    }

    private fun begin(intent: Intent) {
        val run =
            try {
                BenchmarkPlan.runOf(intent.getStringExtra("run"))
            } catch (error: IllegalArgumentException) {
                Log.e(Benchmark.TAG, "failed ${BenchmarkPlan.USUAL_RUN} ${error.message}")
                return finish()
            }
        if (running) {
            Log.e(Benchmark.TAG, "failed $run another run has not ended")
            return
        }
        running = true
        text.text = getString(R.string.benchmark_running, intent.getStringExtra("model").orEmpty())
        Thread({ measure(run, intent) }, "benchmark").start()
    }

    private fun measure(
        run: String,
        intent: Intent,
    ) {
        val outcome =
            Benchmark(applicationContext).run(run) {
                BenchmarkPlan.read(
                    text = intent::getStringExtra,
                    number = { key -> if (intent.hasExtra(key)) intent.getIntExtra(key, -1) else null },
                )
            }
        runOnUiThread {
            running = false
            text.text =
                if (outcome.error == null) {
                    getString(R.string.benchmark_done, outcome.file.path)
                } else {
                    getString(R.string.benchmark_failed, outcome.error)
                }
        }
    }
}
