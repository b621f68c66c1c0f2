package org.sthmobile.gesture.core.postprocess

/** The labels of the greatest of [scores], at most [count], best first; of equal ones the first. */
fun topLabels(
    scores: DoubleArray,
    count: Int,
): List<Int> = scores.indices.sortedByDescending { scores[it] }.take(count)
