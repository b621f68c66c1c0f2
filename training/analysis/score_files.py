"""Logits of every clip of a split in one file, so that runs can be fused without computing anything again.

Axes: M clips of the split, K class.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from training.common.errors import UserError
from training.common.files import atomic_path

FORMAT = "sth-scores/1"
IN_A_RUN = "scores.npz"  # its name where a folder of a run is given


@dataclasses.dataclass(frozen=True)
class Scores:
    """What one model says of each clip.

    Attributes:
        logits_MK: float, means over the clips and crops of a video.
        truths_M: class ids in ``labels``.
        names: of the clips in their data set, each once.
        labels: class names.
        about: where they come from (model, network, data, split, clips per video, crops).
    """

    logits_MK: np.ndarray
    truths_M: np.ndarray
    names: list[str]
    labels: list[str]
    about: dict[str, Any]


def check_name(path: Path) -> None:
    """Refuse a file that cannot be written, before the work that it keeps.

    Raises:
        UserError: the suffix is not .npz.
    """
    if path.suffix != ".npz":
        raise UserError(f"cannot write scores to {path}: expected a name ending in .npz")


def save_scores(path: Path, scores: Scores) -> None:
    """Write a score file, atomically. Raises UserError."""
    check_name(path)
    arrays: dict[str, Any] = {
        "format": FORMAT,
        "logits": scores.logits_MK.astype(np.float32),
        "truths": scores.truths_M.astype(np.int64),
        "names": np.array(scores.names),
        "labels": np.array(scores.labels),
        "about": json.dumps(scores.about),
    }
    try:
        with atomic_path(path) as temporary:
            np.savez_compressed(temporary, **arrays)
    except OSError as error:  # numpy's says neither the file nor what to do
        reason = error.strerror or error
        raise UserError(f"cannot write {path}: {reason}; make room, or choose another folder") from error


def load_scores(path: Path) -> Scores:
    """Read a score file, or ``scores.npz`` in the folder of a run.

    Raises:
        UserError: no such file, or a file that is no score file of this project.
    """
    file = path / IN_A_RUN if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"there is no {file}; write it with sth evaluate MODEL --scores {file}")
    try:
        with np.load(file, allow_pickle=False) as held:
            if str(held["format"]) != FORMAT:
                raise ValueError("another format")
            scores = Scores(
                logits_MK=held["logits"],
                truths_M=held["truths"],
                names=[str(name) for name in held["names"]],
                labels=[str(label) for label in held["labels"]],
                about=json.loads(str(held["about"])),
            )
    except Exception as error:  # numpy raises anything on bytes that it never wrote
        raise UserError(f"{file} is no score file (expected {FORMAT}): {type(error).__name__}") from error
    if scores.logits_MK.shape != (len(scores.names), len(scores.labels)) or len(scores.truths_M) != len(scores.names):
        raise UserError(
            f"{file} is damaged: {scores.logits_MK.shape} logits for {len(scores.names)} clips; write it again"
        )
    if len(set(scores.names)) != len(scores.names):
        raise UserError(f"{file} names a clip twice; clips of different runs could not be matched")
    return scores
