package org.sthmobile.gesture.ui

import android.app.Activity
import android.app.AlertDialog
import android.content.res.Resources
import android.view.View
import android.widget.ArrayAdapter
import android.widget.Spinner
import org.sthmobile.gesture.R
import org.sthmobile.gesture.core.runner.Mode
import org.sthmobile.gesture.runner.ModelChoice
import org.sthmobile.gesture.runner.ModelFile

/** Asks for a model by its name, and for threads. */
class ModelDialog(
    private val activity: Activity,
    private val models: List<ModelFile>,
    private val choice: ModelChoice,
    private val chosen: (ModelChoice) -> Unit,
) {
    private val threads = (1..Runtime.getRuntime().availableProcessors().coerceAtMost(MOST_THREADS)).toList()

    fun show() {
        val view = View.inflate(activity, R.layout.model_dialog, null)
        val model = fill(view, R.id.model, models.map { describe(activity.resources, it) })
        val number = fill(view, R.id.threads, threads.map { it.toString() })
        model.setSelection(models.indexOfFirst { it.id == choice.id }.coerceAtLeast(0))
        number.setSelection(threads.indexOf(choice.threads).coerceAtLeast(0))
        AlertDialog
            .Builder(activity)
            .setTitle(R.string.model_title)
            .setView(view)
            .setNegativeButton(android.R.string.cancel, null)
            .setPositiveButton(android.R.string.ok) { _, _ ->
                chosen(ModelChoice(models[model.selectedItemPosition].id, threads[number.selectedItemPosition]))
            }.show()
    }

    private fun fill(
        view: View,
        id: Int,
        options: List<String>,
    ): Spinner {
        val spinner = view.findViewById<Spinner>(id)
        val adapter = ArrayAdapter(activity, R.layout.model_row, options)
        spinner.adapter = adapter
        return spinner
    }

    private companion object {
        const val MOST_THREADS = 8
    }
}

/** A model's name, and below it what it is. */
fun describe(
    resources: Resources,
    model: ModelFile,
): String {
    val contract = model.contract
    val mode = resources.getString(if (contract.mode == Mode.STREAM) R.string.mode_stream else R.string.mode_clip)
    val facts =
        resources.getString(R.string.model_facts, contract.runtime, contract.precision, mode, contract.frames.size)
    val origin = if (model.pushed) resources.getString(R.string.model_pushed, facts) else facts
    return "${model.name}\n$origin"
}
