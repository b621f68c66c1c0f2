"""Clips of people who make the 27 gestures of Jester, rendered when asked for, from seed and index alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.people.gestures import ACTS, MIRRORED
from training.people.scene import RATE, Scene
from training.people.stage import Stage
from training.rendered.clips import GestureClips


class PeopleClips(GestureClips):
    """Clips of people before a webcam; arguments and errors as in `GestureClips`, and one argument more.

    Args:
        stills: folder of real pictures for backgrounds (`training.people.room`); None for made-up rooms alone.
    """

    kind = "people"
    key = (2712,)

    def __init__(
        self, count: int, seed: int, *, height: int = 100, width: int = 176, stills: Path | str | None = None
    ) -> None:
        super().__init__(count, seed, height=height, width=width)
        self.stills = None if stills is None else Path(stills)

    def frames_as(self, gesture: str, index: int, frame_indices: Sequence[int]) -> np.ndarray:
        """The same person, place and camera as clip `index`, with another gesture."""
        wanted = self._wanted(index, frame_indices)
        scene, stage, time_F = self._play(gesture, index)
        noise = [self._random(index, 1000 + int(frame)) for frame in wanted]
        return scene.render(stage, time_F[wanted], noise)

    def _play(self, gesture: str, index: int) -> tuple[Scene, Stage, np.ndarray]:
        """Scene, what is done, and the times of all frames."""
        count = self.frame_count(index)
        scene = Scene(self._random(index, 1), self.height, self.width, self.stills)
        rng = self._random(index, 2)
        stage = scene.stage(rng)
        ACTS[MIRRORED.get(gesture, gesture) if scene.left_handed else gesture](stage)
        return scene, stage, frame_times(scene, stage, count, rng)


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
