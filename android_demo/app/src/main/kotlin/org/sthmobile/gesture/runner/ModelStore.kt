package org.sthmobile.gesture.runner

import android.content.Context
import org.sthmobile.gesture.core.postprocess.Thresholds
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.ContractException
import org.sthmobile.gesture.core.runner.Runner
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.security.MessageDigest

/** The artefacts in the app's assets, and those that somebody pushed into its folder on the shared storage. */
class ModelStore(
    private val context: Context,
) {
    /** Every artefact whose contract reads; broken ones are in [broken]. */
    fun list(): List<ModelFile> {
        val problems = ArrayList<String>()
        val found =
            names().mapNotNull { name ->
                try {
                    ModelFile(name, contract(name))
                } catch (error: IOException) {
                    problems += "$name: ${error.message}"
                    null
                } catch (error: ContractException) {
                    problems += error.message.orEmpty()
                    null
                }
            }
        broken = problems
        return found
    }

    /** What the last [list] could not read, a line each. */
    var broken: List<String> = emptyList()
        private set

    /** The contract beside the artefact [name], a file's name or an absolute path. */
    fun contract(name: String): Contract = Contract.read(text("$name.contract.json"), "$name.contract.json")

    /** The thresholds beside the artefact [name]; null where there are none. */
    fun thresholds(name: String): Thresholds? =
        try {
            Thresholds.read(text("$name.events.json"), "$name.events.json")
        } catch (_: FileNotFoundException) {
            null
        }

    /** The artefact as a file: runtimes map files into memory, which they cannot do with what is inside an APK. */
    fun file(name: String): File {
        pushed(name)?.let { return it }
        val folder = File(context.noBackupFilesDir, "models-${installedAt()}")
        val target = File(folder, name)
        if (target.isFile) return target
        folder.mkdirs()
        val temporary = File(folder, "$name.part")
        context.assets.open("$FOLDER/$name").use { from -> temporary.outputStream().use { from.copyTo(it) } }
        if (!temporary.renameTo(target)) throw IOException("cannot write $target")
        return target
    }

    /** Loads the artefact; throws as [Runtimes.open] does. */
    fun open(
        name: String,
        contract: Contract,
        threads: Int,
    ): Runner = Runtimes(context).open(file(name), contract, threads)

    private fun names(): List<String> {
        val inside =
            context.assets
                .list(FOLDER)
                .orEmpty()
                .asList()
        val outside = outside()?.list().orEmpty().asList()
        return (outside + inside).distinct().filter { name -> Runtimes.SUFFIXES.any { name.endsWith(it) } }
    }

    private fun text(name: String): String =
        (pushed(name)?.inputStream() ?: context.assets.open("$FOLDER/$name")).bufferedReader().use { it.readText() }

    private fun pushed(name: String): File? {
        val file = if (name.startsWith("/")) File(name) else File(outside() ?: return null, name)
        return if (file.isFile) file else null
    }

    private fun outside(): File? = context.getExternalFilesDir(FOLDER)

    private fun installedAt(): Long = context.packageManager.getPackageInfo(context.packageName, 0).lastUpdateTime

    private companion object {
        const val FOLDER = "models"
    }
}

/** SHA-256 of a file, in hexadecimal digits. */
fun sha256(file: File): String {
    val digest = MessageDigest.getInstance("SHA-256")
    file.inputStream().use { stream ->
        val block = ByteArray(1 shl 16)
        while (true) {
            val count = stream.read(block)
            if (count < 0) break
            digest.update(block, 0, count)
        }
    }
    return digest.digest().joinToString("") { "%02x".format(it) }
}
