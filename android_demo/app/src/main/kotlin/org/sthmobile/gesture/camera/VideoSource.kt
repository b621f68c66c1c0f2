package org.sthmobile.gesture.camera

import android.content.Context
import android.media.MediaCodec
import android.media.MediaCodecInfo
import android.media.MediaExtractor
import android.media.MediaFormat
import android.net.Uri
import org.sthmobile.gesture.core.camera.Colours
import org.sthmobile.gesture.preprocess.ImageFrames
import java.io.Closeable
import java.io.IOException

/**
 * A video file -> [sink], at the speed at which it was recorded.
 *
 * Frames carry the video's own times, so gestures are those of the video also where decoding is slow. They are read
 * where the decoder has put them: nothing is copied, and [sink] takes what it needs of those that it needs. Runs on a
 * thread of its own from [start] to its end, or to [close].
 */
class VideoSource(
    private val context: Context,
    private val uri: Uri,
    private val sink: FrameSink,
    private val listener: SourceListener,
) : Closeable {
    @Volatile private var closed = false
    private val thread = Thread({ play() }, "video")

    fun start() = thread.start()

    override fun close() {
        closed = true
        thread.interrupt()
    }

    private fun play() {
        listener.onSource(SourceState.Starting)
        val extractor = MediaExtractor()
        val result =
            try {
                extractor.setDataSource(context, uri, null)
                decode(extractor)
            } catch (error: IOException) {
                SourceState.Stopped(Reason.BROKEN, error.message)
            } catch (error: IllegalStateException) {
                // MediaCodec's own errors too
                SourceState.Stopped(Reason.BROKEN, error.message)
            } catch (error: IllegalArgumentException) {
                SourceState.Stopped(Reason.BROKEN, error.message)
            } catch (error: SecurityException) {
                // the permission to read the file has ended
                SourceState.Stopped(Reason.BROKEN, error.message)
            } catch (_: InterruptedException) {
                SourceState.Idle
            } finally {
                extractor.release()
            }
        if (!closed) listener.onSource(result)
    }

    private fun decode(extractor: MediaExtractor): SourceState {
        val track =
            (0 until extractor.trackCount).firstOrNull {
                extractor.getTrackFormat(it).getString(MediaFormat.KEY_MIME)?.startsWith("video/") == true
            } ?: return SourceState.Stopped(Reason.BROKEN, "the file has no video")
        extractor.selectTrack(track)
        val format = extractor.getTrackFormat(track)
        format.setInteger(MediaFormat.KEY_COLOR_FORMAT, MediaCodecInfo.CodecCapabilities.COLOR_FormatYUV420Flexible)
        if (isHdr(format.number(MediaFormat.KEY_COLOR_TRANSFER))) { // Android 12 and later do it, where the decoder can
            format.setInteger(MediaFormat.KEY_COLOR_TRANSFER_REQUEST, MediaFormat.COLOR_TRANSFER_SDR_VIDEO)
        }
        val codec = MediaCodec.createDecoderByType(format.getString(MediaFormat.KEY_MIME).orEmpty())
        try {
            codec.configure(format, null, null, 0)
            codec.start()
            listener.onSource(SourceState.Running)
            Playback(codec, extractor, format).run()
        } finally {
            codec.release()
        }
        return SourceState.Ended
    }

    private inner class Playback(
        private val codec: MediaCodec,
        private val extractor: MediaExtractor,
        format: MediaFormat,
    ) {
        private val rotation = format.number(MediaFormat.KEY_ROTATION) ?: 0
        private val frames = ImageFrames()
        private val info = MediaCodec.BufferInfo()
        private var allSent = false
        private var beganNs = NOT_YET
        private var colours = Colours.CAMERA // until the decoder says, before its first frame

        fun run() {
            while (!closed) {
                if (!allSent) send()
                val index = codec.dequeueOutputBuffer(info, WAIT_US)
                if (index == MediaCodec.INFO_OUTPUT_FORMAT_CHANGED) colours = coloursOf(codec.outputFormat)
                if (index < 0) continue // that, or nothing yet
                if (info.flags and MediaCodec.BUFFER_FLAG_END_OF_STREAM != 0) return
                try {
                    show(index)
                } finally {
                    codec.releaseOutputBuffer(index, false)
                }
            }
        }

        private fun send() {
            val index = codec.dequeueInputBuffer(WAIT_US)
            if (index < 0) return
            val buffer = codec.getInputBuffer(index) ?: return
            val size = extractor.readSampleData(buffer, 0)
            if (size < 0) {
                codec.queueInputBuffer(index, 0, 0, 0, MediaCodec.BUFFER_FLAG_END_OF_STREAM)
                allSent = true
            } else {
                codec.queueInputBuffer(index, 0, size, extractor.sampleTime, 0)
                extractor.advance()
            }
        }

        private fun show(index: Int) {
            val image = checkNotNull(codec.getOutputImage(index)) { "this phone's decoder shows no pictures of it" }
            try {
                waitUntil(info.presentationTimeUs)
                val frame = frames.read(image, rotation, colours)
                frame.timestampNs = info.presentationTimeUs * 1000
                sink.onFrame(frame)
            } finally {
                frames.clear()
                image.close()
            }
        }

        private fun waitUntil(timeUs: Long) {
            if (beganNs == NOT_YET) beganNs = System.nanoTime() - timeUs * 1000
            val leftMs = (beganNs + timeUs * 1000 - System.nanoTime()) / 1_000_000
            if (leftMs > 0) Thread.sleep(leftMs)
        }
    }

    private companion object {
        const val WAIT_US = 10_000L
        const val NOT_YET = Long.MIN_VALUE

        fun coloursOf(format: MediaFormat): Colours =
            videoColours(
                format.number(MediaFormat.KEY_COLOR_STANDARD),
                format.number(MediaFormat.KEY_COLOR_RANGE),
                format.number(MediaFormat.KEY_COLOR_TRANSFER),
                format.number(MediaFormat.KEY_HEIGHT) ?: 0,
            )

        fun MediaFormat.number(key: String): Int? = if (containsKey(key)) getInteger(key) else null
    }
}
