package org.sthmobile.gesture.core.benchmark

import org.sthmobile.gesture.core.camera.YuvFrame
import org.sthmobile.gesture.core.preprocess.Preprocessor
import org.sthmobile.gesture.core.runner.Contract
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.random.Random

/** A camera's usual frame: NV12 in one buffer, from a sensor that is mounted across. */
private fun cameraFrame(
    width: Int,
    height: Int,
    random: Random,
): YuvFrame {
    fun noise(bytes: Int) = ByteBuffer.allocateDirect(bytes).put(random.nextBytes(bytes))
    val chroma = noise(width * height / 2)
    return YuvFrame().apply {
        this.width = width
        this.height = height
        rotation = 90
        y.set(noise(width * height), width, 1)
        u.set(chroma, width, 2)
        v.set(chroma, width, 2, 1)
    }
}

/**
 * Times the preprocessing of a camera's frames: CONTRACT WIDTH HEIGHT SEED WARM_UP.
 *
 * Says `ready` once it is warm. Each line of its input is a number of frames, and is answered by their milliseconds, so
 * that whoever asks can let something else run in between.
 */
fun main(arguments: Array<String>) {
    val (path, width, height, seed, warmUp) = arguments
    val contract = Contract.read(File(path).readText(), path)
    val frame = cameraFrame(width.toInt(), height.toInt(), Random(seed.toInt()))
    val input = ByteBuffer.allocateDirect(contract.input.bytes).order(ByteOrder.nativeOrder())
    val preprocessor = Preprocessor(contract)

    fun milliseconds(): Double {
        val began = System.nanoTime()
        preprocessor.process(frame, input)
        return (System.nanoTime() - began) / 1e6
    }
    repeat(warmUp.toInt()) { milliseconds() }
    println("ready")
    for (line in generateSequence(::readLine)) println(List(line.toInt()) { milliseconds() }.joinToString(" "))
}
