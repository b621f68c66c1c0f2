"""One int8 artefact over clips on this machine and on emulated arm64: how many logits differ, and by how many steps.

Axes: M clips, R rows of logits per clip, T frame, S height and width, C colour, K class.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mobile.interface.contract import Contract
from mobile.parity.sides import Clips
from mobile.runtimes import ArtefactRunner
from mobile.runtimes.arm64.build_runner import ARM64, TFLITE_RUNNER, pte_runner
from mobile.runtimes.arm64.emulator import Emulator
from mobile.runtimes.state_keeping import reset_states
from mobile.schemas import Arm64Row
from mobile.schemas.agreement import compare
from mobile.schemas.row import finite
from training.common.errors import UserError
from training.common.files import sha256_of


class Side:
    """An artefact over clips on this machine: what goes in, and what must come out.

    Args:
        path: an int8 .tflite or .pte.

    Attributes:
        tensors: the input tensors of all steps of all clips, one after another.
        rows: logits float32 (M, R, K).

    Raises:
        UserError: another artefact, or one that does not run here.
    """

    def __init__(self, path: Path, clips: Clips) -> None:
        if path.suffix not in (".tflite", ".pte"):
            raise UserError(f"{path} does not run on arm64 Linux; expected a .tflite or a .pte")
        self.path, self.clips, self.sha256 = path, clips, sha256_of(path)
        runner = ArtefactRunner(path)
        self.contract: Contract = runner.contract
        if self.contract.precision != "int8":
            raise UserError(f"{path} is of {self.contract.precision}; float sums differ by design, so int8 is compared")
        self.runtime = runner.runtime
        self.tensors = np.stack([runner.input_tensor(frames_TSSC) for frames_TSSC in clips.frames])
        bar = tqdm(clips.frames, desc=f"{path.name} here", unit="clip", leave=False)
        self.rows = np.stack([np.asarray(runner.rows(frames_TSSC)) for frames_TSSC in bar])

    @property
    def steps(self) -> int:
        """Runs of the artefact for a clip."""
        return self.contract.frames.segments if self.contract.mode == "stream" else 1

    @property
    def frames_sha256(self) -> str:
        """Of the input tensors of all clips."""
        return hashlib.sha256(self.tensors.tobytes()).hexdigest()


def on_arm64(side: Side, cpu: str, each: Callable[[], object] = lambda: None) -> tuple[np.ndarray, dict[str, Any]]:
    """The same on an emulated CPU -> logits float32 (M, R, K), and what the runner said at its end.

    Args:
        each: called after every step.

    Raises:
        UserError: the emulated system is not there, the runner fails, or it says that it ran something else.
    """
    emulator = Emulator(cpu)
    with tempfile.TemporaryDirectory() as name:
        frames, logits = Path(name, "frames.raw"), Path(name, "logits.raw")
        frames.write_bytes(side.tensors.tobytes())
        words = ["--model", side.path.resolve(), "--frames", frames, "--logits", logits,
                 *_stream_words(side), "--progress"]  # fmt: skip
        if side.path.suffix == ".tflite":
            ended = emulator.run_python(TFLITE_RUNNER, words, each)
        else:
            ended = emulator.run(pte_runner(ARM64), words + _state_words(side, Path(name)), each)
        _check(ended, side, logits)
        raw = np.fromfile(logits, np.dtype(ended["logits_dtype"]))
    quantization = side.contract.output.quantization
    real = raw if quantization is None else quantization.to_real(raw)
    return real.astype(np.float32).reshape(side.rows.shape), ended


def row_from(side: Side, cpu: str, step: float, rows: np.ndarray, ended: dict[str, Any]) -> Arm64Row:
    """The comparison as a row of the result file.

    Args:
        step: the scale of the int8 logits.
        rows, ended: what ``on_arm64`` returned.
    """
    left, right = (logits.reshape(-1, logits.shape[-1]) for logits in (side.rows, rows))
    labels = side.clips.known_labels
    each = None if labels is None else np.repeat(labels, side.rows.shape[1])
    agreement = dataclasses.asdict(compare(left, right, each, step=step))
    return Arm64Row(
        artefact=side.path.name, sha256=side.sha256, mode=side.contract.mode, precision=side.contract.precision,
        cpu=cpu, runtime=ended["runtime"], x86_runtime=side.runtime, machine=ended["machine"],
        threads=ended["threads"], frames_sha256=side.frames_sha256, clips=len(side.clips), logits=left.size,
        differing=int((left != right).sum()), largest_steps=agreement["largest"] / step,
        agreement={key: finite(value) for key, value in agreement.items()},
    )  # fmt: skip


def _stream_words(side: Side) -> list[str | Path]:
    return ["--steps", str(side.steps)] if side.contract.mode == "stream" else []


def _state_words(side: Side, folder: Path) -> list[str | Path]:
    if not side.contract.states:
        return []
    states = reset_states(side.contract)
    file = folder / "states.raw"
    file.write_bytes(b"".join(states[state.input].tobytes() for state in side.contract.states))
    return ["--states", file]


def _check(ended: dict[str, Any], side: Side, logits: Path) -> None:
    for what, wanted in (
        ("machine", ARM64), ("model_sha256", side.sha256), ("frames_sha256", side.frames_sha256),
        ("logits_sha256", sha256_of(logits)), ("inputs", len(side.clips) * side.steps), ("threads", 1),
    ):  # fmt: skip
        if ended.get(what) != wanted:
            raise UserError(
                f"the run of {side.path.name} says that {what} is {ended.get(what)}, not {wanted}; it does not count"
            )
