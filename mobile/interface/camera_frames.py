"""From a camera's bytes to the upright picture: the reference of both apps, in whole numbers.

*Samples.* A frame is a set of channels: Y, U and V, or B, G, R and A. The sample of a channel at (row, column) is the
byte at ``offset + row * row_stride + column * pixel_stride`` of its buffer; bytes between samples have no meaning, and
a buffer may end right after its last sample. That covers Android's YUV_420_888 (I420, NV12, NV21), iOS's bi-planar
``420f`` (NV12) and BGRA. U and V have (height + 1) // 2 rows of (width + 1) // 2 samples.

*Colours.* YUV is BT.601 in full range (JFIF): what Android's cameras give as YUV_420_888, and iOS's as ``420f`` whose
attached matrix is ITU_R_601_4. Frames of video range (``420v``) or of BT.709 are none of these: ask iOS for BGRA then.
A pixel takes the U and V at (row // 2, column // 2), nothing is interpolated. With u = U - 128, v = V - 128, and ``>>``
the arithmetic shift that rounds down (Kotlin's ``shr``), the rule is libjpeg's:

    R = clamp(Y + (( 91881 * v              + 32768) >> 16))     1.40200
    G = clamp(Y + ((-22554 * u - 46802 * v  + 32768) >> 16))     0.34414, 0.71414
    B = clamp(Y + ((116130 * u              + 32768) >> 16))     1.77200

``clamp`` is to 0 ... 255. BGRA is taken as it is, without A.

*Rotation.* ``rotation`` is by how many degrees clockwise the buffer must be turned to stand upright (CameraX's
``rotationDegrees``). The upright pixel (row, column) is the buffer's pixel

    0: (row, column)    90: (H - 1 - column, row)    180: (H - 1 - row, W - 1 - column)    270: (column, W - 1 - row)

with the buffer's height H and width W.

*Mirroring.* People expect the front camera's preview mirrored, as in a looking glass. The network does not: it learned
from pictures as another person sees the scene, and a mirrored swipe to the left is a swipe to the right. So mirror the
view on the screen, never the frame. ``mirrored`` says that the bytes come mirrored already (iOS with
``isVideoMirrored``); then, after the rotation, the upright picture is flipped back: column c becomes width - 1 - c.

Axes: H row, W column, C colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

YUV420, BGRA = "yuv420", "bgra"
CHANNELS = {YUV420: ("Y", "U", "V"), BGRA: ("B", "G", "R", "A")}
ROTATIONS = (0, 90, 180, 270)
SHIFT, HALF = 16, 32768
R_FROM_V, G_FROM_U, G_FROM_V, B_FROM_U = 91881, -22554, -46802, 116130
RULES: dict[str, Any] = {
    "yuv": {
        "matrix": "BT.601",
        "range": "full",
        "chroma": "the sample at (row // 2, column // 2)",
        "r_from_v": R_FROM_V,
        "g_from_u": G_FROM_U,
        "g_from_v": G_FROM_V,
        "b_from_u": B_FROM_U,
        "add": HALF,
        "shift_right": SHIFT,
    },
    "rotation": "degrees clockwise that turn the buffer upright",
    "mirrored": "the buffer shows a mirrored scene; flip the upright picture left to right",
    "order": ["colours", "rotation", "mirroring", "centre crop", "resize", "normalisation", "quantization"],
}


@dataclass(frozen=True, eq=False)
class Channel:
    """Where the samples of one channel lie.

    Attributes:
        data: uint8 (bytes,), the buffer.
        row_stride, pixel_stride, offset: bytes.
    """

    data: np.ndarray
    row_stride: int
    pixel_stride: int
    offset: int = 0

    def samples(self, height: int, width: int) -> np.ndarray:
        """uint8 (H, W).

        Raises:
            ValueError: strides or an offset that are no such thing, or a buffer that ends before its last sample.
        """
        if self.pixel_stride < 1 or self.row_stride < 1 or self.offset < 0:
            raise ValueError(f"strides {self.row_stride} and {self.pixel_stride}, offset {self.offset}; expected >= 1")
        rows, columns = np.arange(height)[:, None], np.arange(width)
        positions_HW = self.offset + rows * self.row_stride + columns * self.pixel_stride
        if positions_HW[-1, -1] >= len(self.data):
            raise ValueError(f"a buffer of {len(self.data)} bytes; its last sample is byte {positions_HW[-1, -1]}")
        return self.data[positions_HW]


@dataclass(frozen=True, eq=False)
class CameraFrame:
    """A frame as a camera gives it.

    Attributes:
        format: "yuv420" or "bgra".
        width, height: of the buffer, pixels.
        channels: by the letters of ``CHANNELS``.
        rotation: 0, 90, 180 or 270, see above.
        mirrored: see above.

    Raises:
        ValueError: an unknown format or rotation, other channels, or no pixel.
    """

    format: str
    width: int
    height: int
    channels: Mapping[str, Channel]
    rotation: int = 0
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.format not in CHANNELS or set(self.channels) != set(CHANNELS[self.format]):
            raise ValueError(f"format {self.format!r} with channels {', '.join(self.channels)}; expected {CHANNELS}")
        if self.rotation not in ROTATIONS:
            raise ValueError(f"rotation is {self.rotation}; expected one of {ROTATIONS}")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a frame of {self.width} x {self.height}; expected at least one pixel")

    def colours(self) -> np.ndarray:
        """The buffer's pixels, not turned, uint8 (H, W, 3) RGB."""
        height, width = self.height, self.width
        if self.format == BGRA:
            return np.stack([self.channels[name].samples(height, width) for name in "RGB"], axis=-1)
        half = ((height + 1) // 2, (width + 1) // 2)
        luma = self.channels["Y"].samples(height, width)
        return yuv_to_rgb(luma, *(whole_size(self.channels[name].samples(*half), height, width) for name in "UV"))

    def upright(self) -> np.ndarray:
        """The picture that the network learned from: upright, not mirrored, uint8 (H, W, 3) RGB."""
        picture_HWC = np.rot90(self.colours(), k=-self.rotation // 90)
        return np.ascontiguousarray(picture_HWC[:, ::-1] if self.mirrored else picture_HWC)


def whole_size(chroma_HW: np.ndarray, height: int, width: int) -> np.ndarray:
    """Chroma of half the size -> the sample that each pixel takes, (height, width)."""
    return chroma_HW[np.arange(height)[:, None] // 2, np.arange(width) // 2]


def yuv_to_rgb(y_HW: np.ndarray, u_HW: np.ndarray, v_HW: np.ndarray) -> np.ndarray:
    """uint8 Y, U and V of each pixel -> uint8 (H, W, 3) RGB by the rule above."""
    y, u, v = y_HW.astype(np.int32), u_HW.astype(np.int32) - 128, v_HW.astype(np.int32) - 128
    red = y + ((R_FROM_V * v + HALF) >> SHIFT)
    green = y + ((G_FROM_U * u + G_FROM_V * v + HALF) >> SHIFT)
    blue = y + ((B_FROM_U * u + HALF) >> SHIFT)
    return np.clip(np.stack([red, green, blue], axis=-1), 0, 255).astype(np.uint8)
