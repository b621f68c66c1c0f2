"""A debug APK without Gradle: ``python -m android_demo.tools.apk`` makes ``build/android/gestures.apk``.

It holds the models that ``sth install --android`` put into the app, ExecuTorch and TensorFlow Lite
for arm64-v8a and x86_64, and is signed with a key of this checkout (v2 and v3) and aligned.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from android_demo.tools.api_level import newer_calls, unguarded
from android_demo.tools.kotlin import Compilation, class_path, compile_kotlin, core
from android_demo.tools.libraries import BUILD, ROOT, paths
from android_demo.tools.native import EXECUTORCH, classes, native_libraries
from training.common.errors import UserError, run_cli
from training.common.files import atomic_path

APP = ROOT / "android_demo" / "app"
MAIN = APP / "src" / "main"
MODELS = MAIN / "assets" / "models"
APK = BUILD / "gestures.apk"
BUILT = {"executorch_version": EXECUTORCH}
"""Strings that the build knows, not the sources; the Gradle build has them by resValue."""
FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
KEY = BUILD / "debug.keystore"
_PASSWORD = "android"  # what Android Studio's debug keys have; the key signs nothing that is published
_STORED = (".tflite", ".pte", ".arsc")  # mapped from the APK as they are; Android 11 refuses a packed resources.arsc


def run(command: Sequence[str | Path], what: str) -> str:
    """Output of a program.

    Raises:
        UserError: it is not here, or it failed.
    """
    program = str(command[0])
    if shutil.which(program) is None:
        raise UserError(f"there is no {program}; run android_demo/install_tools.sh")
    environment = {key: value for key, value in os.environ.items() if key != "CLASSPATH"}
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
    if ended.returncode:
        lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()]
        raise UserError(f"{what} failed ({program}):\n" + "\n".join(lines[-20:]))
    return ended.stdout


def versions() -> dict[str, str]:
    """``app/version.properties``."""
    lines = (APP / "version.properties").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def resources(folder: Path) -> tuple[Path, Path]:
    """An APK of manifest, resources and assets, and the class R compiled."""
    package, generated = folder / "resources.apk", folder / "generated"
    generated.mkdir()
    said = versions()
    run(
        ["aapt", "package", "-f", "-m", "--auto-add-overlay", "-M", MAIN / "AndroidManifest.xml", "-S", MAIN / "res",
         "-S", _generated(folder), "-A", MAIN / "assets", "-I", _framework(), "-J", generated, "-F", package,
         "--debug-mode",
         "--min-sdk-version", said["minSdk"], "--target-sdk-version", said["targetSdk"],
         "--version-code", said["versionCode"], "--version-name", said["versionName"]],
        "packing resources",
    )  # fmt: skip
    compiled = folder / "r"
    run(["javac", "--release", "8", "-Xlint:-options", "-d", compiled, *generated.rglob("R.java")], "compiling R")
    jar = BUILD / "r.jar"
    with atomic_path(jar) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for file in sorted(compiled.rglob("*.class")):
            archive.writestr(zipfile.ZipInfo(str(file.relative_to(compiled))), file.read_bytes())
    return package, jar


def _generated(folder: Path) -> Path:
    """A folder of resources with what is in ``BUILT``."""
    file = folder / "res" / "values" / "build.xml"
    file.parent.mkdir(parents=True)
    strings = "".join(f'<string name="{name}" translatable="false">{text}</string>' for name, text in BUILT.items())
    file.write_text(f"<resources>{strings}</resources>\n", encoding="utf-8")
    return folder / "res"


def runner_classes() -> list[Path]:
    """Jars of the core and of the engines of both runtimes."""
    made = [compile_kotlin(core())]
    for runtime in ("litert", "executorch"):
        sources = (ROOT / "android_demo" / f"runner-{runtime}" / "src" / "main" / "kotlin",)
        libraries = (*made[:1], *classes(runtime), *paths("core"))
        made.append(compile_kotlin(Compilation(f"runner-{runtime}.jar", sources, libraries)))
    return made


def app_classes(r: Path) -> list[Path]:
    """Jars of the app's own code, runtimes and core included."""
    made = runner_classes()
    app = Compilation("app.jar", (MAIN / "kotlin",), (*made, r, *paths("core", "platform")))
    return [*made, compile_kotlin(app)]


def dex(jars: Sequence[Path], folder: Path) -> Path:
    """``classes.dex`` of what the app needs of ``jars`` and of the libraries."""
    shrunk, target = folder / "shrunk.jar", folder / "classes.dex"
    filters = "(!META-INF/**,!**.kotlin_*)"
    inputs = [f"{jar}{filters}" for jar in (*jars, *classes("litert", "executorch"), *paths("core"))]
    known = [*map(str, paths("platform")), f"{_java_base()}(!**.jar;!module-info.class)"]
    run(
        ["java", "-cp", class_path(paths("proguard")), "proguard.ProGuard", "-injars", os.pathsep.join(inputs),
         "-outjars", shrunk, "-libraryjars", os.pathsep.join(known), "-include", APP / "proguard.pro",
         "-target", "1.7"],
        "shrinking",
    )  # fmt: skip
    run(
        ["java", "-cp", class_path(paths("dx")), "com.android.dx.command.Main", "--dex",
         f"--min-sdk-version={versions()['minSdk']}", f"--output={target}", shrunk],
        "making the dex",
    )  # fmt: skip
    return target


def require_old_phones(jars: Sequence[Path]) -> dict[str, list[str]]:
    """What the app's classes refer to and the oldest phones lack, by class: all of it behind a question.

    Raises:
        UserError: some of it is not, or a tool or library is not here.
    """
    found = newer_calls(jars, f"{_java_base()}(!**.jar;!module-info.class)")
    refused = unguarded(found)
    if refused:
        raise UserError("the app calls what older phones lack:\n" + "\n".join(refused))
    return found


def pack(resources_apk: Path, classes_dex: Path, target: Path) -> None:
    """Everything in one file, in a fixed order and without times, so that the same input makes the same bytes."""
    with zipfile.ZipFile(resources_apk) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content["classes.dex"] = classes_dex.read_bytes()
    content |= native_libraries("litert", "executorch")
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(content):
            kind = zipfile.ZIP_STORED if name.endswith(_STORED) else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content[name], kind, 9)


def sign(unsigned: Path, target: Path, folder: Path) -> None:
    """Align (16 KB where a native library were stored unpacked) and sign."""
    aligned = folder / "aligned.apk"
    run(["zipalign", "-f", "4", unsigned, aligned], "aligning")
    run(
        ["apksigner", "sign", "--ks", debug_key(), "--ks-pass", f"pass:{_PASSWORD}", "--v1-signing-enabled", "false",
         "--v2-signing-enabled", "true", "--v3-signing-enabled", "true", "--v4-signing-enabled", "false",
         "--min-sdk-version", versions()["minSdk"], "--out", target, aligned],
        "signing",
    )  # fmt: skip


def debug_key() -> Path:
    """A key of this checkout, made once."""
    if not KEY.is_file():
        with atomic_path(KEY) as temporary:
            run(
                ["keytool", "-genkeypair", "-keystore", temporary, "-storepass", _PASSWORD, "-keypass", _PASSWORD,
                 "-alias", "debug", "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000",
                 "-dname", "CN=Android Debug"],
                "making a key",
            )  # fmt: skip
    return KEY


def build(target: Path = APK) -> Path:
    """The APK.

    Raises:
        UserError: no models in the app, a tool or library that is not here, or what a tool complains of.
    """
    if not MODELS.is_dir() or not any(MODELS.iterdir()):
        raise UserError(f"{MODELS} is empty; sth install --android ARTEFACT puts a model there")
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as name, atomic_path(target) as temporary:
        folder = Path(name)
        package, r = resources(folder)
        jars = app_classes(r)
        require_old_phones(jars)
        classes_dex = dex(jars, folder)
        unsigned = folder / "unsigned.apk"
        pack(package, classes_dex, unsigned)
        sign(unsigned, temporary, folder)
    return target


def _java_base() -> Path:
    """The classes that every Java has: android-all leaves them out."""
    compiler = shutil.which("javac")
    found = Path(compiler).resolve().parent.parent / "jmods" / "java.base.jmod" if compiler else None
    if found is None or not found.is_file():
        raise UserError("there is no JDK with its java.base.jmod; run android_demo/install_tools.sh")
    return found


def _framework() -> Path:
    if not FRAMEWORK.is_file():
        raise UserError(f"there is no {FRAMEWORK}; run android_demo/install_tools.sh")
    return FRAMEWORK


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m android_demo.tools.apk", description=__doc__)
    parser.add_argument("--out", type=Path, default=APK, metavar="FILE")
    target = build(parser.parse_args(sys.argv[1:]).out)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB; adb install -r {target}")


if __name__ == "__main__":
    run_cli(main)
