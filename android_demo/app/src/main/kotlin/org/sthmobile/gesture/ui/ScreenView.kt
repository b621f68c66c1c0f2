package org.sthmobile.gesture.ui

import android.view.View
import android.widget.Button
import android.widget.ImageButton
import android.widget.TextView
import org.sthmobile.gesture.R

/** Draws a [Screen] into the views of `layout/main.xml`; views whose content stays are left alone. */
class ScreenView(
    private val root: View,
    private val words: Words,
) {
    private val preview: View = root.findViewById(R.id.preview)
    private val picture: View = root.findViewById(R.id.picture)
    private val headline: TextView = root.findViewById(R.id.headline)
    private val bars: ScoreBarsView = root.findViewById(R.id.bars)
    private val history: TextView = root.findViewById(R.id.history)
    private val figures: TextView = root.findViewById(R.id.figures)
    private val notice: View = root.findViewById(R.id.notice)
    private val noticeText: TextView = root.findViewById(R.id.notice_text)
    private val noticeAction: Button = root.findViewById(R.id.notice_action)
    private val pause: ImageButton = root.findViewById(R.id.pause)

    /** What the notice's button does now. */
    var action: Action? = null
        private set

    fun show(
        screen: Screen,
        video: Boolean,
    ) {
        picture.visibility = if (video) View.VISIBLE else View.GONE
        preview.visibility = if (video) View.INVISIBLE else View.VISIBLE // gone would destroy the camera's texture
        put(headline, words.headline(screen)) // a live region: TalkBack says each new text
        bars.show(screen.bars)
        describe(bars, words.bars(screen.bars))
        put(history, words.history(screen.history))
        put(figures, words.figures(screen.figures))
        showNotice(screen.notice)
        root.keepScreenOn = screen.notice == null // nobody touches a screen that he waves at
        pause.setImageResource(if (screen.paused) R.drawable.ic_play else R.drawable.ic_pause)
        describe(pause, pause.resources.getString(if (screen.paused) R.string.action_resume else R.string.action_pause))
    }

    private fun showNotice(shown: Notice?) {
        action = shown?.action
        notice.visibility = if (shown == null) View.GONE else View.VISIBLE
        if (shown != null) put(noticeText, words.notice(shown))
        noticeAction.visibility = if (action == null) View.GONE else View.VISIBLE
        action?.let { put(noticeAction, words.action(it)) }
    }

    private fun put(
        view: TextView,
        text: String,
    ) {
        if (view.text.toString() != text) view.text = text
    }

    private fun describe(
        view: View,
        text: String,
    ) {
        if (view.contentDescription != text) view.contentDescription = text
    }
}
