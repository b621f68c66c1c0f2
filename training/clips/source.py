"""What yields clips: files, the renderer and the cache all look the same to the training loop.

Axes: n wanted frames, H height, W width, 3 colours in the order RGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from training.common.errors import UserError

# Label id of a clip of a test split, whose label was never published, and of a frame of which no answer is wrong.
UNLABELLED = -1


class ClipError(UserError):
    """One clip that cannot be used; the message names it and the reason.

    Training skips the clip and counts it, evaluation stops (`training.clips.loader.ClipLoader`).
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"clip {name}: {reason}")
        self.name = name
        self.reason = reason

    def __reduce__(self) -> tuple[type[ClipError], tuple[str, str]]:
        return ClipError, (self.name, self.reason)  # crosses the border between worker processes whole


@runtime_checkable
class ClipSource(Protocol):
    """A list of labelled clips that gives single frames on demand.

    A source that can go on past its length (every index >= 0 is another clip) carries `endless = True`.
    """

    labels: list[str]
    """Class names; the position is the class id."""

    def __len__(self) -> int: ...

    def label_of(self, index: int) -> int:
        """Class id of a clip, `UNLABELLED` where none is known."""

    def name_of(self, index: int) -> str:
        """Name of a clip for messages to people."""

    def frame_count(self, index: int) -> int:
        """Number of frames that can be decoded. Raises ClipError."""

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The wanted frames in the wanted order (repeats allowed), uint8 (n, H, W, 3). Raises ClipError."""


class DerivedClips:
    """What a source made of another one's clips has of it; its frames are its own.

    Attributes:
        source: whose clips they are.
    """

    def __init__(self, source: ClipSource) -> None:
        self.source, self.labels = source, source.labels

    def __len__(self) -> int:
        return len(self.source)

    def label_of(self, index: int) -> int:
        """Class id."""
        return self.source.label_of(index)

    def name_of(self, index: int) -> str:
        """Name for messages."""
        return self.source.name_of(index)

    def frame_count(self, index: int) -> int:
        """Number of frames. Raises ClipError."""
        return self.source.frame_count(index)


@runtime_checkable
class WindowSource(ClipSource, Protocol):
    """A source of windows of a stream: it says itself which frames make one, and each frame has a label."""

    def window_frames(self, index: int, segments: int) -> np.ndarray:
        """Frame numbers of a window of T frames, int64 (T,). Raises ClipError."""

    def frame_labels(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """Class ids of the wanted frames, int64 (n,); `UNLABELLED` where no answer is right or wrong."""
