"""What a network expects of its input: the one definition, from the camera's frames to the first convolution.

Axes: N clip, T frame (segment), C colour, H row, W column.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

# 128/255: with it x = (u - 128) / 128, so that the int8 input is exactly u - 128 (scale 1/128, zero point 0).
_CENTRED = (128 / 255, 128 / 255, 128 / 255)


@dataclass(frozen=True)
class InputSpec:
    """Shape and meaning of a clip at the network's input.

    Attributes:
        segments: T, frames of one clip.
        size: S, height and width in pixels, divisible by 32.
        mean, std: per colour, of values in [0, 1].
        crop_fraction: share of the frame's short side that the central square crop keeps (224/256 in the paper).
    """

    segments: int = 8
    size: int = 224
    mean: tuple[float, float, float] = _CENTRED
    std: tuple[float, float, float] = _CENTRED
    crop_fraction: float = 0.875

    def __post_init__(self) -> None:
        if self.size <= 0 or self.size % 32:
            raise ValueError(f"size is {self.size}; expected a positive multiple of 32")
        if self.segments < 1:
            raise ValueError(f"segments is {self.segments}; expected at least 1")

    def crop(self, height: int, width: int) -> tuple[int, int, int]:
        """Top, left and side in pixels of a frame's central square.

        Its side is ``floor(short side * crop_fraction)``, its corner ``(side difference) // 2``.
        """
        side = int(min(height, width) * self.crop_fraction)
        return (height - side) // 2, (width - side) // 2, side

    def centre_crop_resize(self, frames_THWC: np.ndarray) -> np.ndarray:
        """Central square of each frame, resized to S x S: uint8 (T, H, W, 3) -> uint8 (T, S, S, 3)."""
        top, left, side = self.crop(*frames_THWC.shape[1:3])
        return resize_frames(frames_THWC[:, top : top + side, left : left + side], self.size)

    def three_crops_resize(self, frames_THWC: np.ndarray) -> np.ndarray:
        """Three squares of the whole short side, at the start, middle and end of the long one, resized to S x S.

        uint8 (T, H, W, 3) -> uint8 (3, T, S, S, 3).
        """
        height, width = frames_THWC.shape[1:3]
        side = min(height, width)
        crops = []
        for place in (0, 1, 2):
            top, left = (height - side) * place // 2, (width - side) * place // 2
            crops.append(resize_frames(frames_THWC[:, top : top + side, left : left + side], self.size))
        return np.stack(crops)

    def to_network(self, frames_NTHWC: torch.Tensor) -> torch.Tensor:
        """uint8 (N, T, S, S, 3) RGB -> normalised float32 (N, T, 3, S, S) whose frames are channels-last."""
        frames_NTCHW = frames_NTHWC.permute(0, 1, 4, 2, 3)
        mean = torch.tensor(self.mean).mul(255).view(3, 1, 1).to(frames_NTHWC.device)
        std = torch.tensor(self.std).mul(255).view(3, 1, 1).to(frames_NTHWC.device)
        return (frames_NTCHW.float() - mean) / std


def resize_frames(frames_THWC: np.ndarray, size: int) -> np.ndarray:
    """Resize to ``size`` x ``size``: area average when shrinking, bilinear (half-pixel centres) when enlarging."""
    height, width = frames_THWC.shape[1:3]
    if (height, width) == (size, size):
        return frames_THWC
    rule = cv2.INTER_AREA if min(height, width) > size else cv2.INTER_LINEAR
    resized = [cv2.resize(frame, (size, size), interpolation=rule) for frame in frames_THWC]
    return np.stack(resized)
