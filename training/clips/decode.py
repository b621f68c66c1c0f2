"""Decodes frames of video files and of folders of numbered pictures with OpenCV, as RGB.

Axes: n wanted frames, H height, W width, 3 colours in the order RGB.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

# FFmpeg complains about broken files without naming them, and ClipError names them. Read at the first video.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np

from training.clips.source import ClipError

# OpenCV's threads hang in forked workers; frames are small, and the workers are the parallelism.
cv2.setNumThreads(0)

_PICTURES = (".jpg", ".jpeg", ".png")
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


def count_frames(path: Path, name: str) -> int:
    """Number of frames that can be decoded: grabbed one by one, since containers declare wrong numbers.

    Args:
        path: a video file or a folder of numbered pictures.
        name: names the clip in errors.

    Raises:
        ClipError: missing, empty or undecodable.
    """
    if path.is_dir():
        return len(_list_pictures(path, name))
    capture = open_video(path, name)
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    if count == 0:
        raise ClipError(name, f"broken: no frame of {path} can be decoded")
    return count


def read_frames(path: Path, name: str, frame_indices: Sequence[int]) -> np.ndarray:
    """The wanted frames, uint8 (n, H, W, 3) RGB, in the wanted order, upright if the file says how.

    A video is decoded from its start up to the last wanted frame: seeking lands on other frames with some
    codecs and containers. Of a folder only the wanted pictures are read.

    Raises:
        ClipError: missing, empty, undecodable, or a wanted frame lies outside the clip.
    """
    wanted = [int(index) for index in frame_indices]
    if not wanted:
        raise ValueError("frame_indices is empty; expected at least one frame")
    if min(wanted) < 0:
        raise ValueError(f"frame_indices holds {min(wanted)}; frames count from 0")
    by_index = _read_pictures(path, name, wanted) if path.is_dir() else _read_video(path, name, wanted)
    frames = [by_index[index] for index in wanted]
    shapes = {frame.shape for frame in frames}
    if len(shapes) > 1:
        sizes = " and ".join(f"{width} x {height}" for height, width, _ in sorted(shapes))
        raise ClipError(name, f"broken: frames of different sizes ({sizes}) in {path}")
    return np.stack(frames)


def iterate_frames(path: Path, name: str) -> Iterator[np.ndarray]:
    """Yields every frame, uint8 (H, W, 3) RGB, decoding once. Raises ClipError."""
    if path.is_dir():
        for picture in _list_pictures(path, name):
            yield _read_picture(picture, name)
        return
    capture = open_video(path, name)
    empty = True
    while capture.grab():
        empty = False
        yield retrieve(capture, path, name)
    capture.release()
    if empty:
        raise ClipError(name, f"broken: no frame of {path} can be decoded")


def open_video(path: Path, name: str) -> cv2.VideoCapture:
    """A video file whose frames are grabbed upright, one by one. Raises ClipError."""
    if not path.exists():
        raise ClipError(name, f"missing: there is no {path}")
    if path.stat().st_size == 0:
        raise ClipError(name, f"empty: {path} has 0 bytes")
    with _silent_opencv():
        # FFmpeg by name: other backends take some file names for a pattern of numbered pictures.
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise ClipError(name, f"broken: {path} is no video that OpenCV can decode")
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture


@contextlib.contextmanager
def _silent_opencv() -> Iterator[None]:
    """No warnings of OpenCV's own: the ClipError that follows says more."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _read_video(path: Path, name: str, wanted: list[int]) -> dict[int, np.ndarray]:
    capture = open_video(path, name)
    kept: dict[int, np.ndarray] = {}
    needed = set(wanted)
    for position in range(max(wanted) + 1):
        if not capture.grab():
            reason = f"too short: frame {max(wanted)} is wanted, {position} can be decoded"
            raise ClipError(name, reason if position else f"broken: no frame of {path} can be decoded")
        if position in needed:
            kept[position] = retrieve(capture, path, name)
    capture.release()
    return kept


def retrieve(capture: cv2.VideoCapture, path: Path, name: str) -> np.ndarray:
    """The frame grabbed last, uint8 (H, W, 3) RGB. Raises ClipError."""
    decoded, frame_BGR = capture.retrieve()
    if not decoded or frame_BGR is None:
        raise ClipError(name, f"broken: a frame of {path} cannot be decoded")
    return cv2.cvtColor(frame_BGR, cv2.COLOR_BGR2RGB)


def _list_pictures(path: Path, name: str) -> list[Path]:
    """The pictures in the order of their numbers."""
    try:
        with os.scandir(path) as entries:
            files = [entry.name for entry in entries]
    except PermissionError:
        raise ClipError(name, f"no permission to read {path}") from None
    numbered = sorted(
        (int(stem), file)
        for stem, extension in map(os.path.splitext, files)
        if extension.lower() in _PICTURES and stem.isdecimal()
        for file in [stem + extension]
    )
    if not numbered:
        raise ClipError(name, f"empty: {path} holds no numbered jpg files (00001.jpg, 00002.jpg, ...)")
    for (number, file), (after, file_after) in itertools.pairwise(numbered):
        if after == number:
            raise ClipError(name, f"broken: {file} and {file_after} in {path} have the same number")
        if after > number + 1:
            raise ClipError(name, f"broken: {file_after} follows {file} in {path}, a frame is missing")
    return [path / file for _, file in numbered]


def _read_pictures(path: Path, name: str, wanted: list[int]) -> dict[int, np.ndarray]:
    pictures = _list_pictures(path, name)
    if max(wanted) >= len(pictures):
        raise ClipError(name, f"too short: frame {max(wanted)} is wanted, {path} holds {len(pictures)}")
    return {index: _read_picture(pictures[index], name) for index in set(wanted)}


def _read_picture(picture: Path, name: str) -> np.ndarray:
    """One picture, uint8 (H, W, 3) RGB; turned upright by its EXIF data."""
    try:
        data = picture.read_bytes()
    except OSError as error:
        raise ClipError(name, f"broken: {picture} cannot be read ({error.strerror})") from None
    if not data:
        raise ClipError(name, f"empty: {picture} has 0 bytes")
    # OpenCV fills what a cut-off JPEG lacks with grey and says nothing.
    if data.startswith(_JPEG_START) and _JPEG_END not in data[-4096:]:
        raise ClipError(name, f"broken: {picture} is cut off")
    frame_BGR = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if frame_BGR is None:
        raise ClipError(name, f"broken: {picture} is no picture that OpenCV can decode")
    return cv2.cvtColor(frame_BGR, cv2.COLOR_BGR2RGB)
