"""What people do before a camera that is no gesture: nothing, and many other things."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.people.body import FINGERS, POSE, TURN
from training.people.motion import SHAPES, mixed
from training.people.stage import TORSO, Stage


def _torso(stage: Stage, **parts: float) -> np.ndarray:
    """A torso's pose by names: x, y, z in metres, yaw, pitch, roll, lean in degrees."""
    pose = np.zeros(TORSO)
    for name, value in parts.items():
        place = ("x", "y", "z", "yaw", "pitch", "roll", "lean").index(name)
        pose[place] = value if place < 3 else np.deg2rad(value)
    return pose


def do_nothing(stage: Stage) -> None:
    """ "No gesture": the person sits, looks about a little, shifts; hands stay where they are."""
    rng = stage.rng
    begin, seconds = stage.now, stage.seconds(2.2, 4.2)
    if rng.random() < 0.4:
        turned = _torso(
            stage, yaw=rng.normal(0, 12), pitch=rng.normal(0, 7), roll=rng.normal(0, 4), x=rng.normal(0, 0.02)
        )
        stage.torso.to(turned, begin + rng.uniform(0, 1.5), rng.uniform(0.5, 1.2))
        if rng.random() < 0.5:
            stage.torso.to(_torso(stage), begin + seconds - rng.uniform(0.8, 1.5), rng.uniform(0.5, 1.0))
    stage.wait(seconds)
    stage.nucleus, stage.leaves = (begin, stage.now), stage.now


def do_other_things(stage: Stage) -> None:
    """ "Doing other things": one of many."""
    begin = stage.now
    things = list(_THINGS)
    weights = np.array([_THINGS[thing] for thing in things], float)
    stage.leaves = -1.0
    things[stage.rng.choice(len(things), p=weights / weights.sum())](stage)
    stage.nucleus = (begin, max(stage.leaves, begin + 0.5))


def _near_head(stage: Stage, right: float, up: float, depth: float = -0.1) -> tuple[float, float, float]:
    """A place by metres from the head's middle."""
    u, v, away = stage.manner.head_3
    return u + right / away * 1.1, v + up / away * 1.1, away + depth


def _touch(stage: Stage) -> None:
    """Scratch the head, rub an eye, adjust glasses, stroke the chin, hold the ear."""
    rng = stage.rng
    right, up, tilt, pitch, roll = [
        (-0.1, 0.09, -35, 10, 150),  # hair
        (-0.04, 0.0, -30, 0, 160),  # eyes, glasses
        (-0.03, -0.1, -35, 0, 150),  # chin, mouth
        (-0.1, 0.0, 5, 5, 110),  # ear, phone
        (-0.08, -0.16, -45, 5, 150),  # neck
        (0.03, -0.05, -40, 0, 160),  # nose
    ][rng.integers(6)]
    right, up = right + rng.normal(0, 0.02), up + rng.normal(0, 0.02)
    shape = stage.shape("relaxed", "limp", "fist", "point", "grip", "pinch", "flat")
    pose = stage.pose(
        _near_head(stage, right, up, rng.uniform(-0.16, -0.1)), stage.angles(tilt, pitch, roll, 15), shape
    )
    stage.torso.to(_torso(stage, pitch=rng.normal(0, 8), roll=rng.normal(0, 6), yaw=rng.normal(0, 10)), stage.now, 0.8)
    stage.come(pose)
    seconds = stage.seconds(0.6, 2.2)
    if rng.random() < 0.75:
        rub = np.zeros(POSE)
        rub[:2], rub[TURN] = rng.normal(0, 0.018, 2), rng.normal(0, 0.12, 3)
        rub[FINGERS] = rng.normal(0, 0.12, 12)
        stage.right.swing(stage.now, stage.now + seconds, rng.uniform(1.0, 4.0), rub)
    stage.wait(seconds)
    stage.go()


def _drink(stage: Stage) -> None:
    """Bring something to the mouth and put it back."""
    turn = stage.angles(-50, 15, 120, 10)
    pose = stage.pose(_near_head(stage, -0.05, -0.09, -0.16), turn, SHAPES["grip"])
    stage.come(stage.pose(stage.centre(0, -0.25), stage.angles(-60, 40, 100, 10), SHAPES["grip"]))
    stage.move(pose, stage.seconds(0.5, 0.9))
    tipped = pose.copy()
    tipped[TURN] += np.deg2rad((25, -20, 0))
    stage.torso.to(_torso(stage, pitch=-12), stage.now, 0.6)
    stage.move(tipped, stage.seconds(0.4, 0.7))
    stage.wait(stage.seconds(0.3, 1.0))
    stage.torso.to(_torso(stage), stage.now, 0.6)
    stage.go()


def _shift(stage: Stage) -> None:
    """Lean forward, back or aside, turn away, get up."""
    rng = stage.rng
    wide = rng.uniform(0.6, 1.6)
    turned = [
        {"z": 0.15 * wide, "y": -0.05, "lean": 16 * wide, "pitch": -8},
        {"z": -0.12 * wide, "lean": -8 * wide},
        {"x": 0.12 * wide * rng.choice([-1, 1]), "roll": rng.normal(0, 10)},
        {"yaw": 45 * wide * rng.choice([-1, 1]), "x": rng.normal(0, 0.03)},
        {"y": 0.14 * wide, "z": 0.05},
        {"pitch": 22 * wide, "y": -0.02},
    ][rng.integers(6)]
    stage.torso.to(_torso(stage, **turned), stage.now, stage.seconds(0.6, 1.4))
    if rng.random() < 0.35:
        low = stage.pose(stage.centre(rng.uniform(-0.3, 0.2), -0.45), stage.angles(-50, 50, 40, 25), SHAPES["relaxed"])
        stage.come(low)
    stage.wait(stage.seconds(0.8, 1.8))
    stage.torso.to(_torso(stage, x=rng.normal(0, 0.02)), stage.now, stage.seconds(0.6, 1.2))
    stage.go()


def _reach(stage: Stage) -> None:
    """Reach for the camera, the screen, or past it."""
    rng = stage.rng
    place = (rng.uniform(-0.25, 0.15), rng.uniform(-0.35, 0.3), rng.uniform(0.13, 0.22))
    pose = stage.pose(place, stage.angles(-10, 70, 20, 20), stage.shape("relaxed", "point", "grip", "flat"))
    stage.torso.to(_torso(stage, z=0.06, lean=8), stage.now, 0.7)
    stage.come(pose, least=0.5, most=0.9)
    stage.wait(stage.seconds(0.2, 1.2))
    stage.torso.to(_torso(stage), stage.now, 0.8)
    stage.go()


def _type(stage: Stage) -> None:
    """Hands work at the lower edge."""
    rng = stage.rng
    pose = stage.pose(
        (rng.uniform(-0.4, 0.1), rng.uniform(-0.52, -0.4), stage.manner.centre_3[2]),
        stage.angles(-25, 65, 10, 12),
        stage.shape("relaxed", "claw", "limp"),
    )
    stage.come(pose)
    seconds = stage.seconds(1.0, 2.2)
    for finger in range(4):
        tap = np.zeros(POSE)
        tap[6 + 3 * finger] = np.deg2rad(18)
        stage.right.swing(stage.now, stage.now + seconds, rng.uniform(1.5, 4.0), tap, phase=rng.random())
    drift = np.zeros(POSE)
    drift[:2] = rng.normal(0, 0.03, 2)
    stage.right.swing(stage.now, stage.now + seconds, rng.uniform(0.4, 1.2), drift)
    stage.wait(seconds)
    stage.go()


def _unfinished(stage: Stage) -> None:
    """A hand comes up, hesitates, and goes again."""
    rng = stage.rng
    shape = stage.shape("relaxed", "limp", "fist", "point", "flat", "two")
    place = stage.centre(rng.uniform(-0.15, 0.15), rng.uniform(-0.35, -0.05))
    stage.come(stage.pose(place, stage.angles(-20, 35, 60, 35), shape))
    stage.wait(stage.seconds(0.1, 0.9))
    stage.go()


def _signs(stage: Stage) -> None:
    """Signs of no class: pointing, a fist, horns, okay, counting, a beckoning finger, a circle in the air."""
    rng = stage.rng
    names = ("point", "fist", "horns", "okay", "vee", "grip", "point")
    kind = names[rng.integers(len(names))]
    turn = stage.angles(0, 10, 5, 15) if rng.random() < 0.6 else stage.angles(-30, 55, 60, 25)
    pose = stage.pose(stage.centre(), turn, stage.shape(kind))
    stage.come(pose)
    seconds = stage.seconds(0.8, 2.0)
    style = rng.integers(4)
    if style == 0:  # a circle
        radius = rng.uniform(0.05, 0.12)
        sine, cosine = np.zeros(POSE), np.zeros(POSE)
        sine[0], cosine[1] = radius * rng.choice([-1, 1]), radius
        stage.right.swing(stage.now, stage.now + seconds, rng.uniform(0.8, 1.8), sine, cosine)
    elif style == 1:  # beckon, count, snap
        bend = np.zeros(POSE)
        bend[FINGERS] = np.deg2rad(np.tile([25, 25, 0], 4)) * rng.uniform(0, 1, 12)
        stage.right.swing(stage.now, stage.now + seconds, rng.uniform(1, 3), bend)
    elif style == 2:  # to other signs
        for _ in range(2):
            stage.wait(stage.seconds(0.2, 0.5))
            changed = pose.copy()
            shape = stage.shape(names[rng.integers(len(names))])
            changed[FINGERS], changed[FINGERS.stop :] = shape[:12], shape[12:]
            changed[TURN] += rng.normal(0, 0.4, 3)
            changed[:2] += rng.normal(0, 0.08, 2)
            stage.move(changed, stage.seconds(0.3, 0.6))
        seconds = 0.2
    stage.wait(seconds)
    stage.go()


def _wander(stage: Stage) -> None:
    """Talk with the hands: half-closed hands go to and fro."""
    rng = stage.rng
    for _ in range(rng.integers(3, 6)):
        place = stage.centre(rng.uniform(-0.25, 0.25), rng.uniform(-0.35, 0.1), rng.uniform(0.9, 1.25))
        shape = stage.shape("relaxed", "grip", "limp", "claw", "pinch", "point")
        pose = stage.pose(place, stage.angles(-35, 30, 100, 40), shape)
        stage.move(pose, stage.seconds(0.3, 0.7), overlap=0.2)
        if rng.random() < 0.5:
            other = pose.copy()
            other[0] = -pose[0] - 0.35
            stage.left.to(other, stage.now, stage.seconds(0.4, 0.6))
            stage.busy_left = True
        stage.wait(stage.seconds(0.0, 0.3))
    stage.go()


def _both(stage: Stage) -> None:
    """Both hands: clap, rub, fold, stretch, hold the head."""
    rng = stage.rng
    high = rng.choice([-0.4, -0.15, 0.3], p=[0.4, 0.4, 0.2])
    middle = stage.manner.head_3[0]
    _u, v, depth = stage.centre(0, high)
    apart = rng.uniform(0.02, 0.3)
    shape = stage.shape("flat", "relaxed", "limp", "fist")
    angles = stage.angles(-30, 30, 95, 20)
    right = stage.pose((middle - apart, v, depth * 1.15), angles, shape)
    left = right.copy()
    left[0] = -(middle + apart)
    stage.left.to(left, stage.now, 0.6)
    stage.busy_left = True
    stage.come(right)
    seconds = stage.seconds(0.8, 1.8)
    move = np.zeros(POSE)
    move[0], move[1], move[2] = rng.normal(0, 0.05), rng.normal(0, 0.02), rng.normal(0, 0.02)
    rate, phase = rng.uniform(0.8, 3.0), rng.random()
    stage.right.swing(stage.now, stage.now + seconds, rate, move, phase=phase)
    stage.left.swing(stage.now, stage.now + seconds, rate, move, phase=phase + rng.choice([0.0, 0.5]))
    stage.wait(seconds)
    stage.go()


def _rest(stage: Stage) -> None:
    """Hold something, or the chin in a hand, and move little."""
    rng = stage.rng
    shape = mixed("grip", "fist", rng.random())
    place = _near_head(stage, rng.uniform(-0.1, 0.0), rng.uniform(-0.2, -0.08), -0.14)
    if rng.random() < 0.5:
        place = stage.centre(0, rng.uniform(-0.35, -0.1))
    stage.come(stage.pose(place, stage.angles(-25, 20, 110, 30), shape))
    stage.wait(stage.seconds(1.2, 2.6))
    stage.go()


_THINGS: dict[Callable[[Stage], None], float] = {
    _touch: 3.0,
    _drink: 0.8,
    _shift: 2.0,
    _reach: 1.0,
    _type: 0.7,
    _unfinished: 1.0,
    _signs: 1.6,
    _wander: 1.6,
    _both: 1.2,
    _rest: 1.0,
}
