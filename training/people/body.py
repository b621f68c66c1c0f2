"""A person's mesh and skeleton: random shapes, and from the joints' pose to turns and shifts of all bones.

The frame of the person's mesh is the picture's: x right in the picture (the person's left), y up, z towards the camera.
Everything here is said of a right arm; a left arm is the mirror image of one.

Hand frame: x to the thumb, y along the fingers, z out of the palm.

Legend of axes: V vertices, T triangles, J bones, N moments, 3 = x, y, z in metres. A pose is `POSE` numbers:
place (u, v: palm centre in picture heights from the middle, at its depth; depth in metres), turns of the hand (tilt,
pitch, roll), 12 numbers of the fingers (bend of the first joint, bend of the second, sideways), 9 of the thumb (three
directions).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MESH_FILE = Path(__file__).parent / "person.npz"
PLACE, TURN, FINGERS, THUMB = slice(0, 3), slice(3, 6), slice(6, 18), slice(18, 27)
POSE = 27
ARM_BONES = 21
RIGHT_ARM, LEFT_ARM = 3, 24  # first bone of each
_UPPER1, _UPPER2, _LOWER1, _LOWER2, _WRIST, _FINGER = 1, 2, 3, 4, 5, 6
_PALM = 0.6  # from the wrist to the middle finger's knuckle: where the palm's centre lies
_ROUND = 2.0**20  # turns and places are rounded to this: sums may differ by a last bit between processors


@dataclass(frozen=True)
class Mesh:
    """The cut of `person.npz`; see `cut_mesh.py`."""

    place_V3: np.ndarray
    joint_J3: np.ndarray
    shape_SV3: np.ndarray  # vertices and joints
    triangle_T3: np.ndarray
    bone_VI: np.ndarray
    weight_VI: np.ndarray
    group_V: np.ndarray  # 0 body, 1 and 2 eyes, 3 long hair
    nail_V: np.ndarray
    lip_V: np.ndarray


@functools.cache
def mesh() -> Mesh:
    """The mesh, read once."""
    with np.load(MESH_FILE) as data:
        weight = data["weight_VI"].astype(float)
        return Mesh(
            data["place_V3"] / 1e4,
            data["joint_J3"] / 1e4,
            data["shape_SV3"] * data["shape_scale_S"].astype(float)[:, None, None],
            data["triangle_T3"].astype(np.int64),
            data["bone_VI"].astype(np.int64),
            weight / weight.sum(1, keepdims=True),
            data["group_V"],
            data["nail_V"] / 255.0,
            data["lip_V"] / 255.0,
        )


def rounded(values: np.ndarray) -> np.ndarray:
    """Rounded to 2^-20, so that processors whose last bits differ agree."""
    return np.round(values * _ROUND) / _ROUND


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1 along the last axis."""
    return vectors / np.maximum(np.sqrt(np.sum(vectors * vectors, -1, keepdims=True)), 1e-9)


def about(axis_3: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Turns (..., 3, 3) about unit axes (..., 3) by angles (...)."""
    axis_3, angle = np.broadcast_arrays(np.asarray(axis_3, float), np.asarray(angle, float)[..., None])
    angle = angle[..., 0]
    x, y, z = np.moveaxis(axis_3, -1, 0)
    c, s = np.cos(angle), np.sin(angle)
    k = 1 - c
    rows = [
        [c + x * x * k, x * y * k - z * s, x * z * k + y * s],
        [y * x * k + z * s, c + y * y * k, y * z * k - x * s],
        [z * x * k - y * s, z * y * k + x * s, c + z * z * k],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def between(start_3: np.ndarray, end_3: np.ndarray) -> np.ndarray:
    """The shortest turns (..., 3, 3) that take unit vectors to unit vectors."""
    start_3, end_3 = np.broadcast_arrays(start_3, end_3)
    axis = np.cross(start_3, end_3)
    cosine = np.sum(start_3 * end_3, -1)
    sine = np.sqrt(np.sum(axis * axis, -1))
    return about(axis / np.maximum(sine, 1e-9)[..., None], np.arctan2(sine, cosine))


def times(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Products of turns; no BLAS, so the same everywhere."""
    return np.einsum("...ij,...jk->...ik", first, second)


def apply(turn: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Turned vectors."""
    return np.einsum("...ij,...j->...i", turn, vector)


def hand_turn(turn_N3: np.ndarray) -> np.ndarray:
    """Hand frame to world (N, 3, 3) from tilt (fingers to the picture's left), pitch (fingers to the camera), roll.

    Roll turns about the fingers: 0 shows the palm to the camera, +90 degrees to the picture's right, 180 the back.
    """
    x, y, z = np.eye(3)
    return times(about(z, turn_N3[:, 0]), times(about(x, turn_N3[:, 1]), about(y, turn_N3[:, 2])))


class Body:
    """One person's shape.

    Args:
        rng: gives the shape.
        spread: how much people differ; 1 is as in life.
    """

    def __init__(self, rng: np.random.Generator, spread: float = 1.0) -> None:
        cut = mesh()
        amount = np.clip(rng.normal(0, spread, len(cut.shape_SV3)), -2.2, 2.2)
        whole = np.concatenate([cut.place_V3, cut.joint_J3]) + np.einsum("s,svi->vi", amount, cut.shape_SV3)
        whole = rounded(whole)
        self.place_V3, self.joint_J3 = whole[: len(cut.place_V3)].copy(), whole[len(cut.place_V3) :]
        self.normal_V3 = vertex_normals(self.place_V3, cut.triangle_T3)
        self._read_arm()

    def _read_arm(self) -> None:
        arm = self.joint_J3[RIGHT_ARM : RIGHT_ARM + ARM_BONES]
        tips = self.joint_J3[LEFT_ARM + ARM_BONES :][:5]
        self.arm_J3 = arm
        self.shoulder_3 = arm[_UPPER1]
        self.upper, self.lower = arm[_LOWER1] - arm[_UPPER1], arm[_WRIST] - arm[_LOWER1]
        self.lengths = float(np.sqrt(np.sum(self.upper**2))), float(np.sqrt(np.sum(self.lower**2)))
        wrist = arm[_WRIST]
        knuckle = [arm[_FINGER + 3 * finger] for finger in range(5)]
        along = unit(knuckle[2] - wrist)
        palm = unit(np.cross(knuckle[1] - wrist, knuckle[4] - wrist))
        palm = unit(palm - along * np.sum(along * palm))
        self.rest_33 = np.stack([np.cross(along, palm), along, palm], 1)  # hand frame to rest pose
        self.palm_3 = (knuckle[2] - wrist) * _PALM
        self.palm_size = float(np.sqrt(np.sum((knuckle[2] - wrist) ** 2)))
        chains = [[*(arm[_FINGER + 3 * finger + k] for k in range(3)), tips[finger]] for finger in range(5)]
        # Directions of the bones in the hand frame (5 fingers, 3 bones).
        bones = unit(np.diff(np.array(chains), axis=1))
        self.finger_533 = np.einsum("fbi,ij->fbj", bones, self.rest_33)

    def arm(self, pose_ND: np.ndarray, palm_N3: np.ndarray, shoulder_N3: np.ndarray, torso_N33: np.ndarray):
        """Turns (N, 21, 3, 3) and heads (N, 21, 3) of the right arm's bones whose palm centre is where it should be.

        A palm out of reach is reached by a longer arm.
        """
        hand = hand_turn(pose_ND[:, TURN])
        turn_wrist = times(hand, self.rest_33.T)
        wrist = palm_N3 - apply(turn_wrist, self.palm_3)
        elbow, _wrist_bend = self._elbow(shoulder_N3, wrist, hand[:, :, 1], torso_N33)
        upper = times(between(apply(torso_N33, unit(self.upper)), unit(elbow - shoulder_N3)), torso_N33)
        lower = times(between(apply(upper, unit(self.lower)), unit(wrist - elbow)), upper)
        twist = _twist(times(np.swapaxes(lower, -1, -2), turn_wrist), unit(self.lower))
        axis = unit(self.lower)
        count = len(pose_ND)
        turn = np.empty((count, ARM_BONES, 3, 3))
        head = np.empty((count, ARM_BONES, 3))
        turn[:, 0], turn[:, _UPPER1], turn[:, _UPPER2] = torso_N33, upper, upper
        turn[:, _LOWER1] = times(lower, about(axis, 0.2 * twist))
        turn[:, _LOWER2] = times(lower, about(axis, 0.65 * twist))
        turn[:, _WRIST] = turn_wrist
        head[:, 0] = shoulder_N3 + apply(torso_N33, self.arm_J3[0] - self.shoulder_3)
        head[:, _UPPER1] = shoulder_N3
        share = _share(self.arm_J3, _UPPER1, _UPPER2, _LOWER1)
        head[:, _UPPER2] = shoulder_N3 + share * (elbow - shoulder_N3)
        head[:, _LOWER1] = elbow
        share = _share(self.arm_J3, _LOWER1, _LOWER2, _WRIST)
        head[:, _LOWER2] = elbow + share * (wrist - elbow)
        head[:, _WRIST] = wrist
        self._fingers(pose_ND, hand, turn, head)
        return turn, head

    def _elbow(self, shoulder: np.ndarray, wrist: np.ndarray, along: np.ndarray, torso: np.ndarray):
        """Where the elbow is: low, outwards, and so that the wrist bends little."""
        first, second = self.lengths
        reach = wrist - shoulder
        distance = np.sqrt(np.sum(reach * reach, -1))
        stretch = np.maximum(1.0, distance / (0.985 * (first + second)))
        first, second = first * stretch, second * stretch
        distance = np.maximum(distance, np.abs(first - second) * 1.05 + 0.02)
        axis = unit(reach)
        ahead = (first**2 - second**2 + distance**2) / (2 * distance)
        radius = np.sqrt(np.maximum(first**2 - ahead**2, 1e-8))
        down = apply(torso, np.array([-0.35, -1.0, -0.1]))
        side = unit(down - axis * np.sum(down * axis, -1, keepdims=True))
        other = np.cross(axis, side)
        angle = np.linspace(-np.pi, np.pi, 24, endpoint=False)
        way = np.cos(angle)[:, None, None] * side + np.sin(angle)[:, None, None] * other  # (24, N, 3)
        elbow = shoulder + ahead[:, None] * axis + radius[:, None] * way
        forearm = unit(wrist - elbow)
        bend = 1 - np.sum(forearm * along, -1)  # 0 straight, 1 a right angle
        local = np.einsum("nji,anj->ani", torso, elbow - shoulder)
        cost = 1.6 * bend**2 + 2.2 * local[..., 1] / 0.3 + 1.5 * np.maximum(0, local[..., 0] + 0.02) / 0.1
        cost += 2.0 * np.maximum(0, -local[..., 2] - 0.12) / 0.1
        weight = np.exp(-3.0 * (cost - cost.min(0)))
        mean = np.sum(weight[..., None] * way, 0)
        mean = unit(mean - axis * np.sum(mean * axis, -1, keepdims=True) + 1e-6 * side)
        return shoulder + ahead[:, None] * axis + radius[:, None] * mean, bend

    def _fingers(self, pose_ND: np.ndarray, hand: np.ndarray, turn: np.ndarray, head: np.ndarray) -> None:
        wrist, turn_wrist = head[:, _WRIST], turn[:, _WRIST]
        fingers = pose_ND[:, FINGERS].reshape(-1, 4, 3)
        thumb = unit(pose_ND[:, THUMB].reshape(-1, 3, 3))
        to_rest = self.rest_33.T
        for finger in range(5):
            first = _FINGER + 3 * finger
            place = wrist + apply(turn_wrist, self.arm_J3[first] - self.arm_J3[_WRIST])
            for bone in range(3):
                rest = self.finger_533[finger, bone]
                if finger == 0:
                    local = between(rest, thumb[:, bone])
                else:
                    bend, curl, aside = np.moveaxis(fingers[:, finger - 1], -1, 0)
                    total = bend + (curl if bone > 0 else 0) + (0.66 * curl if bone > 1 else 0)
                    flat = unit(np.array([rest[0], rest[1], 0.0]))
                    axis = np.array([flat[1], -flat[0], 0.0])
                    now = np.arctan2(rest[2], rest[0] * flat[0] + rest[1] * flat[1])
                    local = times(about(np.array([0.0, 0.0, 1.0]), aside), about(axis, total - now))
                # In the rest pose's frame: rest_33 local rest_33^T, then the wrist's turn.
                turn[:, first + bone] = times(hand, times(local, to_rest))
                head[:, first + bone] = place
                if bone < 2:
                    length = self.arm_J3[first + bone + 1] - self.arm_J3[first + bone]
                    place = place + apply(turn[:, first + bone], length)


def vertex_normals(place_V3: np.ndarray, triangle_T3: np.ndarray) -> np.ndarray:
    """Outward unit normals, weighted by area."""
    corner = place_V3[triangle_T3]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    total = np.zeros_like(place_V3)
    for k in range(3):
        np.add.at(total, triangle_T3[:, k], normal)
    return rounded(unit(total))


def _share(arm_J3: np.ndarray, start: int, middle: int, end: int) -> float:
    whole, part = arm_J3[end] - arm_J3[start], arm_J3[middle] - arm_J3[start]
    return float(np.sum(whole * part) / np.sum(whole * whole))


def _twist(turn: np.ndarray, axis_3: np.ndarray) -> np.ndarray:
    """The part of turns (N, 3, 3) about an axis, radians in -pi to pi."""
    swung = apply(turn, axis_3)
    rest = times(between(swung, axis_3), turn)  # now about the axis alone
    sine = 0.5 * ((rest[:, 2, 1] - rest[:, 1, 2]) * axis_3[0] + (rest[:, 0, 2] - rest[:, 2, 0]) * axis_3[1])
    sine += 0.5 * (rest[:, 1, 0] - rest[:, 0, 1]) * axis_3[2]
    cosine = 0.5 * (rest[:, 0, 0] + rest[:, 1, 1] + rest[:, 2, 2] - 1)
    return np.arctan2(sine, cosine)
