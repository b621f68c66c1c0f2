"""TensorFlow in a process of its own: it and torch do not get along in one.

The process may print what it likes, which is kept as a log; its one line for people goes through a file in its working
folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from training.common.errors import UserError

_ERROR_FILE = "error.txt"
_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_USE_LEGACY_KERAS": "1"}


def run_tensorflow(module: str, words: list[str], made: Path) -> None:
    """Run a module of this project that needs TensorFlow in a process of its own, in the folder of ``made``.

    Raises:
        UserError: it failed, or made nothing; with what it told by ``tell_parent``.
    """
    folder = made.parent
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode == 0 and made.is_file():
        return
    log = _keep_log(done.stdout)
    told = folder / _ERROR_FILE
    fault = told.read_text(encoding="utf-8") if told.is_file() else f"the process ended with status {done.returncode}"
    raise UserError(f"{module} failed: {fault} (what it printed is in {log})")


def tell_parent(fault: str) -> None:
    """What people should read of a failure, from inside of the process."""
    Path(_ERROR_FILE).write_text(fault, encoding="utf-8")


def _keep_log(content: bytes) -> Path:
    with tempfile.NamedTemporaryFile(prefix="tflite-", suffix=".log", delete=False) as log:
        log.write(content)
    return Path(log.name)
