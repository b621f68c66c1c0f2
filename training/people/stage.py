"""Where and how a person acts: the hand's home, its usual place, the tempo; what brings a hand in and out again.

Everything is said of a right hand. A left-handed act is the mirror image of the act of the opposite name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.people.body import FINGERS, PLACE, THUMB
from training.people.motion import SHAPES, Track, hand, mixed

TORSO = 7  # numbers of a torso's pose: shift x, y, z in metres, turn of the head yaw, pitch, roll, lean of the torso


@dataclass(frozen=True)
class Manner:
    """How one person acts, for a whole clip or stream.

    Attributes:
        home_3: where the hand rests: out of sight below, or in view; u, v, depth.
        seen_home: whether the hand is in view at home.
        centre_3: about where gestures are made; u, v, depth.
        head_3: where the head is; u, v, depth.
        width: half of what a swipe crosses, picture heights.
        tempo: factor on all times.
        neat: 0 (sloppy, small) to 1 (clear, large).
    """

    home_3: tuple[float, float, float]
    seen_home: bool
    centre_3: tuple[float, float, float]
    head_3: tuple[float, float, float]
    width: float
    tempo: float
    neat: float


class Stage:
    """Collects what the two hands and the torso do, one act after the other.

    Attributes:
        now: seconds so far.
        nucleus: begin and end of the last act's stroke, seconds.
        leaves: when the last act's hand began to go home.
        scale: size of a palm's place in picture heights a metre: multiplies shifts near the hand.
    """

    def __init__(self, rng: np.random.Generator, manner: Manner) -> None:
        self.rng, self.manner = rng, manner
        self.now, self.nucleus, self.leaves = 0.0, (0.0, 0.0), 0.0
        self.right = Track(self._home(manner.home_3, 1.0))
        mirrored = (float(-manner.home_3[0] * 0.6), -1.25, manner.home_3[2] + 0.1)
        self.left = Track(self._home(mirrored, 0.0))
        self.torso = Track(np.zeros(TORSO))
        self.busy_left = False

    def _home(self, place: tuple[float, float, float], seen: float) -> np.ndarray:
        rng = self.rng
        turn = (rng.uniform(-70, 10), rng.uniform(30, 75), rng.uniform(20, 110))
        if self.manner.seen_home and seen:
            turn = (rng.uniform(-80, -10), rng.uniform(10, 60), rng.uniform(40, 150))
        return hand(place, turn, mixed("relaxed", rng.choice(["limp", "fist", "flat", "grip"]), rng.uniform(0, 0.8)))

    def seconds(self, least: float, most: float) -> float:
        """A time drawn between two, at this person's tempo."""
        return float(self.rng.uniform(least, most)) * self.manner.tempo

    def centre(self, right: float = 0.0, up: float = 0.0, nearer: float = 1.0) -> tuple[float, float, float]:
        """The usual place, shifted in picture heights, at `nearer` times the usual depth."""
        u, v, depth = self.manner.centre_3
        rng = self.rng
        return (
            u + right + rng.normal(0, 0.03),
            v + up + rng.normal(0, 0.03),
            depth * nearer * float(np.exp(rng.normal(0, 0.05))),
        )

    def angles(self, tilt: float, pitch: float, roll: float, spread: float = 10.0) -> tuple[float, float, float]:
        """Turn of the hand in degrees, with noise."""
        noise = self.rng.normal(0, spread, 3) * (0.8, 0.9, 1.3)
        return tilt + noise[0], pitch + noise[1], roll + noise[2]

    def move(self, pose: np.ndarray, seconds: float, overlap: float = 0.0) -> None:
        """Move the right hand; the next movement begins when 1 - `overlap` of the time is over."""
        # The fingers shape themselves on the way, and seldom at the same time as the arm moves.
        shift, length = self.rng.uniform(-0.05, 0.2) * seconds, self.rng.uniform(0.65, 1.0)
        arm, fingers = pose.copy(), pose.copy()
        arm[FINGERS], arm[THUMB] = self.right.end_D[FINGERS], self.right.end_D[THUMB]
        self.right.to(arm, self.now, seconds)
        self.right.to(fingers, self.now + max(0.0, shift), seconds * length)
        self.now += seconds * (1 - overlap)

    def wait(self, seconds: float) -> None:
        """Nothing for a while."""
        self.now += seconds

    def come(self, pose: np.ndarray, *, least: float = 0.35, most: float = 0.75) -> None:
        """Bring the hand from home to where a stroke begins, seldom with a stop on the way."""
        rng = self.rng
        if rng.random() < 0.12:
            half = 0.5 * (self.right.end_D + pose)
            half[PLACE] += rng.normal(0, 0.05, 3) * (1, 1, 0.3)
            self.move(half, self.seconds(0.25, 0.5))
            self.wait(self.seconds(0.0, 0.3))
        self.move(pose, self.seconds(least, most), overlap=rng.uniform(0, 0.15))
        if rng.random() < 0.35:
            self.wait(self.seconds(0.0, 0.5))

    def go(self) -> None:
        """Take the hand home again."""
        rng = self.rng
        if rng.random() < 0.5:
            self.wait(self.seconds(0.0, 0.5))
        self.leaves = self.now
        home = self.right.start_D.copy()
        home[PLACE] += rng.normal(0, 0.06, 3) * (1, 0.6, 0.1)
        self.move(home, self.seconds(0.4, 0.8))
        if self.busy_left:
            self.left.to(self.left.start_D, self.leaves, self.seconds(0.4, 0.8))
            self.busy_left = False

    def shape(self, *names: str) -> np.ndarray:
        """A mixture of two of the given shapes, with small differences of every finger."""
        first, second = self.rng.choice(len(names), 2)
        shape = mixed(names[first], names[second], self.rng.random())
        shape[:12] += self.rng.normal(0, np.deg2rad(4), 12)
        return shape

    def pose(
        self, place: tuple[float, float, float], turn: tuple[float, float, float], shape: np.ndarray
    ) -> np.ndarray:
        """A hand's pose."""
        return hand(place, turn, shape)


def relaxed() -> np.ndarray:
    """The shape of a hand that does nothing."""
    return SHAPES["relaxed"]
