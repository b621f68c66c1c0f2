"""Strong changes of a clip's looks, for networks that learn from rendered pictures and must work on real ones.

Every change holds for all frames of the clip, but for the noise of the sensor. None of them moves anything sideways, so
the label stays. Strength 0 changes nothing, strength 1 is what the shipped recipes use.

Axes: T frames, H height, W width, 3 colours in the order RGB.
"""

from __future__ import annotations

import cv2
import numpy as np

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_GREY, _BLUR, _NOISE, _ERASE, _JPEG = 0.15, 0.35, 0.6, 0.3, 0.3  # how often each happens


def vary_appearance(frames_THWC: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Colour, light, sharpness, noise, an erased patch and compression: uint8 (T, H, W, 3) -> the same shape."""
    grey, blur, noise, erase, jpeg = rng.random(5) < np.array([_GREY, _BLUR, _NOISE, _ERASE, _JPEG]) * min(strength, 1)
    frames = _colours(frames_THWC, rng, strength, grey=bool(grey))
    if blur:
        frames = _resample(frames, rng.uniform(0.35, 0.85))
    if erase:
        frames = _erase(frames, rng)
    if noise:
        frames = _add_noise(frames, rng, rng.uniform(1, 14) * strength)
    if jpeg:
        frames = _compress(frames, int(rng.integers(15, 60)))
    return frames


def turned(frames_THWC: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """One small rotation, shear, scale and shift of all frames; edges are repeated."""
    height, width = frames_THWC.shape[1:3]
    angle, shear = rng.uniform(-0.17, 0.17) * strength, rng.uniform(-0.1, 0.1) * strength
    scale = np.exp(rng.uniform(-0.28, 0.2) * strength)
    aspect = np.exp(rng.uniform(-0.15, 0.15) * strength)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = linear @ np.array([[aspect, shear], [0.0, 1 / aspect]])
    centre = np.array([width / 2, height / 2])
    shift = rng.uniform(-0.08, 0.08, 2) * strength * min(height, width)
    affine = np.concatenate([linear, (centre + shift - linear @ centre)[:, None]], axis=1)
    return np.stack([
        cv2.warpAffine(frame, affine, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for frame in frames_THWC
    ])  # fmt: skip


def _tall(frames_THWC: np.ndarray) -> np.ndarray:
    """All frames below each other: one picture (T * H, W, 3), for OpenCV."""
    frames, height, width, colours = frames_THWC.shape
    return np.ascontiguousarray(frames_THWC).reshape(frames * height, width, colours)


def _colours(frames_THWC: np.ndarray, rng: np.random.Generator, strength: float, *, grey: bool) -> np.ndarray:
    """Saturation and a turn of the hues, then gain, offset and gamma of each channel."""
    saturation = 0.0 if grey else np.exp(rng.uniform(-0.8, 0.5) * strength)
    mix = rng.normal(0, 0.08 * strength, (3, 3))
    mix -= mix.mean(axis=1, keepdims=True)  # grey stays grey
    matrix = saturation * np.eye(3) + (1 - saturation) * _LUMA + mix
    mixed = cv2.transform(_tall(frames_THWC), np.concatenate([matrix, np.zeros((3, 1))], axis=1))
    gain = np.exp(rng.uniform(-0.5, 0.45) * strength + rng.normal(0, 0.1 * strength, 3))
    offset = rng.uniform(-35, 35) * strength + rng.normal(0, 6 * strength, 3)
    gamma = np.exp(rng.uniform(-0.45, 0.45) * strength)
    ramp = np.arange(256)[:, None] / 255
    table = np.clip(255 * gain * ramp**gamma + offset, 0, 255).astype(np.uint8)
    return cv2.LUT(mixed, table[:, None, :]).reshape(frames_THWC.shape)


def _resample(frames_THWC: np.ndarray, share: float) -> np.ndarray:
    """Fewer pixels and back: the sharpness of a poor camera."""
    height, width = frames_THWC.shape[1:3]
    small = (max(8, round(width * share)), max(8, round(height * share)))
    return np.stack([
        cv2.resize(cv2.resize(frame, small, interpolation=cv2.INTER_AREA), (width, height)) for frame in frames_THWC
    ])  # fmt: skip


def _erase(frames_THWC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A still patch of one colour or of noise over at most a seventh of the picture."""
    height, width = frames_THWC.shape[1:3]
    tall, broad = (int(side * rng.uniform(0.1, 0.38)) for side in (height, width))
    top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - broad + 1))
    patch = rng.integers(0, 256, (tall, broad, 3) if rng.random() < 0.5 else (1, 1, 3), dtype=np.uint8)
    frames = frames_THWC.copy()
    frames[:, top : top + tall, left : left + broad] = patch
    return frames


def _add_noise(frames_THWC: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    """Noise that differs from frame to frame; the sum of two bytes' difference is close to a sensor's."""
    dice = rng.integers(0, 256, (2, *frames_THWC.shape), dtype=np.uint8).astype(np.int16)
    noise = (dice[0] - dice[1]) * np.float32(deviation / 104)
    return np.clip(frames_THWC + noise, 0, 255).astype(np.uint8)


def _compress(frames_THWC: np.ndarray, quality: int) -> np.ndarray:
    """JPEG of each frame, as webcams send it."""
    made = []
    for frame in frames_THWC:
        data = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert decoded is not None  # it was encoded in the line above
        made.append(decoded[..., ::-1])
    return np.stack(made)
