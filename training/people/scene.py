"""One person before one camera: who, where, in what light; renders what is done on a `Stage`.

Camera frame: the camera at the origin looks along -z; x right in the picture, y up, metres.

Legend of axes: F frames, N moments (several a frame, for motion blur), V vertices, J bones, H rows, W columns,
L lights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.people import raster
from training.people.body import (
    ARM_BONES,
    FINGERS,
    LEFT_ARM,
    PLACE,
    POSE,
    RIGHT_ARM,
    THUMB,
    TURN,
    Body,
    about,
    apply,
    mesh,
    rounded,
    times,
    unit,
)
from training.people.looks import Looks, dress
from training.people.motion import Tremor
from training.people.room import MARGIN, room
from training.people.stage import TORSO, Manner, Stage
from training.people.webcam import Webcam, develop, exposure, shaken, webcam

RATE = 12.0  # frames a second, Jester's
FEWEST, MOST = 5, 12  # moments of an exposure: a still and a fast hand
_MIRROR = np.array([-1.0, 1.0, 1.0])
_NECK, _HEAD = 1, 2
_JOINTS = LEFT_ARM + ARM_BONES


@dataclass
class Light:
    """Ambient light (constant and slopes along x, y, z; RGB) and lamps."""

    ambient_43: np.ndarray
    direction_L3: np.ndarray
    colour_L3: np.ndarray
    wrap: float


class Scene:
    """A person, a place and a camera.

    Args:
        rng: gives everything.
        height, width: of the pictures, pixels.
        stills: a folder of real pictures to take backgrounds from (`training.people.room`).

    Attributes:
        manner: how the person acts.
        left_handed: whether the whole picture is to be mirrored, so that the right hand is a left one.
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int, stills: Path | None = None) -> None:
        self.height, self.width = height, width
        self.left_handed = bool(rng.random() < 0.25)
        self.body = Body(rng)
        self.looks: Looks = dress(self.body, rng)
        self.camera: Webcam = webcam(rng)
        self.light = _light(rng)
        self.focal = height * float(rng.uniform(0.95, 1.45))
        self._linear_HW3 = _linear(room(rng, height, width, stills), float(np.exp(rng.normal(-0.1, 0.45))))
        self._place(rng)
        self._tremors(rng)

    def _place(self, rng: np.random.Generator) -> None:
        """Where head and hands are."""
        focal, aspect = self.focal / self.height, self.width / self.height
        aside = rng.random() < 0.25  # a camera that stands aside sees the person at the picture's right, half turned
        depth = float(np.exp(rng.uniform(np.log(0.5), np.log(1.0))))
        u = rng.uniform(0.1, 0.42) if aside else rng.normal(0.06, 0.16)
        u = float(np.clip(u, -0.5 * aspect + 0.3, 0.5 * aspect - 0.15))
        v = float(np.clip(rng.normal(0.08, 0.14), -0.45, 0.32))
        self.yaw = float(np.deg2rad(rng.uniform(-50, -10) if aside else rng.normal(0, 9)))
        self.pitch = float(np.deg2rad(rng.normal(0, 7)))
        self.head_3 = np.array([u * depth / focal, v * depth / focal, -depth])
        hand_height = float(np.clip(np.exp(rng.normal(np.log(0.44), 0.28)), 0.22, 0.8))  # of the picture
        near = 0.185 * focal / hand_height
        near = float(np.clip(near, 0.2, depth - 0.08))
        self._reach(near, u, focal)
        depth = -self.head_3[2]
        room_left, room_right = -0.5 * aspect + 0.2, 0.5 * aspect - 0.25
        centre_u = float(np.clip(u - rng.uniform(0.0, 0.5), room_left, room_right))
        centre_v = float(np.clip(rng.normal(-0.02, 0.1), -0.25, 0.2))
        seen = rng.random() < 0.18
        home_v = rng.uniform(-0.52, -0.38) if seen else rng.uniform(-1.15, -0.85)
        home_u = centre_u + rng.uniform(-0.35, 0.2)
        if not seen and rng.random() < 0.12:
            home_u, home_v = -0.5 * aspect - 0.45, rng.uniform(-0.6, -0.1)  # it comes from the side
        span = min(0.5 * aspect - abs(centre_u) * 0.5, 0.75)
        self.manner = Manner(
            home_3=(float(home_u), float(home_v), float(near * rng.uniform(0.95, 1.25))),
            seen_home=seen,
            centre_3=(centre_u, centre_v, near),
            head_3=(float(self.head_3[0] * focal / depth), float(self.head_3[1] * focal / depth), depth),
            width=float(np.clip(span * rng.uniform(0.45, 0.95), 0.2, 0.62)),
            tempo=float(np.exp(rng.normal(-0.05, 0.22))),
            neat=float(rng.random()),
        )

    def _reach(self, near: float, u: float, focal: float) -> None:
        """Moves the person so near that a hand at depth `near` is in reach."""
        furthest = near + 0.8 * sum(self.body.lengths)
        if -self.head_3[2] > furthest:
            self.head_3 *= furthest / -self.head_3[2]

    def _tremors(self, rng: np.random.Generator) -> None:
        size = np.zeros(POSE)
        size[PLACE] = 0.006, 0.006, 0.004
        size[TURN] = 0.035
        size[FINGERS] = np.tile((0.05, 0.06, 0.015), 4)
        size[THUMB] = 0.035
        lively = np.exp(rng.normal(0, 0.4))
        self._hand_tremor = Tremor(rng, size * lively), Tremor(rng, size * lively)
        torso = np.zeros(TORSO)
        torso[:3], torso[3:6], torso[6] = (0.005, 0.003, 0.005), (0.03, 0.025, 0.015), 0.01
        self._torso_tremor = Tremor(rng, torso * np.exp(rng.normal(0.1, 0.5)), 0.08, 0.8)

    def stage(self, rng: np.random.Generator) -> Stage:
        """An empty stage for this person."""
        return Stage(rng, self.manner)

    def skeleton(self, stage: Stage, time_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turns (N, J, 3, 3) and shifts (N, J, 3) of all bones: x -> turn x + shift."""
        joints = self.body.joint_J3[:_JOINTS]
        torso = stage.torso.at(time_N) + self._torso_tremor.at(time_N)
        count = len(time_N)
        y_axis, x_axis, z_axis = np.array([0.0, 1, 0]), np.array([1.0, 0, 0]), np.array([0.0, 0, 1])
        chest = times(about(y_axis, self.yaw + 0.25 * torso[:, 3]), about(x_axis, self.pitch + torso[:, 6]))
        head = times(
            times(about(y_axis, self.yaw + torso[:, 3]), about(x_axis, self.pitch + torso[:, 6] + torso[:, 4])),
            about(z_axis, torso[:, 5]),
        )
        neck = times(
            about(y_axis, self.yaw + 0.6 * torso[:, 3]), about(x_axis, self.pitch + torso[:, 6] + 0.5 * torso[:, 4])
        )
        turn = np.empty((count, _JOINTS, 3, 3))
        place = np.empty((count, _JOINTS, 3))
        turn[:, 0], turn[:, _NECK], turn[:, _HEAD] = chest, neck, head
        middle = joints[_HEAD] + (0.0, 0.07, 0.04)  # of the head
        base = apply(chest, joints[_NECK] - joints[_HEAD])
        anchor = self.head_3 + torso[:, :3] - apply(head, middle - joints[_HEAD])  # the head's joint
        lean = apply(chest, joints[_HEAD] - joints[_NECK]) - joints[_HEAD] + joints[_NECK]
        place[:, _HEAD] = anchor + 0.5 * lean
        place[:, _NECK] = place[:, _HEAD] + base
        place[:, 0] = place[:, _NECK] + apply(chest, joints[0] - joints[_NECK])
        for first, track, tremor, mirror in (
            (RIGHT_ARM, stage.right, self._hand_tremor[0], np.ones(3)),
            (LEFT_ARM, stage.left, self._hand_tremor[1], _MIRROR),
        ):
            pose = track.at(time_N) + tremor.at(time_N)
            depth = np.maximum(pose[:, 2], 0.1)
            palm = np.stack([pose[:, 0] * depth, pose[:, 1] * depth, -depth], 1)
            palm[:, :2] *= self.height / self.focal
            flipped = mirror[:, None] * mirror  # the mirror image of a turn
            shoulder = place[:, 0] + apply(chest, (self.body.shoulder_3 - joints[0]) * mirror)
            arm_turn, arm_head = self.body.arm(pose, palm, shoulder * mirror, chest * flipped)
            turn[:, first : first + ARM_BONES] = arm_turn * flipped
            place[:, first : first + ARM_BONES] = arm_head * mirror
        shift = place - np.einsum("njab,jb->nja", turn, joints)
        return rounded(turn), rounded(shift)

    def render(self, stage: Stage, time_F: np.ndarray, rng_of: list[np.random.Generator]) -> np.ndarray:
        """Pictures (F, H, W, 3) uint8 at the given times, noise from the given generators."""
        pictures = np.empty((len(time_F), self.height, self.width, 3), np.uint8)
        if not len(time_F):
            return pictures
        moments, _weight = self._moments(stage, time_F)
        turn, shift = self.skeleton(stage, np.concatenate(moments))
        shake = np.round(shaken(self.camera, time_F) * self.height / 100).astype(int)
        exposed = exposure(self.camera, time_F)
        buffers = _Buffers(len(self.looks.place_V3), self.height, self.width)
        begin = 0
        for k in range(len(time_F)):
            part = slice(begin, begin + len(moments[k]))
            begin = part.stop
            total = self._expose(buffers, turn[part], shift[part], shake[k])
            picture = develop(self.camera, total, float(exposed[k]), rng_of[k])
            pictures[k] = picture[:, ::-1] if self.left_handed else picture
        return pictures

    def _moments(self, stage: Stage, time_F: np.ndarray) -> tuple[list[np.ndarray], None]:
        """Times within each exposure, the more the faster a hand is."""
        shutter = self.camera.shutter
        both = np.concatenate([time_F, time_F + shutter])
        order = np.argsort(both, kind="stable")
        moved = np.zeros(len(time_F))
        for track in (stage.right, stage.left):
            pose = np.empty((len(both), POSE))
            pose[order] = track.at(both[order])
            change = np.abs(pose[len(time_F) :] - pose[: len(time_F)])
            moved = np.maximum(moved, np.hypot(change[:, 0], change[:, 1]) + 0.3 * change[:, TURN].max(1))
        count = np.clip(np.ceil(moved * self.height / 1.6), FEWEST, MOST).astype(int)
        return [t + shutter * (np.arange(n) + 0.5) / n for t, n in zip(time_F, count, strict=True)], None

    def _expose(self, buffers: _Buffers, turn: np.ndarray, shift: np.ndarray, shake: np.ndarray) -> np.ndarray:
        cut, looks, light = mesh(), self.looks, self.light
        margin_y, margin_x = round(self.height * MARGIN), round(self.width * MARGIN)
        limit = min(margin_y, margin_x) - 1
        dx, dy = np.clip(shake, -limit, limit)
        behind = self._linear_HW3[margin_y - dy :][: self.height, margin_x - dx :][:, : self.width]
        buffers.total[:] = 0
        count = len(turn)
        for k in range(count):
            b = buffers
            raster.skin(
                looks.place_V3, looks.normal_V3, cut.bone_VI, cut.weight_VI, turn[k], shift[k], b.place, b.normal
            )
            raster.project(b.place, self.focal, self.width / 2 + dx, self.height / 2 + dy, b.pixel, b.iz)
            raster.light(
                b.place,
                b.normal,
                looks.albedo_V3,
                looks.gloss_V,
                light.ambient_43,
                light.direction_L3,
                light.colour_L3,
                light.wrap,
                b.colour,
            )
            b.depth[:] = 0
            # Another place within the pixel at every moment: what stands still gets smooth edges.
            jitter = (int(256 * ((0.5 + 0.7549 * k) % 1)) - 128, int(256 * ((0.5 + 0.5698 * k) % 1)) - 128)
            raster.fill(
                cut.triangle_T3,
                looks.page_T,
                0,
                len(cut.triangle_T3),
                b.pixel,
                b.iz,
                b.colour,
                looks.uv_V2,
                looks.texture_PHW3,
                jitter[0],
                jitter[1],
                b.depth,
                b.picture,
                b.mask,
            )
            raster.gather(b.picture, b.depth, behind, b.total)
        return buffers.total / count


class _Buffers:
    """Memory that rendering uses again and again."""

    def __init__(self, vertices: int, height: int, width: int) -> None:
        self.place, self.normal, self.colour = (np.empty((vertices, 3)) for _ in range(3))
        self.pixel, self.iz = np.zeros((vertices, 2), np.int64), np.zeros(vertices)
        self.depth, self.mask = np.zeros((height, width)), np.zeros((height, width), np.int64)
        self.picture, self.total = np.zeros((height, width, 3)), np.zeros((height, width, 3))


def _light(rng: np.random.Generator) -> Light:
    warm = np.exp(rng.normal(0, 0.12, 3))
    ambient = np.zeros((4, 3))
    ambient[0] = rng.uniform(0.18, 0.6) * warm
    ambient[1:] = ambient[0] * rng.normal((0, 0.35, 0.1), 0.22)[:, None] * np.exp(rng.normal(0, 0.08, (3, 3)))
    lamps = int(rng.integers(1, 3))
    direction = np.stack([rng.normal(0, 0.7, lamps), rng.uniform(-0.1, 1.1, lamps), rng.normal(0.35, 0.5, lamps)], 1)
    strength = np.exp(rng.normal(-0.7, 0.6, (lamps, 1)))
    colour = strength * np.exp(rng.normal(0, 0.12, (lamps, 3)))
    return Light(rounded(ambient), rounded(unit(direction)), rounded(colour), float(rng.uniform(0.05, 0.45)))


def _linear(picture_HW3: np.ndarray, gain: float) -> np.ndarray:
    table = rounded((np.arange(256) / 255) ** 2.2 * gain)
    return table[picture_HW3]
