"""Runs programs for arm64 on an emulated CPU, and takes what they say last as the proof that they ended."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mobile.runtimes.arm64 import setup
from mobile.runtimes.arm64.places import PYTHON, QEMU, ROOT, WHEELS
from training.common.errors import UserError

CPUS = ("cortex-a53", "cortex-a76", "max")
"""Without and with int8 dot products, and with all that qemu knows (SVE, int8 matrix products)."""

_MODELS = {"max": "max,pauth-impdef=on"}  # pointer authentication by its own cipher takes most of the time
_PYTHON = ROOT / "usr" / "bin" / f"python{PYTHON}"


@dataclasses.dataclass(frozen=True)
class Emulator:
    """An emulated CPU in front of the arm64 system's files.

    Args:
        cpu: a model that qemu knows: ``qemu-aarch64 -cpu help``.

    Raises:
        UserError: the emulated system was not set up.
    """

    cpu: str

    def __post_init__(self) -> None:
        setup.require()

    def command(self, program: Path, words: Sequence[str | Path]) -> list[str]:
        """The command line of this machine that runs an arm64 program."""
        return [str(word) for word in (QEMU, "-L", ROOT, "-cpu", _MODELS.get(self.cpu, self.cpu), program, *words)]

    def run(
        self, program: Path, words: Sequence[str | Path], each: Callable[[], object] = lambda: None
    ) -> dict[str, Any]:
        """Run a program that ends with a line of JSON -> that object.

        Args:
            each: called after every line before it.

        Raises:
            UserError: it did not end with one, with what it said.
        """
        # the caller's variables are of another machine's programs
        environment = {"PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(WHEELS)}
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                self.command(program, words), stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )
            last = ""
            try:
                for line in process.stdout or ():
                    last = line
                    each()
                status = process.wait()
            finally:
                process.kill()
            errors.seek(0)
            said = errors.read()
        ended = _object(last)
        if status or not ended.get("ended"):
            reason = " ".join((said or last).split())[-300:]
            raise UserError(f"{program.name} on an emulated {self.cpu} did not end well (status {status}): {reason}")
        return ended

    def run_python(
        self, script: Path, words: Sequence[str | Path], each: Callable[[], object] = lambda: None
    ) -> dict[str, Any]:
        """As ``run``, for a Python script of its own (nothing of this project can be imported)."""
        return self.run(_PYTHON, ["-sBP", script, *words], each)


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def version() -> str:
    """Name and version of the emulator.

    Raises:
        UserError: the emulated system was not set up.
    """
    setup.require()
    words = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout.split()
    return f"{QEMU.name} {words[2]}"
