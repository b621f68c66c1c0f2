"""Courses in time: minimum-jerk movements that add up, swings, and the hand's poses.

Legend of axes: N moments, D numbers of a pose (`training.people.body.POSE` for a hand).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from training.people.body import FINGERS, POSE, THUMB, TURN

# Directions of the thumb's three bones in the hand frame: x to the thumb's side, y along the fingers, z off the palm.
_THUMBS = {
    "out": ((0.75, 0.62, 0.2), (0.76, 0.63, 0.15), (0.74, 0.66, 0.1)),
    "along": ((0.5, 0.82, 0.3), (0.3, 0.93, 0.22), (0.22, 0.97, 0.12)),
    "relaxed": ((0.58, 0.7, 0.42), (0.42, 0.82, 0.36), (0.3, 0.9, 0.25)),
    "over": ((0.42, 0.62, 0.66), (-0.35, 0.72, 0.6), (-0.8, 0.5, 0.3)),
    "up": ((0.78, 0.55, 0.25), (0.97, 0.2, 0.1), (0.99, 0.02, -0.08)),
    "opposed": ((0.38, 0.6, 0.7), (0.22, 0.78, 0.58), (0.12, 0.9, 0.42)),
    "gap": ((0.62, 0.42, 0.66), (0.58, 0.45, 0.68), (0.6, 0.5, 0.62)),
    "away": ((0.9, 0.35, 0.25), (0.93, 0.36, 0.1), (0.92, 0.4, 0.0)),
}


def _shape(bend: tuple[float, ...], curl: tuple[float, ...], aside: tuple[float, ...], thumb: str) -> np.ndarray:
    """A hand's shape (21,): bends and curls of four fingers in degrees, sideways (to the thumb > 0) in degrees."""
    fingers = np.deg2rad(np.stack([bend, curl, [-a for a in aside]], 1)).ravel()
    return np.concatenate([fingers, np.ravel(_THUMBS[thumb])])


SHAPES = {
    "flat": _shape((4, 3, 4, 6), (6, 5, 6, 8), (-6, 0, 4, 9), "along"),
    "open": _shape((2, 0, 2, 4), (10, 8, 9, 10), (2, 0, -2, -5), "out"),
    "spread": _shape((-6, -8, -6, -4), (6, 5, 5, 6), (9, 2, -7, -15), "away"),
    "relaxed": _shape((18, 24, 28, 32), (32, 36, 38, 38), (-3, 0, 2, 4), "relaxed"),
    "limp": _shape((28, 36, 42, 46), (42, 48, 50, 50), (-4, 0, 3, 7), "relaxed"),
    "claw": _shape((12, 10, 12, 16), (48, 46, 46, 44), (8, 2, -5, -12), "gap"),
    "fist": _shape((82, 86, 86, 84), (100, 102, 100, 96), (-6, 0, 4, 9), "over"),
    "point": _shape((4, 80, 84, 82), (6, 98, 100, 96), (-2, 0, 4, 9), "over"),
    "two": _shape((2, 2, 82, 82), (5, 5, 98, 96), (-7, 2, 4, 9), "over"),
    "vee": _shape((0, 0, 80, 82), (6, 6, 96, 96), (7, -5, 4, 9), "over"),
    "two_thumb": _shape((4, 4, 70, 72), (8, 8, 90, 90), (-6, 2, 4, 9), "relaxed"),
    "thumb": _shape((78, 82, 82, 80), (98, 100, 98, 96), (-6, 0, 4, 9), "up"),
    "beak": _shape((52, 50, 50, 50), (32, 32, 34, 36), (-7, -1, 5, 11), "opposed"),
    "beak_open": _shape((0, -4, -4, 0), (8, 8, 8, 10), (4, 1, -3, -8), "gap"),
    "pinch": _shape((50, 62, 68, 70), (44, 66, 76, 78), (-4, 0, 4, 8), "opposed"),
    "pinch_others_out": _shape((52, 26, 18, 14), (46, 28, 22, 20), (-3, 1, -2, -6), "opposed"),
    "pinch_open": _shape((2, 66, 74, 76), (8, 84, 92, 90), (4, 0, 4, 8), "away"),
    "pinch_open_others_out": _shape((6, 18, 16, 12), (10, 24, 22, 20), (6, 1, -2, -6), "gap"),
    "horns": _shape((4, 82, 84, 6), (6, 100, 100, 8), (0, 0, 4, -6), "over"),
    "okay": _shape((54, 14, 6, 2), (48, 14, 10, 8), (-2, 2, -3, -9), "opposed"),
    "grip": _shape((34, 38, 40, 42), (56, 56, 56, 54), (-3, 0, 3, 6), "gap"),
}


def mixed(first: str, second: str, share: float) -> np.ndarray:
    """A shape (21,) between two."""
    return (1 - share) * SHAPES[first] + share * SHAPES[second]


def hand(place: tuple[float, float, float], turn: tuple[float, float, float], shape: np.ndarray) -> np.ndarray:
    """A pose (27,): place (u, v, depth), turn (tilt, pitch, roll) in degrees, shape."""
    pose = np.empty(POSE)
    pose[:3], pose[TURN], pose[FINGERS], pose[THUMB] = place, np.deg2rad(turn), shape[:12], shape[12:]
    return pose


def minimum_jerk(share: np.ndarray) -> np.ndarray:
    """The course of an unhurried reach, 0 to 1 for shares 0 to 1 of its time."""
    s = np.clip(share, 0.0, 1.0)
    return s * s * s * (10 + s * (-15 + 6 * s))


@dataclass
class _Move:
    begin: float
    seconds: float
    change_D: np.ndarray


@dataclass
class _Swing:
    begin: float
    end: float
    fade: float
    rate: float  # a second
    phase: float
    sine_D: np.ndarray
    cosine_D: np.ndarray


@dataclass
class Track:
    """What one hand (or the torso) does: a start, minimum-jerk movements that add up, swings on top.

    Attributes:
        start_D: the pose before anything.
        end_D: the pose after all movements so far.
    """

    start_D: np.ndarray
    end_D: np.ndarray = field(init=False)
    moves: list[_Move] = field(default_factory=list)
    swings: list[_Swing] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.end_D = self.start_D.copy()

    def to(self, target_D: np.ndarray, begin: float, seconds: float) -> None:
        """Move from where the movements so far lead to `target_D`."""
        self.moves.append(_Move(begin, seconds, target_D - self.end_D))
        self.end_D = target_D.copy()

    def swing(
        self,
        begin: float,
        end: float,
        rate: float,
        sine_D: np.ndarray,
        cosine_D: np.ndarray | None = None,
        *,
        phase: float = 0.0,
        fade: float = 0.2,
    ) -> None:
        """Add sine_D sin(angle) + cosine_D cos(angle), angle = 2 pi (rate (t - begin) + phase), faded in and out."""
        other = np.zeros_like(sine_D) if cosine_D is None else cosine_D
        self.swings.append(_Swing(begin, end, fade, rate, phase, sine_D, other))

    def at(self, time_N: np.ndarray) -> np.ndarray:
        """Poses (N, D)."""
        pose_ND = np.repeat(self.start_D[None], len(time_N), 0)
        for move in self.moves:
            if time_N[-1] > move.begin:
                pose_ND += minimum_jerk((time_N - move.begin) / move.seconds)[:, None] * move.change_D
        for swing in self.swings:
            if time_N[-1] > swing.begin and time_N[0] < swing.end:
                fade_in = minimum_jerk((time_N - swing.begin) / swing.fade)
                share = fade_in * minimum_jerk((swing.end - time_N) / swing.fade)
                angle = 2 * np.pi * (swing.rate * (time_N - swing.begin) + swing.phase)
                pose_ND += (share * np.sin(angle))[:, None] * swing.sine_D
                pose_ND += (share * np.cos(angle))[:, None] * swing.cosine_D
        return pose_ND


class Tremor:
    """Small smooth noise that goes on for ever: sums of sines.

    Args:
        rng: gives rates and phases.
        size_D: size of each number's noise.
        slow, fast: rates, a second.
    """

    def __init__(self, rng: np.random.Generator, size_D: np.ndarray, slow: float = 0.15, fast: float = 1.3) -> None:
        self.size_D = size_D
        self.rate = np.exp(rng.uniform(np.log(slow), np.log(fast), (4, len(size_D))))
        self.phase = rng.uniform(0, 2 * np.pi, (4, len(size_D)))

    def at(self, time_N: np.ndarray) -> np.ndarray:
        """Noise (N, D)."""
        wave = np.sin(2 * np.pi * self.rate * time_N[:, None, None] + self.phase)
        return wave.sum(1) * 0.5 * self.size_D
