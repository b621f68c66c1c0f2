"""Calls that a phone of the smallest version would refuse: the app's classes against the platform of that version.

ProGuard, which reads both anyway, names what a class refers to and the platform lacks. Code that asks for the phone's
version first may refer to more; those classes are named here.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from android_demo.tools.kotlin import class_path, require_java
from android_demo.tools.libraries import BUILD, paths
from training.common.errors import UserError

ASKS_FIRST = (
    "org.sthmobile.gesture.pipeline.ThermalWatch",
    "org.sthmobile.gesture.pipeline.ThermalWatchKt",
    "org.sthmobile.gesture.benchmark.DeviceFactsKt",
)
"""Classes, with those inside them, whose newer calls stand behind a comparison of Build.VERSION.SDK_INT."""
_PLATFORM = r"(?:android|java)\.\S+"
_WARNING = re.compile(
    rf"^Warning: ([\w.$]+): can't find ((?:superclass or interface|referenced class) {_PLATFORM}"
    rf"|.* in library class {_PLATFORM})$", re.MULTILINE
)  # fmt: skip


def newer_calls(jars: Sequence[Path], java_base: str) -> dict[str, list[str]]:
    """What classes of ``jars`` refer to and the oldest platform lacks, by class.

    Args:
        java_base: ProGuard's words for the classes that every Java has.

    Raises:
        UserError: a library is not here, or ProGuard gives up.
    """
    # with every step switched off ProGuard would not look anything up: it shrinks, and keeps all
    known = os.pathsep.join([*map(str, paths("oldest")), java_base])
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        inputs = os.pathsep.join(f"{jar}(!META-INF/**,!**.kotlin_*)" for jar in jars)
        command = [
            require_java(), "-cp", class_path(paths("proguard")), "proguard.ProGuard", "-injars", inputs,
            "-outjars", str(Path(folder) / "out.jar"), "-libraryjars", known, "-keep", "class ** { *; }",
            "-dontoptimize", "-dontobfuscate", "-dontpreverify", "-dontnote", "-ignorewarnings",
        ]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True)
    said = ended.stdout + ended.stderr
    if ended.returncode:
        raise UserError(f"ProGuard gives up: {said.strip()[-500:]}")
    found: dict[str, list[str]] = {}
    for name, what in _WARNING.findall(said):
        found.setdefault(name, []).append(what)
    return found


def unguarded(found: dict[str, list[str]]) -> list[str]:
    """Faults: what classes that do not ask for the phone's version refer to."""
    return [
        f"{name} refers to what a phone of the smallest version lacks: {what}"
        for name, whats in sorted(found.items())
        if not any(name == known or name.startswith(f"{known}$") for known in ASKS_FIRST)
        for what in sorted(set(whats))
    ]
