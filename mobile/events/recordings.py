"""Streams for fitting and scoring event detectors: what a network says of generated streams, recorded once.

Axes: F frames of a stream at the network's rate, S height and width, C colour, H row, W column, K class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from mobile.events.detector import Event
from mobile.events.scores import Performance, TrueEvent
from training.common.errors import UserError

STREAMS_HELP = "rendered:MINUTES:SEED, generated streams"
_CHUNK = 32  # frames that are rendered together


class Rule(Protocol):
    """An event detector or a rival of it."""

    def step(self, logits_K: Sequence[float], time_ms: int) -> list[Event]:
        """The events of the next frame."""

    def reset(self) -> list[Event]:
        """Forget the stream; the end of a gesture that was active."""


@dataclass(frozen=True)
class Recording:
    """One stream as the network saw it.

    Attributes:
        logits_FK: float64 (F, K).
        times_ms: of each frame, from the stream's beginning.
        truth: all labelled parts of the stream, background too if the stream names it.
        minutes: length of the stream.
    """

    logits_FK: np.ndarray
    times_ms: tuple[int, ...]
    truth: tuple[TrueEvent, ...]
    minutes: float

    def gestures(self, labels: Sequence[str], background: Sequence[str]) -> tuple[TrueEvent, ...]:
        """The true events that are no background."""
        return tuple(event for event in self.truth if labels[event.label] not in background)


@dataclass(frozen=True)
class Streams:
    """Which streams: ``rendered:MINUTES:SEED``."""

    minutes: float
    seed: int


def parse_streams(text: str) -> Streams:
    """Read ``rendered:MINUTES:SEED``.

    Raises:
        UserError: it is written in another way.
    """
    kind, _, rest = text.partition(":")
    minutes, _, seed = rest.partition(":")
    try:
        streams = Streams(float(minutes), int(seed))
    except ValueError:
        streams = Streams(0.0, 0)
    if kind != "rendered" or not 0 < streams.minutes < math.inf or streams.seed < 0:
        raise UserError(f"streams are {text!r}; expected rendered:MINUTES:SEED, such as rendered:60:9")
    return streams


def open_streams(streams: Streams) -> list[Any]:
    """The generated streams (``training.rendered.streams.RenderedStream``)."""
    from training.rendered.streams import rendered_streams

    return rendered_streams(streams.minutes, streams.seed)


def open_runner(artefact: Path) -> Any:
    """A runner that takes one frame at a time (``mobile.runtimes.StreamRunner``)."""
    from mobile.runtimes import StreamRunner

    return StreamRunner(artefact)


def record(runner: Any, streams: Sequence[Any], rate: float | None = None) -> list[Recording]:
    """Run a network over streams, from empty states each.

    Args:
        runner: of ``open_runner``.
        streams: of ``open_streams``.
        rate: frames a second that are shown to it; those of its contract if None.

    Raises:
        UserError: a stream has other labels than the network, or fewer frames a second than it is to be shown.
    """
    contract = runner.contract
    rate = rate or contract.frames_per_second
    recordings = []
    with tqdm(total=sum(stream.frame_count for stream in streams), desc="running the network", unit="frame",
              mininterval=2, leave=False) as bar:  # fmt: skip
        for stream in streams:
            if list(stream.labels) != list(contract.labels):
                raise UserError("the streams have other labels than the network; give a network for Jester's 27")
            indices = frame_indices(stream.frame_count, stream.frames_per_second, rate)
            recordings.append(_record_one(runner, stream, indices))
            bar.update(stream.frame_count)
    return recordings


def frame_indices(count: int, frames_per_second: float, rate: float) -> list[int]:
    """Which of a stream's frames a camera of ``rate`` frames a second shows: the nearest to each of its times.

    Raises:
        UserError: the stream has fewer frames a second.
    """
    if not 0 < rate <= frames_per_second:
        raise UserError(f"a rate of {rate:g} frames a second; the streams have {frames_per_second:g}, expected no more")
    step = frames_per_second / rate
    return [index for k in range(math.ceil(count / step)) if (index := math.floor(k * step + 0.5)) < count]


def _record_one(runner: Any, stream: Any, indices: list[int]) -> Recording:
    runner.reset()
    logits = []
    for first in range(0, len(indices), _CHUNK):
        frames_FHWC = stream.frames(indices[first : first + _CHUNK])
        for frame_SSC in runner.contract.frames.centre_crop_resize(frames_FHWC):
            logits.append(np.asarray(runner.step(frame_SSC), dtype=np.float64))
    rate = stream.frames_per_second
    truth = tuple(TrueEvent(event.label, milliseconds(event.begin), milliseconds(event.end)) for event in stream.events)
    times = tuple(milliseconds(index / rate) for index in indices)
    return Recording(np.stack(logits), times, truth, stream.frame_count / rate / 60)


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, halves up."""
    return math.floor(1000 * seconds + 0.5)


def perform(rule: Rule, recording: Recording, labels: Sequence[str], background: Sequence[str]) -> Performance:
    """What a rule detects over a recording; it is reset before and after."""
    rule.reset()
    events: list[Event] = []
    for logits_K, time_ms in zip(recording.logits_FK.tolist(), recording.times_ms, strict=True):
        events += rule.step(logits_K, time_ms)
    return Performance(tuple(events + rule.reset()), recording.gestures(labels, background), recording.minutes)
