"""Scores of models: ``training.evaluate``, the logits behind them, and ``mobile.studies.real_clips``."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Scores of one model over one split (``sth evaluate``)."""

    model: str
    network: str
    runtime: str
    precision: str
    data: str
    split: str
    clips: int
    top1: float
    top5: float
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    skipped: dict[str, str]

    def __post_init__(self) -> None:
        counts = np.asarray(self.confusion)
        if counts.shape != (len(self.labels), len(self.labels)) or counts.sum() != self.clips:
            raise ValueError(f"a confusion matrix of {counts.shape} over {counts.sum()} of {self.clips} clips")
        if abs(100 * np.trace(counts) / self.clips - self.top1) > 1e-6:
            raise ValueError(f"top1 is {self.top1}; its confusion matrix says {100 * np.trace(counts) / self.clips}")


@dataclasses.dataclass(frozen=True)
class Prediction:
    """One clip that was evaluated: a strip of its frames (JPEG, base64) and the first class by each side."""

    name: str
    label: str | None
    strip_jpeg: str
    predicted: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Some of the clips that were evaluated (``sth demo``)."""

    data: str
    clips: tuple[Prediction, ...]


@dataclasses.dataclass(frozen=True)
class StudyRow:
    """One network of one seed: how many clips each side has right."""

    recipe: str
    seed: int
    clips: int
    right: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Study:
    """Recipes and seeds compared on one data set (``sth compare``)."""

    data: str
    rows: tuple[StudyRow, ...]
