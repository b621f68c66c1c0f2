package org.sthmobile.gesture.ui

import android.app.Activity
import android.app.AlertDialog
import android.view.View
import android.widget.ArrayAdapter
import android.widget.Spinner
import org.sthmobile.gesture.R
import org.sthmobile.gesture.core.runner.Mode
import org.sthmobile.gesture.runner.ModelFile
import org.sthmobile.gesture.runner.ModelWish

/** Asks for runtime, precision, clip or stream, and threads, of what the installed models offer. */
class ModelDialog(
    private val activity: Activity,
    models: List<ModelFile>,
    private val wish: ModelWish,
    private val chosen: (ModelWish) -> Unit,
) {
    private val runtimes = models.map { it.contract.runtime }.distinct()
    private val precisions = models.map { it.contract.precision }.distinct()
    private val modes = models.map { it.contract.mode }.distinct()
    private val threads = (1..Runtime.getRuntime().availableProcessors().coerceAtMost(MOST_THREADS)).toList()

    fun show() {
        val view = View.inflate(activity, R.layout.model_dialog, null)
        val runtime = fill(view, R.id.runtime, runtimes, wish.runtime) { it }
        val precision = fill(view, R.id.precision, precisions, wish.precision) { it }
        val mode = fill(view, R.id.mode, modes, wish.mode) { activity.getString(nameOf(it)) }
        val number = fill(view, R.id.threads, threads, wish.threads) { it.toString() }
        AlertDialog
            .Builder(activity)
            .setTitle(R.string.model_title)
            .setView(view)
            .setNegativeButton(android.R.string.cancel, null)
            .setPositiveButton(android.R.string.ok) { _, _ ->
                chosen(
                    ModelWish(
                        runtimes[runtime.selectedItemPosition],
                        precisions[precision.selectedItemPosition],
                        modes[mode.selectedItemPosition],
                        threads[number.selectedItemPosition],
                    ),
                )
            }.show()
    }

    private fun <T> fill(
        view: View,
        id: Int,
        options: List<T>,
        selected: T,
        name: (T) -> String,
    ): Spinner {
        val spinner = view.findViewById<Spinner>(id)
        val adapter = ArrayAdapter(activity, android.R.layout.simple_spinner_item, options.map(name))
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item)
        spinner.adapter = adapter
        spinner.setSelection(options.indexOf(selected).coerceAtLeast(0))
        return spinner
    }

    private fun nameOf(mode: Mode): Int = if (mode == Mode.STREAM) R.string.mode_stream else R.string.mode_clip

    private companion object {
        const val MOST_THREADS = 8
    }
}
