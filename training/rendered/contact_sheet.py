"""A contact sheet: every gesture as a row of frames over time."""

from __future__ import annotations

import cv2
import numpy as np

from training.rendered.clips import RenderedClips

_CAPTION_HEIGHT, _GAP = 18, 8


def contact_sheet(
    source: RenderedClips, *, frames: int = 6, columns: int = 3, height: int = 76, first_round: int = 0
) -> np.ndarray:
    """One clip of every gesture, evenly spaced pictures of each: one RGB picture (H, W, 3), uint8.

    Args:
        source: where the clips come from.
        frames: pictures of a clip.
        columns: gestures side by side; they follow the label list down the columns.
        height: of each picture, pixels.
        first_round: the clips are those of the index 27 * `first_round` on.
    """
    first = first_round * len(source.labels)
    clip_of = {source.label_of(index): index for index in range(first, first + len(source.labels))}
    strips = [_strip(source, clip_of[label], frames, height) for label in range(len(source.labels))]
    rows = -(-len(strips) // columns)
    strips += [np.full_like(strips[0], 255)] * (rows * columns - len(strips))
    gap = np.full((rows * strips[0].shape[0], _GAP, 3), 255, np.uint8)
    parts: list[np.ndarray] = []
    for column in range(columns):
        parts += [np.concatenate(strips[column * rows : (column + 1) * rows]), gap]
    return np.concatenate(parts[:-1], axis=1)


def _strip(source: RenderedClips, index: int, frames: int, height: int) -> np.ndarray:
    times = (np.arange(frames) + 0.5) / frames * source.frame_count(index)
    pictures = source.frames(index, times.astype(int).tolist())
    width = round(height * source.width / source.height)
    small = [cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA) for picture in pictures]
    caption = np.full((_CAPTION_HEIGHT, frames * width, 3), 255, np.uint8)
    text = source.labels[source.label_of(index)]
    cv2.putText(caption, text, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (20, 20, 20), 1, cv2.LINE_AA)
    return np.concatenate([caption, np.concatenate(small, axis=1)])
