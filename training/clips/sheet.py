"""Contact sheets: clips as rows of pictures over time, to look at before a run."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from training.clips.source import ClipError, ClipSource

_CAPTION_HEIGHT, _GAP = 18, 8


def contact_sheet(
    source: ClipSource,
    clips: Sequence[int],
    *,
    frames: int = 6,
    columns: int = 3,
    tile: tuple[int, int] = (76, 102),
) -> np.ndarray:
    """The clips with these numbers, evenly spaced pictures of each: one RGB picture (H, W, 3), uint8.

    Args:
        frames: pictures of a clip.
        columns: clips side by side; they follow down the columns.
        tile: height and width of each picture in pixels; frames are shrunk into it and keep their shape.

    A clip that cannot be read is a grey row whose caption says so.
    """
    strips = [_strip(source, index, frames, tile) for index in clips]
    rows = -(-len(strips) // columns)
    strips += [np.full_like(strips[0], 255)] * (rows * columns - len(strips))
    gap = np.full((rows * strips[0].shape[0], _GAP, 3), 255, np.uint8)
    parts: list[np.ndarray] = []
    for column in range(columns):
        parts += [np.concatenate(strips[column * rows : (column + 1) * rows]), gap]
    return np.concatenate(parts[:-1], axis=1)


def one_clip_per_label(source: ClipSource, most: int) -> list[int]:
    """Numbers of the first clip of each label, of at most `most` labels spread over the list."""
    first: dict[int, int] = {}
    for index in range(len(source)):
        first.setdefault(source.label_of(index), index)
    labels = sorted(first)
    chosen = np.linspace(0, len(labels) - 1, min(most, len(labels))).round().astype(int)
    return [first[labels[position]] for position in chosen]


def _strip(source: ClipSource, index: int, frames: int, tile: tuple[int, int]) -> np.ndarray:
    height, width = tile
    label = source.label_of(index)
    text = source.labels[label] if label >= 0 else source.name_of(index)
    try:
        times = (np.arange(frames) + 0.5) / frames * source.frame_count(index)
        pictures = [_fit(picture, tile) for picture in source.frames(index, times.astype(int).tolist())]
    except ClipError as error:
        pictures = [np.full((height, width, 3), 128, np.uint8)] * frames
        text = str(error)
    caption = np.full((_CAPTION_HEIGHT, frames * width, 3), 255, np.uint8)
    # OpenCV draws ASCII only
    cv2.putText(caption, text.encode("ascii", "replace").decode(), (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42,
                (20, 20, 20), 1, cv2.LINE_AA)  # fmt: skip
    return np.concatenate([caption, np.concatenate(pictures, axis=1)])


def _fit(picture_HWC: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """The whole picture in the middle of a tile."""
    rows, columns = picture_HWC.shape[:2]
    share = min(tile[0] / rows, tile[1] / columns)
    size = (min(tile[1], max(1, round(columns * share))), min(tile[0], max(1, round(rows * share))))
    small = cv2.resize(picture_HWC, size, interpolation=cv2.INTER_AREA)
    top, left = (tile[0] - size[1]) // 2, (tile[1] - size[0]) // 2
    framed = np.full((*tile, 3), 128, np.uint8)
    framed[top : top + size[1], left : left + size[0]] = small
    return framed
