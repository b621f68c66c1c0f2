"""Writes small clips to disk for tests. A frame's grey level tells its number; arrays are RGB."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

RED = (255, 0, 0)


def level_of(number: int) -> int:
    """Grey level of frame `number`: 10 apart, so that a lossy codec cannot confuse two frames."""
    return 10 + 10 * number


def grey_frames(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    return [np.full((height, width, 3), level_of(number), np.uint8) for number in range(count)]


def number_of(frame: np.ndarray) -> int:
    """The number of a frame of `grey_frames`, read back from its grey level."""
    return round((float(frame.mean()) - 10) / 10)


def plain_frame(colour: Sequence[int], height: int = 48, width: int = 64) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy()


def write_folder(folder: Path, frames: Iterable[np.ndarray]) -> Path:
    """A clip as Jester has it: 00001.jpg, 00002.jpg, ..."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, start=1):
        assert cv2.imwrite(str(folder / f"{number:05d}.jpg"), frame[:, :, ::-1])
    return folder


def write_video(path: Path, frames: Sequence[np.ndarray], codec: str = "mp4v") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 12.0, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()
    return path


def turn_clockwise(path: Path) -> None:
    """Makes an mp4 say that it must be turned by 90 degrees clockwise to be upright, as phones write it."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # ISO 14496-12, track header of version 0
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def write_jester(root: Path, clips: dict[str, int], labels: Sequence[str], *, split: str = "train") -> Path:
    """A Jester data set of 12-frame clips: class id by clip id."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "jester-v1-labels.csv").write_text("".join(f"{label}\n" for label in labels))
    lines = [f"{name};{labels[label]}\n" if split != "test" else f"{name}\n" for name, label in clips.items()]
    (root / f"jester-v1-{split}.csv").write_text("".join(lines))
    for name in clips:
        write_folder(root / "20bn-jester-v1" / name, grey_frames(12))
    return root


def jester_folder(root: Path, *, broken: tuple[str, ...] = (), second: str = "Stop Sign") -> Path:
    """Six training clips of two classes and two for validation; the pictures of broken ones are empty files."""
    labels = ["Thumb Up", second]
    write_jester(root, {str(number): number % 2 for number in range(6)}, labels)
    write_jester(root, {"10": 0, "11": 1}, labels, split="validation")
    for name in broken:
        for picture in (root / "20bn-jester-v1" / name).iterdir():
            picture.write_bytes(b"")
    return root


class ArrayClips:
    """A clip source of arrays in memory, for tests of what comes after decoding."""

    def __init__(self, clips: Sequence[np.ndarray], labels: Sequence[str], label_ids: Sequence[int]) -> None:
        self.clips, self.labels, self.label_ids = clips, list(labels), label_ids

    def __len__(self) -> int:
        return len(self.clips)

    def label_of(self, index: int) -> int:
        return self.label_ids[index % len(self.clips)]

    def name_of(self, index: int) -> str:
        return f"array-{index}"

    def frame_count(self, index: int) -> int:
        return len(self.clips[index % len(self.clips)])

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        return self.clips[index % len(self.clips)][list(frame_indices)]
