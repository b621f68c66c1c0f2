"""A camera that may go away: a thread keeps its newest frame, and opens it again when it was lost.

Axes: H row, W column, 3 colours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from mobile.events.recordings import milliseconds
from mobile.live.source import Clock, Frame
from training.common.errors import UserError

RETRY = 1.0
"""Seconds between two attempts to open a lost camera."""
STALL = 2.0
"""Seconds without a frame after which a camera counts as lost, whatever its driver says."""
Opener = Callable[[], Any]
"""Opens the device as OpenCV's VideoCapture does (grab, retrieve, get, release); None if it cannot be opened."""


def camera_opener(number: int) -> Opener:
    """Opens a camera of this machine."""

    def attempt() -> Any:
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            capture = cv2.VideoCapture(number)
        except cv2.error:
            return None
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not capture.isOpened():
            return None
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture

    return attempt


class CameraSource:
    """Frames of a camera, of which only the newest waits.

    Args:
        opener: opens the device, now and after each loss.

    Raises:
        UserError: it cannot be opened now.
    """

    def __init__(self, name: str, opener: Opener, clock: Clock, *, retry: float = RETRY) -> None:
        self.name = name
        self.captured = self.dropped = 0
        self._opener, self._clock, self._retry = opener, clock, retry
        self._opening, self._capture = 0, opener()
        if self._capture is None:
            raise UserError(f"{name} cannot be opened; connect it, or give --source VIDEO or --source rendered:30:9")
        self.frames_per_second = float(self._capture.get(cv2.CAP_PROP_FPS))
        self._began = self._last = clock.now()
        self._newest: Frame | None = None
        self._changed, self._closing = threading.Condition(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Capture in a thread of its own."""
        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
        self._thread.start()

    def pump(self) -> None:
        """Wait for the camera's next frame; or, if the camera is lost, wait a little and try to open it."""
        if self._capture is None:
            self._closing.wait(self._retry)
            self._capture = None if self._closing.is_set() else self._opener()
            if self._capture is None:
                return
            self._opening += 1
        image_HWC, now = _read(self._capture, self._clock)
        if image_HWC is None:
            self._capture.release()
            self._capture = None
            return
        frame = Frame(lambda: cv2.cvtColor(image_HWC, cv2.COLOR_BGR2RGB), self._milliseconds(now), self._opening)
        with self._changed:
            self.captured += 1
            self.dropped += self._newest is not None
            self._newest, self._last = frame, now
            self._changed.notify()

    def next(self, wait: float) -> Frame | None:
        with self._changed:
            if self._newest is None:
                self._changed.wait(wait)
            frame, self._newest = self._newest, None
        return frame

    def away(self) -> float | None:
        since = self._clock.now() - self._last
        return since if self._newest is None and (self._capture is None or since > STALL) else None

    def time_ms(self) -> int:
        return self._milliseconds(self._clock.now())

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=STALL)
            if self._thread.is_alive():  # it hangs in the driver: releasing the device under it would crash
                return
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _work(self) -> None:
        while not self._closing.is_set():
            self.pump()

    def _milliseconds(self, now: float) -> int:
        return milliseconds(now - self._began)


def _read(capture: Any, clock: Clock) -> tuple[np.ndarray | None, float]:
    """The next picture, uint8 (H, W, 3) BGR, and when it came; None if the camera is gone."""
    try:
        grabbed = capture.grab()
        now = clock.now()
        decoded, image_HWC = capture.retrieve() if grabbed else (False, None)
    except cv2.error:
        return None, clock.now()
    return (image_HWC if decoded else None), now
