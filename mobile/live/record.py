"""Recordings of what the live window shows: an mp4, or a small GIF. Whole at the end, or absent.

Axes: H row, W column, 3 colours in the order RGB.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from PIL import Image

from mobile.live.overlay import COLOURS
from training.common.errors import UserError
from training.common.files import atomic_path

SUFFIXES = (".mp4", ".gif")
GIF_RATE = 6.0
GIF_COLOURS = 96
_MP4_RATES = (1.0, 60.0)
_USUAL_RATE = 30.0
_STILL = 12  # a pixel of a GIF whose colours all differ by less stays as it was: noise costs most of the bytes
_SAMPLES = 12  # frames that the palette is made from


class Screen(Protocol):
    """What takes the frames of the live loop."""

    def show(self, image_HWC: np.ndarray, time_ms: int) -> bool:
        """A picture, uint8 (H, W, 3), at a time that does not go back; False if nobody wants more."""

    def alive(self) -> bool:
        """Called while there is no picture; False if nobody wants more."""


class Mp4Recorder:
    """Frames at a constant rate: one is repeated or left out where the times say so."""

    def __init__(self, path: Path, rate: float) -> None:
        self._path, self._rate = path, rate if _MP4_RATES[0] <= rate <= _MP4_RATES[1] else _USUAL_RATE
        self._writer: cv2.VideoWriter | None = None
        self._last_HWC: np.ndarray | None = None
        self._origin = self._written = 0

    def show(self, image_HWC: np.ndarray, time_ms: int) -> bool:
        if self._last_HWC is None:
            self._origin = time_ms
            self._open(image_HWC)
        elif image_HWC.shape != self._last_HWC.shape:  # the camera came back with another size
            image_HWC = cv2.resize(image_HWC, self._last_HWC.shape[1::-1], interpolation=cv2.INTER_AREA)
        place = round((time_ms - self._origin) * self._rate / 1000)
        while self._last_HWC is not None and self._written < place:
            self._write(self._last_HWC)
        self._last_HWC = image_HWC
        return True

    def alive(self) -> bool:
        return True

    def finish(self) -> None:
        """Write the last frame and the file's end.

        Raises:
            UserError: there was no frame.
        """
        if self._last_HWC is None or self._writer is None:
            raise UserError("there is nothing to record: the source gave no frame")
        self._write(self._last_HWC)
        self._writer.release()

    def close(self) -> None:
        """Let go of the file."""
        if self._writer is not None:
            self._writer.release()

    def _open(self, image_HWC: np.ndarray) -> None:
        height, width = image_HWC.shape[:2]
        self._writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*"mp4v"), self._rate, (width, height))
        if not self._writer.isOpened():
            raise UserError(f"this OpenCV cannot write {self._path.name}; record a .gif")

    def _write(self, image_HWC: np.ndarray) -> None:
        assert self._writer is not None
        self._writer.write(cv2.cvtColor(image_HWC, cv2.COLOR_RGB2BGR))
        self._written += 1


class GifRecorder:
    """A GIF of one palette, whose frames hold only what changed. Frames wait as PNG files in a folder.

    Args:
        folder: an empty one that its owner removes.
        width: pixels.
        rate: most frames a second.
    """

    def __init__(self, path: Path, folder: Path, *, width: int, rate: float = GIF_RATE) -> None:
        self._path, self._folder, self._width, self._rate = path, folder, width, rate
        self._last_HWC: np.ndarray | None = None
        self._times: list[int] = []
        self._end = 0

    def show(self, image_HWC: np.ndarray, time_ms: int) -> bool:
        self._end = time_ms
        if self._times and (time_ms - self._times[0]) * self._rate < 1000 * len(self._times):
            return True
        if self._last_HWC is not None:
            size = self._last_HWC.shape[1::-1]
        else:
            size = (self._width, round(self._width * image_HWC.shape[0] / image_HWC.shape[1]))
        small_HWC = cv2.resize(image_HWC, size, interpolation=cv2.INTER_AREA)
        if self._last_HWC is not None:
            change_HW1 = cv2.absdiff(small_HWC, self._last_HWC).max(axis=2, keepdims=True)
            small_HWC = np.where(change_HW1 < _STILL, self._last_HWC, small_HWC)
        Image.fromarray(small_HWC).save(self._file(len(self._times)), compress_level=1)
        self._times.append(time_ms)
        self._last_HWC = small_HWC
        return True

    def alive(self) -> bool:
        return True

    def finish(self) -> None:
        """Write the file.

        Raises:
            UserError: there was no frame.
        """
        if not self._times:
            raise UserError("there is nothing to record: the source gave no frame")
        palette = self._palette()
        first, *rest = range(len(self._times))
        self._quantized(first, palette).save(
            self._path, format="GIF", save_all=True, append_images=(self._quantized(i, palette) for i in rest),
            duration=self._durations(), loop=0, optimize=False, disposal=1,
        )  # fmt: skip

    def close(self) -> None:
        """Nothing is open."""

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:06d}.png"

    def _palette(self) -> Image.Image:
        chosen = sorted({round(i) for i in np.linspace(0, len(self._times) - 1, _SAMPLES)})
        sheet = np.concatenate([np.asarray(Image.open(self._file(number))) for number in chosen])
        found = Image.fromarray(sheet).quantize(GIF_COLOURS - len(COLOURS), method=Image.Quantize.MEDIANCUT)
        colours = (found.getpalette() or [])[: 3 * (GIF_COLOURS - len(COLOURS))]
        palette = Image.new("P", (1, 1))
        palette.putpalette([*colours, *(value for colour in COLOURS for value in colour)])
        return palette

    def _quantized(self, number: int, palette: Image.Image) -> Image.Image:
        return Image.open(self._file(number)).quantize(palette=palette, dither=Image.Dither.NONE)

    def _durations(self) -> list[int]:
        """Milliseconds of each frame in the format's hundredths of a second, whose rounding does not add up."""
        end = self._end + round(1000 / self._rate) if len(self._times) == 1 else max(self._end, self._times[-1] + 20)
        marks = [10 * round((time - self._times[0]) / 10) for time in [*self._times, end]]
        return [max(20, after - mark) for mark, after in itertools.pairwise(marks)]


def check_target(path: Path, width: int) -> None:
    """Refuse a recording that could not be written, before anything runs.

    Raises:
        UserError: another kind of file, or a width out of range.
    """
    if path.suffix not in SUFFIXES:
        raise UserError(f"--record is {path}; expected a name ending in {' or '.join(SUFFIXES)}")
    if not 64 <= width <= 1920:
        raise UserError(f"--width is {width}; expected 64 to 1920 pixels")


@contextlib.contextmanager
def open_recorder(path: Path, *, rate: float, width: int) -> Iterator[Screen]:
    """Records into ``path`` what the block shows; after an exception there is no file, or the one that was there.

    Raises:
        UserError: nothing was shown, or the file cannot be written.
    """
    with atomic_path(path) as temporary:
        folder = temporary.parent / "frames"
        folder.mkdir()
        recorder = (
            Mp4Recorder(temporary, rate) if path.suffix == ".mp4" else GifRecorder(temporary, folder, width=width)
        )
        try:
            yield recorder
            recorder.finish()
        finally:
            recorder.close()
        if not temporary.is_file() or not temporary.stat().st_size:
            raise UserError(f"cannot write {path}: no video came out of it; is the disk full?")
