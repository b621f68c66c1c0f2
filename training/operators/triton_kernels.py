"""Dense STH-Conv as implicit matrix products in Triton: its result, and the gradients of its input and its weights.

One program makes a block of pixels by a block of channels that share one list of taps, so that all of its threads read
the same taps: outputs of one type going forward, input channels of one group going back. The window of a pixel is
gathered while it is multiplied; no matrix of windows and no zero of a masked kernel is read. Sums are float32.

Import it only where Triton is installed and a GPU (or Triton's interpreter, ``TRITON_INTERPRET=1``) runs it.
``triton_conv`` launches it.

Names: pixels ``m``, channels of the result ``n``, channels that are summed over ``k``; TAPS of space are KH * KW, of
time KT, 0 where that component is left out; WIDTH outputs of one type, SHARE inputs of one group; MIDDLE is the row or
column of the temporal kernel in the spatial window, NOW the temporal tap that stands on the present; RUN channels in a
row, from a multiple of it on, stay together wherever channels are gathered, so that Triton loads them as one vector.
"""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl
from triton import knobs

INTERPRETED = knobs.runtime.interpret


def _configurations(*sizes: tuple[int, int, int, int, int]) -> list[Any]:
    """BM, BN, BK, warps and stages. The interpreter has no clock, and gets small ones."""
    if INTERPRETED:
        return [triton.Config({"BM": 64, "BN": 16, "BK": 16})]
    return [
        triton.Config({"BM": m, "BN": n, "BK": k}, num_warps=warps, num_stages=stages)
        for m, n, k, warps, stages in sizes
    ]


def _that_fit(configurations: list[Any], _: dict[str, Any], **named: Any) -> list[Any]:
    """Without blocks that are mostly padding: twice as wide as the channels that they hold, or wider."""
    width, summed = named["BLOCK_WIDTH"], named["BLOCK_SUMMED"]
    fitting = [
        one
        for one in configurations
        if one.kwargs["BN"] < max(2 * width, 32) and one.kwargs["BK"] < max(2 * summed, 32)
    ]
    return fitting or configurations[:1]


CONVOLUTIONS = _configurations(
    (128, 16, 16, 4, 4),
    (256, 16, 16, 4, 3),
    (128, 16, 32, 4, 4),
    (128, 32, 32, 4, 4),
    (64, 32, 32, 2, 4),
    (128, 64, 32, 4, 4),
    (64, 64, 64, 4, 4),
    (128, 128, 32, 8, 3),
    (64, 128, 64, 8, 3),
)
REDUCTIONS = _configurations(
    (64, 16, 16, 4, 3), (64, 16, 64, 4, 3), (64, 32, 32, 4, 3), (64, 64, 64, 4, 3), (32, 128, 64, 8, 3)
)


@triton.jit
def _place(m, ROWS, COLUMNS):
    """Frame, row and column of numbered pixels."""
    inside = m % (ROWS * COLUMNS)
    return (m // (ROWS * COLUMNS)).to(tl.int64), inside // COLUMNS, inside % COLUMNS


@triton.jit
def _skip(k, start, length, RUN: tl.constexpr):
    """The k-th of the channels without the ``length`` from ``start`` on."""
    return tl.max_contiguous(tl.multiple_of(k + tl.where(k >= start, length, 0), RUN), RUN)


@triton.jit
def _add(a, b, sums, PRECISION: tl.constexpr, WIDEN: tl.constexpr):
    """``sums + a b``. WIDEN is for the interpreter, whose product takes bfloat16 for whole numbers."""
    if WIDEN:
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, sums, input_precision=PRECISION)


@triton.autotune(
    CONVOLUTIONS,
    key=["pixels", "HEIGHT", "INPUTS", "OUTPUTS", "SHARE", "SPACE_TAPS", "STRIDE"],
    prune_configs_by={"early_config_prune": _that_fit},
)
@triton.jit
def forward(
    x, spatial, temporal, y,
    pixels, HEIGHT, COLUMNS_IN, ROWS, COLUMNS,
    xb, xc, xh, xw, so, sc, sh, sw, to, tc, tk, yb, yc, yh, yw,
    INPUTS: tl.constexpr, OUTPUTS: tl.constexpr, SHARE: tl.constexpr, WIDTH: tl.constexpr, MERGE: tl.constexpr,
    SEGMENTS: tl.constexpr, SPACE_TAPS: tl.constexpr, TIME_TAPS: tl.constexpr, KW: tl.constexpr, STRIDE: tl.constexpr,
    DT: tl.constexpr, DH: tl.constexpr, DW: tl.constexpr, TOP: tl.constexpr, LEFT: tl.constexpr,
    MIDDLE_H: tl.constexpr, MIDDLE_W: tl.constexpr, NOW: tl.constexpr,
    RUN: tl.constexpr, BLOCK_WIDTH: tl.constexpr, BLOCK_SUMMED: tl.constexpr,
    PRECISION: tl.constexpr, WIDEN: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """Eq. 2: pixels of the output by outputs of one type."""
    blocks, SPACE = tl.cdiv(WIDTH, BN), INPUTS - SHARE
    of_row = OUTPUTS // WIDTH * blocks
    program = tl.program_id(0)
    kind = program % of_row // blocks
    m, n = program // of_row * BM + tl.arange(0, BM), program % blocks * BN + tl.arange(0, BN)
    o = kind * WIDTH + n
    frame, row, column = _place(m, ROWS, COLUMNS)
    sums = tl.zeros((BM, BN), dtype=tl.float32)

    steps = tl.cdiv(SPACE, BK)
    for step in range(SPACE_TAPS * steps):
        i, j = step // steps // KW, step // steps % KW
        k = step % steps * BK + tl.arange(0, BK)
        c = _skip(k, kind * SHARE, SHARE, RUN)
        h, w = row * STRIDE + i * DH - TOP, column * STRIDE + j * DW - LEFT
        seen = (m < pixels) & (h >= 0) & (h < HEIGHT) & (w >= 0) & (w < COLUMNS_IN)
        a = tl.load(x + (frame * xb + h * xh + w * xw)[:, None] + c[None, :] * xc,
                    mask=seen[:, None] & (k < SPACE)[None, :], other=0.0)  # fmt: skip
        b = tl.load(spatial + k[:, None] * sc + o[None, :] * so + i * sh + j * sw,
                    mask=(k < SPACE)[:, None] & (n < WIDTH)[None, :], other=0.0)  # fmt: skip
        sums = _add(a, b, sums, PRECISION, WIDEN)

    steps = tl.cdiv(SHARE, BK)
    for step in range(TIME_TAPS * steps):
        tap = step // steps
        k = step % steps * BK + tl.arange(0, BK)
        away = (tap - NOW) * DT
        t, h, w = frame % SEGMENTS + away, row * STRIDE + MIDDLE_H, column * STRIDE + MIDDLE_W
        seen = (m < pixels) & (t >= 0) & (t < SEGMENTS) & (h >= 0) & (h < HEIGHT) & (w >= 0) & (w < COLUMNS_IN)
        a = tl.load(x + ((frame + away) * xb + h * xh + w * xw)[:, None] + (kind * SHARE + k)[None, :] * xc,
                    mask=seen[:, None] & (k < SHARE)[None, :], other=0.0)  # fmt: skip
        b = tl.load(temporal + k[:, None] * tc + o[None, :] * to + tap * tk,
                    mask=(k < SHARE)[:, None] & (n < WIDTH)[None, :], other=0.0)  # fmt: skip
        sums = _add(a, b, sums, PRECISION, WIDEN)

    tl.store(y + (frame * yb + row * yh + column * yw)[:, None] + o[None, :] * yc,
             sums.to(y.dtype.element_ty), mask=(m < pixels)[:, None] & (n < WIDTH)[None, :])  # fmt: skip


@triton.autotune(
    CONVOLUTIONS,
    key=["pixels", "HEIGHT", "INPUTS", "OUTPUTS", "SHARE", "SPACE_TAPS", "STRIDE"],
    prune_configs_by={"early_config_prune": _that_fit},
)
@triton.jit
def input_gradient(
    x, spatial, temporal, y,
    pixels, HEIGHT, COLUMNS_IN, ROWS, COLUMNS,
    xb, xc, xh, xw, so, sc, sh, sw, to, tc, tk, yb, yc, yh, yw,
    INPUTS: tl.constexpr, OUTPUTS: tl.constexpr, SHARE: tl.constexpr, WIDTH: tl.constexpr, MERGE: tl.constexpr,
    SEGMENTS: tl.constexpr, SPACE_TAPS: tl.constexpr, TIME_TAPS: tl.constexpr, KW: tl.constexpr, STRIDE: tl.constexpr,
    DT: tl.constexpr, DH: tl.constexpr, DW: tl.constexpr, TOP: tl.constexpr, LEFT: tl.constexpr,
    MIDDLE_H: tl.constexpr, MIDDLE_W: tl.constexpr, NOW: tl.constexpr,
    RUN: tl.constexpr, BLOCK_WIDTH: tl.constexpr, BLOCK_SUMMED: tl.constexpr,
    PRECISION: tl.constexpr, WIDEN: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """Writes the gradient of ``x`` into it, from that of ``y``: pixels of the input by channels of one group.

    A stride leaves most taps of a pixel without an output: they are masked, so that it costs what stride 1 costs.
    """
    blocks = tl.cdiv(SHARE, BN)
    of_row = INPUTS // SHARE * blocks
    program = tl.program_id(0)
    group = program % of_row // blocks
    m, n = program // of_row * BM + tl.arange(0, BM), program % blocks * BN + tl.arange(0, BN)
    c = group * SHARE + n
    frame, h, w = _place(m, HEIGHT, COLUMNS_IN)
    sums = tl.zeros((BM, BN), dtype=tl.float32)
    if MERGE:  # all outputs see the first group along time and the others along space
        across = tl.where(group > 0, OUTPUTS, 0)
        along, first = OUTPUTS - across, 0
    else:
        across, along, first = OUTPUTS - WIDTH, WIDTH, group * WIDTH

    steps = tl.cdiv(across, BK)
    for step in range(SPACE_TAPS * steps):
        i, j = step // steps // KW, step // steps % KW
        k = step % steps * BK + tl.arange(0, BK)
        o = k if MERGE else _skip(k, group * WIDTH, WIDTH, RUN)
        before = tl.where(group > o // WIDTH, SHARE, 0)  # channels that the kernels of o leave out before c
        down, right = h + TOP - i * DH, w + LEFT - j * DW
        r, q = down // STRIDE, right // STRIDE
        seen = (m < pixels) & (down >= 0) & (down % STRIDE == 0) & (r < ROWS)
        seen &= (right >= 0) & (right % STRIDE == 0) & (q < COLUMNS)
        a = tl.load(y + (frame * yb + r * yh + q * yw)[:, None] + o[None, :] * yc,
                    mask=seen[:, None] & (k < across)[None, :], other=0.0)  # fmt: skip
        b = tl.load(spatial + (o * so - before * sc)[:, None] + c[None, :] * sc + i * sh + j * sw,
                    mask=(k < across)[:, None] & (n < SHARE)[None, :], other=0.0)  # fmt: skip
        sums = _add(a, b, sums, PRECISION, WIDEN)

    steps = tl.cdiv(along, BK)
    for step in range(TIME_TAPS * steps):
        tap = step // steps
        k = step % steps * BK + tl.arange(0, BK)
        away = (tap - NOW) * DT
        t, down, right = frame % SEGMENTS - away, h - MIDDLE_H, w - MIDDLE_W
        r, q = down // STRIDE, right // STRIDE
        seen = (m < pixels) & (t >= 0) & (t < SEGMENTS) & (down >= 0) & (down % STRIDE == 0) & (r < ROWS)
        seen &= (right >= 0) & (right % STRIDE == 0) & (q < COLUMNS)
        a = tl.load(y + ((frame - away) * yb + r * yh + q * yw)[:, None] + (first + k)[None, :] * yc,
                    mask=seen[:, None] & (k < along)[None, :], other=0.0)  # fmt: skip
        b = tl.load(temporal + (first + k)[:, None] * to + n[None, :] * tc + tap * tk,
                    mask=(k < along)[:, None] & (n < SHARE)[None, :], other=0.0)  # fmt: skip
        sums = _add(a, b, sums, PRECISION, WIDEN)

    tl.store(x + (frame * xb + h * xh + w * xw)[:, None] + c[None, :] * xc,
             sums.to(x.dtype.element_ty), mask=(m < pixels)[:, None] & (n < SHARE)[None, :])  # fmt: skip


@triton.autotune(
    REDUCTIONS,
    key=["pixels", "HEIGHT", "INPUTS", "OUTPUTS", "SHARE", "ALONG_TIME", "STRIDE"],
    prune_configs_by={"early_config_prune": _that_fit},
)
@triton.jit
def weight_gradient(
    x, y, parts,
    pixels, chunk, HEIGHT, COLUMNS_IN, ROWS, COLUMNS,
    xb, xc, xh, xw, yb, yc, yh, yw,
    INPUTS: tl.constexpr, OUTPUTS: tl.constexpr, SHARE: tl.constexpr, WIDTH: tl.constexpr, ALONG_TIME: tl.constexpr,
    SEGMENTS: tl.constexpr, TAPS: tl.constexpr, KW: tl.constexpr, STRIDE: tl.constexpr,
    DT: tl.constexpr, DH: tl.constexpr, DW: tl.constexpr, TOP: tl.constexpr, LEFT: tl.constexpr,
    MIDDLE_H: tl.constexpr, MIDDLE_W: tl.constexpr, NOW: tl.constexpr,
    RUN: tl.constexpr, BLOCK_WIDTH: tl.constexpr, BLOCK_SUMMED: tl.constexpr,
    PRECISION: tl.constexpr, WIDEN: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """Outputs of one type by channels of their kernels, at one tap, summed over ``chunk`` pixels of the output.

    ``parts`` is (chunks, OUTPUTS, TAPS, channels of a kernel): their sum is the gradient, in the same order each time.
    """
    CHANNELS: tl.constexpr = SHARE if ALONG_TIME else INPUTS - SHARE
    blocks_n, blocks_k = tl.cdiv(WIDTH, BN), tl.cdiv(CHANNELS, BK)
    program, part = tl.program_id(0), tl.program_id(1)
    k = program % blocks_k * BK + tl.arange(0, BK)
    rest = program // blocks_k
    n = rest % blocks_n * BN + tl.arange(0, BN)
    kind, tap = rest // blocks_n % (OUTPUTS // WIDTH), rest // blocks_n // (OUTPUTS // WIDTH)
    o = kind * WIDTH + n
    sums = tl.zeros((BN, BK), dtype=tl.float32)
    if ALONG_TIME:
        c, down, right, away = kind * SHARE + k, MIDDLE_H, MIDDLE_W, (tap - NOW) * DT
    else:
        c = _skip(k, kind * SHARE, SHARE, RUN)
        down, right, away = tap // KW * DH - TOP, tap % KW * DW - LEFT, 0

    for start in range(part * chunk, tl.minimum(part * chunk + chunk, pixels), BM):
        m = start + tl.arange(0, BM)
        frame, row, column = _place(m, ROWS, COLUMNS)
        t, h, w = frame % SEGMENTS + away, row * STRIDE + down, column * STRIDE + right
        there = (m < pixels) & (m < part * chunk + chunk)
        seen = there & (t >= 0) & (t < SEGMENTS) & (h >= 0) & (h < HEIGHT) & (w >= 0) & (w < COLUMNS_IN)
        a = tl.load(y + (frame * yb + row * yh + column * yw)[None, :] + o[:, None] * yc,
                    mask=there[None, :] & (n < WIDTH)[:, None], other=0.0)  # fmt: skip
        b = tl.load(x + ((frame + away) * xb + h * xh + w * xw)[:, None] + c[None, :] * xc,
                    mask=seen[:, None] & (k < CHANNELS)[None, :], other=0.0)  # fmt: skip
        sums = _add(a, b, sums, PRECISION, WIDEN)

    place = ((part * OUTPUTS + o) * TAPS + tap) * CHANNELS
    tl.store(parts + place[:, None] + k[None, :], sums, mask=(n < WIDTH)[:, None] & (k < CHANNELS)[None, :])
