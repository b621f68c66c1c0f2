"""Rendered gesture clips as a clip source: pictures are drawn when asked for, from seed and index alone."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.common.errors import UserError
from training.rendered.draw import draw_frames
from training.rendered.gestures import GESTURES, REVERSED, forward_motion
from training.rendered.scene import make_scene

LABELS_FILE = Path(__file__).parents[1] / "labels" / "jester.csv"
SHORTEST, LONGEST = 28, 44  # frames of a clip, at Jester's 12 frames a second


@functools.cache
def jester_labels() -> tuple[str, ...]:
    """The 27 class names of Jester, in the order of its own label list."""
    labels = tuple(line.strip() for line in LABELS_FILE.read_text(encoding="utf-8").splitlines() if line.strip())
    if set(labels) != GESTURES:
        raise UserError(f"{LABELS_FILE}: expected the 27 labels of Jester; restore the file from the repository")
    return labels


def check_numbers(what: str, count: int, seed: int, height: int, width: int) -> None:
    """Refuse numbers that no rendered data can have; ``what`` says of which kind they are.

    Raises:
        UserError: a number is out of range.
    """
    for name, value, least in (("count", count, 1), ("seed", seed, 0), ("height", height, 32), ("width", width, 32)):
        if value < least:
            raise UserError(f"{name} is {value}; rendered {what} need {name} >= {least}")


class GestureClips(ABC):
    """Generated clips of the 27 Jester gestures, each class equally often: a `training.clips.source.ClipSource`.

    A clip is a function of seed, index and picture size only: not of the frames asked for, nor of the number
    of clips. From a multiple of 27 on, 27 clips hold each class once, in a seeded order.

    Args:
        count: number of clips; clips past it can be had too (`endless`).
        seed: any integer >= 0; different seeds give different clips.
        height, width: size of the pictures in pixels (Jester's are 100 high).

    Attributes:
        kind: first word of the clips' names.
        key: keeps one generator's random numbers apart from another's.

    Raises:
        UserError: a number is out of range.
    """

    endless = True
    kind: str
    key: tuple[int, ...] = ()

    def __init__(self, count: int, seed: int, *, height: int, width: int) -> None:
        check_numbers("clips", count, seed, height, width)
        self.count, self.seed, self.height, self.width = count, seed, height, width
        self.labels = list(jester_labels())

    def __len__(self) -> int:
        return self.count

    def label_of(self, index: int) -> int:
        """Class id of a clip."""
        self._check(index)
        round_number, place = divmod(index, len(self.labels))
        order = np.random.default_rng([self.seed, round_number, 0, 27]).permutation(len(self.labels))
        return int(order[place])

    def name_of(self, index: int) -> str:
        """Name of a clip for messages, for example `rendered-7-000012`."""
        return f"{self.kind}-{self.seed}-{index:06d}"

    def frame_count(self, index: int) -> int:
        """Frames of a clip, 28 to 44."""
        self._check(index)
        return int(self._random(index, 0).integers(SHORTEST, LONGEST + 1))

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The wanted frames in the wanted order, uint8 (n, H, W, 3) RGB. Raises IndexError past the end."""
        return self.frames_as(self.labels[self.label_of(index)], index, frame_indices)

    @abstractmethod
    def frames_as(self, gesture: str, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The same hand, place and surroundings as clip `index`, making another gesture."""

    def _random(self, index: int, part: int) -> np.random.Generator:
        """Random numbers of one part of one clip."""
        return np.random.default_rng([*self.key, self.seed, index, part])

    def _wanted(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The frame numbers as an array. Raises IndexError past the end."""
        count = self.frame_count(index)
        wanted = np.asarray(frame_indices, dtype=int)
        if wanted.size and not (0 <= wanted.min() and wanted.max() < count):
            raise IndexError(f"clip {self.name_of(index)} has frames 0 to {count - 1}; asked for {wanted.tolist()}")
        return wanted

    def _check(self, index: int) -> None:
        if index < 0:
            raise IndexError(f"clip index {index} is negative")


class RenderedClips(GestureClips):
    """Clips that are drawn; arguments and errors as in `GestureClips`.

    A gesture in `REVERSED` is the clip of the opposite gesture, of the same seed and index, played backwards:
    no single frame tells the two apart.
    """

    kind = "rendered"

    def __init__(self, count: int, seed: int, *, height: int = 100, width: int = 132) -> None:
        super().__init__(count, seed, height=height, width=width)

    def frames_as(self, gesture: str, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The same hand, place and surroundings as clip `index`, making another gesture."""
        count, wanted = self.frame_count(index), self._wanted(index, frame_indices)
        if gesture in REVERSED:
            wanted = count - 1 - wanted
        # The scene has a stream of its own, so that it is the same for every gesture.
        scene = make_scene(self._random(index, 1), count, self.height, self.width)
        motion = forward_motion(gesture, self._random(index, 2), count)
        return draw_frames(motion, scene, (self.height, self.width), wanted)
