"""Strides, colours, rotation, mirroring and resizing, by hand-worked pictures and against OpenCV."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from mobile.apps.golden.camera import I420, NV12, NV21, SPREAD, Case, fill, rgb_to_yuv
from mobile.interface.camera_frames import BGRA, YUV420, CameraFrame, Channel, yuv_to_rgb
from mobile.interface.resize_rule import area_weights, bilinear_taps, centre_crop_resize, resize_square
from training.clips.input_spec import InputSpec


def channel(values: list[int], row_stride: int, pixel_stride: int, offset: int = 0) -> Channel:
    return Channel(np.array(values, np.uint8), row_stride, pixel_stride, offset)


def bgra(picture_HWC: np.ndarray, **changes: Any) -> CameraFrame:
    """A frame without padding."""
    height, width = picture_HWC.shape[:2]
    data = np.dstack([picture_HWC[..., ::-1], np.full((height, width), 9, np.uint8)]).ravel()
    places = {name: Channel(data, 4 * width, 4, offset) for offset, name in enumerate("BGRA")}
    return CameraFrame(BGRA, width, height, places, **changes)


def test_samples_skip_what_lies_between() -> None:
    """Two rows of three samples: row stride 8, pixel stride 2, from byte 1 on; the buffer ends with the last one."""
    data = [0, 10, 0, 11, 0, 12, 0, 0, 0, 20, 0, 21, 0, 22]
    assert channel(data, 8, 2, 1).samples(2, 3).tolist() == [[10, 11, 12], [20, 21, 22]]
    with pytest.raises(ValueError, match=r"a buffer of 13 bytes; its last sample is byte 13"):
        channel(data[:-1], 8, 2, 1).samples(2, 3)
    with pytest.raises(ValueError, match="strides 8 and 0"):
        channel(data, 8, 0).samples(2, 3)


@pytest.mark.parametrize(
    ("yuv", "rgb"),
    [
        ((0, 128, 128), (0, 0, 0)),
        ((255, 128, 128), (255, 255, 255)),  # full range: 255 is white
        ((100, 128, 138), (114, 93, 100)),  # 1.402 * 10 = 14.02; 0.71414 * 10 = 7.14
        ((100, 118, 128), (100, 103, 82)),  # 0.34414 * 10 = 3.44; 1.772 * 10 = 17.72
        ((76, 85, 255), (254, 0, 0)),  # red as JPEG has it: 76 + 178.05, 76 + 14.80 - 90.70 = 0.10, 76 - 76.20
        ((255, 255, 255), (255, 121, 255)),  # 255 - 43.71 - 90.70 = 120.59; the others are clamped
        ((0, 0, 0), (0, 135, 0)),  # 44.05 + 91.41 = 135.46
    ],
)
def test_colours_by_hand(yuv: tuple[int, int, int], rgb: tuple[int, int, int]) -> None:
    assert tuple(yuv_to_rgb(*(np.array([[value]], np.uint8) for value in yuv))[0, 0].tolist()) == rgb


def test_colours_are_the_real_rule_within_one_level() -> None:
    """All combinations of every fifth value, in floating point."""
    y, u, v = (axis.reshape(1, -1) for axis in np.meshgrid(*[np.arange(0, 256, 5, dtype=np.uint8)] * 3))
    real = [y + 1.402 * (v - 128.0), y - 0.344136 * (u - 128.0) - 0.714136 * (v - 128.0), y + 1.772 * (u - 128.0)]
    wanted = np.clip(np.stack(real, axis=-1), 0, 255)
    assert np.abs(yuv_to_rgb(y, u, v) - wanted).max() < 0.51


def test_there_and_back_is_within_two_levels() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    yuv = rgb_to_yuv(rgb)
    assert np.abs(yuv_to_rgb(*np.moveaxis(yuv, -1, 0)).astype(int) - rgb).max() <= 2


def test_an_odd_frame_by_hand() -> None:
    """3 x 3, grey but for V: chroma has 2 x 2 samples, and the last row and column have one of their own."""
    y = channel([100] * 3 + [0] + [100] * 3 + [0] + [100] * 3, 4, 1)
    vu = [128, 128, 138, 128, 77, 118, 128, 108, 128]  # V first, pixel stride 2, row stride 5
    frame = CameraFrame(YUV420, 3, 3, {"Y": y, "V": channel(vu, 5, 2), "U": channel(vu, 5, 2, 1)})
    assert frame.colours()[..., 0].tolist() == [[100, 100, 114], [100, 100, 114], [86, 86, 72]]
    assert frame.colours()[..., 2].tolist() == [[100] * 3] * 3


@pytest.mark.parametrize(
    ("rotation", "mirrored", "wanted"),
    [
        (0, False, [[1, 2, 3], [4, 5, 6]]),
        (90, False, [[4, 1], [5, 2], [6, 3]]),
        (180, False, [[6, 5, 4], [3, 2, 1]]),
        (270, False, [[3, 6], [2, 5], [1, 4]]),
        (0, True, [[3, 2, 1], [6, 5, 4]]),
        (90, True, [[1, 4], [2, 5], [3, 6]]),
        (270, True, [[6, 3], [5, 2], [4, 1]]),
    ],
)
def test_turning_by_hand(rotation: int, mirrored: bool, wanted: list[list[int]]) -> None:
    picture_HWC = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)[..., None] + np.array([0, 50, 100], np.uint8)
    upright = bgra(picture_HWC, rotation=rotation, mirrored=mirrored).upright()
    assert upright[..., 0].tolist() == wanted
    np.testing.assert_array_equal(upright[..., 2], upright[..., 0] + 100)


@pytest.mark.parametrize("order", [I420, NV12, NV21, SPREAD])
def test_every_order_is_the_same_picture(order: str) -> None:
    picture_HWC = np.random.default_rng(1).integers(0, 256, (21, 33, 3), dtype=np.uint8)
    for padding, cut in ((0, False), (7, True)):
        case = Case("a", 33, 21, order, padding=padding, cut=cut)
        buffers, places = fill(case, picture_HWC, np.random.default_rng(2))
        channels = {
            name: Channel(buffers[at["buffer"]], at["row_stride"], at["pixel_stride"], at["offset"])
            for name, at in places.items()
        }
        found = CameraFrame(YUV420, 33, 21, channels).colours()
        y, u, v = np.moveaxis(rgb_to_yuv(picture_HWC), -1, 0)
        wanted = yuv_to_rgb(y, *(plane[::2, ::2].repeat(2, 0).repeat(2, 1)[:21, :33] for plane in (u, v)))
        np.testing.assert_array_equal(found[:10], wanted[:10])  # the random band begins there


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rotation": 45}, "rotation is 45"),
        ({"format": "rgb"}, "format 'rgb'"),
        ({"format": YUV420}, "with channels B, G, R, A"),
        ({"width": 0}, "0 x 1"),
    ],
)
def test_a_frame_refuses(changes: dict[str, Any], message: str) -> None:
    frame = bgra(np.zeros((1, 1, 3), np.uint8))
    fields = {"format": BGRA, "width": 1, "height": 1, "channels": frame.channels, **changes}
    with pytest.raises(ValueError, match=message):
        CameraFrame(**fields)


def test_resizing_by_hand() -> None:
    assert area_weights(3, 2).tolist() == [[2, 1, 0], [0, 1, 2]]
    first, second, weights = bilinear_taps(2, 4)
    assert (first.tolist(), second.tolist()) == ([0, 0, 0, 1], [0, 1, 1, 1])
    assert weights.tolist() == [1536, 512, 1536, 512]
    row = np.array([[0, 100], [0, 100]], np.uint8)[:, :, None].repeat(3, axis=2)
    assert resize_square(row, 4)[0, :, 0].tolist() == [0, 25, 75, 100]
    halves = np.array([[10, 20], [30, 50]], np.uint8)[:, :, None].repeat(3, axis=2)
    assert resize_square(halves, 1).flatten().tolist() == [28] * 3  # 27.5, halves up
    assert resize_square(halves, 2) is halves


@pytest.mark.parametrize("size", [32, 96])
def test_the_rule_is_opencvs(size: int) -> None:
    """Enlarging to the bit; shrinking within a step, identical in at least 9,999 of 10,000 values."""
    rng = np.random.default_rng(size)
    assert cv2.useOptimized()
    steps = []
    for side in [*rng.integers(8, size, 12), *rng.integers(size + 1, 4 * size, 12), 2 * size, 3 * size, 4 * size]:
        picture_HWC = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        rule = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
        opencv = cv2.resize(picture_HWC, (size, size), interpolation=rule)
        step = np.abs(resize_square(picture_HWC, size).astype(int) - opencv)
        assert step.max() <= (1 if side > size else 0)
        if side == 4 * size:
            assert step.mean() < 0.05  # OpenCV rounds halves to even there
        else:
            steps.append(step.ravel())
    assert np.concatenate(steps).mean() <= 1e-4


def test_crop_and_resize_are_those_of_the_input_spec() -> None:
    rng = np.random.default_rng(3)
    for height, width, fraction in ((97, 131, 0.875), (50, 30, 1.0), (37, 44, 0.875), (200, 90, 0.7)):
        spec = InputSpec(segments=1, size=32, crop_fraction=fraction)
        picture_HWC = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        step = centre_crop_resize(picture_HWC, spec).astype(int) - spec.centre_crop_resize(picture_HWC[None])[0]
        assert np.abs(step).max() <= 1
