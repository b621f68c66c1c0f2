"""ExecuTorch's Python package in the version of the Android library, in a small environment of its own.

It holds that package and the PyTorch that it was built for; all else it sees in this environment, behind its own:
numpy, and NVIDIA's libraries, without which PyTorch's wheel for Linux does not even load. About 0.5 GB are fetched,
once.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

from android_demo.tools.libraries import BUILD
from android_demo.tools.native import EXECUTORCH
from training.common.errors import UserError
from training.common.files import atomic_path

FOLDER = BUILD / f"executorch-{EXECUTORCH}"
_PROGRAM = Path(__file__).with_name("run_pte.py")


def run_in_wheel(model: Path, inputs: bytes, steps: int, folder: Path) -> tuple[str, bytes]:
    """As ``ApkRuntimes.run``, of a .pte in the Python package.

    Raises:
        UserError: the environment cannot be made, or the package refuses the program.
    """
    python = environment()
    given, made = folder / "inputs.raw", folder / "outputs.raw"
    given.write_bytes(inputs)
    command = [str(python), "-P", str(_PROGRAM)] if sys.version_info >= (3, 11) else [str(python), str(_PROGRAM)]
    ended = subprocess.run([*command, str(model), str(given), str(made), str(steps)], capture_output=True, text=True)
    if ended.returncode:
        raise UserError(f"ExecuTorch {EXECUTORCH} of Python does not run {model.name}:\n{ended.stderr.strip()[-2000:]}")
    return json.loads(ended.stdout.splitlines()[-1])["runtime"], made.read_bytes()


def environment() -> Path:
    """The environment's Python; made where it is not there.

    Raises:
        UserError: no uv, or a package cannot be had.
    """
    python = FOLDER / "bin" / "python"
    if not (FOLDER / "ready").is_file():
        shutil.rmtree(FOLDER, ignore_errors=True)
        _uv("venv", "--quiet", "--python", sys.executable, str(FOLDER))
        _install(python, f"executorch=={EXECUTORCH}.*")
        (site,) = FOLDER.glob("lib/python*/site-packages")
        _install(python, _torch_for(site))
        (site / "this_environment.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        with atomic_path(FOLDER / "ready") as stamp:
            stamp.touch()
    return python


def _torch_for(site: Path) -> str:
    """The PyTorch that the installed executorch was compiled against: the lowest that it takes."""
    (found,) = distributions(name="executorch", path=[str(site)])
    for line in found.requires or []:
        version = re.match(r"torch>=(\d+\.\d+)", line)
        if version:
            return f"torch=={version[1]}.*"
    raise UserError(f"executorch {found.version} does not say which PyTorch it needs")


def _install(python: Path, package: str) -> None:
    _uv("pip", "install", "--quiet", "--python", str(python), "--no-deps", "--only-binary=:all:", package)


def _uv(*words: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        raise UserError(f"there is no {uv}; make setup installs it")
    ended = subprocess.run([str(uv), *words], capture_output=True, text=True)
    if ended.returncode:
        raise UserError(f"uv {words[0]} failed: {' '.join(ended.stderr.split())[-400:]}")
