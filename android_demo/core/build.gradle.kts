// Plain Kotlin. Phones have org.json; the JVM's tests bring it.
import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.kotlin.jvm)
}

java {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_1_8
        allWarningsAsErrors = true
    }
}

dependencies {
    compileOnly(libs.json)
    testImplementation(libs.json)
    testImplementation(libs.junit)
    testImplementation(libs.kotlin.test.junit)
}

// python -m android_demo.tools.core_tests --model STREAM writes the vectors.
tasks.test {
    useJUnit()
    val vectors = rootDir.resolve("../build/golden/vectors")
    inputs.dir(vectors)
    systemProperty("golden", vectors.path)
}
