"""Clips that lie on disk, as a clip source, and the cache that keeps any source's clips in memory.

Axes: n wanted frames, H height, W width, 3 colours in the order RGB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from tqdm import tqdm

from training.clips.decode import count_frames, iterate_frames, read_frames
from training.clips.index import ClipIndex
from training.clips.source import ClipError, ClipSource
from training.common.errors import UserError

_NOT_COUNTED = -1


class FileClips:
    """The clips of an index, decoded when asked for (a `ClipSource`)."""

    def __init__(self, index: ClipIndex) -> None:
        self.index = index
        self.labels = index.labels
        # Shared memory, so that a clip counted in one worker process is counted for all and for later epochs.
        self._frame_counts = torch.full((len(index),), _NOT_COUNTED, dtype=torch.int32).share_memory_()

    def __len__(self) -> int:
        return len(self.index.records)

    def label_of(self, index: int) -> int:
        """Class id, `UNLABELLED` in a published test split."""
        return self.index.records[index].label

    def name_of(self, index: int) -> str:
        """The clip's id in its data set."""
        return self.index.records[index].name

    def frame_count(self, index: int) -> int:
        """Number of frames that can be decoded; the first call decodes the clip. Raises ClipError."""
        count = int(self._frame_counts[index])
        if count == _NOT_COUNTED:
            record = self.index.records[index]
            count = count_frames(record.path, record.name)
            self._frame_counts[index] = count
        return count

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The wanted frames, uint8 (n, H, W, 3) RGB, in the wanted order. Raises ClipError."""
        record = self.index.records[index]
        return read_frames(record.path, record.name, frame_indices)

    def iterate_frames(self, index: int) -> Iterator[np.ndarray]:
        """Yields every frame, uint8 (H, W, 3) RGB, decoding once. Raises ClipError."""
        record = self.index.records[index]
        return iterate_frames(record.path, record.name)


class CachedClips:
    """All frames of another source's clips in memory, shrunk to a short side: decode once, train many epochs.

    A short side of S / crop_fraction fits training at size S, as the paper's 256 fits 224. What is evaluated
    through the cache is resized twice, and the phone resizes once: final figures come from the source itself.

    Args:
        source: the clips to keep. A broken clip is no error here but when it is asked for.
        short_side: pixels; smaller frames stay as they are.
        max_gib: refuses to hold more than this; worker processes that are forked share the memory.
        progress: shows a bar while filling.
    """

    def __init__(self, source: ClipSource, *, short_side: int, max_gib: float = 8.0, progress: bool = True) -> None:
        self.labels = source.labels
        self._labels = [source.label_of(index) for index in range(len(source))]
        self._names = [source.name_of(index) for index in range(len(source))]
        self._clips: list[np.ndarray | ClipError] = []
        held = 0
        with tqdm(range(len(source)), desc="decoding clips", unit="clip", disable=not progress) as bar:
            for index in bar:
                clip = _read_shrunk(source, index, short_side)
                held += clip.nbytes if isinstance(clip, np.ndarray) else 0
                if held > max_gib * 2**30:
                    raise UserError(
                        f"{index + 1} of {len(source)} clips at short side {short_side} fill {max_gib:g} GiB"
                        " of memory; train without the cache, or with a smaller short side"
                    )
                self._clips.append(clip)
                bar.set_postfix_str(f"{held / 2**20:.0f} MiB", refresh=False)
        self.nbytes = held

    def __len__(self) -> int:
        return len(self._clips)

    def label_of(self, index: int) -> int:
        """Class id."""
        return self._labels[index]

    def name_of(self, index: int) -> str:
        """Name for messages."""
        return self._names[index]

    def frame_count(self, index: int) -> int:
        """Number of frames. Raises ClipError."""
        return len(self._clip(index))

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """A copy of the wanted frames, uint8 (n, H, W, 3) RGB. Raises ClipError."""
        clip = self._clip(index)
        if max(frame_indices) >= len(clip):
            raise ClipError(self._names[index], f"too short: frame {max(frame_indices)} is wanted of {len(clip)}")
        return clip[np.asarray(frame_indices, dtype=np.intp)]

    def _clip(self, index: int) -> np.ndarray:
        clip = self._clips[index]
        if isinstance(clip, ClipError):
            raise ClipError(clip.name, clip.reason)  # a new one each time: an old one gathers tracebacks
        return clip


def _read_shrunk(source: ClipSource, index: int, short_side: int) -> np.ndarray | ClipError:
    """All frames of one clip, uint8 (n, H, W, 3), or why there are none."""
    try:
        if isinstance(source, FileClips):  # frame by frame: no long video in memory at full size
            frames = [_shrink(frame, short_side) for frame in source.iterate_frames(index)]
        else:
            every = source.frames(index, range(source.frame_count(index)))
            frames = [_shrink(frame, short_side) for frame in every]
    except ClipError as error:
        return error
    if len({frame.shape for frame in frames}) > 1:
        return ClipError(source.name_of(index), "broken: its frames have different sizes")
    return np.stack(frames)


def _shrink(frame_HWC: np.ndarray, short_side: int) -> np.ndarray:
    height, width = frame_HWC.shape[:2]
    factor = short_side / min(height, width)
    if factor >= 1:
        return frame_HWC
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(frame_HWC, size, interpolation=cv2.INTER_AREA)
