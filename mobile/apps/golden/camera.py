"""Golden camera frames: bytes with their strides, and what becomes of them on the way to the network.

Two channels may lie in one buffer. Android gives each a buffer of its own all the same, which begins at the channel's
``offset`` and overlaps the other's.

Axes: B bytes of a buffer, T frame, H row, W column, C colour, S the network's size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from mobile.apps.golden.files import MANIFEST, GoldenFolder, GoldenWriter
from mobile.interface.camera_frames import BGRA, CHANNELS, HALF, SHIFT, YUV420, CameraFrame, Channel
from mobile.interface.contract import Contract
from mobile.interface.resize_rule import centre_crop_resize
from mobile.runtimes import input_tensor
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.rendered import RenderedStream

# Where the samples lie in memory: Android's three orders, planes of their own with gaps, and iOS's BGRA.
I420, NV12, NV21, SPREAD = "I420", "NV12", "NV21", "planes of pixel stride 2"
_SEED = 1801


@dataclass(frozen=True)
class Case:
    """A camera frame to be made.

    Attributes:
        width, height: pixels of the buffer.
        order: I420, NV12, NV21, SPREAD or BGRA.
        padding: bytes after each row.
        cut: buffers end right after their last sample, as Android's do.
    """

    name: str
    width: int
    height: int
    order: str
    rotation: int = 0
    mirrored: bool = False
    padding: int = 0
    cut: bool = False


def cases_of(spec: InputSpec) -> tuple[Case, ...]:
    """The cases; two have sizes that follow the network's: one needs no resize, one shrinks by a broken factor."""
    same, more = math.ceil(spec.size / spec.crop_fraction), math.ceil(1.6 * spec.size) | 1
    return (
        Case("i420_packed", 176, 144, I420),
        Case("i420_odd_padded_turned", 131, 97, I420, 90, padding=13, cut=True),
        Case("nv21_android_turned", 320, 240, NV21, 270, padding=64, cut=True),
        Case("nv12_front_mirrored_upside_down", 176, 144, NV12, 180, mirrored=True, padding=16),
        Case("nv12_odd_front_mirrored_turned", 131, 97, NV12, 90, mirrored=True, padding=30),
        Case("spread_odd", 97, 131, SPREAD, 0, padding=5, cut=True),
        Case("nv12_no_resize", same + 7, same, NV12, 0, padding=9),
        Case("nv21_shrunk", more, more + 12, NV21, 90, padding=1, cut=True),
        Case("bgra_padded", 176, 144, BGRA, 0, padding=64),
        Case("bgra_odd_front_mirrored_turned", 131, 97, BGRA, 270, mirrored=True, padding=20),
    )


def add_camera(writer: GoldenWriter, contract: Contract, seed: int) -> list[dict[str, Any]]:
    """Write all cases; the manifest's part about them."""
    cases = cases_of(contract.frames)
    return [_add_case(writer, case, contract, np.random.default_rng([_SEED, seed, n])) for n, case in enumerate(cases)]


def _add_case(writer: GoldenWriter, case: Case, contract: Contract, rng: np.random.Generator) -> dict[str, Any]:
    buffers, places = fill(case, picture(case.height, case.width, rng), rng)
    folder = f"camera/{case.name}"
    about: dict[str, Any] = {
        "name": case.name,
        "order": case.order,
        "format": BGRA if case.order == BGRA else YUV420,
        "width": case.width,
        "height": case.height,
        "rotation": case.rotation,
        "mirrored": case.mirrored,
        "buffers": {name: writer.add(f"{folder}/{name}.bin", data, "B") for name, data in buffers.items()},
        "channels": places,
    }
    results = _results(_frame(about, buffers), contract)
    layouts = {"upright": "HWC", "resized": "HWC", "tensor": contract.input.layout}
    about |= {name: writer.add(f"{folder}/{name}.bin", results[name], layouts[name]) for name in layouts}
    opencv = contract.frames.centre_crop_resize(results["upright"][None])[0]
    about["opencv_largest_difference"] = int(np.abs(opencv.astype(int) - results["resized"]).max())
    return about


def check_camera(folder: GoldenFolder, contract: Contract) -> int:
    """Compute all cases again; how many there are.

    Raises:
        UserError: a file that does not hold what the code computes, or a case that makes no sense.
    """
    for about in folder.manifest["camera"]:
        buffers = {name: folder.array(file) for name, file in about["buffers"].items()}
        try:
            results = _results(_frame(about, buffers), contract)
        except ValueError as error:
            raise UserError(f"{folder.folder / MANIFEST}: camera frame {about['name']}: {error}") from error
        for name, array in results.items():
            folder.require(about[name], array)
    return len(folder.manifest["camera"])


def _frame(about: dict[str, Any], buffers: dict[str, np.ndarray]) -> CameraFrame:
    channels = {
        name: Channel(buffers[place["buffer"]], place["row_stride"], place["pixel_stride"], place["offset"])
        for name, place in about["channels"].items()
    }
    size = about["width"], about["height"]
    return CameraFrame(about["format"], *size, channels, about["rotation"], about["mirrored"])


def _results(frame: CameraFrame, contract: Contract) -> dict[str, np.ndarray]:
    upright = frame.upright()
    resized = centre_crop_resize(upright, contract.frames)
    return {"upright": upright, "resized": resized, "tensor": input_tensor(resized[None], contract)}


def picture(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A rendered hand under gradients that differ along rows, columns and colours, uint8 (H, W, 3)."""
    stream = RenderedStream(6, int(rng.integers(1000)), height=height, width=width)
    hand_HWC = stream.frames([stream.frame_count // 2])[0].astype(np.float64)
    down, right = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)
    gradient_HWC = np.stack([90 * down + 0 * right, 120 * right * down, 70 * (1 - right) + 0 * down], axis=-1)
    return np.clip(0.75 * hand_HWC + gradient_HWC + rng.normal(0, 6, hand_HWC.shape), 0, 255).astype(np.uint8)


def fill(
    case: Case, picture_HWC: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
    """A picture as a camera's buffers: name -> uint8 (bytes,), and channel -> where it lies in which buffer.

    A band in the middle holds random samples, so that colours outside of RGB occur; so do all bytes between samples.
    """
    height, width = picture_HWC.shape[:2]
    if case.order == BGRA:
        alpha_HW1 = rng.integers(0, 256, (height, width, 1), dtype=np.uint8)
        samples = [np.concatenate([picture_HWC[..., ::-1], alpha_HW1], axis=-1)]
        planes = {"bgra": list(CHANNELS[BGRA])}
    else:
        yuv_HWC = rgb_to_yuv(picture_HWC)
        luma, chroma = yuv_HWC[..., :1], yuv_HWC[::2, ::2, 1:]
        middle = height // 4 * 2
        luma[middle : middle + 12] = rng.integers(0, 256, luma[middle : middle + 12].shape)
        chroma[middle // 2 : middle // 2 + 6] = rng.integers(0, 256, chroma[middle // 2 : middle // 2 + 6].shape)
        if case.order in (NV12, NV21):
            pair = ["U", "V"] if case.order == NV12 else ["V", "U"]
            samples = [luma, chroma if case.order == NV12 else chroma[..., ::-1]]
            planes = {"y": ["Y"], "".join(pair).lower(): pair}
        else:
            samples = [luma, chroma[..., :1], chroma[..., 1:]]
            planes = {"y": ["Y"], "u": ["U"], "v": ["V"]}
    buffers, places = {}, {}
    for (name, channels), plane_HWC in zip(planes.items(), samples, strict=True):
        step = 2 if case.order == SPREAD and name != "y" else len(channels)
        stride = plane_HWC.shape[1] * step + case.padding
        buffers[name] = _lay(plane_HWC, stride, step, case.cut, rng)
        for offset, channel in enumerate(channels):
            places[channel] = {"buffer": name, "offset": offset, "row_stride": stride, "pixel_stride": step}
    return buffers, places


def _lay(plane_HWC: np.ndarray, stride: int, step: int, cut: bool, rng: np.random.Generator) -> np.ndarray:
    height, width, count = plane_HWC.shape
    rows = rng.integers(0, 256, (height, stride), dtype=np.uint8)
    for channel in range(count):
        rows[:, channel : channel + (width - 1) * step + 1 : step] = plane_HWC[..., channel]
    last = (height - 1) * stride + (width - 1) * step + count
    return rows.reshape(-1)[: last if cut else None]


def rgb_to_yuv(rgb_HWC: np.ndarray) -> np.ndarray:
    """The way back from ``camera_frames.yuv_to_rgb``, JFIF's: uint8 (H, W, 3) RGB -> uint8 (H, W, 3) YUV."""
    red, green, blue = (rgb_HWC[..., colour].astype(np.int32) for colour in range(3))
    y = (19595 * red + 38470 * green + 7471 * blue + HALF) >> SHIFT
    u = 128 + ((-11059 * red - 21709 * green + 32768 * blue + HALF) >> SHIFT)
    v = 128 + ((32768 * red - 27439 * green - 5329 * blue + HALF) >> SHIFT)
    return np.clip(np.stack([y, u, v], axis=-1), 0, 255).astype(np.uint8)


def opencv_version() -> str:
    """With what the largest differences were found."""
    return f"OpenCV {cv2.__version__}"
