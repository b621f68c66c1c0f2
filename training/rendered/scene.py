"""What surrounds the motion of a clip: skin, sleeve, background, light, camera and noise, all from one seed.

Colours are RGB, 0 to 255, float64 until they are drawn. Legend of axes: F frames, H and W picture, C colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_SKIN_TONES = np.array(
    [[246, 212, 190], [232, 186, 154], [208, 152, 116], [172, 116, 82], [128, 82, 58], [88, 56, 42]], float
)


@dataclass
class Scene:
    """One clip's look."""

    background_HWC: np.ndarray  # uint8, larger than the picture by `margin` on each side
    margin: int
    camera_F23: np.ndarray  # from pixels of the still picture to those of the shaken, turned camera
    skin: np.ndarray
    palm_skin: np.ndarray
    sleeve: np.ndarray
    sleeve_begin: float  # share of the forearm, from the wrist, that is bare
    light: np.ndarray  # unit vector towards the light, world frame
    gain_HWC: np.ndarray  # uint8, 128 = unchanged
    exposure_F: np.ndarray
    noise_HWC: np.ndarray  # int16, larger than the picture
    noise_offset_F2: np.ndarray
    blur: float  # standard deviation of the lens blur, pixels
    shutter: float  # share of a frame's time that the shutter is open
    left_hand: bool
    elbow: np.ndarray  # where the elbow rests, in palm breadths from the middle of the picture
    hand_size: float  # palm breadth in picture heights
    distance: float  # of the camera, in palm breadths: the smaller, the stronger the perspective
    outline: float  # breadth of the shadow line around each limb, picture heights
    outline_shade: float
    object_colour: np.ndarray
    object_size: float


def _colour(rng: np.random.Generator, low: float = 20, high: float = 235) -> np.ndarray:
    grey = rng.uniform(low, high)
    # Rooms are mostly dull; a strong colour is rare.
    return np.clip(grey + rng.exponential(18) * rng.normal(0, 1, 3), 0, 255)


def _skin(rng: np.random.Generator) -> np.ndarray:
    tone = rng.uniform(0, len(_SKIN_TONES) - 1)
    low = int(tone)
    mixed = _SKIN_TONES[low] + (tone - low) * (_SKIN_TONES[min(low + 1, len(_SKIN_TONES) - 1)] - _SKIN_TONES[low])
    return np.clip(mixed * rng.uniform(0.9, 1.08, 3), 0, 255)


def _low_noise(rng: np.random.Generator, height: int, width: int, cells: int, strength: float) -> np.ndarray:
    grey = rng.normal(0, strength, (cells, cells + 2, 1))
    coarse = grey + rng.normal(0, 0.3 * strength, (cells, cells + 2, 3))
    return cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)


def _ellipse(image: np.ndarray, centre: tuple[float, float], axes: tuple[float, float], colour: np.ndarray) -> None:
    point, radii = (int(centre[0]), int(centre[1])), (max(1, int(axes[0])), max(1, int(axes[1])))
    cv2.ellipse(image, point, radii, 0, 0, 360, colour.tolist(), -1, cv2.LINE_AA)


def _draw_person(rng: np.random.Generator, image: np.ndarray, shirt: np.ndarray, skin: np.ndarray) -> None:
    height, width = image.shape[:2]
    x, y = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.2, 0.4)
    head = height * rng.uniform(0.10, 0.16)
    hair = _colour(rng, 10, 120)
    _ellipse(image, (x, y + 5.2 * head), (2.3 * head, 3.6 * head), shirt)
    _ellipse(image, (x, y + 1.2 * head), (0.45 * head, 0.8 * head), skin * 0.85)
    _ellipse(image, (x, y - 0.25 * head), (0.92 * head, 1.1 * head), hair)
    _ellipse(image, (x, y + 0.1 * head), (0.76 * head, 1.0 * head), skin)
    for side in (-1, 1):
        _ellipse(image, (x + side * 0.3 * head, y - 0.05 * head), (0.12 * head, 0.09 * head), hair * 0.5)
    _ellipse(image, (x, y + 0.58 * head), (0.28 * head, 0.09 * head), skin * 0.6)


def _background(rng: np.random.Generator, height: int, width: int, shirt: np.ndarray, skin: np.ndarray) -> np.ndarray:
    top, bottom = _colour(rng), _colour(rng)
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    image = np.ascontiguousarray(np.broadcast_to(top * (1 - ramp) + bottom * ramp, (height, width, 3)), np.float32)
    for _ in range(rng.integers(2, 9)):
        x, y = rng.uniform(-0.2, 1, 2) * (width, height)
        w, h = rng.uniform(0.08, 0.5, 2) * (width, height)
        colour = _colour(rng)
        if rng.random() < 0.7:
            cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), colour.tolist(), -1)
        else:
            _ellipse(image, (x, y), (w / 2, h / 2), colour)
    image += _low_noise(rng, height, width, int(rng.integers(3, 14)), rng.uniform(2, 16))
    if rng.random() < 0.5:
        _draw_person(rng, image, shirt, skin)
    blurred = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.2) * height / 120)
    return np.clip(blurred, 0, 255).astype(np.uint8)


def _camera(rng: np.random.Generator, frames: int, height: int, width: int) -> np.ndarray:
    """Affine maps (F, 2, 3): a fixed roll, zoom and shift, a slow drift and a tremor."""
    time_F = np.arange(frames) / 12.0
    drift = rng.uniform(0, 0.012) * height * (rng.random() < 0.6)
    rates, phases = rng.uniform(0.1, 0.6, 4), rng.uniform(0, 2 * np.pi, 4)
    waves_F4 = np.sin(2 * np.pi * rates * time_F[:, None] + phases)
    tremor_F2 = rng.normal(0, 1, (frames, 2)) * rng.uniform(0, 0.004) * height
    angle_F = rng.uniform(-0.09, 0.09) + 0.012 * waves_F4[:, 2] * (drift > 0)
    zoom_F = rng.uniform(0.97, 1.08) * (1 + 0.012 * waves_F4[:, 3] * (drift > 0))
    shift_F2 = rng.uniform(-0.025, 0.025, 2) * height + drift * waves_F4[:, :2] + tremor_F2
    cos_F, sin_F = zoom_F * np.cos(angle_F), zoom_F * np.sin(angle_F)
    centre = np.array([width / 2, height / 2])
    linear_F22 = np.stack([np.stack([cos_F, -sin_F], 1), np.stack([sin_F, cos_F], 1)], 1)
    return np.concatenate([linear_F22, (centre + shift_F2 - linear_F22 @ centre)[..., None]], axis=2)


def _light_gain(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.3)
    across = np.linspace(-1, 1, width)[None, :] * np.cos(angle) + np.linspace(-1, 1, height)[:, None] * np.sin(angle)
    tint = rng.uniform(0.68, 1.15) * rng.uniform(0.93, 1.07, 3)
    return np.clip(128 * (1 + strength * across)[..., None] * tint, 0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    # The difference of two uniform bytes: close to a sensor's noise, and much faster than normal deviates.
    dice = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8).astype(np.int16)
    return ((dice[0] - dice[1]) * (rng.uniform(0.5, 6.0) / 104)).astype(np.int16)


def make_scene(rng: np.random.Generator, frames: int, height: int, width: int) -> Scene:
    """Draw all of a clip's surroundings from `rng`."""
    margin = round(0.14 * height)
    skin = _skin(rng)
    sleeve = _colour(rng)
    person_skin = skin if rng.random() < 0.85 else _skin(rng)
    left_hand = bool(rng.random() < 0.5)
    light = np.array([rng.uniform(-0.8, 0.8), rng.uniform(0.1, 1.0), rng.uniform(0.3, 1.0)])
    side = -1 if left_hand else 1
    return Scene(
        background_HWC=_background(rng, height + 2 * margin, width + 2 * margin, sleeve, person_skin),
        margin=margin,
        camera_F23=_camera(rng, frames, height, width),
        skin=skin,
        palm_skin=skin + rng.uniform(0.15, 0.35) * (np.array([236, 190, 168]) - skin),
        sleeve=sleeve,
        sleeve_begin=rng.uniform(0.12, 0.3) if rng.random() < 0.7 else 1.1,
        light=light / np.linalg.norm(light),
        gain_HWC=_light_gain(rng, height, width),
        exposure_F=1 + rng.normal(0, 0.012, frames),
        noise_HWC=_noise(rng, height + 16, width + 16),
        noise_offset_F2=rng.integers(0, 16, (frames, 2)),
        blur=max(0.0, rng.uniform(-0.5, 1.0)) * height / 100,
        shutter=rng.uniform(0.15, 0.5),
        left_hand=left_hand,
        elbow=np.array([side * rng.uniform(-0.6, 1.6), -rng.uniform(2.8, 3.6), -rng.uniform(0.0, 1.2)]),
        hand_size=rng.uniform(0.205, 0.275),
        distance=rng.uniform(5.5, 9.0),
        outline=rng.uniform(0.006, 0.0115),
        outline_shade=rng.uniform(0.48, 0.66),
        object_colour=_colour(rng),
        object_size=rng.uniform(0.25, 0.55),
    )
