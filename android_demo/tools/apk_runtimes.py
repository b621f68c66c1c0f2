"""The runtimes of an APK at work here: its own native libraries of x86_64, under the app's engines on the JVM.

Raw results, for each inference, are the logits and then the states in the contract's order, as the runtime wrote them.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

from android_demo.tools import android_on_linux
from android_demo.tools.apk import APP, runner_classes
from android_demo.tools.kotlin import Compilation, class_path, compile_kotlin, require_java
from android_demo.tools.libraries import paths
from android_demo.tools.native import EXECUTORCH, classes
from training.common.errors import UserError

_SOURCES = APP / "src" / "jvmRun" / "kotlin"
_MAIN = "org.sthmobile.gesture.runner.RunModelKt"
_MODELS = "assets/models/"


class ApkRuntimes:
    """What an APK holds of models and of native libraries for x86_64, taken out of it.

    Args:
        apk: any APK of the app.
        folder: an empty one, for what is taken out.

    Attributes:
        models: the artefacts, each with its side files beside it.

    Raises:
        UserError: no APK, no models or libraries in it, or this machine cannot run them.
    """

    def __init__(self, apk: Path, folder: Path) -> None:
        if not apk.is_file():
            raise UserError(f"there is no {apk}; python -m android_demo.tools.apk makes it")
        self._libraries, models = folder / "libraries", folder / "models"
        with zipfile.ZipFile(apk) as archive:
            _take(archive, f"lib/{android_on_linux.ABI}/", self._libraries)
            _take(archive, _MODELS, models)
        android_on_linux.complete(self._libraries)
        self.models = sorted(path for path in models.iterdir() if path.suffix in (".tflite", ".pte"))
        if not self.models:
            raise UserError(f"{apk} holds no model; sth install --android ARTEFACT puts one there")

    def run(self, model: Path, inputs: bytes, steps: int, folder: Path) -> tuple[str, bytes]:
        """Name and version of the runtime, and its raw results.

        Args:
            model: an artefact with its contract beside it.
            inputs: raw input tensors, one after another.
            steps: inferences after which a stream begins anew.
            folder: for files on the way.

        Raises:
            UserError: no Java or libraries, or the runtime refuses the model or fails, with what it said.
        """
        given, made = folder / "inputs.raw", folder / "outputs.raw"
        given.write_bytes(inputs)
        runners = runner_classes()
        libraries = (*runners, *classes("litert", "executorch"), *paths("core", "platform"))
        program = compile_kotlin(Compilation("run-model.jar", (_SOURCES,), libraries))
        command = [
            require_java(), "-XX:+UseSerialGC", f"-XX:ErrorFile={folder / 'java_crash.log'}",
            f"-Djava.library.path={self._libraries}",
            f"-Dexecutorch.version={EXECUTORCH}", "-cp", class_path([program, *libraries]),
            _MAIN, str(model), str(given), str(made), str(steps),
        ]  # fmt: skip
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self._libraries)}
        ended = subprocess.run(command, capture_output=True, text=True, env=environment)
        if ended.returncode:
            said = (ended.stderr or ended.stdout).strip()[-2000:]
            raise UserError(f"the APK's runtime does not run {model.name} (status {ended.returncode}):\n{said}")
        return json.loads(ended.stdout.splitlines()[-1])["runtime"], made.read_bytes()


def _take(archive: zipfile.ZipFile, prefix: str, folder: Path) -> None:
    """The files of a folder of an APK."""
    folder.mkdir(parents=True)
    names = [name for name in archive.namelist() if name.startswith(prefix)]
    if not names:
        raise UserError(f"{archive.filename} holds nothing in {prefix}")
    for name in names:
        (folder / Path(name).name).write_bytes(archive.read(name))
