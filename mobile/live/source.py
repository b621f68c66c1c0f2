"""Where live frames come from: a camera, a video file or a rendered stream, each frame with the time it shows.

A file and a rendered stream have their frames' own times; a camera's are those of a monotonic clock at the capture.

Axes: H row, W column, 3 colours in the order RGB.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from mobile.events.recordings import milliseconds
from training.clips.decode import open_video, retrieve
from training.common.errors import UserError

_UNKNOWN_RATE = 30.0  # frames a second of a file that does not say


class Clock:
    """Seconds that never go back, and sleep."""

    def now(self) -> float:
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source.

    Attributes:
        load: gives the picture, uint8 (H, W, 3); may fail with ClipError once the source has gone on.
        time_ms: when it was taken, from the source's beginning.
        opening: how often the source had gone away before.
    """

    load: Callable[[], np.ndarray]
    time_ms: int
    opening: int = 0

    @functools.cached_property
    def image_HWC(self) -> np.ndarray:
        """uint8 (H, W, 3), loaded once."""
        return self.load()


class Ended(Exception):
    """A source has no more frames."""


class Source(Protocol):
    """What gives frames.

    Attributes:
        frames_per_second: what it says of itself; only a recording goes by it.
        captured: frames so far, dropped ones too.
        dropped: frames that nobody was quick enough to take.
    """

    name: str
    frames_per_second: float
    captured: int
    dropped: int

    def next(self, wait: float) -> Frame | None:
        """The newest frame, None if there is none within ``wait`` seconds. Raises Ended."""

    def away(self) -> float | None:
        """Seconds since the last frame, if the source has gone away."""

    def time_ms(self) -> int:
        """The source's present time."""

    def close(self) -> None:
        """Let go of the device or file."""


Numbered = Iterator[tuple[int, Callable[[], np.ndarray]]]
"""Times in milliseconds and pictures, as they follow in a file."""


class StoredSource:
    """Frames that wait for nobody's shutter: as fast as they are taken, or at their own pace.

    At their own pace, a frame that is late by more than a frame's time is dropped.

    Args:
        frames: times must not go back.
        realtime: at their own pace.
    """

    def __init__(
        self, name: str, frames: Numbered, frames_per_second: float, *, realtime: bool, clock: Clock,
        close: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.name, self.frames_per_second = name, frames_per_second
        self.captured = self.dropped = 0
        self._frames, self._realtime, self._clock, self._close = frames, realtime, clock, close
        self._pending: Frame | None = None
        self._began: float | None = None
        self._time_ms = 0

    def next(self, wait: float) -> Frame | None:
        frame = self._pending or self._read()
        self._pending = None
        if self._realtime:
            if self._began is None:
                self._began = self._clock.now() - frame.time_ms / 1000
            while self._lateness(frame) >= 1 / self.frames_per_second:
                self.dropped += 1
                frame = self._read()
            early = -self._lateness(frame)
            if early > 0:
                self._clock.sleep(min(early, wait))
            if early > wait:
                self._pending = frame
                return None
        self._time_ms = frame.time_ms
        return frame

    def away(self) -> None:
        return None

    def time_ms(self) -> int:
        return self._time_ms

    def close(self) -> None:
        self._close()

    def _read(self) -> Frame:
        found = next(self._frames, None)
        if found is None:
            raise Ended
        self.captured += 1
        return Frame(found[1], found[0])

    def _lateness(self, frame: Frame) -> float:
        assert self._began is not None
        return self._clock.now() - self._began - frame.time_ms / 1000


def open_file(path: Path, *, realtime: bool, clock: Clock) -> StoredSource:
    """A video file.

    Raises:
        UserError: missing, empty or undecodable.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder; give a video file")
    capture = open_video(path, path.name)
    rate = capture.get(cv2.CAP_PROP_FPS)
    rate = rate if math.isfinite(rate) and rate > 0 else _UNKNOWN_RATE
    frames = _grab(capture, path, rate)
    try:
        first = next(frames)
    except StopIteration:
        raise UserError(f"{path} is broken: no frame of it can be decoded") from None
    image_HWC = first[1]()
    return StoredSource(
        path.name, itertools.chain([(first[0], lambda: image_HWC)], frames), rate, realtime=realtime, clock=clock,
        close=capture.release,
    )  # fmt: skip


def _grab(capture: Any, path: Path, rate: float) -> Numbered:
    """Frames at the container's times; where these do not grow, a frame's time after the one before."""
    last: float | None = None
    while capture.grab():
        position = capture.get(cv2.CAP_PROP_POS_MSEC)
        if last is not None and not (math.isfinite(position) and milliseconds(position / 1000) > milliseconds(last)):
            position = 1000 * last + 1000 / rate
        last = position / 1000 if math.isfinite(position) else 0.0
        yield milliseconds(last), lambda: retrieve(capture, path, path.name)


def open_rendered(text: str, *, realtime: bool, clock: Clock) -> StoredSource:
    """A generated stream, ``rendered:SECONDS:SEED``.

    Raises:
        UserError: it is written in another way.
    """
    from training.rendered.streams import RenderedStream

    _, _, rest = text.partition(":")
    seconds, _, seed = rest.partition(":")
    try:
        length, number = float(seconds), int(seed)
    except ValueError:
        length, number = 0.0, 0
    if not 2 <= length < math.inf or number < 0:
        raise UserError(f"source is {text!r}; expected rendered:SECONDS:SEED of at least 2 s, such as rendered:30:9")
    stream = RenderedStream(length, number)
    rate = stream.frames_per_second

    def picture(index: int) -> np.ndarray:
        return stream.frames([index])[0]

    frames = ((milliseconds(index / rate), functools.partial(picture, index)) for index in range(stream.frame_count))
    return StoredSource(text, frames, rate, realtime=realtime, clock=clock)
