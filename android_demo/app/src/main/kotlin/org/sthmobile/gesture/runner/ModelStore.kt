package org.sthmobile.gesture.runner

import android.content.Context
import org.sthmobile.gesture.core.postprocess.Thresholds
import org.sthmobile.gesture.core.runner.Contract
import org.sthmobile.gesture.core.runner.ContractException
import org.sthmobile.gesture.core.runner.Runner
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.security.MessageDigest

/** The models that can be opened, and a line for each that cannot be read. */
class Models(
    val files: List<ModelFile>,
    val broken: List<String>,
)

/** The artefacts in the app's assets, and those that somebody pushed into its folder. Reads files: not for the main thread. */
class ModelStore(
    private val context: Context,
) {
    /** Every artefact, those that were pushed first. Deletes the copies of an earlier installation. */
    fun list(): Models {
        deleteOldCopies()
        val broken = ArrayList<String>()
        val inside =
            context.assets
                .list(FOLDER)
                .orEmpty()
                .toList()
        val outside = outside()?.list().orEmpty().toList()
        val names = outside.map { it to true } + inside.map { it to false }
        val files =
            names.filter { (name, _) -> Runtimes.SUFFIXES.any { name.endsWith(it) } }.mapNotNull { (name, pushed) ->
                try {
                    read(name, pushed)
                } catch (error: IOException) {
                    broken += "$name: ${error.message}"
                    null
                } catch (error: ContractException) {
                    broken += error.message.orEmpty()
                    null
                }
            }
        return Models(files, broken)
    }

    /**
     * The artefact of a name, the one that was pushed where there are two.
     *
     * Throws [IOException] where there is none, and [ContractException].
     */
    fun find(name: String): ModelFile = read(name, File(outside() ?: context.filesDir, name).isFile)

    /** The artefact as a file: runtimes map files into memory, which they cannot do with what is inside an APK. */
    fun file(model: ModelFile): File {
        if (model.pushed) return pushed(model.name)
        val target = File(copies(), model.name)
        if (target.isFile) return target
        target.parentFile?.mkdirs()
        val temporary = File(target.path + ".part")
        input(model.name, pushed = false).use { from -> temporary.outputStream().use { from.copyTo(it) } }
        if (!temporary.renameTo(target)) throw IOException("cannot write $target")
        return target
    }

    /** The thresholds beside an artefact; null where there are none. */
    fun thresholds(model: ModelFile): Thresholds? {
        val name = "${model.name}.events.json"
        val text =
            try {
                text(name, model.pushed)
            } catch (_: FileNotFoundException) {
                return null
            }
        return Thresholds.read(text, name)
    }

    /** Loads the artefact; throws as [Runtimes.open] does. */
    fun open(
        model: ModelFile,
        threads: Int,
    ): Runner = Runtimes(context).open(file(model), model.contract, threads)

    private fun read(
        name: String,
        pushed: Boolean,
    ): ModelFile {
        val contract = "$name.contract.json"
        return ModelFile(name, Contract.read(text(contract, pushed), contract), pushed)
    }

    private fun text(
        name: String,
        pushed: Boolean,
    ): String = input(name, pushed).bufferedReader().use { it.readText() }

    private fun input(
        name: String,
        pushed: Boolean,
    ): InputStream = if (pushed) pushed(name).inputStream() else context.assets.open("$FOLDER/$name")

    private fun pushed(name: String): File =
        File(outside() ?: throw FileNotFoundException("the phone's storage is not there"), name)

    private fun outside(): File? = context.getExternalFilesDir(FOLDER)

    private fun copies(): File {
        val installed = context.packageManager.getPackageInfo(context.packageName, 0).lastUpdateTime
        return File(context.noBackupFilesDir, "$COPIES$installed")
    }

    private fun deleteOldCopies() {
        val present = copies().name
        val folders = context.noBackupFilesDir.listFiles { file -> file.name.startsWith(COPIES) }
        for (folder in folders.orEmpty()) if (folder.name != present) folder.deleteRecursively()
    }

    private companion object {
        const val FOLDER = "models"
        const val COPIES = "models-"
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
