"""From the skeleton to the picture: hand to world, world to pixels, limbs to polygons and their colours.

Legend of axes: F frames, S limb segments, E the two ends of a segment, K corners of a polygon, M points,
C colours, 2/3 coordinates. Lengths in the world are palm breadths, its origin is the middle of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.rendered import hand
from training.rendered.gestures import Motion
from training.rendered.scene import Scene

FIXED_POINT_BITS = 4  # polygon corners in 1/16 pixel, as OpenCV takes them
# Segments: 3 bones of 5 fingers, 4 metacarpals, forearm, sleeve.
FINGERS, METACARPALS, FOREARM, SLEEVE = slice(0, 15), slice(15, 19), 19, 20
PALM = METACARPALS.start  # stands for the whole palm in the drawing order

_CAP = np.linspace(-np.pi / 2, np.pi / 2, 6)
_RADII_SE = np.concatenate(
    [
        np.stack([hand.THUMB_RADII[:-1], hand.THUMB_RADII[1:]], axis=1),
        np.stack([hand.FINGER_RADII[:, :-1], hand.FINGER_RADII[:, 1:]], axis=2).reshape(12, 2),
        np.array([[0.15, 0.155]] * 4 + [[0.25, 0.36], [0.37, 0.50]]),
    ]
)
_METACARPAL_BASES = np.array([[0.13, 0.08, 0.0], [0.04, 0.05, 0.0], [-0.06, 0.05, 0.0], [-0.14, 0.08, 0.0]])
_CREASES = np.array(
    [
        [[0.40, 0.72, 0.03], [-0.05, 0.66, 0.03]],
        [[-0.40, 0.72, 0.03], [0.12, 0.84, 0.03]],
        [[0.30, 0.62, 0.03], [0.02, 0.10, 0.03]],
    ]
)
_FOREARM_LENGTH = 4.2
# Points of the palm's plane: its outline, the centre, the tip of the normal, the creases.
_CENTRE, _NORMAL = len(hand.PALM), len(hand.PALM) + 1
_PALM_POINTS_M3 = np.concatenate(
    [hand.PALM, [hand.PALM_CENTRE, hand.PALM_CENTRE + np.array([0, 0, 1])], _CREASES.reshape(-1, 3)]
)


@dataclass
class Projection:
    """Everything that the drawing loop needs of a hand, in pixels; polygons in fixed point."""

    limb_FSK2: np.ndarray
    outline_FSK2: np.ndarray
    shine_FSK2: np.ndarray
    palm_FK2: np.ndarray
    creases_FL22: np.ndarray
    colour_FSC: np.ndarray
    order_FS: np.ndarray  # finger segments and PALM, from far to near
    object_F3: np.ndarray  # centre x, y and radius
    facing_F: np.ndarray  # 1 palm, -1 back of the hand towards the viewer
    edge: float  # breadth of the outline


def project(motion: Motion, scene: Scene, size: tuple[int, int], frames: np.ndarray) -> Projection:
    """Project the hand in the given frames (n) of a clip to a picture of `size` (H, W)."""
    height = size[0]
    ends_FSE3, palm_FM3 = _skeleton(motion, scene, frames)
    ends_FSE2, scale_FSE = _pixels(ends_FSE3, motion, scene, size, frames)
    palm_FM2, palm_scale_FM = _pixels(palm_FM3, motion, scene, size, frames)
    radii_FSE = _RADII_SE * scale_FSE
    edge = scene.outline * height
    towards_light = np.array([scene.light[0], -scene.light[1]])
    facing_F = _facing(palm_FM3, scene)
    depth_FS = np.concatenate([ends_FSE3[:, FINGERS, :, 2].mean(axis=2), palm_FM3[:, _CENTRE, None, 2]], axis=1)
    grip_F2 = ends_FSE2[:, [5, 11], 0].mean(axis=1)  # between the last joints of index and ring finger
    return Projection(
        limb_FSK2=_capsules(ends_FSE2, radii_FSE),
        outline_FSK2=_capsules(ends_FSE2, radii_FSE + edge),
        shine_FSK2=_capsules(ends_FSE2 + 0.34 * radii_FSE[..., None] * towards_light, 0.5 * radii_FSE),
        palm_FK2=_fixed(palm_FM2[:, :_CENTRE]),
        creases_FL22=_fixed(palm_FM2[:, _NORMAL + 1 :].reshape(len(frames), -1, 2, 2)),
        colour_FSC=_colours(ends_FSE3, facing_F, scene),
        order_FS=np.argsort(depth_FS, axis=1, kind="stable"),
        object_F3=np.concatenate([grip_F2, scene.object_size * palm_scale_FM[:, _CENTRE, None]], axis=1),
        facing_F=facing_F,
        edge=edge,
    )


def _skeleton(motion: Motion, scene: Scene, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World ends of all segments (F, S, 2, 3) and world points of the palm's plane (F, M, 3)."""
    count = len(frames)
    joints = hand.finger_joints(motion.pose_FP[frames])
    metacarpals = np.stack([np.broadcast_to(_METACARPAL_BASES, (count, 4, 3)), joints[:, 1:, 0]], axis=2)
    palm = np.broadcast_to(_PALM_POINTS_M3, (count, *_PALM_POINTS_M3.shape))
    points = np.concatenate([joints.reshape(count, 20, 3), metacarpals.reshape(count, 8, 3), palm], axis=1)
    world = _to_world(points, motion, scene, frames)
    fingers = world[:, :20].reshape(count, 5, 4, 3)
    bones = np.stack([fingers[:, :, :-1], fingers[:, :, 1:]], axis=3).reshape(count, 15, 2, 3)
    arm = _forearm(motion, scene, frames)
    return np.concatenate([bones, world[:, 20:28].reshape(count, 4, 2, 3), arm], axis=1), world[:, 28:]


def _to_world(points_FM3: np.ndarray, motion: Motion, scene: Scene, frames: np.ndarray) -> np.ndarray:
    size_F = motion.size_F[frames]
    turned = points_FM3 - np.array([0.0, motion.pivot, 0.0])
    if scene.left_hand:
        turned = turned * (-1.0, 1.0, 1.0)
    tilt_F = motion.tilt_F + (-motion.lean_F if scene.left_hand else motion.lean_F)
    rotation_F33 = hand.rotations(tilt_F[frames], motion.pitch_F[frames], motion.yaw_F[frames])
    turned = turned @ rotation_F33.transpose(0, 2, 1)
    breadth = scene.hand_size * motion.scale
    place_F2 = motion.place_F2[frames] / (breadth * size_F)[:, None]
    nearer_F1 = (scene.distance * (1 - 1 / size_F))[:, None]
    return turned + np.concatenate([place_F2, nearer_F1], axis=1)[:, None]


def _pixels(
    world: np.ndarray, motion: Motion, scene: Scene, size: tuple[int, int], frames: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """World points (F, ..., 3) to pixels (F, ..., 2) and the pixels per palm breadth there (F, ...)."""
    height, width = size
    # Points beside or behind the camera stay finite.
    depth = np.maximum(scene.distance - world[..., 2], 0.5)
    scale = scene.hand_size * motion.scale * height * scene.distance / depth
    flat = np.stack([width / 2 + scale * world[..., 0], height / 2 - scale * world[..., 1]], axis=-1)
    camera_F23 = scene.camera_F23[frames].reshape(len(frames), *(1,) * (world.ndim - 2), 2, 3)
    pixels = (camera_F23[..., :2] @ flat[..., None])[..., 0] + camera_F23[..., 2]
    zoom_F = np.hypot(camera_F23[..., 0, 0], camera_F23[..., 1, 0])
    return pixels, scale * zoom_F


def _forearm(motion: Motion, scene: Scene, frames: np.ndarray) -> np.ndarray:
    """Ends (F, 2, 2, 3) of bare forearm and sleeve: half straight on from the hand, half to the elbow."""
    points = np.broadcast_to(np.array([[0.0, 0.0, 0.0], [0.0, -1.0, 0.0]]), (len(frames), 2, 3))
    wrist_F23 = _to_world(points, motion, scene, frames)
    straight_F3 = wrist_F23[:, 1] - wrist_F23[:, 0]
    # The elbow follows the hand half the way.
    elbow_F3 = scene.elbow + wrist_F23[:, 0] * (0.5, 0.5, 0.6)
    down_F3 = elbow_F3 - wrist_F23[:, 0]
    down_F3 /= np.linalg.norm(down_F3, axis=1, keepdims=True)
    along_F3 = 0.5 * straight_F3 + 0.5 * down_F3
    along_F3 /= np.maximum(np.linalg.norm(along_F3, axis=1, keepdims=True), 0.2)
    end_F3 = wrist_F23[:, 0] + _FOREARM_LENGTH * along_F3
    cuff_F3 = wrist_F23[:, 0] + min(scene.sleeve_begin, 0.99) * _FOREARM_LENGTH * along_F3
    return np.stack([np.stack([wrist_F23[:, 0], end_F3], 1), np.stack([cuff_F3, end_F3], 1)], 1)


def _facing(palm_FM3: np.ndarray, scene: Scene) -> np.ndarray:
    centre_F3 = palm_FM3[:, _CENTRE]
    normal_F3 = palm_FM3[:, _NORMAL] - centre_F3
    view_F3 = np.array([0, 0, scene.distance]) - centre_F3
    return (normal_F3 * view_F3).sum(1) / np.linalg.norm(view_F3, axis=1)


def _capsules(ends_FSE2: np.ndarray, radii_FSE: np.ndarray) -> np.ndarray:
    """Outlines (F, S, K, 2) of tapered limbs with round ends, in fixed point."""
    along = ends_FSE2[:, :, 1] - ends_FSE2[:, :, 0]
    last_cap = np.arctan2(along[..., 1], along[..., 0])[..., None] + _CAP
    angle_FSK = np.concatenate([last_cap, last_cap + np.pi], axis=2)
    end_of_corner = np.repeat([1, 0], len(_CAP))
    rim = radii_FSE[:, :, end_of_corner, None] * np.stack([np.cos(angle_FSK), np.sin(angle_FSK)], -1)
    return _fixed(ends_FSE2[:, :, end_of_corner] + rim)


def _fixed(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels * (1 << FIXED_POINT_BITS)).astype(np.int32)


def _colours(ends_FSE3: np.ndarray, facing_F: np.ndarray, scene: Scene) -> np.ndarray:
    """Colour of every segment: palm or back skin, lit as a cylinder, darker where it lies behind."""
    along = ends_FSE3[:, :, 1] - ends_FSE3[:, :, 0]
    along = along / np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-6)
    lit_FS = np.sqrt(np.clip(1 - (along @ scene.light) ** 2, 0, 1))
    depth_FS = ends_FSE3[..., 2].mean(axis=2)
    nearer_FS = np.clip(depth_FS - depth_FS[:, METACARPALS].mean(axis=1, keepdims=True), -0.8, 0.8)
    shade_FS = (0.70 + 0.30 * lit_FS) * (1 + 0.16 * nearer_FS)
    palm_F1C = (0.5 + 0.5 * facing_F)[:, None, None]
    skin = scene.palm_skin * palm_F1C + scene.skin * (1 - palm_F1C)
    base = np.broadcast_to(skin, (*shade_FS.shape, 3)).copy()
    base[:, FOREARM] = scene.skin
    base[:, SLEEVE] = scene.sleeve
    return np.clip(base * shade_FS[..., None], 0, 255)
