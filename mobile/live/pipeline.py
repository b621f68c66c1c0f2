"""From a source's frames to gestures: the frames that are due go through the network and the event detector.

Axes: H row, W column, S height and width of the network's input, K class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobile.events.detector import BEGIN, Event, EventDetector
from mobile.events.recordings import milliseconds
from mobile.live.source import Frame
from mobile.live.stats import StageTimes


class Sampler:
    """Picks the frames for a network that wants ``rate`` a second: for each due time, the first that is not before.

    The first frame is due, and the due times count from it, so that a late frame does not delay those after it.

    Attributes:
        missed: due times that had no frame of their own.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self.missed = 0
        self.reset()

    def reset(self) -> None:
        """The next frame is a first one."""
        self._origin: int | None = None
        self._step = 0

    def take(self, time_ms: int) -> bool:
        """Whether a frame of this time is for the network."""
        if self._origin is None:
            self._origin = time_ms
        since = time_ms - self._origin
        if since < self._due(self._step):
            return False
        following = max(self._step + 1, math.floor(since * self._rate / 1000))
        while self._due(following) <= since:
            following += 1
        self.missed += following - self._step - 1
        self._step = following
        return True

    def _due(self, step: int) -> int:
        return milliseconds(step / self._rate)


@dataclass
class Gesture:
    """One performance of a gesture; ``end_ms`` is None while it lasts."""

    label: int
    begin_ms: int
    confidence: float
    end_ms: int | None = None


class Pipeline:
    """A network over a stream.

    Args:
        runner: a stream's (``mobile.runtimes.StreamRunner``).
        detector: of its logits.

    Attributes:
        processed: frames that went through the network.
        events: all so far.
        gestures: all so far.
    """

    def __init__(self, runner: Any, detector: EventDetector, times: StageTimes) -> None:
        self.runner, self.detector, self.times = runner, detector, times
        self.sampler = Sampler(runner.contract.frames_per_second)
        self.labels = tuple(runner.contract.labels)
        self.processed = 0
        self.events: list[Event] = []
        self.gestures: list[Gesture] = []
        runner.reset()

    @property
    def scores(self) -> list[float] | None:
        """Smoothed scores (K,) of the last frame; None before the first."""
        return self.detector.scores

    @property
    def active(self) -> Gesture | None:
        """The gesture that lasts."""
        return self.gestures[-1] if self.gestures and self.gestures[-1].end_ms is None else None

    def offer(self, frame: Frame) -> list[Event] | None:
        """The events of a frame; None if it was not due."""
        if not self.sampler.take(frame.time_ms):
            return None
        image_HWC = frame.image_HWC
        with self.times.measure("preprocess"):
            frame_SSC = self.runner.contract.frames.centre_crop_resize(image_HWC[None])[0]
            tensor = self.runner.input_tensor(frame_SSC[None])
        with self.times.measure("inference"):
            logits_K = self.runner.run(tensor)
        with self.times.measure("postprocess"):
            events = self.detector.step(np.asarray(logits_K, dtype=np.float64).tolist(), frame.time_ms)
        self.processed += 1
        return self._keep(events)

    def reset(self) -> list[Event]:
        """Forget the stream, whose next frame is a first one; the end of a gesture that lasted."""
        self.runner.reset()
        self.sampler.reset()
        return self._keep(self.detector.reset())

    def _keep(self, events: list[Event]) -> list[Event]:
        for event in events:
            if event.kind == BEGIN:
                self.gestures.append(Gesture(event.label, event.time_ms, event.confidence))
            else:
                self.gestures[-1].end_ms = event.time_ms
        self.events += events
        return events
