"""Training augmentation of whole clips: multi-scale crop, horizontal flip with its labels, colour jitter.

Section 4.2 of the paper, with the crops of Temporal Segment Networks. Every random number comes from the
caller's generator and holds for all frames of the clip: frames that moved apart would be motion nobody made.

Axes: T frames, H height, W width, S height and width after the crop, C colours in the order RGB, or
channels of optical flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from training.clips.appearance import turned, vary_appearance
from training.clips.input_spec import FLOW_CHANNELS, resize_frames
from training.clips.source import UNLABELLED

Label = int | np.ndarray  # class id of a clip, or int64 (T,) of its frames

SCALES = (1.0, 0.875, 0.75, 0.66)

# Corners of TSN's crops in quarters of the free space (x, y): a 3 x 3 grid and the ring inside it.
_PLACES = (*((x, y) for y in (0, 2, 4) for x in (0, 2, 4)), (1, 1), (3, 1), (1, 3), (3, 3))

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, of R, G and B


@dataclass(frozen=True)
class Augmentation:
    """What happens to a training clip.

    Attributes:
        size: S, pixels.
        flipped_ids: class id after the flip by class id, None where one must not flip (`flip.flipped_ids`);
            None altogether for no flips.
        scales: sides of the crop as shares of the short side; height and width are the same or neighbours
            in the list.
        colour_jitter: brightness, contrast and saturation are multiplied by 1 - jitter to 1 + jitter.
        appearance: strength of `training.clips.appearance`, for rendered clips; 0 leaves them.
    """

    size: int
    flipped_ids: Sequence[int | None] | None = None
    scales: tuple[float, ...] = SCALES
    colour_jitter: float = 0.0
    appearance: float = 0.0

    def __call__(self, frames_THWC: np.ndarray, label: Label, rng: np.random.Generator) -> tuple[np.ndarray, Label]:
        """uint8 (T, H, W, C) and class id or ids (T,) -> uint8 (T, S, S, C) and what it shows now."""
        if self.appearance:
            frames_THWC = turned(frames_THWC, rng, self.appearance)
        rows, columns = frames_THWC.shape[1:3]
        top, left, height, width = random_crop(rows, columns, rng, self.scales)
        wants_flip = rng.random() < 0.5  # drawn in any case: a class that never flips changes no later number
        frames_TSSC = resize_frames(frames_THWC[:, top : top + height, left : left + width], self.size)
        flipped = self._flipped(label)
        if wants_flip and flipped is not None:
            frames_TSSC, label = flip_sideways(frames_TSSC), flipped
        if self.colour_jitter:
            frames_TSSC = jitter_colours(frames_TSSC, self.colour_jitter, rng)
        if self.appearance:
            frames_TSSC = vary_appearance(frames_TSSC, rng, self.appearance)
        return np.ascontiguousarray(frames_TSSC), label

    def _flipped(self, label: Label) -> Label | None:
        """The label after the flip, of each frame where each has one; None if one of them must not flip."""
        if self.flipped_ids is None:
            return None
        if isinstance(label, int):
            return self.flipped_ids[label]
        partners = [self.flipped_ids[one] if one >= 0 else UNLABELLED for one in label.tolist()]
        known = [one for one in partners if one is not None]
        return np.array(known, np.int64) if len(known) == len(label) else None


def flip_sideways(frames_THWC: np.ndarray) -> np.ndarray:
    """Mirror left and right; of stacked flow (10 channels) the x displacements, at even places, change their sign too.

    128 means no displacement, 1 to 255 the others, so that the sign of u changes to 256 - u.
    """
    flipped_THWC = frames_THWC[:, :, ::-1]
    if frames_THWC.shape[-1] == FLOW_CHANNELS:
        flipped_THWC = flipped_THWC.copy()
        np.negative(flipped_THWC[..., ::2], out=flipped_THWC[..., ::2])  # in bytes: 256 - u
    return flipped_THWC


def random_crop(
    height: int, width: int, rng: np.random.Generator, scales: Sequence[float] = SCALES
) -> tuple[int, int, int, int]:
    """TSN's multi-scale crop: (top, left, crop height, crop width) in pixels.

    Height and width are shares of the short side, at most one step of `scales` apart; the place is one of 13.
    """
    short = min(height, width)
    pairs = [(a, b) for i, a in enumerate(scales) for j, b in enumerate(scales) if abs(i - j) <= 1]
    scale_height, scale_width = pairs[rng.integers(len(pairs))]
    crop_height, crop_width = max(1, int(short * scale_height)), max(1, int(short * scale_width))
    x, y = _PLACES[rng.integers(len(_PLACES))]
    return (height - crop_height) * y // 4, (width - crop_width) * x // 4, crop_height, crop_width


def jitter_colours(frames_THWC: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness, contrast around the clip's mean luma, and saturation times 1 - strength to 1 + strength.

    uint8 (T, H, W, 3) -> the same.
    """
    brightness, contrast, saturation = rng.uniform(1 - strength, 1 + strength, 3)
    frames, height, width, _ = frames_THWC.shape
    tall = np.ascontiguousarray(frames_THWC).reshape(frames * height, width, 3)
    mean_luma = float(np.dot(cv2.mean(tall)[:3], _LUMA))
    # One affine map of the colours does all three, rounded and clipped once.
    matrix = np.empty((3, 4))
    matrix[:, :3] = brightness * contrast * (saturation * np.eye(3) + (1 - saturation) * _LUMA)
    matrix[:, 3] = brightness * (1 - contrast) * mean_luma
    return cv2.transform(tall, matrix).reshape(frames_THWC.shape)
