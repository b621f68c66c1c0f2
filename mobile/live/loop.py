"""The live loop: newest frame, pipeline, overlay, screens; and what it does when the source goes away.

Axes: H row, W column, 3 colours in the order RGB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mobile.events.detector import BEGIN, Event, gestures_of
from mobile.live.overlay import View, clock_text, draw
from mobile.live.pipeline import Pipeline
from mobile.live.record import Screen
from mobile.live.source import Clock, Ended, Frame, Source
from mobile.live.stats import RateMeter

ENDED, CLOSED, LOST, TIME_UP, INTERRUPTED = "ended", "closed", "lost", "time is up", "interrupted"
_WAIT = 0.02  # seconds that one turn waits for a frame, so that a window reacts
_NOTICE_EVERY = 100  # milliseconds between pictures while the source is away
_BLANK_HWC = np.full((480, 640, 3), 40, np.uint8)


class Live:
    """Runs a source through a pipeline until it ends.

    Args:
        screens: each gets every frame with its overlay.
        mirror: what is shown is flipped from left to right; what the network sees is not.
        give_up: seconds for which the source may be away; None waits for ever.
        seconds: of the source's time, after which it is enough.
        report: gets a line per event, and one when the source goes away or comes back.
    """

    def __init__(
        self, source: Source, pipeline: Pipeline, clock: Clock, *, screens: Sequence[Screen] = (), mirror: bool = False,
        give_up: float | None = None, seconds: float | None = None, report: Callable[[str], None] = print,
    ) -> None:  # fmt: skip
        self.source, self.pipeline, self._clock = source, pipeline, clock
        self._screens, self._mirror, self._report = screens, mirror, report
        self._give_up, self._seconds = give_up, seconds
        detector = pipeline.detector
        gestures = set(gestures_of(detector.thresholds, pipeline.labels))
        self._background = frozenset(set(range(len(pipeline.labels))) - gestures)
        self._shown, self._ran = RateMeter(), RateMeter()
        self._image_HWC = _BLANK_HWC
        self._opening, self._lost = 0, False
        self._times: tuple[int, int] | None = None
        self._noticed = 0
        self._wall = 0.0
        self.warnings: list[str] = []

    def run(self) -> str:
        """Why it ended: ENDED, CLOSED, LOST, TIME_UP or INTERRUPTED (Ctrl-C)."""
        began, outcome = self._clock.now(), None
        try:
            while outcome is None:
                outcome = self._turn()
        except KeyboardInterrupt:
            outcome = INTERRUPTED
        self._tell(self.pipeline.reset())
        self._wall = self._clock.now() - began
        return outcome

    def to_json(self) -> dict[str, Any]:
        """What was counted and measured."""
        pipeline, first_last = self.pipeline, self._times or (0, 0)
        span = (first_last[1] - first_last[0]) / 1000
        return {
            "seconds": self._wall,
            "stream_seconds": span,
            "frames": {
                "captured": self.source.captured,
                "processed": pipeline.processed,
                "dropped": self.source.dropped,
                "missed": pipeline.sampler.missed,
            },
            "frames_per_second": {
                "captured": self.source.captured / self._wall if self._wall else None,
                "processed": pipeline.processed / self._wall if self._wall else None,
            },
            "milliseconds": pipeline.times.to_json(),
            "events": [
                {"kind": event.kind, "label": pipeline.labels[event.label], "time_ms": event.time_ms,
                 "confidence": event.confidence}
                for event in pipeline.events
            ],
            "warnings": self.warnings,
        }  # fmt: skip

    def _turn(self) -> str | None:
        try:
            frame = self.source.next(_WAIT)
        except Ended:
            return ENDED
        outcome = self._away() if frame is None else self._take(frame)
        if outcome is None and self._seconds is not None and self._times is not None:
            late = self.source.time_ms() - self._times[0] >= 1000 * self._seconds
            return TIME_UP if late else None
        return outcome

    def _take(self, frame: Frame) -> str | None:
        if self._lost or frame.opening != self._opening:
            self._tell(self.pipeline.reset())
            self._report(f"{clock_text(frame.time_ms)} {self.source.name} is back")
        self._opening, self._lost = frame.opening, False
        self._times = (self._times[0] if self._times else frame.time_ms, frame.time_ms)
        events = self.pipeline.offer(frame)
        if events is not None:
            self._ran.tick(self._clock.now())
            self._tell(events)
        warning = self.pipeline.detector.warning
        if warning and not self.warnings:
            self.warnings.append(warning)
            self._report(f"warning: {warning}")
        if not self._screens:
            return None
        self._image_HWC = frame.image_HWC
        return self._show(frame.time_ms, None)

    def _away(self) -> str | None:
        """Nothing came: perhaps only not yet."""
        away, now = self.source.away(), self.source.time_ms()
        if away is None:
            return None if all([screen.alive() for screen in self._screens]) else CLOSED
        if not self._lost:
            self._lost = True
            self._report(f"{clock_text(now)} {self.source.name} is away")
            self._tell(self.pipeline.reset())
        if self._give_up is not None and away >= self._give_up:
            return LOST
        if now - self._noticed < _NOTICE_EVERY:
            return None
        self._noticed = now
        return self._show(now, f"{self.source.name} is away for {away:.0f} s; waiting for it")

    def _show(self, time_ms: int, notice: str | None) -> str | None:
        if not self._screens:
            return None
        self._shown.tick(self._clock.now())
        pipeline, picture_HWC = self.pipeline, self._image_HWC
        view = View(
            labels=pipeline.labels, time_ms=time_ms, scores=pipeline.scores, gestures=pipeline.gestures,
            background=self._background, shown_rate=self._shown.rate, network_rate=self._ran.rate,
            dropped=self.source.dropped, stages=pipeline.times.recent(), notice=notice,
        )  # fmt: skip
        drawn_HWC = draw(picture_HWC[:, ::-1] if self._mirror else picture_HWC, view)
        wanted = [screen.show(drawn_HWC, time_ms) for screen in self._screens]
        return None if all(wanted) else CLOSED

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            name = self.pipeline.labels[event.label]
            sure = f" {100 * event.confidence:.0f} %" if event.kind == BEGIN else ""
            self._report(f"{clock_text(event.time_ms)} {event.kind:5} {name}{sure}")
