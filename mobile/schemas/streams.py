"""Streams: their events, and what their states cost."""

from __future__ import annotations

import dataclasses

import numpy as np

from mobile.events.scores import EventScores


@dataclasses.dataclass(frozen=True)
class EventRow(EventScores):
    """Scores of the event detector or of a rival."""

    rule: str

    def __post_init__(self) -> None:
        said = (100 * (1 - self.distance / self.events), (self.detections - self.true_detections) / self.minutes)
        if not np.allclose(said, (self.levenshtein, self.false_per_minute)):
            raise ValueError(f"the figures of {self.rule!r} contradict its counts")


@dataclasses.dataclass(frozen=True)
class Events:
    """Gesture events over streams (``sth score-events``)."""

    code_version: str
    artefact: str
    sha256: str
    streams: str
    fitted_on: str | None
    frames_per_second: float
    tolerance_ms: int
    rows: tuple[EventRow, ...]


@dataclasses.dataclass(frozen=True)
class StateRow:
    """A state of a stream, and top-1 of the network without it (``mobile.studies.state_cost``)."""

    state: str
    bytes: int
    top1_without: float
    top1_without_all_up_to: float


@dataclasses.dataclass(frozen=True)
class States:
    """What each state costs and earns (``sth state-cost``)."""

    code_version: str
    checkpoint: str
    data: str
    clips: int
    size: int
    bytes: int
    top1: float
    states: tuple[StateRow, ...]

    def __post_init__(self) -> None:
        if sum(row.bytes for row in self.states) != self.bytes:
            raise ValueError(f"bytes is {self.bytes}; the states have {sum(row.bytes for row in self.states)}")
