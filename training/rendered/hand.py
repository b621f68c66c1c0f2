"""The hand: a 3-D skeleton of palm, four fingers of three phalanges and a thumb, and its finger poses.

Legend of axes: F frames, J joints of a finger (base to tip), 3 = x, y, z.
Unit of length: the breadth of the palm. Hand frame: origin at the wrist, x towards the thumb, y towards the
finger tips, z out of the palm. A left hand is the mirror image in x.
"""

from __future__ import annotations

import numpy as np

FINGERS = ("index", "middle", "ring", "little")
KNUCKLES = np.array([[0.34, 1.00, 0.0], [0.11, 1.06, 0.0], [-0.13, 1.01, 0.0], [-0.35, 0.90, 0.0]])
PHALANX_LENGTHS = np.array([[0.46, 0.29, 0.23], [0.51, 0.33, 0.24], [0.47, 0.31, 0.23], [0.36, 0.22, 0.21]])
FINGER_RADII = np.array([[0.128, 0.118, 0.108, 0.088], [0.132, 0.122, 0.112, 0.09]] * 2)
THUMB_BASE = np.array([0.27, 0.24, 0.04])
THUMB_LENGTHS = np.array([0.46, 0.38, 0.31])
THUMB_RADII = np.array([0.19, 0.145, 0.13, 0.102])
# Outline of the palm (convex), wrist first.
PALM = np.array(
    [
        [-0.27, -0.05, 0.0],
        [0.25, -0.05, 0.0],
        [0.42, 0.30, 0.0],
        [0.46, 0.98, 0.0],
        [0.11, 1.10, 0.0],
        [-0.14, 1.07, 0.0],
        [-0.46, 0.90, 0.0],
        [-0.42, 0.35, 0.0],
    ]
)
PALM_CENTRE = np.array([0.0, 0.75, 0.0])
FINGERS_SPREAD = np.array([0.17, 0.03, -0.11, -0.27])  # radians at a spread of 1

# Flexion of the three joints of a finger, radians, at curl 0 (straight) and curl 1 (in the fist).
STRAIGHT = np.array([0.06, 0.08, 0.05])
CURLED = np.array([1.45, 1.75, 0.95])

# Directions of the thumb's three bones (hand frame).
THUMBS = {
    "open": [[0.80, 0.58, 0.20], [0.78, 0.62, 0.08], [0.72, 0.69, 0.02]],
    "wide": [[0.92, 0.36, 0.18], [0.97, 0.22, 0.05], [0.99, 0.12, 0.00]],
    "beside": [[0.55, 0.82, 0.18], [0.30, 0.95, 0.10], [0.15, 0.98, 0.06]],
    "folded": [[0.25, 0.75, 0.60], [-0.50, 0.62, 0.60], [-0.88, 0.35, 0.30]],
    "opposed": [[0.34, 0.62, 0.72], [0.05, 0.80, 0.60], [-0.05, 0.90, 0.43]],
    "up": [[0.80, 0.55, 0.25], [0.99, 0.10, 0.05], [1.00, -0.06, 0.00]],
}


def _pose(curls: tuple[float, float, float, float], spread: float, thumb: str) -> np.ndarray:
    """One pose as a vector of 25: flexion (4 fingers x 3), spread (4), thumb directions (3 x 3)."""
    curl = np.asarray(curls)[:, None]
    flexion = STRAIGHT * (1 - curl) + CURLED * curl
    return np.concatenate([flexion.ravel(), FINGERS_SPREAD * spread, np.ravel(THUMBS[thumb])])


def _with_flexion(pose: np.ndarray, finger: int, flexion: tuple[float, float, float]) -> np.ndarray:
    pose = pose.copy()
    pose[3 * finger : 3 * finger + 3] = flexion
    return pose


_gathered = _pose((0, 0, 0, 0), -0.75, "opposed")
for _finger, _bend in enumerate(((0.80, 0.85, 0.35), (0.78, 0.95, 0.40), (0.80, 0.90, 0.40), (0.85, 0.70, 0.35))):
    _gathered = _with_flexion(_gathered, _finger, _bend)

POSES: dict[str, np.ndarray] = {
    "flat": _pose((0, 0, 0, 0.02), 0.25, "beside"),
    "open": _pose((0.02, 0, 0.02, 0.05), 0.85, "open"),
    "spread": _pose((0, 0, 0, 0), 1.75, "wide"),
    "relaxed": _pose((0.18, 0.24, 0.28, 0.32), 0.5, "open"),
    "claw": _pose((0.38, 0.38, 0.38, 0.38), 1.3, "open"),
    "gathered": _gathered,
    "fist": _pose((1, 1, 1, 1), 0.2, "folded"),
    "two": _pose((0, 0, 1, 1), 0.35, "folded"),
    "point": _pose((0, 1, 1, 1), 0.2, "folded"),
    "horns": _pose((0, 1, 1, 0), 0.6, "folded"),
    "three": _pose((0, 0, 0, 1), 1.0, "folded"),
    "thumb": _pose((1, 1, 1, 1), 0.1, "up"),
    "pinch_open": _pose((0.02, 0.95, 1, 1), 0.9, "wide"),
    "pinch_closed": _with_flexion(_pose((0, 0.95, 1, 1), 0.2, "opposed"), 0, (0.75, 0.9, 0.4)),
    "grip": _pose((0.55, 0.55, 0.58, 0.6), 0.6, "opposed"),
}


def blend(start: str | np.ndarray, end: str | np.ndarray, weights_F: np.ndarray) -> np.ndarray:
    """Poses (F, 25) on the way from `start` (weight 0) to `end` (weight 1)."""
    first = POSES[start] if isinstance(start, str) else start
    last = POSES[end] if isinstance(end, str) else end
    weights = np.asarray(weights_F)[:, None]
    return first * (1 - weights) + last * weights


def finger_joints(pose_FP: np.ndarray) -> np.ndarray:
    """Joints of thumb, index, middle, ring, little, base to tip, in the hand frame: (F, 5, 4, 3)."""
    frames = len(pose_FP)
    bend_F43 = np.cumsum(pose_FP[:, :12].reshape(frames, 4, 3), axis=2)
    spread_F41 = pose_FP[:, 12:16, None]
    # A bent finger spreads less: the flexed direction leaves the plane of the palm.
    along = np.stack([np.sin(spread_F41) + 0 * bend_F43, np.cos(spread_F41) + 0 * bend_F43, 0 * bend_F43], axis=-1)
    bone_F433 = np.cos(bend_F43)[..., None] * along
    bone_F433[..., 2] += np.sin(bend_F43)
    thumb_F33 = pose_FP[:, 16:].reshape(frames, 3, 3)
    thumb_F33 = thumb_F33 / np.linalg.norm(thumb_F33, axis=-1, keepdims=True)

    joints = np.empty((frames, 5, 4, 3))
    joints[:, 0, 0] = THUMB_BASE
    joints[:, 1:, 0] = KNUCKLES
    joints[:, 0, 1:] = THUMB_BASE + np.cumsum(thumb_F33 * THUMB_LENGTHS[:, None], axis=1)
    joints[:, 1:, 1:] = KNUCKLES[:, None] + np.cumsum(bone_F433 * PHALANX_LENGTHS[..., None], axis=2)
    return joints


def rotations(tilt_F: np.ndarray, pitch_F: np.ndarray, yaw_F: np.ndarray) -> np.ndarray:
    """Hand-to-world rotations (F, 3, 3) of angles in radians.

    Yaw turns the hand about its fingers, then pitch brings the finger tips towards the viewer, then tilt
    turns the whole counterclockwise in the picture.
    """
    ct, st, cp, sp, cy, sy = (f(a) for a in (tilt_F, pitch_F, yaw_F) for f in (np.cos, np.sin))
    one, nil = np.ones_like(ct), np.zeros_like(ct)

    def matrix(rows: list[list[np.ndarray]]) -> np.ndarray:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    tilt = matrix([[ct, -st, nil], [st, ct, nil], [nil, nil, one]])
    pitch = matrix([[one, nil, nil], [nil, cp, -sp], [nil, sp, cp]])
    yaw = matrix([[cy, nil, sy], [nil, one, nil], [-sy, nil, cy]])
    return tilt @ pitch @ yaw
