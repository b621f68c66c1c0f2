"""From a motion and a scene to pictures: OpenCV polygons from far to near, then blur, light and noise.

Legend of axes: F frames, S limb segments, K corners of a polygon, C colours.
"""

from __future__ import annotations

import cv2
import numpy as np

from training.rendered.gestures import Motion
from training.rendered.project import (
    FINGERS,
    FIXED_POINT_BITS,
    FOREARM,
    METACARPALS,
    PALM,
    SLEEVE,
    Projection,
    project,
)
from training.rendered.scene import Scene


def draw_frames(motion: Motion, scene: Scene, size: tuple[int, int], frames: np.ndarray) -> np.ndarray:
    """Pictures (n, H, W, 3), uint8 RGB, of the given frames (n) of a clip; `size` is (H, W) in pixels."""
    height, width = size
    pictures = np.empty((len(frames), height, width, 3), np.uint8)
    shape = project(motion, scene, size, frames) if motion.visible and len(frames) else None
    move_F2 = scene.shutter * height * np.gradient(motion.place_F2, axis=0) * (1, -1)
    for number, frame in enumerate(frames):
        camera = scene.camera_F23[frame].copy()
        camera[:, 2] -= camera[:, :2] @ (scene.margin, scene.margin)
        image = cv2.warpAffine(scene.background_HWC, camera, (width, height), borderMode=cv2.BORDER_REPLICATE)
        if shape is not None:
            _draw_hand(image, shape, number, scene, motion.holds_object)
            _smear(image, move_F2[frame], shape.outline_FSK2[number, FINGERS])
        if scene.blur > 0.3:
            image = cv2.GaussianBlur(image, (0, 0), scene.blur)
        image = cv2.multiply(image, scene.gain_HWC, scale=scene.exposure_F[frame] / 128)
        y, x = scene.noise_offset_F2[frame]
        cv2.add(image, scene.noise_HWC[y : y + height, x : x + width], pictures[number], dtype=cv2.CV_8U)
    return pictures


def _fill(image: np.ndarray, corners_K2: np.ndarray, colour: list[float]) -> None:
    cv2.fillConvexPoly(image, corners_K2, colour, cv2.LINE_AA, FIXED_POINT_BITS)


def _draw_hand(image: np.ndarray, shape: Projection, frame: int, scene: Scene, holds_object: bool) -> None:
    limb, outline, shine = shape.limb_FSK2[frame], shape.outline_FSK2[frame], shape.shine_FSK2[frame]
    base_SC = shape.colour_FSC[frame]
    colour, dark = base_SC.tolist(), (scene.outline_shade * base_SC).tolist()
    bright = np.minimum(1.10 * base_SC + 6, 255).tolist()

    def draw_limb(segment: int) -> None:
        _fill(image, outline[segment], dark[segment])
        _fill(image, limb[segment], colour[segment])
        _fill(image, shine[segment], bright[segment])

    draw_limb(FOREARM)
    if scene.sleeve_begin < 1:
        draw_limb(SLEEVE)
    if holds_object:
        x, y, radius = shape.object_F3[frame]
        middle = round(x), round(y)
        cv2.circle(image, middle, max(2, round(radius)), scene.object_colour.tolist(), -1, cv2.LINE_AA)
    for segment in shape.order_FS[frame].tolist():
        if segment == PALM:
            _draw_palm(image, shape, frame, scene, dark, bright)
        else:
            draw_limb(segment)


def _draw_palm(
    image: np.ndarray,
    shape: Projection,
    frame: int,
    scene: Scene,
    dark: list[list[float]],
    bright: list[list[float]],
) -> None:
    """Metacarpals under one skin: seen from the edge they give the palm its thickness."""
    palm, tone = shape.palm_FK2[frame], shape.colour_FSC[frame][METACARPALS].mean(axis=0)
    bones = range(METACARPALS.start, METACARPALS.stop)
    for bone in bones:
        _fill(image, shape.outline_FSK2[frame, bone], dark[bone])
    breadth, shadow = max(1, round(2 * shape.edge)), (scene.outline_shade * tone).tolist()
    cv2.polylines(image, [palm], True, shadow, breadth, cv2.LINE_AA, FIXED_POINT_BITS)
    for bone in bones:
        _fill(image, shape.limb_FSK2[frame, bone], tone.tolist())
    _fill(image, palm, tone.tolist())
    if shape.facing_F[frame] > 0.3:
        for crease in shape.creases_FL22[frame]:
            cv2.polylines(image, [crease], False, (0.74 * tone).tolist(), 1, cv2.LINE_AA, FIXED_POINT_BITS)
    elif shape.facing_F[frame] < -0.3:
        for bone in bones:
            _fill(image, shape.shine_FSK2[frame, bone], bright[bone])


def _smear(image: np.ndarray, move_2: np.ndarray, corners: np.ndarray) -> None:
    """Blur the hand's surroundings along its movement (pixels while the shutter is open)."""
    reach = int(np.ceil(np.abs(move_2).max()))
    if reach < 2:
        return
    box = corners.reshape(-1, 2) / (1 << FIXED_POINT_BITS)
    left, top = np.maximum(np.floor(box.min(axis=0)).astype(int) - reach, 0)
    right, bottom = np.minimum(np.ceil(box.max(axis=0)).astype(int) + reach, image.shape[1::-1])
    if right - left < 3 or bottom - top < 3:
        return
    side = reach | 1
    kernel = np.zeros((side, side), np.float32)
    half, middle = move_2 / 2, side // 2
    begin, end = (tuple(round(v) for v in middle + sign * half) for sign in (-1, 1))
    cv2.line(kernel, begin, end, 1.0, 1)
    region = image[top:bottom, left:right]
    region[:] = cv2.filter2D(region, -1, kernel / kernel.sum())
