"""Two processes of torchrun on one CPU, where possible in a network of their own; also what they run.

As a program: ``two_processes.py JSON``, a list of command lines [module, argument, ...] that each process runs in turn.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from training.errors import run_cli

ROOT = Path(__file__).parents[1]
# torchrun listens on every address; here nobody else hears it, and no name server is waited for
_ALONE = 'hostname localhost; mount --bind /dev/null /etc/resolv.conf; ip link set lo up && exec "$@"'


def _prefix() -> list[str]:
    prefix = ["unshare", "--net", "--uts", "--mount", "sh", "-c", _ALONE, "sh"]
    try:
        alone = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        alone = False
    return prefix if alone else []


def torchrun(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """``torchrun --nproc-per-node 2 ARGUMENTS``."""
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments]
    return subprocess.Popen(
        [*_prefix(), *command], cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def commands(*lines: list[str]) -> list[str]:
    """Arguments of ``torchrun`` that run command lines [module, argument, ...] in turn, in the same two processes."""
    return [__file__, json.dumps(lines)]


def main() -> None:
    for module, *arguments in json.loads(sys.argv[1]):
        sys.argv = [module, *arguments]
        importlib.import_module(module).main()


if __name__ == "__main__":
    run_cli(main)
