"""Result files of ``training.tables`` and ``training.analysis.attention``, checked when they are read."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class MemoryOn:
    """Bytes that each of some processes needs."""

    processes: int
    bytes: int


@dataclasses.dataclass(frozen=True)
class MemoryRow:
    """What training by one recipe is expected to need: ``fixed_bytes``, and ``bytes_per_clip`` of a process's batch."""

    recipe: str
    network: str
    input: str
    amp: str
    batch: int
    parameters: int
    fixed_bytes: int
    bytes_per_clip: int
    on: tuple[MemoryOn, ...]
    on_gpu: str


@dataclasses.dataclass(frozen=True)
class Memory:
    """Expected memory of training (``sth tables memory``)."""

    code_version: str
    rows: tuple[MemoryRow, ...]


@dataclasses.dataclass(frozen=True)
class RuntimeRow:
    """A network's speed, see ``training.tables.runtime``."""

    operator: str
    parameters: int
    multiply_adds: int
    videos_per_second: float
    ratio_to_tsm: float | None
    paper_ratio_to_tsm: float | None


@dataclasses.dataclass(frozen=True)
class Runtime:
    """Videos per second of every operator (``sth tables runtime``)."""

    code_version: str
    network: str
    input: str
    device: str
    torch: str
    rounds: int
    rows: tuple[RuntimeRow, ...]


@dataclasses.dataclass(frozen=True)
class StageRow:
    """One stage of ResNet-50 in one pass: times relative to the 2-D convolution's."""

    channels: int
    size: int
    backward: bool
    ratios: dict[str, float]
    samples_s: dict[str, tuple[float, ...]]
    seconds_of_parts: dict[str, float] | None
    multiply_adds: dict[str, int] | None = None

    def rate(self, name: str) -> float:
        """Multiply-adds of a forward pass in a second."""
        assert self.multiply_adds is not None
        return self.multiply_adds[name] / float(np.median(self.samples_s[name]))


@dataclasses.dataclass(frozen=True)
class Stages:
    """Lowerings of STH-Conv (``sth tables stages``)."""

    code_version: str
    batch: int
    segments: int
    device: str
    torch: str
    rounds: int
    rows: tuple[StageRow, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            for name, ratio in row.ratios.items():
                found = np.median(np.array(row.samples_s[name]) / np.array(row.samples_s["2d"]))
                if abs(found - ratio) > 1e-6:
                    raise ValueError(f"the ratio of {name} at {row.channels} is {ratio}; its samples say {found}")


@dataclasses.dataclass(frozen=True)
class AblationRow:
    """A row of the paper's Tables 6, 7 or 8: its finished runs, none where it was not run.

    Attributes:
        seeds, top1, devices: of each run: its seed, its per cent, what it was trained on.
    """

    table: int
    row: str
    options: dict[str, Any]
    seeds: tuple[int, ...]
    top1: tuple[float, ...]
    devices: tuple[str, ...]
    paper_top1: float


@dataclasses.dataclass(frozen=True)
class Ablation:
    """The paper's ablations on rendered gestures (``sth tables ablation``)."""

    code_version: str
    network: str
    recipe: dict[str, Any]
    seeds: tuple[int, ...]
    rows: tuple[AblationRow, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if not len(row.seeds) == len(row.top1) == len(row.devices):
                raise ValueError(f"{row.row} has {len(row.top1)} results of {len(row.seeds)} seeds")
            if foreign := sorted(set(row.seeds) - set(self.seeds)):
                raise ValueError(f"{row.row} has runs of the seeds {foreign}; the table is of {list(self.seeds)}")

    def devices(self) -> dict[str, dict[int, int]]:
        """By device and seed, how many networks were trained (rows of different tables share some)."""
        found: dict[str, dict[int, set[str]]] = {}
        for row in self.rows:
            for device, seed in zip(row.devices, row.seeds, strict=True):
                found.setdefault(device, {}).setdefault(seed, set()).add(repr(row.options))
        return {
            device: {seed: len(networks) for seed, networks in sorted(seeds.items())} for device, seeds in found.items()
        }


@dataclasses.dataclass(frozen=True)
class AttentionRun:
    """What the attentive layers of one network weigh on one split: the share of the temporal component.

    Attributes:
        top1: of the network on its recipe's validation clips, in per cent; None where the checkpoint does not say.
    """

    network: str
    options: dict[str, Any]
    seed: int
    top1: float | None
    data: str
    split: str
    modality: str
    clips: int
    layers: tuple[str, ...]
    temporal_mean: tuple[float, ...]
    temporal_std: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.layers) == len(self.temporal_mean) == len(self.temporal_std):
            raise ValueError(f"{len(self.layers)} layers and {len(self.temporal_mean)} means of {self.network}")


@dataclasses.dataclass(frozen=True)
class Attention:
    """Figs. 5 to 8 of the supplement (``sth attention``)."""

    code_version: str
    runs: tuple[AttentionRun, ...]
