// Models: sth install --android ARTEFACT puts them into src/main/assets/models.
import org.jetbrains.kotlin.gradle.dsl.JvmTarget
import java.util.Properties

plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

val said = Properties().apply { file("version.properties").reader().use { load(it) } }

android {
    namespace = "org.sthmobile.gesture"
    compileSdk = said.getProperty("compileSdk").toInt()
    defaultConfig {
        applicationId = "org.sthmobile.gesture"
        minSdk = said.getProperty("minSdk").toInt()
        targetSdk = said.getProperty("targetSdk").toInt()
        versionCode = said.getProperty("versionCode").toInt()
        versionName = said.getProperty("versionName")
        // ExecuTorch's library does not say its version.
        resValue("string", "executorch_version", libs.versions.executorch.get())
        ndk.abiFilters += listOf("arm64-v8a", "x86_64")
    }
    buildFeatures.resValues = true
    buildTypes.release {
        isMinifyEnabled = true
        proguardFiles("proguard.pro")
    }
    androidResources.noCompress += listOf("tflite", "pte")
    // Compressed in the APK and unpacked at installation: uncompressed they fill 60 MB.
    packaging.jniLibs.useLegacyPackaging = true
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    lint {
        warningsAsErrors = true
        abortOnError = true
        // Camera2 and Views on purpose; versions are pinned, and raised by hand.
        disable += listOf("GradleDependency", "AndroidGradlePluginVersion", "NewerVersionAvailable", "OldTargetApi")
    }
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_1_8
        allWarningsAsErrors = true
    }
}

dependencies {
    implementation(project(":core"))
    implementation(project(":runner-litert"))
    implementation(project(":runner-executorch"))
}
