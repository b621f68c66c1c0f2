package org.sthmobile.gesture.benchmark

/** What to measure; see [read] for the names that `adb shell am start` gives. */
data class BenchmarkPlan(
    val model: String,
    val runtime: String?,
    val threads: Int,
    val rounds: Int,
    val warmUp: Int,
    val coolDownMs: Int,
    val run: String,
) {
    companion object {
        const val USUAL_RUN = "benchmark"
        private val RUN = Regex("[A-Za-z0-9._-]{1,64}")

        /**
         * The plan in an intent: [text] and [number] give an extra, or null where there is none.
         *
         * Throws [IllegalArgumentException] with a line that names the extra.
         */
        fun read(
            text: (String) -> String?,
            number: (String) -> Int?,
        ): BenchmarkPlan {
            val plan =
                BenchmarkPlan(
                    model = modelOf(text("model")),
                    runtime = text("runtime"),
                    threads = number("threads") ?: 1,
                    rounds = number("rounds") ?: 50,
                    warmUp = number("warm_up") ?: 5,
                    coolDownMs = number("cool_down_ms") ?: 1000,
                    run = runOf(text("run")),
                )
            require(plan.threads in 1..64) { "--ei threads is ${plan.threads}; expected 1 to 64" }
            require(plan.rounds in 1..100_000) { "--ei rounds is ${plan.rounds}; expected 1 to 100000" }
            require(plan.warmUp in 0..100_000) { "--ei warm_up is ${plan.warmUp}; expected 0 to 100000" }
            require(plan.coolDownMs in 0..600_000) { "--ei cool_down_ms is ${plan.coolDownMs}; expected 0 to 600000" }
            return plan
        }

        private fun modelOf(said: String?): String {
            val model = requireNotNull(said) { "there is no --es model NAME" }
            require('/' !in model) { "--es model is $model; expected the name of a file in the app's folder of models" }
            return model
        }

        /** The name of the result's file; it must not lead out of its folder. */
        fun runOf(said: String?): String {
            val run = said ?: USUAL_RUN
            require(RUN.matches(run) && run.any { it != '.' }) { "--es run is $run; expected letters, digits, . _ -" }
            return run
        }
    }
}
