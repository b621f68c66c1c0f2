"""What a network sees of a clip: its frames, at one size where the recipe says so, or their optical flow.

Axes: n wanted frames, H height, W width, 3 colours in the order RGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from training.clips.flow import FlowClips
from training.clips.source import ClipSource, DerivedClips


class ResizedClips(DerivedClips):
    """A source's clips with every frame at one size, whatever its shape was (a `ClipSource`).

    The paper fixes frames at 256 x 340 before they are cropped (Section 4.2).
    """

    def __init__(self, source: ClipSource, height: int, width: int) -> None:
        super().__init__(source)
        self.height, self.width = height, width
        self.endless = getattr(source, "endless", False)

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The wanted frames, uint8 (n, height, width, 3) RGB, in the wanted order. Raises ClipError."""
        frames = self.source.frames(index, frame_indices)
        if frames.shape[1:3] == (self.height, self.width):
            return frames
        rule = cv2.INTER_AREA if frames.shape[1] > self.height else cv2.INTER_LINEAR
        return np.stack([cv2.resize(frame, (self.width, self.height), interpolation=rule) for frame in frames])


def as_modality(
    source: ClipSource, modality: str, *, frame_size: Sequence[int] = (), flow_cache: Path | str = ""
) -> ClipSource:
    """The source as a recipe's ``modality``, ``frame_size`` and ``flow_cache`` ask for it.

    Args:
        modality: "rgb" or "flow".
        frame_size: height and width in pixels; none leaves frames as they are.
    """
    if frame_size:
        height, width = frame_size
        source = ResizedClips(source, height, width)
    size = "x".join(map(str, frame_size))
    return FlowClips(source, flow_cache, size) if modality == "flow" else source
