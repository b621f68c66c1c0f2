"""From light to the file's pixels: exposure, white balance, glare, blur, noise, compression, repeated frames.

Legend of axes: F frames, H rows, W columns, 3 = RGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_LEVELS = 4096  # steps of the table from light to the file's values


@dataclass
class Webcam:
    """One camera and its settings during one recording.

    Attributes:
        shutter: seconds that a picture is exposed.
        gain: factor from light to the sensor's range.
        balance_3: factors on red, green, blue.
        table: from light (0 to 1 in `_LEVELS` steps) to file values, uint8.
        blur, sharpen: defocus in pixels of 100 high pictures; strength of sharpening.
        noise, grain: of single pixels, of patches; file values.
        quality: of the JPEG, 0 for none.
        drift: sizes, rates and phases of the exposure's changes (3, 4).
        shake: pixels at 100 high, and what the camera does over time, sizes, rates, phases (2, 3, 4).
        repeats: how often a frame repeats the one before.
        jitter: of the times of frames, seconds.
    """

    shutter: float
    gain: float
    balance_3: np.ndarray
    table: np.ndarray
    blur: float
    sharpen: float
    noise: float
    grain: float
    quality: int
    drift: np.ndarray
    shake: np.ndarray
    repeats: float
    jitter: float


def webcam(rng: np.random.Generator) -> Webcam:
    """A random camera, from a dim laptop's to a bright one."""
    gamma, contrast = rng.uniform(1.7, 2.5), rng.uniform(0.0, 0.35)
    light = np.arange(_LEVELS) / (_LEVELS - 1)
    value = light ** (1 / gamma)
    value = value * (1 - contrast) + contrast * value * value * (3 - 2 * value)
    black = rng.uniform(0, 0.07) if rng.random() < 0.5 else 0.0
    table = np.clip(np.floor(256 * (black + (1 - black) * value) - 1e-6), 0, 255).astype(np.uint8)
    dim = rng.random() < 0.3
    drift = np.stack([rng.uniform(0, 0.03, 4), rng.uniform(0.1, 0.9, 4), rng.uniform(0, 2 * np.pi, 4)])
    held = rng.random() < 0.12
    shake = np.stack(
        [
            rng.uniform(0, 2.2 if held else 0.12, (2, 4)),
            rng.uniform(0.3, 2.5, (2, 4)),
            rng.uniform(0, 2 * np.pi, (2, 4)),
        ],
        1,
    )
    return Webcam(
        shutter=float(rng.uniform(0.03, 0.075) if dim else np.exp(rng.uniform(np.log(0.008), np.log(0.05)))),
        gain=float(np.exp(rng.normal(0.0, 0.32))),
        balance_3=np.exp(rng.normal(0, (0.08, 0.03, 0.12))),
        table=table,
        blur=float(rng.choice([0.0, 0.35, 0.6, 0.9], p=[0.3, 0.3, 0.25, 0.15])),
        sharpen=float(rng.uniform(0.2, 0.9) if rng.random() < 0.35 else 0.0),
        noise=float(rng.uniform(1.0, 7.0) if dim else rng.uniform(0.2, 3.0)),
        grain=float(rng.uniform(0.0, 4.0) if dim else rng.uniform(0.0, 1.5)),
        quality=int(rng.integers(35, 96)) if rng.random() < 0.85 else 0,
        drift=drift,
        shake=shake,
        repeats=float(rng.choice([0.0, 0.03, 0.35], p=[0.7, 0.22, 0.08])),
        jitter=float(rng.uniform(0, 0.02)),
    )


def exposure(camera: Webcam, time_F: np.ndarray) -> np.ndarray:
    """Factor on the light at each time (F,)."""
    size, rate, phase = camera.drift
    wave = np.sin(2 * np.pi * rate * time_F[:, None] + phase) * size
    return camera.gain * (1 + wave.sum(1))


def shaken(camera: Webcam, time_F: np.ndarray) -> np.ndarray:
    """Shift of the picture at each time, pixels of 100 high pictures: x, y (F, 2)."""
    size, rate, phase = camera.shake[:, 0], camera.shake[:, 1], camera.shake[:, 2]
    return (np.sin(2 * np.pi * rate * time_F[:, None, None] + phase) * size).sum(2)


def develop(camera: Webcam, light_HW3: np.ndarray, exposed: float, rng: np.random.Generator) -> np.ndarray:
    """A picture's light, linear, as the file's uint8 RGB."""
    height = light_HW3.shape[0]
    level = light_HW3 * np.round(exposed * camera.balance_3 * 1024) / 1024 * (_LEVELS - 1)
    picture = camera.table[np.clip(level, 0, _LEVELS - 1).astype(np.int32)]
    if camera.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), max(0.3, camera.blur * height / 100))
    if camera.sharpen:
        soft = cv2.GaussianBlur(picture, (0, 0), max(0.5, height / 100)).astype(np.int32)
        strength = round(camera.sharpen * 64)
        picture = np.clip(picture + (strength * (picture - soft)) // 64, 0, 255).astype(np.uint8)
    noise = np.rint(rng.standard_normal(picture.shape, np.float32) * camera.noise)
    if camera.grain:
        rough = rng.standard_normal((height // 2 + 1, picture.shape[1] // 2 + 1, 3), np.float32) * camera.grain
        noise += np.rint(np.repeat(np.repeat(rough, 2, 0), 2, 1)[:height, : picture.shape[1]])
    picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if camera.quality:
        done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality])
        assert done
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert decoded is not None
        picture = decoded[..., ::-1]
    return picture
