// For Android Studio: open this folder. The build without Gradle is python -m android_demo.tools.apk.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "sth-gestures"
include(":core", ":runner-litert", ":runner-executorch", ":app")
