import org.jetbrains.kotlin.gradle.dsl.JvmTarget
import java.util.Properties

plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

val said = Properties().apply { rootDir.resolve("app/version.properties").reader().use { load(it) } }

android {
    namespace = "org.sthmobile.gesture.executorch"
    compileSdk = said.getProperty("compileSdk").toInt()
    defaultConfig.minSdk = said.getProperty("minSdk").toInt()
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_1_8
        allWarningsAsErrors = true
    }
}

dependencies {
    api(project(":core"))
    implementation(libs.executorch) { isTransitive = false } // it asks for androidx, which it does not need here
    implementation(libs.fbjni)
    implementation(libs.nativeloader)
}
