"""From a motion and a scene to pictures: projection of the skeleton, then OpenCV polygons from far to near.

Legend of axes: F frames, S limb segments, E the two ends of a segment, K corners of a polygon, 2/3 coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.rendered import hand
from training.rendered.gestures import Motion
from training.rendered.scene import Scene

_SHIFT = 4  # OpenCV's fixed point: 1/16 pixel
_CAP = np.linspace(-np.pi / 2, np.pi / 2, 6)
# Segments: 3 bones of 5 fingers, 4 metacarpals, forearm, sleeve.
_FINGER_SEGMENTS, _METACARPALS, _FOREARM, _SLEEVE = slice(0, 15), slice(15, 19), 19, 20
_RADII_SE = np.concatenate(
    [
        np.stack([hand.THUMB_RADII[:-1], hand.THUMB_RADII[1:]], axis=1),
        np.stack([hand.FINGER_RADII[:, :-1], hand.FINGER_RADII[:, 1:]], axis=2).reshape(12, 2),
        np.array([[0.15, 0.155]] * 4 + [[0.25, 0.36], [0.37, 0.50]]),
    ]
)
_WRIST_SIDE = np.array([[0.13, 0.08, 0.0], [0.04, 0.05, 0.0], [-0.06, 0.05, 0.0], [-0.14, 0.08, 0.0]])
_FOREARM_LENGTH = 4.2


@dataclass
class _Geometry:
    """Everything about the hand that the drawing loop needs, in pixels of the camera's picture."""

    limb_FSK2: np.ndarray  # int32 fixed point, filled limbs
    outline_FSK2: np.ndarray
    shine_FSK2: np.ndarray
    palm_FK2: np.ndarray
    creases_FL22: np.ndarray
    colour_FSC: np.ndarray
    order_FS: np.ndarray  # segments from far to near; _METACARPALS.start stands for the whole palm
    object_F3: np.ndarray  # centre x, y and radius, pixels
    facing_F: np.ndarray  # 1 palm, -1 back of the hand towards the viewer
    outline: float


def _to_world(points_FM3: np.ndarray, motion: Motion, scene: Scene, height: int, frames: np.ndarray) -> np.ndarray:
    """Hand frame to world frame, in palm breadths, the middle of the picture as origin."""
    size_F = motion.size_F[frames]
    turned = points_FM3 - np.array([0.0, motion.pivot, 0.0])
    if scene.left_hand:
        turned = turned * (-1.0, 1.0, 1.0)
    rotation_F33 = hand.rotations(motion.tilt_F[frames], motion.pitch_F[frames], motion.yaw_F[frames])
    turned = turned @ rotation_F33.transpose(0, 2, 1)
    breadth = scene.hand_size * motion.scale
    place_F3 = np.concatenate(
        [motion.place_F2[frames] / (breadth * size_F)[:, None], (scene.distance * (1 - 1 / size_F))[:, None]], axis=1
    )
    return turned + place_F3[:, None]


def _project(world: np.ndarray, motion: Motion, scene: Scene, size: tuple[int, int], frames: np.ndarray) -> tuple:
    """World points (F, ..., 3) to pixels (F, ..., 2) and the pixels per palm breadth there (F, ...)."""
    height, width = size
    scale = scene.hand_size * motion.scale * height * scene.distance / np.maximum(scene.distance - world[..., 2], 0.5)
    flat = np.stack([width / 2 + scale * world[..., 0], height / 2 - scale * world[..., 1]], axis=-1)
    camera_F23 = scene.camera_F23[frames].reshape(len(frames), *(1,) * (world.ndim - 2), 2, 3)
    pixels = (camera_F23[..., :2] @ flat[..., None])[..., 0] + camera_F23[..., 2]
    zoom_F = np.hypot(camera_F23[..., 0, 0], camera_F23[..., 1, 0])
    return pixels, scale * zoom_F


def _capsules(ends_FSE2: np.ndarray, radii_FSE: np.ndarray) -> np.ndarray:
    """Outlines (F, S, K, 2) of tapered limbs with round ends, in fixed point."""
    along = ends_FSE2[:, :, 1] - ends_FSE2[:, :, 0]
    angle_FS1 = np.arctan2(along[..., 1], along[..., 0])[..., None]
    last = angle_FS1 + _CAP
    corner_FSK = np.concatenate([last, last + np.pi], axis=2)
    which = np.repeat([1, 0], len(_CAP))
    corners = ends_FSE2[:, :, which] + radii_FSE[:, :, which, None] * np.stack([np.cos(corner_FSK), np.sin(corner_FSK)], -1)
    return _fixed(corners)


def _fixed(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels * (1 << _SHIFT)).astype(np.int32)


def _forearm(world_joints: np.ndarray, motion: Motion, scene: Scene, frames: np.ndarray, height: int) -> np.ndarray:
    """Ends (F, 2, 2, 3) of the bare forearm and of the sleeve: from the wrist halfway on, then towards the elbow."""
    points = np.broadcast_to(np.array([[0.0, 0.0, 0.0], [0.0, -1.0, 0.0]]), (len(frames), 2, 3))
    wrist_F23 = _to_world(points, motion, scene, height, frames)
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


def _colours(ends_FSE3: np.ndarray, facing_F: np.ndarray, scene: Scene) -> np.ndarray:
    """Colour of every segment: palm or back skin, lit as a cylinder, darker where it lies behind."""
    along = ends_FSE3[:, :, 1] - ends_FSE3[:, :, 0]
    along = along / np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-6)
    lit_FS = np.sqrt(np.clip(1 - (along @ scene.light) ** 2, 0, 1))
    depth_FS = ends_FSE3[..., 2].mean(axis=2)
    nearer_FS = np.clip(depth_FS - depth_FS[:, _METACARPALS].mean(axis=1, keepdims=True), -0.8, 0.8)
    shade_FS = (0.70 + 0.30 * lit_FS) * (1 + 0.16 * nearer_FS)
    palm_F1C = (0.5 + 0.5 * facing_F)[:, None, None]
    skin = scene.palm_skin * palm_F1C + scene.skin * (1 - palm_F1C)
    base = np.broadcast_to(skin, (*shade_FS.shape, 3)).copy()
    base[:, _FOREARM] = scene.skin
    base[:, _SLEEVE] = scene.sleeve
    return np.clip(base * shade_FS[..., None], 0, 255)


def _geometry(motion: Motion, scene: Scene, size: tuple[int, int], frames: np.ndarray) -> _Geometry:
    count, height = len(frames), size[0]
    joints = hand.finger_joints(motion.pose_FP[frames])  # (F, 5, 4, 3)
    knuckles = np.stack([np.broadcast_to(_WRIST_SIDE, (count, 4, 3)), joints[:, 1:, 0]], axis=2)
    outline_points = np.concatenate([hand.PALM, [hand.PALM_CENTRE, hand.PALM_CENTRE + (0, 0, 1)], _CREASES.reshape(-1, 3)])
    points = np.concatenate(
        [joints.reshape(count, 20, 3), knuckles.reshape(count, 8, 3), np.broadcast_to(outline_points, (count, *outline_points.shape))],
        axis=1,
    )
    world = _to_world(points, motion, scene, height, frames)
    fingers = world[:, :20].reshape(count, 5, 4, 3)
    bones = np.stack([fingers[:, :, :-1], fingers[:, :, 1:]], axis=3).reshape(count, 15, 2, 3)
    ends = np.concatenate([bones, world[:, 20:28].reshape(count, 4, 2, 3), _forearm(world, motion, scene, frames, height)], axis=1)
    pixels, scale = _project(ends, motion, scene, size, frames)
    flat, flat_scale = _project(world[:, 28:], motion, scene, size, frames)
    palm_corners = len(hand.PALM)

    centre_F3, normal_F3 = world[:, 28 + palm_corners], world[:, 29 + palm_corners] - world[:, 28 + palm_corners]
    view_F3 = np.array([0, 0, scene.distance]) - centre_F3
    facing_F = (normal_F3 * view_F3).sum(1) / np.linalg.norm(view_F3, axis=1)
    radii = _RADII_SE * scale
    edge = 0.011 * height
    light_2 = np.array([scene.light[0], -scene.light[1]])
    depth_FS = ends[:, :15, :, 2].mean(axis=2)
    # A straight finger begins at the depth of the palm: the fold goes before the palm only if it is clearly nearer.
    palm_depth_F1 = centre_F3[:, None, 2]
    order_FS = np.argsort(np.concatenate([depth_FS, palm_depth_F1], axis=1), axis=1, kind="stable")
    object_centre = pixels[:, [5, 11], 0].mean(axis=1)
    return _Geometry(
        limb_FSK2=_capsules(pixels, radii),
        outline_FSK2=_capsules(pixels, radii + edge),
        shine_FSK2=_capsules(pixels + 0.34 * radii[..., None] * light_2, 0.5 * radii),
        palm_FK2=_fixed(flat[:, :palm_corners]),
        creases_FL22=_fixed(flat[:, palm_corners + 2 :].reshape(count, -1, 2, 2)),
        colour_FSC=_colours(ends, facing_F, scene),
        order_FS=order_FS,
        object_F3=np.concatenate([object_centre, scene.object_size * flat_scale[:, palm_corners, None]], axis=1),
        facing_F=facing_F,
        outline=edge,
    )


_CREASES = np.array(
    [
        [[0.40, 0.72, 0.03], [-0.05, 0.66, 0.03]],
        [[-0.40, 0.72, 0.03], [0.12, 0.84, 0.03]],
        [[0.30, 0.62, 0.03], [0.02, 0.10, 0.03]],
    ]
)


def _fill(image: np.ndarray, corners_K2: np.ndarray, colour: list[float]) -> None:
    cv2.fillConvexPoly(image, corners_K2, colour, cv2.LINE_AA, _SHIFT)


def _draw_hand(image: np.ndarray, shape: _Geometry, frame: int, scene: Scene, holds_object: bool) -> None:
    limb, outline, shine = shape.limb_FSK2[frame], shape.outline_FSK2[frame], shape.shine_FSK2[frame]
    base_SC = shape.colour_FSC[frame]
    colour, dark, bright = base_SC.tolist(), (0.52 * base_SC).tolist(), np.minimum(1.10 * base_SC + 6, 255).tolist()

    def draw_limb(segment: int) -> None:
        _fill(image, outline[segment], dark[segment])
        _fill(image, limb[segment], colour[segment])
        _fill(image, shine[segment], bright[segment])

    def draw_palm() -> None:
        palm = shape.palm_FK2[frame]
        tone = base_SC[_METACARPALS].mean(axis=0)
        for segment in range(_METACARPALS.start, _METACARPALS.stop):
            _fill(image, outline[segment], dark[segment])
        cv2.polylines(image, [palm], True, (0.52 * tone).tolist(), max(1, round(2 * shape.outline)), cv2.LINE_AA, _SHIFT)
        for segment in range(_METACARPALS.start, _METACARPALS.stop):
            _fill(image, limb[segment], tone.tolist())
        _fill(image, palm, tone.tolist())
        if shape.facing_F[frame] > 0.3:
            for crease in shape.creases_FL22[frame]:
                cv2.polylines(image, [crease], False, (0.74 * tone).tolist(), 1, cv2.LINE_AA, _SHIFT)
        elif shape.facing_F[frame] < -0.3:
            for segment in range(_METACARPALS.start, _METACARPALS.stop):
                _fill(image, shine[segment], bright[segment])

    draw_limb(_FOREARM)
    if scene.sleeve_begin < 1:
        draw_limb(_SLEEVE)
    if holds_object:
        x, y, radius = shape.object_F3[frame]
        cv2.circle(image, (round(x), round(y)), max(2, round(radius)), scene.object_colour.tolist(), -1, cv2.LINE_AA)
    for segment in shape.order_FS[frame].tolist():
        if segment == _METACARPALS.start:
            draw_palm()
        else:
            draw_limb(segment)


def _smear(image: np.ndarray, move_2: np.ndarray, corners: np.ndarray) -> None:
    """Blur the hand's surroundings along its movement (pixels while the shutter is open)."""
    reach = int(np.ceil(np.abs(move_2).max()))
    if reach < 2:
        return
    box = corners.reshape(-1, 2) / (1 << _SHIFT)
    left, top = np.maximum(np.floor(box.min(axis=0)).astype(int) - reach, 0)
    right, bottom = np.minimum(np.ceil(box.max(axis=0)).astype(int) + reach, image.shape[1::-1])
    if right - left < 3 or bottom - top < 3:
        return
    side = reach | 1
    kernel = np.zeros((side, side), np.float32)
    half, middle = move_2 / 2, side // 2
    begin, end = (tuple(int(round(v)) for v in middle + sign * half) for sign in (-1, 1))
    cv2.line(kernel, begin, end, 1.0, 1)
    region = image[top:bottom, left:right]
    region[:] = cv2.filter2D(region, -1, kernel / kernel.sum())


def draw_frames(motion: Motion, scene: Scene, size: tuple[int, int], frames: np.ndarray) -> np.ndarray:
    """Pictures (n, H, W, 3), uint8 RGB, of the given frames of a clip; `size` is (H, W) in pixels."""
    height, width = size
    pictures = np.empty((len(frames), height, width, 3), np.uint8)
    shape = _geometry(motion, scene, size, frames) if motion.visible else None
    move_F2 = scene.shutter * height * np.gradient(motion.place_F2, axis=0) * (1, -1)
    for number, frame in enumerate(frames):
        camera = scene.camera_F23[frame].copy()
        camera[:, 2] -= camera[:, :2] @ (scene.margin, scene.margin)
        image = cv2.warpAffine(scene.background_HWC, camera, (width, height), borderMode=cv2.BORDER_REPLICATE)
        if shape is not None:
            _draw_hand(image, shape, number, scene, motion.holds_object)
            _smear(image, move_F2[frame], shape.outline_FSK2[number, _FINGER_SEGMENTS])
        if scene.blur > 0.3:
            image = cv2.GaussianBlur(image, (0, 0), scene.blur)
        image = cv2.multiply(image, scene.gain_HWC, scale=scene.exposure_F[frame] / 128)
        y, x = scene.noise_offset_F2[frame]
        cv2.add(image, scene.noise_HWC[y : y + height, x : x + width], pictures[number], dtype=cv2.CV_8U)
    return pictures
