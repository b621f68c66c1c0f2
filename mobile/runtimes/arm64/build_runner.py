"""Builds ``runner/pte_runner.cpp``: for this machine, or with the cross compiler for aarch64."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from mobile.runtimes.arm64.places import COMPILER, HOME, PTE_RUNNERS, SETUP, WHEELS
from training.common.errors import UserError, missing_extra

SOURCES = Path(__file__).with_name("runner")
TFLITE_RUNNER = Path(__file__).with_name("tflite_runner.py")
ARM64 = "aarch64"
_CROSS = "aarch64-linux-gnu-g++"


def pte_runner(machine: str | None = None) -> Path:
    """The runner for a machine, built if its sources are newer; its libraries lie beside it, so push the folder.

    Args:
        machine: "aarch64", or by default this machine as ``platform.machine`` names it.

    Raises:
        UserError: a tool or package is missing, or the compiler fails.
    """
    machine = machine or platform.machine()
    folder = PTE_RUNNERS / machine
    stamp, wanted = folder / "built_from", _digest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        _build(machine, folder)
        stamp.write_text(wanted)
    return folder / "pte_runner"


def cross_compiler() -> Path | None:
    """g++ for aarch64: the system's, else the one that setup unpacked; None where there is none."""
    unpacked = COMPILER / "usr" / "bin" / _CROSS
    found = shutil.which(_CROSS)
    return Path(found) if found else unpacked if unpacked.exists() else None


def _digest() -> str:
    """What a built runner depends on."""
    digest = hashlib.sha256(_version().encode())
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _version() -> str:
    if find_spec("executorch") is None:
        raise missing_extra("executorch", "executorch")
    return version("executorch")


def _build(machine: str, folder: Path) -> None:
    cmake = Path(sys.executable).with_name("cmake")
    if not cmake.is_file():
        raise missing_extra("cmake", "dev")
    work, environment = HOME / "make" / machine, dict(os.environ)
    shutil.rmtree(work, ignore_errors=True)
    options = [f"-DCMAKE_PREFIX_PATH={_package(machine)}"]
    if machine != platform.machine():
        options += _cross_options(machine, environment)
    elif shutil.which("g++") is None:
        raise UserError("there is no g++ here to build the ExecuTorch runner; install your system's C++ compiler")
    for words in (
        ["-S", str(SOURCES), "-B", str(work), "-G", "Unix Makefiles", *options],
        ["--build", str(work)],
        ["--install", str(work), "--prefix", str(folder)],
    ):
        done = subprocess.run([cmake, *words], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise UserError(
                f"building the ExecuTorch runner for {machine} failed:\n{(done.stdout + done.stderr)[-3000:]}"
            )
    shutil.rmtree(work)


def _package(machine: str) -> Path:
    """The executorch of the target's wheel: headers, libraries and a CMake configuration."""
    if machine != platform.machine():
        found = WHEELS / "executorch"
        if not found.is_dir():
            raise UserError(f"there is no executorch for {machine}; {SETUP} brings it")
        return found
    spec = find_spec("executorch")
    if spec is None or not spec.submodule_search_locations:
        raise missing_extra("executorch", "executorch")
    return Path(spec.submodule_search_locations[0])


def _cross_options(machine: str, environment: dict[str, str]) -> list[str]:
    compiler = cross_compiler()
    if machine != ARM64 or compiler is None:
        raise UserError(f"there is no compiler for {machine} here; {SETUP} brings g++ for {ARM64}")
    options = ["-DCMAKE_SYSTEM_NAME=Linux", f"-DCMAKE_SYSTEM_PROCESSOR={machine}", f"-DCMAKE_CXX_COMPILER={compiler}"]
    if compiler.is_relative_to(COMPILER):
        options.append(f"-DCMAKE_SYSROOT={COMPILER}")
        environment["LD_LIBRARY_PATH"] = str(COMPILER / "usr" / "lib" / "x86_64-linux-gnu")
    return options
