"""From logits to gestures: when a gesture begins and when it ends, once for each time that it is made.

The apps compute the same with the same bits: everything here is +, -, *, / and comparisons of 64-bit floats in the
written order, and integer milliseconds. No library function takes part, since those differ between platforms in the
last bit (and Python's ``sum`` compensates its rounding errors).

Axes: K class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mobile.events.settings import Thresholds
from training.common.errors import UserError

BEGIN, END = "begin", "end"
_INTERVALS = 9  # of which the median is the frame rate


@dataclass(frozen=True)
class Event:
    """A gesture begins or ends.

    Attributes:
        kind: "begin" or "end".
        label: class id.
        time_ms: time of the frame that decided it; for an end by a stall or a reset, of the last frame before.
        confidence: the label's score (0 to 1) at that frame.
    """

    kind: str
    label: int
    time_ms: int
    confidence: float


def exponential(x: float) -> float:
    """e to the power of x, for x <= 0: the Taylor polynomial of degree 8 at x / 1024, squared ten times.

    0 below x = -64. Relative error below 1e-12.
    """
    if x < -64.0:
        return 0.0
    y = x / 1024.0
    result = 1.0
    for degree in (8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0):
        result = 1.0 + result * y / degree  # (result * y) / degree
    for _ in range(10):
        result = result * result
    return result


class Smoother:
    """Logits -> scores between 0 and 1: a softmax, then exponential smoothing in time.

    p_k = exponential((logit_k - largest logit) / temperature), divided by their sum, added from class 0 on.
    The first frame's score is p. After it score_k = score_k + a * (p_k - score_k) with
    a = 1 - exponential(-(milliseconds since the frame before) / tau_ms), or 1 where tau_ms is 0.
    """

    def __init__(self, temperature: float, tau_ms: int) -> None:
        self._temperature, self._tau_ms = temperature, tau_ms
        self._scores: list[float] | None = None

    @property
    def scores(self) -> list[float] | None:
        """The scores of the last frame; None before the first."""
        return self._scores

    def reset(self) -> None:
        """The next frame is a first one."""
        self._scores = None

    def step(self, logits_K: Sequence[float], interval_ms: int) -> list[float]:
        """Scores (K,) of a frame that comes ``interval_ms`` after the frame before it."""
        largest = max(logits_K)
        shares, total = [], 0.0
        for logit in logits_K:
            share = exponential((logit - largest) / self._temperature)
            shares.append(share)
            total = total + share
        if self._scores is None:
            self._scores = [share / total for share in shares]
        else:
            a = 1.0 - exponential(-interval_ms / self._tau_ms) if self._tau_ms else 1.0
            self._scores = [old + a * (share / total - old) for old, share in zip(self._scores, shares, strict=True)]
        return self._scores


class Gate:
    """Scores -> events, with hysteresis and times.

    A step, in this order:
    1. The best gesture is the one of the greatest score, of several the first. Background is no gesture.
    2. If a gesture is active: when its score is below ``off``, and has been in all frames for ``release_ms``, it ends.
    3. The candidate is the best gesture if its score is at least ``on``, else there is none. It is held since the
       first frame of the unbroken row of frames with this candidate, also while another gesture is active.
    4. If no gesture is active and the candidate is held for ``hold_ms``, and ``refractory_ms`` have passed since the
       last end of any gesture and ``repeat_ms`` since the last end of this one, it begins.
    """

    def __init__(self, thresholds: Thresholds, gestures: Sequence[int]) -> None:
        self._thresholds, self._gestures = thresholds, tuple(gestures)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._active: int | None = None
        self._score = 0.0
        self._low_since: int | None = None
        self._candidate: int | None = None
        self._held_since = 0
        self._ended: dict[int, int] = {}
        self._last_end: int | None = None

    def stop(self, time_ms: int) -> list[Event]:
        """End what is active, and drop the candidate; when gestures ended is still known."""
        events = []
        if self._active is not None:
            events.append(self._end(self._active, time_ms))
        self._candidate = None
        return events

    def step(self, scores_K: Sequence[float], time_ms: int) -> list[Event]:
        """The events of one frame: none, an end, a begin, or both in this order."""
        rule, events = self._thresholds, []
        best = self._gestures[0]
        for gesture in self._gestures:
            if scores_K[gesture] > scores_K[best]:
                best = gesture
        if self._active is not None:
            self._score = scores_K[self._active]
            if self._score >= rule.off:
                self._low_since = None
            elif self._low_since is None:
                self._low_since = time_ms
            if self._low_since is not None and time_ms - self._low_since >= rule.release_ms:
                events.append(self._end(self._active, time_ms))
        if scores_K[best] < rule.on:
            self._candidate = None
        elif best != self._candidate:
            self._candidate, self._held_since = best, time_ms
        if self._active is None and self._candidate is not None and self._may_begin(self._candidate, time_ms):
            self._active, self._score, self._low_since = best, scores_K[best], None
            events.append(Event(BEGIN, best, time_ms, self._score))
        return events

    def _may_begin(self, gesture: int, time_ms: int) -> bool:
        rule = self._thresholds
        if time_ms - self._held_since < rule.hold_ms:
            return False
        if self._last_end is not None and time_ms - self._last_end < rule.refractory_ms:
            return False
        return gesture not in self._ended or time_ms - self._ended[gesture] >= rule.repeat_ms

    def _end(self, gesture: int, time_ms: int) -> Event:
        self._active, self._low_since = None, None
        self._ended[gesture] = self._last_end = time_ms
        return Event(END, gesture, time_ms, self._score)


class RateWatch:
    """Says when the median of the last 9 intervals between frames leaves a range of frame rates."""

    def __init__(self, frames_per_second: tuple[float, float]) -> None:
        self._least, self._greatest = frames_per_second
        self._intervals: list[int] = []

    def step(self, interval_ms: int) -> None:
        """Take note of one interval."""
        self._intervals = [*self._intervals, interval_ms][-_INTERVALS:]

    @property
    def warning(self) -> str | None:
        """One line for people, None while the rate is right or not known yet."""
        if len(self._intervals) < _INTERVALS:
            return None
        median = sorted(self._intervals)[_INTERVALS // 2]
        if self._least * median <= 1000 <= self._greatest * median:
            return None
        return (
            f"the stream has {1000 / median:.1f} frames a second; the detector was fitted for {self._least:g} to "
            f"{self._greatest:g}: gestures may be missed or doubled"
        )


class EventDetector:
    """A stream of logits -> events: ``Smoother``, then ``Gate``.

    A time between two frames above ``gap_ms`` is a stall: an active gesture ends at the frame before, and smoothing
    and holding begin anew; ``refractory_ms`` and ``repeat_ms`` still count from the ends before.

    Args:
        thresholds: what it decides by.
        labels: class names, index = class id.

    Raises:
        UserError: a background label that the network does not know, or no gesture is left.
    """

    def __init__(self, thresholds: Thresholds, labels: Sequence[str]) -> None:
        self.thresholds, self._classes = thresholds, len(labels)
        self._smoother = Smoother(thresholds.temperature, thresholds.tau_ms)
        self._gate = Gate(thresholds, gestures_of(thresholds, labels))
        self._rate = RateWatch(thresholds.frames_per_second)
        self._time: int | None = None

    @property
    def scores(self) -> list[float] | None:
        """The smoothed scores (K,) of the last frame; None before the first."""
        return self._smoother.scores

    @property
    def warning(self) -> str | None:
        """A line for people while the stream's frame rate is outside of what the thresholds were fitted for."""
        return self._rate.warning

    def step(self, logits_K: Sequence[float], time_ms: int) -> list[Event]:
        """The events of the next frame: logits (K,) and its time in whole milliseconds.

        Raises:
            ValueError: another number of logits, one that is not finite, or a time not after the frame before.
        """
        logits = [float(logit) for logit in logits_K]
        if len(logits) != self._classes or not all(map(math.isfinite, logits)):
            raise ValueError(f"{len(logits)} logits, of which some may not be finite; expected {self._classes} numbers")
        if self._time is not None and time_ms <= self._time:
            raise ValueError(f"a frame at {time_ms} ms after one at {self._time} ms; expected times that grow")
        events: list[Event] = []
        interval = 0 if self._time is None else time_ms - self._time
        if self._time is not None:
            self._rate.step(interval)
        if self._time is not None and interval > self.thresholds.gap_ms:
            self._smoother.reset()
            events += self._gate.stop(self._time)
        self._time = time_ms
        return events + self._gate.step(self._smoother.step(logits, interval), time_ms)

    def reset(self) -> list[Event]:
        """Forget the stream, its times too; the end of a gesture that was active."""
        events = [] if self._time is None else self._gate.stop(self._time)
        self._smoother.reset()
        self._gate.reset()
        self._rate = RateWatch(self.thresholds.frames_per_second)
        self._time = None
        return events


def gestures_of(thresholds: Thresholds, labels: Sequence[str]) -> list[int]:
    """Ids of the labels that are gestures.

    Raises:
        UserError: a background label that is not among ``labels``, or no gesture is left.
    """
    for name in thresholds.background:
        if name not in labels:
            raise UserError(f"the background label {name!r} is none of the network's labels; mend the thresholds")
    gestures = [index for index, name in enumerate(labels) if name not in thresholds.background]
    if not gestures:
        raise UserError(f"all {len(labels)} labels are background; leave at least one gesture")
    return gestures
