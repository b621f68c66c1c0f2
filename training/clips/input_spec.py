"""What a network expects of its input: the one definition, from the camera's frames to the first convolution.

Axes: N clip, T frame (segment), C colour, H row, W column.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import torch

# 128/255: with it x = (u - 128) / 128, so that the int8 input is exactly u - 128 (scale 1/128, zero point 0).
_CENTRED = (128 / 255, 128 / 255, 128 / 255)

FLOW_FIELDS = 5  # that stand in place of one frame (Temporal Segment Networks, Section 3)
FLOW_CHANNELS = 2 * FLOW_FIELDS  # x and y of the first field, of the second, ...


@dataclasses.dataclass(frozen=True)
class InputSpec:
    """Shape and meaning of a clip at the network's input.

    Attributes:
        segments: T, frames of one clip.
        size: S, height and width in pixels, divisible by 32.
        mean, std: per colour (or channel of optical flow), of values in [0, 1].
        crop_fraction: share of the frame's short side that the central square crop keeps (224/256 in the paper).
    """

    segments: int = 8
    size: int = 224
    mean: tuple[float, ...] = _CENTRED
    std: tuple[float, ...] = _CENTRED
    crop_fraction: float = 0.875

    def __post_init__(self) -> None:
        if self.size <= 0 or self.size % 32:
            raise ValueError(f"size is {self.size}; expected a positive multiple of 32")
        if self.segments < 1:
            raise ValueError(f"segments is {self.segments}; expected at least 1")

    @property
    def channels(self) -> int:
        """C: 3 colours, or those of optical flow."""
        return len(self.mean)

    def of_channels(self, channels: int) -> InputSpec:
        """The same for frames of another number of channels: x = (u - 128) / 128 in each."""
        return dataclasses.replace(self, mean=_CENTRED[:1] * channels, std=_CENTRED[:1] * channels)

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
        """uint8 (N, T, S, S, C) RGB or flow -> normalised float32 (N, T, C, S, S) whose frames are channels-last."""
        frames_NTCHW = frames_NTHWC.permute(0, 1, 4, 2, 3)
        mean = torch.tensor(self.mean).mul(255).view(-1, 1, 1).to(frames_NTHWC.device)
        std = torch.tensor(self.std).mul(255).view(-1, 1, 1).to(frames_NTHWC.device)
        return (frames_NTCHW.float() - mean) / std


def resize_frames(frames_THWC: np.ndarray, size: int) -> np.ndarray:
    """Resize to ``size`` x ``size``: area average when shrinking, bilinear (half-pixel centres) when enlarging."""
    height, width, channels = frames_THWC.shape[1:]
    if (height, width) == (size, size):
        return frames_THWC
    rule = cv2.INTER_AREA if min(height, width) > size else cv2.INTER_LINEAR
    if channels <= 4:  # OpenCV resizes no more at once
        return np.stack([cv2.resize(frame, (size, size), interpolation=rule) for frame in frames_THWC])
    parts = [np.ascontiguousarray(frames_THWC[..., c : c + 2]) for c in range(0, channels, 2)]
    return np.concatenate([resize_frames(part, size) for part in parts], axis=-1)
