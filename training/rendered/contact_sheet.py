"""A contact sheet: every gesture as a row of frames over time."""

from __future__ import annotations

import numpy as np

from training.clips import sheet
from training.rendered.clips import RenderedClips


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
    clips = [clip_of[label] for label in range(len(source.labels))]
    tile = (height, round(height * source.width / source.height))
    return sheet.contact_sheet(source, clips, frames=frames, columns=columns, tile=tile)
