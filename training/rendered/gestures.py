"""What the hand does: one motion per gesture; a pair of opposite gestures is one motion and its reversal.

World frame: x right in the picture, y up, z towards the viewer. Left, right, clockwise and counterclockwise
are those of the picture: the performer sees himself as in a mirror.

Legend of axes: F frames, P the 25 numbers of a pose (`training.rendered.hand`), 2 = x, y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.rendered.hand import POSES, blend

# Backward gesture -> forward gesture whose motion, played backwards, it is.
REVERSED = {
    "Swiping Right": "Swiping Left",
    "Swiping Up": "Swiping Down",
    "Pulling Hand In": "Pushing Hand Away",
    "Sliding Two Fingers Right": "Sliding Two Fingers Left",
    "Sliding Two Fingers Up": "Sliding Two Fingers Down",
    "Pulling Two Fingers In": "Pushing Two Fingers Away",
    "Rolling Hand Backward": "Rolling Hand Forward",
    "Turning Hand Counterclockwise": "Turning Hand Clockwise",
    "Zooming Out With Full Hand": "Zooming In With Full Hand",
    "Zooming Out With Two Fingers": "Zooming In With Two Fingers",
}


@dataclass
class Motion:
    """The course of one clip, F frames. Places are in picture heights, angles in radians."""

    pose_FP: np.ndarray
    place_F2: np.ndarray  # palm centre, x right, y up, from the middle of the picture
    size_F: np.ndarray  # apparent size relative to the hand at rest: nearer is larger
    tilt_F: np.ndarray
    pitch_F: np.ndarray
    yaw_F: np.ndarray
    pivot: float = 0.75  # the point along the hand's y that `place` speaks of
    visible: bool = True
    holds_object: bool = False
    scale: float = 1.0  # factor on the size of the whole hand
    lean_F: np.ndarray | float = 0.0  # more tilt for a right hand, less for a left one: which way the thumb points
    nucleus: tuple[float, float] = (0.0, 1.0)  # begin and end of the stroke, shares of the clip


@dataclass
class _Timing:
    """When the stroke happens: `stroke_F` runs from 0 to 1; `away_F` is 1 while the hand is out of sight."""

    time_F: np.ndarray
    stroke_F: np.ndarray
    away_F: np.ndarray
    nucleus: tuple[float, float]


def smooth(x: np.ndarray) -> np.ndarray:
    """From 0 to 1 without a jerk; outside of [0, 1] it stays there."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _timing(
    rng: np.random.Generator,
    frames: int,
    *,
    enters: float = 0.5,
    leaves: float = 0.5,
    share: tuple[float, float] = (0.55, 0.8),
) -> _Timing:
    """A stroke over `share` of the clip; `enters` and `leaves`: how often the hand comes and goes below."""
    length = rng.uniform(*share)
    begin = (1 - length) * rng.uniform(0.3, 0.7)
    end = begin + length
    easing = rng.uniform(0.2, 0.9)
    does_enter, does_leave = rng.random(2) < (enters, leaves)
    time_F = (np.arange(frames) + 0.5) / frames
    linear_F = np.clip((time_F - begin) / length, 0.0, 1.0)
    away_F = np.zeros(frames)
    if does_enter:
        away_F += smooth(1 - time_F / begin)
    if does_leave:
        away_F += smooth((time_F - end) / (1 - end))
    return _Timing(time_F, (1 - easing) * linear_F + easing * smooth(linear_F), away_F, (begin, end))


def _still(
    rng: np.random.Generator,
    timing: _Timing,
    pose_FP: np.ndarray,
    *,
    tilt: float = 0.35,
    pitch: float = 0.25,
    yaw: float = 0.5,
    place: tuple[float, float] = (0.07, 0.06),
) -> Motion:
    """A hand at rest, turned by random angles up to the given ones; the gestures add their strokes to it."""
    frames = len(timing.time_F)
    x, y = rng.uniform(-1, 1, 2) * place
    tilt_F, pitch_F, yaw_F = np.repeat(rng.uniform(-1, 1, (3, 1)) * [[tilt], [pitch], [yaw]], frames, axis=1)
    place_F2 = np.stack([np.full(frames, x), y - 1.1 * timing.away_F], axis=1)
    relaxed_FP = pose_FP * (1 - 0.5 * timing.away_F[:, None]) + POSES["relaxed"] * 0.5 * timing.away_F[:, None]
    return Motion(relaxed_FP, place_F2, np.ones(frames), tilt_F, pitch_F, yaw_F, nucleus=timing.nucleus)


def _held(rng: np.random.Generator, timing: _Timing, *names: str) -> np.ndarray:
    """One pose for the whole clip: a random mixture of two of the given ones."""
    first, second = rng.choice(len(names), 2)
    return blend(names[first], names[second], np.full(len(timing.time_F), rng.random()))


def _hand_shape(rng: np.random.Generator, timing: _Timing, two: bool) -> np.ndarray:
    return _held(rng, timing, "two") if two else _held(rng, timing, "flat", "open", "relaxed", "open")


def _swipe_left(rng: np.random.Generator, frames: int, two: bool = False) -> Motion:
    timing = _timing(rng, frames)
    motion = _still(rng, timing, _hand_shape(rng, timing, two), place=(0.03, 0.07))
    run_F = 1 - 2 * timing.stroke_F
    motion.place_F2[:, 0] += rng.uniform(0.22, 0.30) * run_F
    motion.place_F2[:, 1] -= rng.uniform(0.0, 0.10) * run_F**2
    motion.tilt_F -= rng.uniform(0.0, 0.45) * run_F
    motion.yaw_F += rng.uniform(-0.4, 0.4) * run_F
    motion.scale = 0.94
    return motion


def _swipe_down(rng: np.random.Generator, frames: int, two: bool = False) -> Motion:
    # At the top the hand only rests: coming there from below would be the opposite gesture.
    timing = _timing(rng, frames, enters=0.0)
    motion = _still(rng, timing, _hand_shape(rng, timing, two), tilt=0.8, place=(0.07, 0.03))
    run_F = 1 - 2 * timing.stroke_F
    motion.place_F2[:, 1] += rng.uniform(0.21, 0.28) * run_F - 0.08
    motion.place_F2[:, 0] += rng.uniform(-0.06, 0.06) * run_F
    motion.pitch_F -= rng.uniform(0.0, 0.4) * run_F
    motion.scale = 0.92
    return motion


def _push(rng: np.random.Generator, frames: int, two: bool = False) -> Motion:
    timing = _timing(rng, frames)
    motion = _still(rng, timing, _hand_shape(rng, timing, two), tilt=0.4)
    run_F = 2 * timing.stroke_F - 1
    motion.size_F = rng.uniform(1.9, 2.6) ** (0.5 * run_F)
    motion.place_F2[:, 0] += rng.uniform(-0.04, 0.04) * run_F
    motion.place_F2[:, 1] += rng.uniform(-0.06, 0.06) * run_F - 0.06
    motion.pitch_F += rng.uniform(-0.25, 0.25) * run_F
    motion.scale = 0.86
    return motion


def _roll_forward(rng: np.random.Generator, frames: int) -> Motion:
    timing = _timing(rng, frames, share=(0.7, 0.88))
    motion = _still(rng, timing, _held(rng, timing, "flat", "relaxed", "open", "fist"), pitch=0.2, yaw=0.15, tilt=0.25)
    angle_F = rng.uniform(0, 2 * np.pi) + 2 * np.pi * rng.uniform(0.9, 1.25) * timing.stroke_F
    # The forearm lies across the picture; the hand runs over the top towards the viewer, below back again.
    motion.tilt_F += rng.choice([-1, 1]) * rng.uniform(1.0, 1.5)
    motion.place_F2[:, 1] += rng.uniform(0.15, 0.21) * np.cos(angle_F)
    motion.size_F = rng.uniform(1.25, 1.4) ** np.sin(angle_F)
    motion.yaw_F += rng.uniform(0.5, 1.0) * np.sin(angle_F)
    motion.scale = 0.92
    return motion


def _turn_clockwise(rng: np.random.Generator, frames: int) -> Motion:
    timing = _timing(rng, frames)
    motion = _still(
        rng, timing, _held(rng, timing, "claw", "open", "relaxed", "spread"), pitch=0.45, yaw=0.35, tilt=0.2
    )
    motion.tilt_F += np.deg2rad(rng.uniform(105, 155)) * (0.5 - timing.stroke_F)
    return motion


def _zoom_in(rng: np.random.Generator, frames: int, two: bool = False) -> Motion:
    timing = _timing(rng, frames)
    if two:
        pose_FP = blend("pinch_closed", "pinch_open", timing.stroke_F)
    else:
        closed = blend("gathered", "fist", np.array([rng.uniform(0, 0.6)]))[0]
        pose_FP = blend(closed, "spread", timing.stroke_F)
    motion = _still(rng, timing, pose_FP, tilt=0.5, yaw=0.6)
    motion.scale = 1.08
    return motion


def _thumb(rng: np.random.Generator, frames: int, up: bool) -> Motion:
    timing = _timing(rng, frames, enters=0.6, share=(0.65, 0.85))
    raised_F = smooth(timing.stroke_F / rng.uniform(0.25, 0.5))
    start = POSES[("fist", "relaxed", "thumb")[rng.integers(3)]]
    motion = _still(rng, timing, blend(start, "thumb", raised_F), tilt=0.3, pitch=0.2, yaw=0.5)
    upright = np.pi / 2 if up else -np.pi / 2
    motion.lean_F = upright * (1 - rng.uniform(0, 0.5) * (1 - raised_F))
    motion.place_F2[:, 1] -= rng.uniform(0.0, 0.12) * (1 - raised_F)
    motion.scale = 1.08
    return motion


def _thumb_up(rng: np.random.Generator, frames: int) -> Motion:
    return _thumb(rng, frames, up=True)


def _thumb_down(rng: np.random.Generator, frames: int) -> Motion:
    return _thumb(rng, frames, up=False)


def _shake(rng: np.random.Generator, frames: int) -> Motion:
    timing = _timing(rng, frames, share=(0.75, 0.92))
    motion = _still(rng, timing, _held(rng, timing, "open", "spread", "flat"), tilt=0.2, yaw=0.4)
    swing_F = np.sin(2 * np.pi * (rng.uniform(2.2, 3.6) * timing.stroke_F + rng.random()))
    motion.pivot = rng.uniform(-0.8, 0.2)
    motion.place_F2[:, 1] -= 0.22 * (0.75 - motion.pivot)
    motion.tilt_F += rng.uniform(0.35, 0.6) * swing_F
    return motion


def _stop_sign(rng: np.random.Generator, frames: int) -> Motion:
    timing = _timing(rng, frames, enters=0.7, share=(0.7, 0.88))
    raised_F = smooth(timing.stroke_F / rng.uniform(0.15, 0.35))
    start = POSES[("relaxed", "flat")[rng.integers(2)]]
    motion = _still(
        rng,
        timing,
        blend(start, _held(rng, timing, "flat", "open")[0], raised_F),
        tilt=0.15,
        pitch=0.15,
        yaw=0.25,
    )
    motion.place_F2[:, 1] -= rng.uniform(0.0, 0.15) * (1 - raised_F)
    motion.size_F = rng.uniform(1.0, 1.12) ** raised_F
    return motion


def _drum(rng: np.random.Generator, frames: int) -> Motion:
    timing = _timing(rng, frames, share=(0.75, 0.92))
    phase_F4 = rng.uniform(2.5, 4.2) * timing.stroke_F[:, None] + rng.uniform(0.15, 0.22) * np.arange(4) + rng.random()
    beat_F4 = 0.5 + 0.5 * np.sin(2 * np.pi * rng.choice([-1, 1]) * phase_F4)
    pose_FP = blend("open", "relaxed", np.full(frames, rng.random()))
    # Bent fingers tap: each swings at its knuckle, one after the other.
    bend_F43 = np.stack([0.1 + 0.9 * beat_F4, 0.35 + 0.5 * beat_F4, 0.2 + 0.2 * beat_F4], axis=2)
    pose_FP[:, :12] = bend_F43.reshape(frames, 12)
    motion = _still(rng, timing, pose_FP, tilt=0.5, yaw=0.4, pitch=0.2)
    motion.pitch_F += rng.uniform(0.0, 0.7)
    motion.scale = 1.08
    return motion


def _no_gesture(rng: np.random.Generator, frames: int) -> Motion:
    timing = _timing(rng, frames, enters=0.0, leaves=0.0)
    motion = _still(rng, timing, _held(rng, timing, "relaxed", "fist", "flat"), tilt=1.2, pitch=0.5, yaw=1.2)
    motion.visible = bool(rng.random() < 0.4)
    motion.place_F2 += (rng.choice([-1, 1]) * rng.uniform(0.0, 0.4), -rng.uniform(0.42, 0.5))
    return motion


def _wander(rng: np.random.Generator, frames: int, fast: float) -> np.ndarray:
    """A smooth closed-form random walk in [-1, 1] that turns back at least twice: (F,)."""
    time_F = np.arange(frames) / frames
    slow, quick = rng.uniform(0.9, 1.5) * fast, rng.uniform(1.7, 2.6) * fast
    return 0.65 * np.sin(2 * np.pi * (slow * time_F + rng.random())) + 0.35 * np.sin(
        2 * np.pi * (quick * time_F + rng.random())
    )


def _other(rng: np.random.Generator, frames: int) -> Motion:
    timing = _timing(rng, frames, enters=0.4, leaves=0.4, share=(0.7, 0.88))
    names = ("point", "horns", "horns", "fist", "grip", "grip", "relaxed")
    first, second = (names[k] for k in rng.integers(len(names), size=2))
    if first == second == "relaxed":  # an open hand going to and fro would be a wave
        second = "grip"
    change_F = 0.5 + 0.5 * _wander(rng, frames, 1.2)
    motion = _still(rng, timing, blend(first, second, change_F), tilt=1.0, pitch=0.5, yaw=1.0, place=(0.08, 0.08))
    motion.place_F2[:, 0] += rng.uniform(0.06, 0.22) * _wander(rng, frames, 1.0)
    motion.place_F2[:, 1] += rng.uniform(0.06, 0.22) * _wander(rng, frames, 1.0)
    motion.tilt_F += rng.uniform(0.1, 0.7) * _wander(rng, frames, 0.8)
    motion.yaw_F += rng.uniform(0.1, 0.8) * _wander(rng, frames, 0.8)
    motion.holds_object = bool(rng.random() < 0.35)
    return motion


def _two(build: Callable[..., Motion]) -> Callable[[np.random.Generator, int], Motion]:
    return lambda rng, frames: build(rng, frames, two=True)


_FORWARD: dict[str, Callable[[np.random.Generator, int], Motion]] = {
    "Swiping Left": _swipe_left,
    "Swiping Down": _swipe_down,
    "Pushing Hand Away": _push,
    "Sliding Two Fingers Left": _two(_swipe_left),
    "Sliding Two Fingers Down": _two(_swipe_down),
    "Pushing Two Fingers Away": _two(_push),
    "Rolling Hand Forward": _roll_forward,
    "Turning Hand Clockwise": _turn_clockwise,
    "Zooming In With Full Hand": _zoom_in,
    "Zooming In With Two Fingers": _two(_zoom_in),
    "Thumb Up": _thumb_up,
    "Thumb Down": _thumb_down,
    "Shaking Hand": _shake,
    "Stop Sign": _stop_sign,
    "Drumming Fingers": _drum,
    "No gesture": _no_gesture,
    "Doing other things": _other,
}
GESTURES = frozenset(_FORWARD) | frozenset(REVERSED)


def forward_motion(gesture: str, rng: np.random.Generator, frames: int) -> Motion:
    """The motion of `gesture`, or of its opposite if it is in `REVERSED`: the caller plays that backwards."""
    return _FORWARD[REVERSED.get(gesture, gesture)](rng, frames)
