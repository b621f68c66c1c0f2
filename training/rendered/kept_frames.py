"""Frames of rendered clips kept on disk: runs that want the same frames of the same clips draw them once.

Axes: n wanted frames, H height, W width, 3 colours in the order RGB.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.clips.source import DerivedClips
from training.common.errors import UserError
from training.common.files import atomic_path
from training.rendered.clips import RenderedClips

_FOLDER_CLIPS = 1000  # a folder of all clips would be slow to look into


@functools.cache
def _renderer() -> str:
    """Which renderer drew a picture: a hash of its code."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


class KeptFrames(DerivedClips):
    """Rendered clips whose frames are drawn when first asked for (a `ClipSource`).

    Args:
        source: draws what is missing.
        folder: worker processes and runs may share it. What another version of the renderer drew is not used.
    """

    endless = True

    def __init__(self, source: RenderedClips, folder: Path | str) -> None:
        super().__init__(source)
        self._folder = Path(folder) / f"rendered-{source.seed}-{source.height}x{source.width}-{_renderer()}"

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The wanted frames, uint8 (n, H, W, 3) RGB, in the wanted order.

        Raises:
            UserError: a kept file is damaged, or none can be written.
        """
        numbers = "-".join(map(str, frame_indices))
        file = self._folder / str(index // _FOLDER_CLIPS) / f"{index}-{numbers}.npy"
        if not file.exists():
            _write(file, self.source.frames(index, frame_indices))
        try:
            frames: np.ndarray = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(f"{file} is damaged ({error}); remove it") from error
        return frames


def _write(file: Path, frames_nHWC: np.ndarray) -> None:
    try:
        with atomic_path(file) as temporary:
            np.save(temporary, frames_nHWC)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write {file}: {reason}; make room, or choose another frame_cache") from error
