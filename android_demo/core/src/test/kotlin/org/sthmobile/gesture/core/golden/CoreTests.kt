package org.sthmobile.gesture.core.golden

import org.json.JSONObject
import org.junit.internal.TextListener
import org.junit.runner.JUnitCore
import java.io.File
import kotlin.system.exitProcess

/** Runs the test classes that the arguments name, and says the counts in a last line of JSON. */
fun main(classes: Array<String>) {
    val runner = JUnitCore()
    runner.addListener(TextListener(System.out))
    val result = runner.run(*classes.map { Class.forName(it) }.toTypedArray())
    val report = System.getProperty("golden.report")
    if (report != null && result.wasSuccessful()) GoldenRows.write(File(report))
    val counts = JSONObject().put("passed", result.runCount - result.failureCount).put("failed", result.failureCount)
    println(counts.put("ignored", result.ignoreCount).put("seconds", result.runTime / 1000.0))
    exitProcess(if (result.wasSuccessful()) 0 else 1)
}
