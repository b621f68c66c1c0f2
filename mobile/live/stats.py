"""How long each stage takes, and how many frames pass."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator

import numpy as np

from mobile.live.source import Clock

STAGES = ("preprocess", "inference", "postprocess")
_RECENT = 120  # frames of which the overlay tells the times
_RATE_OVER = 2.0  # seconds


class StageTimes:
    """Milliseconds of every stage of every frame."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._samples: dict[str, list[float]] = {stage: [] for stage in STAGES}

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time a block."""
        started = self._clock.now()
        yield
        self._samples[stage].append(1000 * (self._clock.now() - started))

    def recent(self) -> dict[str, tuple[float, float]]:
        """p50 and p90 of the last frames, by stage; empty before the first."""
        return {stage: _percentiles(samples[-_RECENT:]) for stage, samples in self._samples.items() if samples}

    def to_json(self) -> dict[str, dict[str, float | None]]:
        """p50 and p90 of all frames, by stage; null where there was none."""
        found = {stage: _percentiles(samples) if samples else (None, None) for stage, samples in self._samples.items()}
        return {stage: {"p50": p50, "p90": p90} for stage, (p50, p90) in found.items()}


def _percentiles(samples: list[float]) -> tuple[float, float]:
    p50, p90 = np.percentile(samples, (50, 90))
    return float(p50), float(p90)


class RateMeter:
    """How often something happens in a second, over the last two."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def tick(self, now: float) -> None:
        """It happens at ``now`` (seconds)."""
        self._times.append(now)
        while now - self._times[0] > _RATE_OVER:
            self._times.popleft()

    @property
    def rate(self) -> float:
        """A second; 0 until it is known."""
        span = self._times[-1] - self._times[0] if self._times else 0.0
        return (len(self._times) - 1) / span if span > 0 else 0.0
