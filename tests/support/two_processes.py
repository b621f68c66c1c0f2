"""Two processes of torchrun on one CPU, where possible in a network of their own; also what they run.

``torchrun`` is the command itself. ``launch`` starts this file as a program that imports everything once and has
torchrun's own agent (`torch.distributed.launcher`) fork the two processes: the same environment, restarts and ends,
without the seconds that each new interpreter takes to import PyTorch.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any
from unittest import mock

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from training.common.errors import run_cli
from training.engine import distributed
from training.engine.loop import LAST, Trainer

ROOT = Path(__file__).parents[2]
PATIENCE = 600  # seconds, for a machine with much other work; one without takes tens
LOSSES, COPY = "losses.jsonl", "copy.pt"
# torchrun listens on every address; here nobody else hears it, and no name server is waited for
_ALONE = 'hostname localhost; mount --bind /dev/null /etc/resolv.conf; ip link set lo up && exec "$@"'


@dataclasses.dataclass(frozen=True)
class Launch:
    """Two processes that run command lines [module, argument, ...] in turn.

    Attributes:
        restarts: how often both are started anew after one of them ends badly.
        watched: a run's folder, or "": the first process appends the loss of each step to ``LOSSES`` in it.
        kill_before: the second process of the first start gets SIGKILL before this step of its own (0 is the first),
            and copies the checkpoint to ``COPY`` in ``watched`` before; -1 for never.
    """

    commands: list[list[str]]
    restarts: int = 0
    watched: str = ""
    kill_before: int = -1


@dataclasses.dataclass(frozen=True)
class Ended:
    """What a launcher left: whether each launch ended well, and everything that was written to the terminal."""

    well: list[bool]
    out: str
    err: str


def launch(folder: Path, *launches: Launch) -> Ended:
    """Run launches one after the other.

    Raises:
        AssertionError: they took longer than ``PATIENCE``, or the launcher failed; with their output.
    """
    plan, result = folder / "launches.json", folder / "ended.json"
    plan.write_text(json.dumps([dataclasses.asdict(one) for one in launches]))
    code, out, err = _run([sys.executable, __file__, str(plan), str(result)])
    assert code == 0, f"the launcher ended with {code}\n{out[-3000:]}\n{err[-6000:]}"
    return Ended(json.loads(result.read_text()), out, err)


def torchrun(*arguments: str) -> tuple[int, str, str]:
    """``torchrun --nproc-per-node 2 ARGUMENTS``: exit status, standard output and standard error.

    Raises:
        AssertionError: it took longer than ``PATIENCE``; with its output.
    """
    return _run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments])


def _run(command: list[str]) -> tuple[int, str, str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    process = subprocess.Popen(
        [*_prefix(), *command], cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        out, err = _end(process)
        raise AssertionError(f"nothing after {PATIENCE} s\n{out[-3000:]}\n{err[-6000:]}") from None
    return process.returncode, out, err


def _end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """End a launcher and its processes; first the stacks of all of them go to standard error."""
    for number in (signal.SIGUSR1, signal.SIGKILL):
        os.killpg(process.pid, number)
        try:
            return process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            continue
    return "", ""


def _prefix() -> list[str]:
    prefix = ["unshare", "--net", "--uts", "--mount", "sh", "-c", _ALONE, "sh"]
    try:
        alone = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        alone = False
    return prefix if alone else []


# --- the program ----------------------------------------------------------------------------------


def main() -> None:
    import faulthandler

    faulthandler.register(signal.SIGUSR1, chain=False)
    plan, result = map(Path, sys.argv[1:])
    for module in ("training.train", "training.evaluate"):
        importlib.import_module(module)  # before the fork
    well = []
    for one in json.loads(plan.read_text()):
        try:
            elastic_launch(_configuration(one["restarts"]), _work)(one)
            well.append(True)
        except ChildFailedError:
            well.append(False)
    result.write_text(json.dumps(well))


def _configuration(restarts: int) -> LaunchConfig:
    """That of ``torchrun --standalone --nproc-per-node 2 --max-restarts RESTARTS``, but for the fork."""
    return LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=2, max_restarts=restarts, start_method="fork",
        run_id=str(uuid.uuid4()), rdzv_backend="c10d", rdzv_endpoint="localhost:0", rdzv_configs={"timeout": 900},
    )  # fmt: skip


def _work(launched: dict[str, Any]) -> None:
    """What each of the two processes does."""
    for module, *arguments in launched["commands"]:
        sys.argv = [module, *arguments]
        with _watching(launched):
            status = _status_of(importlib.import_module(module).main)
        if status:
            sys.exit(status)


def _status_of(command: Any) -> Any:
    try:
        run_cli(command)
    except SystemExit as left:
        return left.code
    return 0


def _watching(launched: dict[str, Any]) -> Any:
    folder, here = Path(launched["watched"]), distributed.started()
    killed = here.rank == 1 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
    original, steps = Trainer._step, iter(range(1_000_000))

    def step(*arguments: Any) -> float:
        if next(steps) == launched["kill_before"] and killed:
            shutil.copy(folder / LAST, folder / COPY)
            os.kill(os.getpid(), signal.SIGKILL)
        loss = original(*arguments)
        if here.first and launched["watched"]:
            with (folder / LOSSES).open("a") as file:
                print(json.dumps(loss), file=file)
        return loss

    return mock.patch.object(Trainer, "_step", step)


if __name__ == "__main__":
    run_cli(main)
