package org.sthmobile.gesture.core.runner

import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/**
 * A JSON object whose values have the types that they should have; else a [ContractException] names [file] and the key.
 *
 * Only what Android's own org.json and the library of that name have in common is used.
 */
internal class JsonFields private constructor(
    private val file: String,
    private val path: String,
    private val content: JSONObject,
) {
    val keys: Set<String> get() = content.keys().asSequence().toSet()

    fun text(key: String): String = value(key) as? String ?: fail(key, "a text")

    fun number(key: String): Double = asNumber(value(key)) ?: fail(key, "a number")

    fun whole(key: String): Int = asWhole(value(key)) ?: fail(key, "a whole number")

    fun flag(key: String): Boolean = value(key) as? Boolean ?: fail(key, "true or false")

    fun has(key: String): Boolean = content.has(key)

    fun fields(key: String): JsonFields {
        val found = value(key) as? JSONObject ?: fail(key, "an object")
        return JsonFields(file, "$path$key.", found)
    }

    fun fieldsOrNull(key: String): JsonFields? = if (value(key) == JSONObject.NULL) null else fields(key)

    fun texts(key: String): List<String> = list(key).map { it as? String ?: fail(key, "a list of texts") }

    fun numbers(key: String): List<Double> = list(key).map { asNumber(it) ?: fail(key, "a list of numbers") }

    fun wholes(key: String): List<Int> = list(key).map { asWhole(it) ?: fail(key, "a list of whole numbers") }

    fun objects(key: String): List<JsonFields> =
        list(key).mapIndexed { index, found ->
            JsonFields(file, "$path$key[$index].", found as? JSONObject ?: fail(key, "a list of objects"))
        }

    /** Refuses the file for what it says at [key]. */
    fun fail(
        key: String,
        expected: String,
    ): Nothing = throw ContractException("$file: $path$key is ${content.opt(key)}; expected $expected")

    private fun list(key: String): List<Any> {
        val found = value(key) as? JSONArray ?: fail(key, "a list")
        return List(found.length()) { found.get(it) }
    }

    private fun value(key: String): Any {
        if (!content.has(key)) throw ContractException("$file: $path$key is missing")
        return content.get(key)
    }

    private fun asNumber(found: Any): Double? =
        (found as? Number)?.toDouble()?.takeIf { !it.isNaN() && !it.isInfinite() }

    private fun asWhole(found: Any): Int? = found as? Int

    companion object {
        /** Parses [text], the content of a file that messages call [file]; its version must be [version]. */
        fun parse(
            text: String,
            file: String,
            version: Int,
        ): JsonFields {
            val content =
                try {
                    JSONObject(text)
                } catch (error: JSONException) {
                    throw ContractException("$file is no JSON: ${error.message}")
                }
            val fields = JsonFields(file, "", content)
            if (fields.whole("version") != version) fields.fail("version", "$version, which this app reads")
            return fields
        }
    }
}
