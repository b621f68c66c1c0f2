"""A hand's whole visit to the picture: it comes from below, does one thing, and is gone again.

Clips begin and end where they like; in a stream the hand must have come from somewhere. Every performance begins and
ends with the hand out of sight, so that any may follow any other and no hand ever jumps.

Legend of axes: F frames, P the 25 numbers of a pose (`training.rendered.hand`), 2 = x, y.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from training.rendered.gestures import REVERSED, Motion, forward_motion, smooth
from training.rendered.hand import PALM_CENTRE, POSES, blend

RATE = 12.0  # frames a second, Jester's
SHORTEST, LONGEST = 28, 44  # frames of a gesture with its rests, as in `RenderedClips`

_OUT_OF_SIGHT = -1.02  # a palm centre this far below the middle (picture heights) shows no finger
_BELOW = -1.25  # where approaches begin and withdrawals end
_BREADTH = 0.26  # of the palm, picture heights: how much higher a hand stands whose pivot lies one breadth lower
_DEEPER = 0.8  # and at least so far below the place in the picture: a resting hand must leave too
_COMING = (0.25, 0.6)  # seconds of an approach or a withdrawal: a person's reach, faster than any stroke
_HOLD = (0.0, 0.6)  # seconds that a hand waits before and after its gesture
_HOLDS = 0.7  # how often it waits at all
_ASIDE = 0.15  # sideways part of approach and withdrawal, picture heights


@dataclass(frozen=True)
class Performance:
    """One visit of the hand; frame numbers count from its own first frame.

    Attributes:
        motion: nothing of the hand is in the picture at its first and its last frame.
        nucleus: frame numbers, with fractions, between which the stroke runs.
        leaves: the frame from which on the hand withdraws.
    """

    motion: Motion
    nucleus: tuple[float, float]
    leaves: int

    def __len__(self) -> int:
        return len(self.motion.place_F2)


def perform(gesture: str, rng: np.random.Generator) -> Performance:
    """A performance of a gesture, of "No gesture" (a hand that rests at the lower edge) or "Doing other things"."""
    frames = int(rng.integers(SHORTEST, LONGEST + 1))
    motion = dataclasses.replace(forward_motion(gesture, rng, frames), visible=True)
    if gesture in REVERSED:
        motion = _reversed(motion)
    return _visit(motion, rng)


def idle(rng: np.random.Generator, seconds: float) -> Performance:
    """A hand in view that does nothing: held up for some seconds, with a slight sway."""
    frames = max(2, round(seconds * RATE))
    names = ("relaxed", "relaxed", "fist", "grip", "point")  # an open hand held up would be a stop sign
    first, second = rng.choice(len(names), 2)
    pose_FP = blend(names[first], names[second], np.full(frames, rng.random()))
    time_F = np.arange(frames) / RATE
    rates, phases = rng.uniform(0.2, 0.7, 3), rng.uniform(0, 2 * np.pi, 3)
    sway_F3 = np.sin(2 * np.pi * rates * time_F[:, None] + phases) * rng.uniform(0, (0.012, 0.012, 0.06))
    place_2 = rng.uniform((-0.25, -0.25), (0.25, 0.08))
    tilt, pitch, yaw = rng.uniform(-1, 1, 3) * (0.7, 0.4, 1.0)
    still_F = np.ones(frames)
    motion = Motion(pose_FP, place_2 + sway_F3[:, :2], still_F, tilt + sway_F3[:, 2], pitch * still_F, yaw * still_F)
    return _visit(motion, rng)


def _taken(motion: Motion, frames: np.ndarray) -> Motion:
    """The given frames of a motion, in the given order; `nucleus` stays as it is."""
    lean_F = np.broadcast_to(np.asarray(motion.lean_F, float), len(motion.place_F2))
    return dataclasses.replace(
        motion,
        pose_FP=motion.pose_FP[frames],
        place_F2=motion.place_F2[frames],
        size_F=motion.size_F[frames],
        tilt_F=motion.tilt_F[frames],
        pitch_F=motion.pitch_F[frames],
        yaw_F=motion.yaw_F[frames],
        lean_F=lean_F[frames],
    )


def _reversed(motion: Motion) -> Motion:
    begin, end = motion.nucleus
    backwards = np.arange(len(motion.place_F2))[::-1]
    return dataclasses.replace(_taken(motion, backwards), nucleus=(1 - end, 1 - begin))


def _visit(motion: Motion, rng: np.random.Generator) -> Performance:
    """A motion with what brings the hand in and out, where the motion itself does not."""
    # Drawn in any case: a motion that comes and goes by itself changes no later number.
    coming, going = np.rint(rng.uniform(*_COMING, 2) * RATE).astype(int)
    waits = np.rint(rng.uniform(*_HOLD, 2) * (rng.random(2) < _HOLDS) * RATE).astype(int)
    aside = rng.uniform(-_ASIDE, _ASIDE, 2)

    count, height_F = len(motion.place_F2), motion.place_F2[:, 1] + _above(motion)
    # Frame k stands at (k + 0.5) / count of the clip.
    begin, end = motion.nucleus[0] * count - 0.5, motion.nucleus[1] * count - 0.5
    first, last = 0, count - 1
    if comes := bool(height_F[0] > _OUT_OF_SIGHT):
        ready = min(max(0, int(np.ceil(begin))), last)
        first = ready if height_F[0] < height_F[ready] - 0.02 else 0  # it came in from half-way: bring it in whole
    if goes := bool(height_F[-1] > _OUT_OF_SIGHT):
        done = max(min(last, int(np.floor(end))), first)
        last = done if height_F[-1] < height_F[done] - 0.02 else last
    before, after = (coming + waits[0]) * comes, (going + waits[1]) * goes
    frames = np.concatenate([np.full(before, first), np.arange(first, last + 1), np.full(after, last)])
    whole = _taken(motion, frames)
    away_F = np.zeros(len(frames))
    if comes:
        away_F[:coming] = smooth(1 - np.arange(coming) / coming)
        _take_away(whole, slice(0, coming), away_F[:coming], aside[0])
    if goes:
        away_F[-going:] = smooth(np.arange(1, going + 1) / going)
        _take_away(whole, slice(len(frames) - going, None), away_F[-going:], aside[1])
    shift = before - first
    leaves = len(frames) - int(going) if goes else int(np.ceil(end)) + shift
    return Performance(whole, (float(begin + shift), float(end + shift)), leaves)


def _above(motion: Motion) -> float:
    """How far the palm's centre stands above the point that `place` speaks of, at most; picture heights."""
    return _BREADTH * max(0.0, float(PALM_CENTRE[1]) - motion.pivot)


def _take_away(motion: Motion, frames: slice, away_F: np.ndarray, aside: float) -> None:
    """Lower the hand out of sight where `away_F` is 1, half relaxed, as the gestures' own entrances do."""
    place_F2 = motion.place_F2[frames]
    depth = max(place_F2[0, 1] + _above(motion) - _BELOW, _DEEPER)
    place_F2 -= away_F[:, None] * (aside, depth)
    pose_FP = motion.pose_FP[frames]
    pose_FP += 0.5 * away_F[:, None] * (POSES["relaxed"] - pose_FP)
