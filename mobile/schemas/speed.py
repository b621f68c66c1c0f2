"""Comparisons of time: the frontier, and the Android app's preprocessing."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mobile.schemas.latency import LatencyRow


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrontierRow(LatencyRow):
    """A timed artefact of a network of the frontier; mode "frame" is a frame without states."""

    point: str
    size: int


@dataclasses.dataclass(frozen=True)
class FrontierNetwork:
    """A network of the frontier; what follows ``frame_multiply_adds`` (at 224) is known of a trained one only."""

    name: str
    network: str
    options: dict[str, Any]
    recipe: str | None
    parameters: int
    frame_multiply_adds: int
    top1: float | None = None
    clips: int = 0
    size: int = 0
    epochs: int = 0
    trained_on: str = ""
    scored_on: str = ""
    minutes: float = 0.0


@dataclasses.dataclass(frozen=True)
class Frontier:
    """Top-1 against the time of a frame (``sth frontier``); ``absent`` says what has no row, and why."""

    code_version: str
    host: dict[str, Any]
    threads: int
    rounds: int
    seed: int
    networks: tuple[FrontierNetwork, ...]
    rows: tuple[FrontierRow, ...]
    absent: dict[str, str]

    def __post_init__(self) -> None:
        unknown = {row.point for row in self.rows} - {network.name for network in self.networks}
        if unknown or not self.rows:
            raise ValueError(f"{len(self.rows)} rows, of them of unknown networks: {', '.join(sorted(unknown))}")


@dataclasses.dataclass(frozen=True)
class Stage:
    """Milliseconds of one stage, in the order in which they ran."""

    median: float
    p90: float
    samples: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class PreprocessSpeed:
    """The Android app's preprocessing beside inference (``python -m android_demo.tools.preprocess_speed``).

    Attributes:
        rounds, burst: rounds of so many frames, and then so many inferences, in a row.
        ratio: preprocessing over inference, the median of the ratios of single rounds.
    """

    code_version: str
    artefact: str
    sha256: str
    frame: str
    input: str
    runtime: str
    host: dict[str, Any]
    rounds: int
    burst: int
    seed: int
    preprocess_ms: Stage
    inference_ms: Stage
    ratio: float

    def __post_init__(self) -> None:
        ours, theirs = (
            np.median(np.reshape(stage.samples, (self.rounds, self.burst)), axis=1)
            for stage in (self.preprocess_ms, self.inference_ms)
        )
        found = float(np.median(ours / theirs))
        if abs(found - self.ratio) > 1e-6:
            raise ValueError(f"the ratio is {self.ratio}; its samples say {found}")
