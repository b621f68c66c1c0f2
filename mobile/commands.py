"""The words of the ``sth`` command: each names the module that does the work.

This is the only place that knows all rooms of the project. Modules are imported when their word is used.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from training.common.errors import UserError


@dataclasses.dataclass(frozen=True)
class Command:
    """One word of ``sth``.

    Attributes:
        module: its ``main()`` reads ``sys.argv``.
        help: one line.
    """

    module: str
    help: str


GROUPS: dict[str, dict[str, Command]] = {
    "Try it": {
        "demo": Command("mobile.demo", "export, check, time and score the shipped network; write an HTML report"),
        "live": Command("mobile.live.command", "name gestures live from a camera, a video or rendered hands"),
    },
    "Learn": {
        "data": Command("training.datasets", "check a published data set before a long run"),
        "clips": Command("training.formats.__main__", "check a folder of clips"),
        "render": Command("training.rendered.__main__", "write rendered gesture clips to a folder"),
        "flow": Command("training.analysis.flow", "compute the optical flow of a data set"),
        "train": Command("training.train", "train a network by a recipe"),
        "qat": Command("mobile.quantization.qat", "quantization-aware training of the deploy form"),
        "evaluate": Command("training.evaluate", "top-1, top-5 and confusion of a checkpoint or an artefact"),
    },
    "Ship": {
        "export": Command("converters.export", "export a checkpoint to TFLite, ExecuTorch and Core ML"),
        "fit-events": Command("mobile.events.fit", "fit the thresholds of the event detector"),
        "install": Command("mobile.apps.install_assets", "put artefacts into the Android or iOS app"),
        "golden": Command("mobile.apps.golden.vectors", "write the golden vectors that the apps must reproduce"),
        "card": Command("mobile.report.model_card", "score a checkpoint and write its model card"),
    },
    "Prove": {
        "parity": Command("mobile.parity.command", "the parity ladder, from the training form to every runtime"),
        "score-events": Command("mobile.events.score", "score the event detector and its rivals"),
        "noise": Command("mobile.studies.quantization_noise", "where int8 loses against float, layer by layer"),
        "arm64": Command("mobile.parity.arm64.command", "compare artefacts on emulated arm64 CPUs"),
        "arm64-setup": Command("mobile.runtimes.arm64.setup", "make the emulated arm64 system"),
    },
    "Time": {
        "latency": Command("mobile.latency.command", "latency on this host, Android phones and iOS devices"),
        "profile": Command("mobile.latency.profile.command", "where the time of an artefact goes"),
    },
    "Study": {
        "tables": Command("training.tables.__main__", "the tables of the paper"),
        "fuse": Command("training.analysis.fuse", "fuse the scores of several runs"),
        "attention": Command("training.analysis.attention", "what attentive STH-Convs weigh"),
        "saliency": Command("training.analysis.saliency", "where a network looks in a clip"),
        "frontier": Command("mobile.studies.frontier", "accuracy against time, beside MoViNet"),
        "compare": Command("mobile.studies.real_clips", "compare networks on real clips, with their spread"),
        "state-cost": Command("mobile.studies.state_cost", "what each state of a stream costs and earns"),
    },
    "Report": {
        "report": Command("mobile.report.command", "the tables of the documentation, and an HTML page of results"),
    },
}
COMMANDS: dict[str, Command] = {word: command for group in GROUPS.values() for word, command in group.items()}


def run_logged(words: Sequence[str], log: Path) -> None:
    """Run ``sth WORDS`` in a process of its own, which writes its output to the end of ``log`` while it runs.

    Raises:
        UserError: it failed; the message is its last line.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        command = [sys.executable, "-m", "mobile", *words]
        begin = out.tell()
        failed = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    if failed:
        lines = log.read_bytes()[begin:].decode(errors="replace").splitlines() or ["no message"]
        raise UserError(f"{lines[-1].removeprefix('error: ')} (whole output: {log})")
