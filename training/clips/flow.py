"""Optical flow in place of frames, for the two-stream networks: computed with OpenCV, kept on disk.

A stacked field stands in place of one frame: the displacements from frame i to i + 1, i + 1 to i + 2, ... of five
neighbouring pairs, x and y of each, as in Temporal Segment Networks (there by TV-L1, which OpenCV's main modules lack;
here by dense inverse search).

Axes: n wanted frames, F fields, H height, W width, 2 displacements (x, y), C = 10 channels of a stack.
"""

from __future__ import annotations

import itertools
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.clips.input_spec import FLOW_FIELDS
from training.clips.source import ClipError, ClipSource, DerivedClips
from training.common.errors import UserError
from training.common.files import atomic_path

BOUND = 20.0  # pixels; larger displacements are cut, as TSN does
_ZERO, _STEPS = 128, 127  # 128 means no motion, 1 to 255 -20 to 20 pixels: as many to the left as to the right
_QUALITY = 95
_FORMAT = "sth-flow/1"


def compute_flow(frames_THWC: np.ndarray) -> np.ndarray:
    """Displacements in pixels from each frame to the next, uint8 (T, H, W, 3) RGB -> float32 (T - 1, H, W, 2)."""
    method: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in frames_THWC]
    return np.stack([method.calc(a, b, None) for a, b in itertools.pairwise(grey)])


def quantized(flow_FHW2: np.ndarray) -> np.ndarray:
    """Displacements as bytes: ``128 + round(127 d / 20)`` for -20 to 20 pixels."""
    steps = np.rint(np.clip(flow_FHW2, -BOUND, BOUND) * (_STEPS / BOUND))
    return (steps + _ZERO).astype(np.uint8)


class FlowClips(DerivedClips):
    """A source's clips as stacked optical flow, uint8 (n, H, W, 10) (a `ClipSource`).

    Args:
        source: the frames; a clip of fewer than six has no stack.
        cache: folder that keeps the flow of each clip of one data set in a file; "" computes it every time. Worker
            processes and runs may share it.
        size: of the frames, as the files' names have it ("256x340").
    """

    def __init__(self, source: ClipSource, cache: Path | str = "", size: str = "") -> None:
        super().__init__(source)
        self._size = size
        self._cache = Path(cache) if cache else None

    def frame_count(self, index: int) -> int:
        """Number of stacks. Raises ClipError."""
        return max(0, self.source.frame_count(index) - FLOW_FIELDS)

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The wanted stacks, uint8 (n, H, W, 10), in their order. Raises ClipError and, of a bad cache, UserError."""
        wanted = sorted({first + field for first in frame_indices for field in range(FLOW_FIELDS)})
        fields = self._fields(index, wanted)
        stacks = [[fields[first + field] for field in range(FLOW_FIELDS)] for first in frame_indices]
        return np.stack([np.concatenate(stack, axis=-1) for stack in stacks])

    def prepare(self, index: int) -> bool:
        """Compute a clip's flow if the cache lacks it; returns whether it did. Raises ClipError, UserError."""
        file = self._file(index)
        if file is None or file.exists():
            return False
        _write(file, self.name_of(index), self._compute(index))
        return True

    def _fields(self, index: int, wanted: Sequence[int]) -> dict[int, np.ndarray]:
        """Fields uint8 (H, W, 2) by their number."""
        file = self._file(index)
        if file is None:  # the frames around the wanted fields only
            needed = sorted({number + step for number in wanted for step in (0, 1)})
            place = {number: position for position, number in enumerate(needed)}
            frames = self.source.frames(index, needed)
            pairs = [frames[[place[number], place[number + 1]]] for number in wanted]
            return {number: quantized(compute_flow(pair))[0] for number, pair in zip(wanted, pairs, strict=True)}
        self.prepare(index)
        return _read(file, self.name_of(index), wanted)

    def _compute(self, index: int) -> np.ndarray:
        count = self.source.frame_count(index)
        if count <= FLOW_FIELDS:
            raise ClipError(self.name_of(index), f"too short: {count} frames, a stack of flow needs {FLOW_FIELDS + 1}")
        return quantized(compute_flow(self.source.frames(index, range(count))))

    def _file(self, index: int) -> Path | None:
        if self._cache is None:
            return None
        size = f".{self._size}" if self._size else ""
        return self._cache / f"{urllib.parse.quote(self.name_of(index), safe=' ')}{size}.flow.npz"


def _write(file: Path, name: str, fields_FHW2: np.ndarray) -> None:
    """x and y of each field as two grey JPEG pictures (as TSN keeps them), one above the other."""
    pictures = []
    for field_HW2 in fields_FHW2:
        both = np.concatenate([field_HW2[..., 0], field_HW2[..., 1]])
        pictures.append(cv2.imencode(".jpg", both, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].ravel())
    ends = np.cumsum([len(picture) for picture in pictures])
    try:
        with atomic_path(file) as temporary:
            np.savez(temporary, format=_FORMAT, name=name, ends=ends, pictures=np.concatenate(pictures))
    except OSError as error:
        raise UserError(
            f"cannot write {file}: {error.strerror or error}; make room, or choose another flow_cache"
        ) from error


def _read(file: Path, name: str, wanted: Sequence[int]) -> dict[int, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as held:
            if str(held["format"]) != _FORMAT:
                raise ValueError("another format")
            theirs, ends, pictures = str(held["name"]), held["ends"], held["pictures"]
    except Exception as error:  # numpy raises anything on bytes that it never wrote
        raise UserError(f"{file} is no flow of this project ({type(error).__name__}); remove it") from error
    if theirs != name or max(wanted) >= len(ends):
        raise UserError(f"{file} holds {len(ends)} fields of {theirs}, not those of {name}; give each data set its own")
    fields = {}
    for number in wanted:
        begin = ends[number - 1] if number else 0
        both = cv2.imdecode(pictures[begin : ends[number]], cv2.IMREAD_GRAYSCALE)
        if both is None:
            raise UserError(f"{file} is damaged; remove it")
        height = both.shape[0] // 2
        fields[number] = np.maximum(np.stack([both[:height], both[height:]], axis=-1), 1)  # JPEG may say 0
    return fields
