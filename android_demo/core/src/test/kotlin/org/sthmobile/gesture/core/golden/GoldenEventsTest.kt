package org.sthmobile.gesture.core.golden

import org.json.JSONObject
import org.junit.Test
import org.sthmobile.gesture.core.postprocess.EventDetector
import org.sthmobile.gesture.core.postprocess.GestureEvent
import org.sthmobile.gesture.core.postprocess.exponential
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Python's streams of logits have Python's events, to the bit. */
class GoldenEventsTest {
    private val labels = Golden.contract.labels
    private val sequences = Golden.manifest.getJSONArray("events").objects()

    @Test
    fun `events are Python's`() {
        for (sequence in sequences) {
            val detector = EventDetector(Golden.thresholds, labels)
            val times = Golden.ints(sequence.getString("times_ms"))
            val logits = Golden.floats(sequence.getString("logits"))
            val found = ArrayList<GestureEvent>()
            for ((frame, time) in times.withIndex()) {
                val row = logits.copyOfRange(frame * labels.size, (frame + 1) * labels.size)
                detector.step(row, time.toLong(), found::add)
            }
            val name = "events/${sequence.getString("name")}"
            assertEquals(sequence.getBoolean("rate_warning"), detector.warning() != null, name)
            compare(name, sequence, "events", found)
            found.clear()
            detector.reset(found::add)
            compare("$name/reset", sequence, "events_at_reset", found)
        }
    }

    @Test
    fun `the streams have events`() {
        assertTrue(sequences.all { it.getJSONArray("events").length() > 2 })
        assertTrue(sequences.any { it.getBoolean("rate_warning") })
    }

    @Test
    fun `the exponential has Python's bits`() {
        val points = Golden.manifest.getJSONArray("exponential").objects()
        val wanted = points.map { bits(it.getString("y_bits")) }.toDoubleArray()
        val found = points.map { exponential(bits(it.getString("x_bits"))) }.toDoubleArray()
        GoldenRows.require("exponential", wanted, found)
    }

    /** Four numbers for each event: what it is, of which class, when, and how sure. */
    private fun compare(
        name: String,
        sequence: JSONObject,
        key: String,
        found: List<GestureEvent>,
    ) {
        val wanted =
            sequence.getJSONArray(key).objects().flatMap {
                val begins = if (it.getString("kind") == "begin") 1.0 else 0.0
                listOf(begins, it.getDouble("label"), it.getDouble("time_ms"), bits(it.getString("confidence_bits")))
            }
        val had =
            found.flatMap {
                val begins = if (it.kind == GestureEvent.Kind.BEGIN) 1.0 else 0.0
                listOf(begins, it.label.toDouble(), it.timeMs.toDouble(), it.confidence)
            }
        GoldenRows.require(name, wanted.toDoubleArray(), had.toDoubleArray())
    }

    private fun bits(digits: String): Double = Double.fromBits(java.lang.Long.parseUnsignedLong(digits, 16))
}
