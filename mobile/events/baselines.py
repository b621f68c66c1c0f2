"""What the event detector is measured against: the plain argmax of each frame, and TSM's published smoothing rule.

Axes: K class.
"""

from __future__ import annotations

from collections.abc import Sequence

from mobile.events.detector import BEGIN, END, Event

_HISTORY = 12  # frames whose logits TSM adds up


class ArgmaxRule:
    """A frame's output is its largest logit (of several the first); where it changes, one gesture ends and another
    begins. All background labels are one output, None.

    Args:
        labels: class names, index = class id.
        background: labels that are no gestures.
    """

    def __init__(self, labels: Sequence[str], background: Sequence[str]) -> None:
        self._background = {index for index, name in enumerate(labels) if name in background}
        self._active: int | None = None
        self._time = 0

    def step(self, logits_K: Sequence[float], time_ms: int) -> list[Event]:
        """The events of the next frame, as ``EventDetector.step``; the confidence is always 1."""
        self._time = time_ms
        output, before = self._output([float(logit) for logit in logits_K]), self._active
        self._active = output
        if output == before:
            return []
        ends = [] if before is None else [Event(END, before, time_ms, 1.0)]
        return ends if output is None else [*ends, Event(BEGIN, output, time_ms, 1.0)]

    def reset(self) -> list[Event]:
        """Forget the stream; the end of a gesture that was active."""
        active, self._active = self._active, None
        return [] if active is None else [Event(END, active, self._time, 1.0)]

    def _output(self, logits: list[float]) -> int | None:
        largest = logits.index(max(logits))
        return None if largest in self._background else largest


class TSMRule(ArgmaxRule):
    """The rule of TSM's online demo: the argmax of the sum of the last 12 logits, and a change of the output only
    where the last two outputs are equal.

    Its list of forbidden gestures, which left five of Jester's classes out, is not part of the rule here.
    """

    def __init__(self, labels: Sequence[str], background: Sequence[str]) -> None:
        super().__init__(labels, background)
        self._history: list[list[float]] = []
        self._outputs: list[int | None] = [None, None]

    def reset(self) -> list[Event]:
        """Forget the stream; the end of a gesture that was active."""
        self._history, self._outputs = [], [None, None]
        return super().reset()

    def _output(self, logits: list[float]) -> int | None:
        self._history = [*self._history, logits][-_HISTORY:]
        output = super()._output([sum(column) for column in zip(*self._history, strict=True)])
        before, last = self._outputs
        if output != last and before != last:
            output = last
        self._outputs = [last, output]
        return output
