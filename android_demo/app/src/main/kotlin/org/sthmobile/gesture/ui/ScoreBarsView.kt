package org.sthmobile.gesture.ui

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.view.View
import org.sthmobile.gesture.R
import org.sthmobile.gesture.postprocess.Bar

/** The best classes as bars with their names, best on top. */
class ScoreBarsView(
    context: Context,
    attributes: AttributeSet,
) : View(context, attributes) {
    private val back = paint(R.color.bar_back)
    private val fill = paint(R.color.bar)
    private val text = paint(R.color.text).apply { textSize = resources.getDimension(R.dimen.text_small) }
    private val row = resources.getDimension(R.dimen.bar_row)
    private val gap = resources.getDimension(R.dimen.bar_gap)
    private var bars = emptyList<Bar>()
    private var percents = emptyList<String>()

    fun show(bars: List<Bar>) {
        if (bars == this.bars) return
        this.bars = bars
        percents = bars.map { resources.getString(R.string.percent, it.percent) }
        invalidate()
    }

    override fun onMeasure(
        widthSpec: Int,
        heightSpec: Int,
    ) = setMeasuredDimension(getDefaultSize(0, widthSpec), resolveSize((ROWS * (row + gap)).toInt(), heightSpec))

    override fun onDraw(canvas: Canvas) {
        val inset = gap * 2
        for (index in bars.indices) {
            val top = index * (row + gap)
            val baseline = top + row / 2 - (text.ascent() + text.descent()) / 2
            canvas.drawRoundRect(0f, top, width.toFloat(), top + row, gap, gap, back)
            canvas.save()
            canvas.clipRect(0f, top, width * bars[index].share, top + row) // else a short bar leaves the round corners
            canvas.drawRoundRect(0f, top, width.toFloat(), top + row, gap, gap, fill)
            canvas.restore()
            canvas.drawText(bars[index].label, inset, baseline, text)
            canvas.drawText(percents[index], width - inset - text.measureText(percents[index]), baseline, text)
        }
    }

    private fun paint(color: Int) = Paint(Paint.ANTI_ALIAS_FLAG).apply { this.color = context.getColor(color) }

    private companion object {
        const val ROWS = 5
    }
}
