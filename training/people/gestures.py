"""The 27 gestures as people make them before a webcam: each adds to a `Stage` what a right hand does.

Left, right, clockwise and counterclockwise are the performer's, as in Jester, and the picture is not mirrored: Swiping
Left goes to the right in the picture. Angles: tilt turns the fingers to the picture's left, pitch to the camera, roll 0
shows the palm to the camera, 90 to the picture's right, 180 to the performer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.people.body import FINGERS, POSE, TURN
from training.people.motion import SHAPES, mixed
from training.people.other import do_nothing, do_other_things
from training.people.stage import Stage

# What a left hand shows in a mirror.
MIRRORED = {
    "Swiping Left": "Swiping Right",
    "Sliding Two Fingers Left": "Sliding Two Fingers Right",
    "Turning Hand Clockwise": "Turning Hand Counterclockwise",
}
MIRRORED |= {second: first for first, second in MIRRORED.items()}


def _sideways(stage: Stage, way: float, two: bool) -> None:
    """A swipe to the picture's right (way 1) or left (-1)."""
    rng, manner = stage.rng, stage.manner
    width = manner.width * rng.uniform(0.8, 1.15) * (0.85 if two else 1.0)
    style = rng.choice(["palm", "edge", "back", "flat", "pointing"], p=_SIDE_STYLES_TWO if two else _SIDE_STYLES)
    lean = rng.uniform(5, 30)
    first, last = {
        # Seen from the front, the whole forearm swings about the elbow: fingers lean where the hand is.
        "palm": ((lean * way, 0, 5), (-lean * way, 0, 5)),
        # The palm pushes to the right, or is drawn to the left edge on.
        "edge": ((lean * way, 8, 70), (-lean * way, 8, 85)),
        # The back of the hand leads to the left; the palm shows the performer.
        "back": ((-25 + lean * way, 5, 150), (-25 - lean * way, 5, 120 if way > 0 else 175)),
        # The forearm lies across; fingers point to the picture's right.
        "flat": ((-65 + 0.8 * lean * way, 8, 165), (-65 - 0.8 * lean * way, 8, 165)),
        # Fingers point at the camera and swing.
        "pointing": ((-10 + lean * way, 62, 40), (-10 - lean * way, 62, 40)),
    }[style]
    spread = rng.uniform(3, 10)
    shape = stage.shape("two", "two", "vee", "two_thumb") if two else stage.shape("flat", "flat", "open", "relaxed")
    rise, arc, deep = rng.normal(0, 0.04), rng.uniform(0, 0.07), float(np.exp(rng.normal(0, 0.06)))
    start = stage.pose(stage.centre(-width * way, -rise - arc), stage.angles(*first, spread), shape)
    end = start.copy()
    end[:3] = stage.centre(width * way, rise - arc, deep)
    end[TURN] = np.deg2rad(stage.angles(*last, spread))
    begin = _stroke_after_coming(stage, start)
    _curve(stage, end, stage.seconds(0.28, 0.75), 2 * arc)
    _end_stroke(stage, begin)
    if rng.random() < 0.2:  # the same way back, slower, and lower
        back = 0.4 * end + 0.6 * start
        back[1] -= 0.12
        stage.wait(stage.seconds(0.1, 0.4))
        stage.move(back, stage.seconds(0.5, 0.8), overlap=0.3)
    stage.go()


_SIDE_STYLES = [0.3, 0.3, 0.2, 0.12, 0.08]
_SIDE_STYLES_TWO = [0.25, 0.15, 0.1, 0.3, 0.2]


def _curve(stage: Stage, end: np.ndarray, seconds: float, height: float) -> None:
    """A stroke that rises by `height` on its way."""
    push = np.zeros(POSE)
    push[1] = height
    stage.right.swing(stage.now, stage.now + seconds, 0.5 / seconds, push, fade=0.3 * seconds)
    stage.move(end, seconds)


def _stroke_after_coming(stage: Stage, start: np.ndarray) -> float:
    stage.come(start)
    return stage.now


def _end_stroke(stage: Stage, begin: float) -> None:
    stage.nucleus = (begin, stage.now)


def _upright(stage: Stage, way: float, two: bool) -> None:
    """A swipe up (way 1) or down (-1)."""
    rng, manner = stage.rng, stage.manner
    height = manner.width * rng.uniform(0.6, 0.95)
    style = rng.choice(["flick", "palm", "self", "level", "across"], p=_UP_STYLES_TWO if two else _UP_STYLES)
    low, high = {
        # The wrist bends: fingers to the camera below, up above; the palm is down or to the camera.
        "flick": ((-5, rng.uniform(75, 115), 10), (0, rng.uniform(-10, 20), 5)),
        # The hand stays upright.
        "palm": ((-5, rng.uniform(10, 45), 10), (0, rng.uniform(-10, 10), 5)),
        # The palm turned to the performer, or up.
        "self": ((-25, rng.uniform(50, 85), 165), (-5, rng.uniform(-5, 15), 165)),
        # Fingers point at the camera, palm down or up.
        "level": ((-15, rng.uniform(70, 85), 10), (-15, rng.uniform(55, 80), 10)),
        # The forearm lies across the picture.
        "across": ((-80, 10, rng.choice([20.0, 170.0])), (-65, 5, rng.choice([20.0, 170.0]))),
    }[style]
    shape = stage.shape("two", "two", "vee", "two_thumb") if two else stage.shape("flat", "flat", "open", "relaxed")
    drift = rng.normal(0, 0.05)
    spread = rng.uniform(3, 10)
    below = stage.pose(stage.centre(-drift, -height - 0.08), stage.angles(*low, spread), shape)
    above = stage.pose(stage.centre(drift, height - 0.02), stage.angles(*high, spread), shape)
    start, end = (below, above) if way > 0 else (above, below)
    if two and way < 0 and rng.random() < 0.3:  # the hand closes on its way down
        end[FINGERS], end[FINGERS.stop :] = SHAPES["fist"][:12], SHAPES["fist"][12:]
    begin = _stroke_after_coming(stage, start)
    stage.move(end, stage.seconds(0.28, 0.75))
    _end_stroke(stage, begin)
    if way > 0 and rng.random() < 0.6:
        stage.wait(stage.seconds(0.1, 0.6))
    stage.go()


_UP_STYLES = [0.36, 0.26, 0.18, 0.12, 0.08]
_UP_STYLES_TWO = [0.44, 0.2, 0.12, 0.16, 0.08]


def _push(stage: Stage, way: float, two: bool) -> None:
    """The hand goes to the camera (way 1: away from the performer) or back from it (-1)."""
    rng = stage.rng
    ratio = rng.uniform(1.45, 2.2)
    rise = rng.uniform(-0.02, 0.1)
    if two:
        turn = [(0, 5, 8), (-75, 0, 12), (-10, 70, 15), (-30, 10, 140)][rng.choice(4, p=[0.4, 0.25, 0.2, 0.15])]
        shape = stage.shape("two", "two", "vee", "two_thumb")
    else:
        turn = [(0, 5, 8), (-25, 10, 10), (-8, 5, 165)][
            rng.choice(3, p=[0.7, 0.1, 0.2] if way > 0 else [0.5, 0.1, 0.4])
        ]
        shape = stage.shape("flat", "open", "open", "spread")
    bend = rng.uniform(0, 25)
    far = stage.pose(
        stage.centre(0, -0.06 - rise, ratio**0.45), stage.angles(turn[0], turn[1] + bend, turn[2], 8), shape
    )
    near = stage.pose(stage.centre(0, -0.02 + rise, ratio**-0.55), stage.angles(*turn, 8), shape)
    start, end = (far, near) if way > 0 else (near, far)
    if way < 0 and rng.random() < 0.35:  # fingers gather what they pull
        end[FINGERS] = (end[FINGERS] + SHAPES["relaxed"][:12]) * (0.5 if not two else 1.0) - (
            0 if not two else SHAPES["relaxed"][:12]
        )
    begin = _stroke_after_coming(stage, start)
    for again in range(1 + (rng.random() < 0.15)):
        if again:
            stage.move(start, stage.seconds(0.4, 0.6))
        stage.move(end, stage.seconds(0.35, 0.9))
    _end_stroke(stage, begin)
    if rng.random() < 0.5:
        stage.wait(stage.seconds(0.1, 0.6))
    stage.go()


def _roll(stage: Stage, way: float) -> None:
    """The hand, or both, circle before the chest: forward (way 1) means to the camera above, back below."""
    rng, manner = stage.rng, stage.manner
    both = rng.random() < 0.45
    rate = rng.uniform(0.8, 2.2) / manner.tempo
    turns = rng.uniform(0.9, 1.6) if rng.random() < 0.3 else rng.uniform(1.6, 4.5)
    turns = min(turns, 2.4 * rate)
    roll = rng.choice([20.0, 150.0, 180.0], p=[0.3, 0.25, 0.45])
    shape = stage.shape("flat", "relaxed", "fist", "relaxed")
    tilt = rng.uniform(-95, -60)
    right = 0.0 if both else rng.uniform(-0.1, 0.1)
    pose = stage.pose(stage.centre(right - 0.08, -0.06), stage.angles(tilt, 5, roll, 8), shape)
    stage.come(pose)
    begin, seconds = stage.now, turns / rate
    radius = rng.uniform(0.07, 0.16)
    phase = rng.random()
    sine, cosine = np.zeros(POSE), np.zeros(POSE)
    # angle 0: at the top, moving to the camera when the hand rolls forward.
    cosine[1] = radius
    sine[2] = -way * radius * pose[2] * rng.uniform(0.7, 1.3)
    swing = np.deg2rad(rng.uniform(10, 45))
    sine[TURN.start + 2] = way * swing * (1 if roll > 90 else -1)
    fade = min(0.3, 0.3 * seconds)
    stage.right.swing(begin, begin + seconds, rate, sine, cosine, phase=phase, fade=fade)
    if both:
        other = pose.copy()
        other[:3] = pose[0] + 0.14 + rng.uniform(0, 0.1), pose[1], pose[2] * 1.04
        other[0] = -other[0]  # tracks of the left hand are mirrored
        stage.left.to(other, begin - 0.55, 0.5)
        stage.left.swing(begin, begin + seconds, rate, sine, cosine, phase=phase + 0.5, fade=fade)
        stage.busy_left = True
    stage.wait(seconds)
    _end_stroke(stage, begin)
    stage.go()


def _turn(stage: Stage, way: float) -> None:
    """The forearm turns: clockwise (way 1) as the performer sees it, counterclockwise in the picture."""
    rng = stage.rng
    if rng.random() < 0.75:
        # Clockwise the fingers swing from the picture's right up, and the palm comes round to the camera.
        before = (rng.uniform(-95, -45), rng.uniform(0, 25), rng.uniform(140, 190))
        after = (rng.uniform(-15, 25), rng.uniform(-5, 25), rng.uniform(-10, 60))
        shape = stage.shape("open", "claw", "relaxed", "spread", "flat")
    else:
        # A knob that faces the performer: fingers point at the camera.
        middle, swing = rng.uniform(-10, 40), rng.uniform(40, 65)
        pitch, roll = rng.uniform(50, 80), rng.uniform(-10, 20)
        before, after = (middle - swing, pitch, roll), (middle + swing, pitch, roll)
        shape = stage.shape("claw", "claw", "grip", "spread")
    start = stage.pose(stage.centre(0, 0), stage.angles(*before, 6), shape)
    end = stage.pose(stage.centre(0, 0), stage.angles(*after, 6), shape)
    if way < 0:
        start, end = end, start
    begin = _stroke_after_coming(stage, start)
    for again in range(1 + (rng.random() < 0.2)):
        if again:
            stage.move(start, stage.seconds(0.5, 0.7))
        stage.move(end, stage.seconds(0.4, 1.0))
    _end_stroke(stage, begin)
    if rng.random() < 0.6:
        stage.wait(stage.seconds(0.1, 0.6))
    stage.go()


def _zoom(stage: Stage, way: float, two: bool) -> None:
    """Thumb and fingers part (way 1) or come together (-1)."""
    rng = stage.rng
    if two:
        closed, opened = [("pinch", "pinch_open"), ("pinch_others_out", "pinch_open_others_out")][rng.random() < 0.3]
        shape = (mixed(closed, "pinch", 0.3 * rng.random()), mixed(opened, "pinch_open", 0.3 * rng.random()))
    else:
        shape = (
            mixed("beak", "fist", rng.uniform(0, 0.5) if rng.random() < 0.4 else 0.0),
            mixed("beak_open", "spread", rng.uniform(0, 1)),
        )
    side = rng.random() < 0.6
    turn = (
        (rng.uniform(-75, -15), rng.uniform(-5, 20), rng.uniform(55, 115))
        if side
        else (rng.uniform(-30, 10), rng.uniform(5, 45), rng.uniform(-15, 35))
    )
    lift = rng.uniform(0, 30)
    start = stage.pose(stage.centre(0, -0.02), stage.angles(*turn, 5), shape[0])
    end = start.copy()
    end[FINGERS], end[FINGERS.stop :] = shape[1][:12], shape[1][12:]
    end[TURN] += np.deg2rad((lift if side else 0.4 * lift, rng.normal(0, 6), rng.normal(0, 8)))
    end[:2] += rng.normal(0, 0.02, 2)
    end[2] *= float(np.exp(rng.normal(-0.03, 0.05)))
    if way < 0:
        start, end = end, start
    begin = _stroke_after_coming(stage, start)
    if rng.random() < 0.4:
        stage.wait(stage.seconds(0.1, 0.6))
        begin = stage.now
    for again in range(1 + (rng.random() < 0.2)):
        if again:
            stage.move(start, stage.seconds(0.4, 0.6))
        stage.move(end, stage.seconds(0.35, 1.2))
    _end_stroke(stage, begin)
    if rng.random() < 0.6:
        stage.wait(stage.seconds(0.1, 0.7))
    stage.go()


def _thumb(stage: Stage, up: bool) -> None:
    rng = stage.rng
    # A fist whose thumb points up: knuckles to the camera (pitch 80) or to the picture's right (tilt -80).
    if up:
        turn = [(-85, 0, 170), (-60, 25, 150), (-10, 70, 100)][rng.choice(3, p=[0.45, 0.3, 0.25])]
    else:
        turn = [(-85, 5, 10), (-60, 20, 5), (-15, 70, -70), (-105, 15, 20)][rng.choice(4, p=[0.45, 0.25, 0.2, 0.1])]
    shape = stage.shape("thumb")
    end = stage.pose(stage.centre(0, 0.0), stage.angles(*turn, 9), shape)
    start = end.copy()
    before = rng.choice(["fist", "relaxed", "thumb", "flat"], p=[0.35, 0.25, 0.3, 0.1])
    start[FINGERS], start[FINGERS.stop :] = SHAPES[before][:12], SHAPES[before][12:]
    start[1] -= rng.uniform(0.0, 0.25)
    start[:1] += rng.normal(0, 0.05)
    start[2] *= rng.uniform(1.0, 1.25)
    start[TURN] += np.deg2rad(rng.normal(0, 22, 3)) + (0 if up else np.deg2rad((0, 0, rng.uniform(0, 70))))
    begin = _stroke_after_coming(stage, start) - 0.1
    stage.move(end, stage.seconds(0.2, 0.5))
    if rng.random() < 0.3:  # an emphasis
        push = np.zeros(POSE)
        push[1], push[2] = rng.uniform(0.01, 0.04), rng.uniform(-0.03, 0.03)
        stage.right.swing(stage.now, stage.now + 0.9, rng.uniform(1.5, 2.8), push)
    stage.wait(stage.seconds(0.5, 1.5))
    _end_stroke(stage, begin)
    stage.go()


def _shake(stage: Stage) -> None:
    """An open palm waves from side to side."""
    rng, manner = stage.rng, stage.manner
    roll = rng.choice([5.0, 90.0], p=[0.92, 0.08])
    pose = stage.pose(
        stage.centre(0, 0),
        stage.angles(-5, rng.uniform(-5, 20), roll, 8),
        stage.shape("open", "spread", "flat", "relaxed"),
    )
    stage.come(pose)
    begin = stage.now
    rate = rng.uniform(1.0, 3.0) / manner.tempo
    seconds = max(rng.uniform(2.0, 5.0) / rate, 0.9)
    seconds = min(seconds, 2.6)
    kind = rng.choice(["elbow", "wrist", "arm", "turn"], p=[0.45, 0.3, 0.15, 0.1])
    swing = np.zeros(POSE)
    wide = rng.uniform(0.5, 1.0) * min(1.0, 1.6 / rate)
    if kind == "turn":
        swing[TURN.start + 2], swing[0] = np.deg2rad(55) * wide, 0.02
    else:
        swing[TURN.start] = -np.deg2rad({"elbow": 26, "wrist": 32, "arm": 6}[kind]) * wide
        swing[0] = {"elbow": 0.17, "wrist": 0.04, "arm": 0.2}[kind] * wide
    stage.right.swing(begin - 0.1, begin + seconds, rate, swing, phase=rng.choice([0.0, 0.5]), fade=0.2)
    stage.wait(seconds)
    _end_stroke(stage, begin)
    stage.go()


def _stop(stage: Stage) -> None:
    """A palm held up."""
    rng = stage.rng
    end = stage.pose(stage.centre(0, 0, 0.97), stage.angles(0, 0, 5, 7), stage.shape("flat", "open", "open", "spread"))
    start = end.copy()
    start[1] -= rng.uniform(0.0, 0.2)
    start[2] *= rng.uniform(1.0, 1.3)
    start[TURN] += np.deg2rad(rng.normal((0, 15, 15), (10, 15, 30)))
    if rng.random() < 0.4:
        start[FINGERS] = SHAPES[rng.choice(["relaxed", "fist", "limp"])][:12]
    begin = _stroke_after_coming(stage, start) - 0.1
    stage.move(end, stage.seconds(0.2, 0.45))
    stage.wait(stage.seconds(0.6, 1.6))
    _end_stroke(stage, begin)
    stage.go()


def _drum(stage: Stage) -> None:
    """A level hand whose fingers tap one after the other."""
    rng, manner = stage.rng, stage.manner
    pointing = rng.random()
    turn = (
        (rng.uniform(-95, -60), rng.uniform(0, 20), rng.uniform(0, 45))
        if pointing < 0.5
        else (
            (rng.uniform(-30, 10), rng.uniform(60, 90), rng.uniform(-10, 20))
            if pointing < 0.85
            else (rng.uniform(-20, 10), rng.uniform(15, 45), rng.uniform(-10, 20))
        )
    )
    shape = stage.shape("relaxed", "open", "relaxed", "claw")
    pose = stage.pose(stage.centre(0, -0.06), stage.angles(*turn, 6), shape)
    stage.come(pose)
    begin = stage.now
    rate = rng.uniform(1.2, 3.2) / manner.tempo
    seconds = stage.seconds(1.0, 2.2)
    order = rng.choice([-1, 1])
    for finger in range(4):
        tap = np.zeros(POSE)
        strength = rng.uniform(0.7, 1.1)
        tap[6 + 3 * finger] = np.deg2rad(27) * strength
        tap[7 + 3 * finger] = np.deg2rad(15) * strength
        lag = order * finger * rng.uniform(0.16, 0.24)
        stage.right.swing(begin - 0.1, begin + seconds, rate, tap, phase=lag, fade=0.15)
    bob = np.zeros(POSE)
    bob[1], bob[TURN.start] = rng.uniform(0, 0.012), np.deg2rad(rng.uniform(0, 4))
    stage.right.swing(begin, begin + seconds, rate, bob, fade=0.15)
    stage.wait(seconds)
    _end_stroke(stage, begin)
    stage.go()


Act = Callable[[Stage], None]

ACTS: dict[str, Act] = {
    "Swiping Left": lambda stage: _sideways(stage, 1, False),
    "Swiping Right": lambda stage: _sideways(stage, -1, False),
    "Swiping Down": lambda stage: _upright(stage, -1, False),
    "Swiping Up": lambda stage: _upright(stage, 1, False),
    "Pushing Hand Away": lambda stage: _push(stage, 1, False),
    "Pulling Hand In": lambda stage: _push(stage, -1, False),
    "Sliding Two Fingers Left": lambda stage: _sideways(stage, 1, True),
    "Sliding Two Fingers Right": lambda stage: _sideways(stage, -1, True),
    "Sliding Two Fingers Down": lambda stage: _upright(stage, -1, True),
    "Sliding Two Fingers Up": lambda stage: _upright(stage, 1, True),
    "Pushing Two Fingers Away": lambda stage: _push(stage, 1, True),
    "Pulling Two Fingers In": lambda stage: _push(stage, -1, True),
    "Rolling Hand Forward": lambda stage: _roll(stage, 1),
    "Rolling Hand Backward": lambda stage: _roll(stage, -1),
    "Turning Hand Clockwise": lambda stage: _turn(stage, 1),
    "Turning Hand Counterclockwise": lambda stage: _turn(stage, -1),
    "Zooming In With Full Hand": lambda stage: _zoom(stage, 1, False),
    "Zooming Out With Full Hand": lambda stage: _zoom(stage, -1, False),
    "Zooming In With Two Fingers": lambda stage: _zoom(stage, 1, True),
    "Zooming Out With Two Fingers": lambda stage: _zoom(stage, -1, True),
    "Thumb Up": lambda stage: _thumb(stage, True),
    "Thumb Down": lambda stage: _thumb(stage, False),
    "Shaking Hand": _shake,
    "Stop Sign": _stop,
    "Drumming Fingers": _drum,
    "No gesture": do_nothing,
    "Doing other things": do_other_things,
}
