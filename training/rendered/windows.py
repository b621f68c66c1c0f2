"""Windows of rendered streams as a clip source whose every frame has a label: what online recognition learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.clips.source import ClipError
from training.rendered.clips import check_numbers, jester_labels
from training.rendered.streams import NO_GESTURE, RenderedStream

INTERVAL = 3  # frames of the stream from one frame of a window to the next: four a second
_SECONDS = 14.0  # of the stream that a window is cut from: room for the longest window and for what came before it
_STARTS = 2  # begins of which the one that shows more of gestures is taken: half of what happens is nothing
_LATEST = 6.0  # seconds at which a window begins at the latest; beyond, the stream's end would show too often


class RenderedWindows:
    """Windows of the length that is asked for, each from a stream of its own, so each of another person and place.

    A window is a function of seed, index, its length and the picture size. It begins anywhere: before, in or after a
    gesture. It is a `training.clips.source.WindowSource`.

    Args:
        count: number of windows; those past it can be had too (`endless`).
        seed: any integer >= 0. Streams of the same seed begin like the windows: measure on another one.
        height, width: size of the pictures in pixels.

    Raises:
        UserError: a number is out of range.
    """

    endless = True

    def __init__(self, count: int, seed: int, *, height: int = 100, width: int = 132) -> None:
        check_numbers("windows", count, seed, height, width)
        self.count, self.seed, self.height, self.width = count, seed, height, width
        self.labels = list(jester_labels())
        self._drawn: tuple[int, RenderedStream] | None = None

    def __len__(self) -> int:
        return self.count

    def label_of(self, index: int) -> int:
        """Class id of the first gesture of the window's stream, "No gesture" where there is none."""
        events = self._stream(index).events
        return events[0].label if events else self.labels.index(NO_GESTURE)

    def name_of(self, index: int) -> str:
        """Name of a window for messages, for example `rendered_stream-7-000012`."""
        return f"rendered_stream-{self.seed}-{index:06d}"

    def frame_count(self, index: int) -> int:
        """Frames of the stream that the window is cut from."""
        return self._stream(index).frame_count

    def window_frames(self, index: int, segments: int) -> np.ndarray:
        """Frame numbers of the window, int64 (T,), at the interval at which a phone feeds the network.

        Raises:
            ClipError: a longer window than the stream.
        """
        stream = self._stream(index)
        room = stream.frame_count - ((segments - 1) * INTERVAL + 1)
        if room < 0:
            longest = (stream.frame_count - 1) // INTERVAL + 1
            raise ClipError(self.name_of(index), f"a window of {segments} frames; the longest has {longest}")
        latest = min(room, round(_LATEST * stream.frames_per_second))
        begins = np.random.default_rng([self.seed, index, segments, 3]).integers(0, latest + 1, _STARTS)
        windows = begins[:, None] + INTERVAL * np.arange(segments, dtype=np.int64)
        return max(windows, key=stream.gesture_frames)

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The wanted frames in the wanted order, uint8 (n, H, W, 3) RGB. Raises IndexError past the end."""
        return self._stream(index).frames(frame_indices)

    def frame_labels(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """Class ids of the wanted frames, int64 (n,), -1 where any answer will do. Raises IndexError past the end."""
        return self._stream(index).frame_labels(frame_indices)

    def _stream(self, index: int) -> RenderedStream:
        if index < 0:
            raise IndexError(f"window index {index} is negative")
        if self._drawn is None or self._drawn[0] != index:  # one item asks several times
            stream = RenderedStream(_SECONDS, self.seed, index=index, height=self.height, width=self.width)
            self._drawn = index, stream
        return self._drawn[1]
