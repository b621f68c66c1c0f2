"""Clips of people who make the 27 gestures of Jester, rendered when asked for, from seed and index alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.people.gestures import ACTS, MIRRORED
from training.people.scene import RATE, Scene
from training.people.stage import Stage
from training.rendered.clips import LONGEST, SHORTEST, check_numbers, jester_labels


def generator(seed: int, index: int, part: int) -> np.random.Generator:
    """Random numbers of one part of one clip."""
    return np.random.default_rng([2712, seed, index, part])


class PeopleClips:
    """Clips of the 27 Jester gestures, each class equally often: a `training.clips.source.ClipSource`.

    A clip is a function of seed, index and picture size only (and of the stills): not of the frames asked for, nor of
    the number of clips. From a multiple of 27 on, 27 clips hold each class once, in a seeded order.

    Args:
        count: number of clips; clips past it can be had too (`endless`).
        seed: any integer >= 0; different seeds give different clips.
        height, width: size of the pictures in pixels (Jester's are 100 high).
        stills: folder of real pictures for backgrounds (`training.people.room`); None for made-up rooms alone.

    Raises:
        UserError: a number is out of range.
    """

    endless = True

    def __init__(
        self, count: int, seed: int, *, height: int = 100, width: int = 176, stills: Path | str | None = None
    ) -> None:
        check_numbers("clips", count, seed, height, width)
        self.count, self.seed, self.height, self.width = count, seed, height, width
        self.stills = None if stills is None else Path(stills)
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
        """Name of a clip for messages, for example `people-7-000012`."""
        return f"people-{self.seed}-{index:06d}"

    def frame_count(self, index: int) -> int:
        """Frames of a clip, 28 to 44."""
        self._check(index)
        return int(generator(self.seed, index, 0).integers(SHORTEST, LONGEST + 1))

    def frames(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The wanted frames in the wanted order, uint8 (n, H, W, 3) RGB. Raises IndexError past the end."""
        return self.frames_as(self.labels[self.label_of(index)], index, frame_indices)

    def frames_as(self, gesture: str, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The same person, place and camera as clip `index`, with another gesture."""
        wanted = self._wanted(index, frame_indices)
        scene, stage, time_F = self._play(gesture, index)
        noise = [generator(self.seed, index, 1000 + int(frame)) for frame in wanted]
        return scene.render(stage, time_F[wanted], noise)

    def _play(self, gesture: str, index: int) -> tuple[Scene, Stage, np.ndarray]:
        """Scene, what is done, and the times of all frames."""
        count = self.frame_count(index)
        scene = Scene(generator(self.seed, index, 1), self.height, self.width, self.stills)
        rng = generator(self.seed, index, 2)
        stage = scene.stage(rng)
        ACTS[MIRRORED.get(gesture, gesture) if scene.left_handed else gesture](stage)
        return scene, stage, frame_times(scene, stage, count, rng)

    def _wanted(self, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        count = self.frame_count(index)
        wanted = np.asarray(frame_indices, dtype=int)
        if wanted.size and not (0 <= wanted.min() and wanted.max() < count):
            raise IndexError(f"clip {self.name_of(index)} has frames 0 to {count - 1}; asked for {wanted.tolist()}")
        return wanted

    def _check(self, index: int) -> None:
        if index < 0:
            raise IndexError(f"clip index {index} is negative")


def frame_times(scene: Scene, stage: Stage, count: int, rng: np.random.Generator) -> np.ndarray:
    """When the frames of a clip of one act are taken: its stroke is within; the rest begins and ends anywhere."""
    seconds = count / RATE
    begin, end = stage.nucleus
    spare = seconds - (end - begin)
    if spare <= 0.1:
        start = begin + spare / 2
    else:
        before = rng.beta(1.6, 1.6) * spare
        if rng.random() < 0.15:
            before = rng.uniform(0, 0.15) * spare  # the hand is there from the start
        start = begin - before
    time_F = start + (np.arange(count) + 0.5) / RATE
    time_F = time_F + rng.uniform(-1, 1, count) * scene.camera.jitter
    for frame in np.flatnonzero(rng.random(count) < scene.camera.repeats):
        if frame:
            time_F[frame] = time_F[frame - 1]
    return time_F
