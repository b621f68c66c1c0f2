"""A contact sheet: every gesture in one row of frames over time."""

from __future__ import annotations

import cv2
import numpy as np

from training.rendered.clips import RenderedClips


def _captioned(strip_HWC: np.ndarray, caption: str) -> np.ndarray:
    bar = np.full((18, strip_HWC.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, caption, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (20, 20, 20), 1, cv2.LINE_AA)
    return np.concatenate([bar, strip_HWC])


def contact_sheet(source: RenderedClips, *, frames: int = 6, columns: int = 3, first: int = 0) -> np.ndarray:
    """One clip of every gesture, `frames` pictures each, evenly spaced over time, as one RGB picture (H, W, 3).

    Gestures follow the label list, top to bottom, then on to the next of `columns` columns. The clips are those of
    `source` from the index `first` on.
    """
    clip_of = {source.label_of(index): index for index in range(first, first + len(source.labels))}
    strips = []
    for label, gesture in enumerate(source.labels):
        index = clip_of[label]
        times = (np.arange(frames) + 0.5) / frames * source.frame_count(index)
        pictures = source.frames(index, times.astype(int).tolist())
        strips.append(_captioned(np.concatenate(list(pictures), axis=1), gesture))
    rows = -(-len(strips) // columns)
    strips += [np.full_like(strips[0], 255)] * (rows * columns - len(strips))
    gap = np.full((rows * strips[0].shape[0], 8, 3), 255, np.uint8)
    parts: list[np.ndarray] = []
    for column in range(columns):
        parts += [np.concatenate(strips[column * rows : (column + 1) * rows]), gap]
    return np.concatenate(parts[:-1], axis=1)
