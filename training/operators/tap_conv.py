"""STH-Conv on CPUs with AVX-512, as lists of taps: the products of Eq. 2 and no others.

A dense kernel that holds zeros where the temporal kernels stand computes a third more than the spatial part, and the
temporal part comes on top, in passes of its own. Here each type of kernel is one list of taps (rows, columns and frames
away) that ``tap_conv.cpp`` sums in registers; so are the gradients of its input and of its weights. The C++ is compiled
at first use; without a compiler or AVX-512 ``available`` is false.

Axes: N clip, T frame, B = N * T, C channel, H row, W column; Co output, Ci input, K tap. Blocks hold 16 channels.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from typing import Any

import numpy as np
import torch

from training.operators.native import library

LANES = 16


@dataclasses.dataclass(frozen=True)
class Hybrid:
    """What a hybrid convolution computes, apart from its weights.

    Attributes:
        groups: G of p = 1/G.
        merge: all outputs take group 0 along time; else outputs of type g take group g.
        stride, padding, dilation: as in ``STHConv``; padding of H and W, dilation of T, H and W.
    """

    in_channels: int
    out_channels: int
    segments: int
    groups: int
    merge: bool
    kernel: tuple[int, int, int]
    stride: int
    padding: tuple[int, int]
    dilation: tuple[int, int, int]
    causal: bool

    @property
    def share(self) -> int:
        """Input channels of one group."""
        return self.in_channels // self.groups

    @property
    def type_width(self) -> int:
        """Output channels of one type."""
        return self.out_channels if self.merge else self.out_channels // self.groups

    @property
    def types(self) -> int:
        """How many kinds of kernels there are, each with its own channels along time."""
        return self.out_channels // self.type_width

    def looks_along_time(self, output: int, channel: int) -> bool:
        return channel // self.share == (0 if self.merge else output // self.type_width)

    def place(self, output: int, channel: int) -> int:
        """The number of an input channel in the spatial or temporal kernels of ``output``."""
        if self.looks_along_time(output, channel):
            return channel % self.share
        before = 0 if self.merge else output // self.type_width
        return channel - (self.share if channel // self.share > before else 0)

    def fits(self) -> bool:
        """Whether its groups are whole blocks, and its stride is one that the C++ knows."""
        return self.share % LANES == 0 and self.type_width % LANES == 0 and self.stride in (1, 2)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        rows, columns = (
            (size + 2 * self.padding[axis] - self.dilation[1 + axis] * (self.kernel[1 + axis] - 1) - 1) // self.stride
            + 1
            for axis, size in enumerate((height, width))
        )
        return rows, columns


# (frame, row, column) from the output's pixel times stride, temporal or not, number within its kernel
_Tap = tuple[int, int, int, bool, int]


def _taps(hybrid: Hybrid, spatial: bool, temporal: bool) -> list[_Tap]:
    (kt, kh, kw), (dt, dh, dw) = hybrid.kernel, hybrid.dilation
    top, left = hybrid.padding
    taps: list[_Tap] = []
    if spatial:
        taps += [(0, i * dh - top, j * dw - left, False, i * kw + j) for i in range(kh) for j in range(kw)]
    if temporal:
        middle, now = ((kh - 1) // 2 * dh - top, (kw - 1) // 2 * dw - left), kt - 1 if hybrid.causal else kt // 2
        taps += [((k - now) * dt, *middle, True, k) for k in range(kt)]
    return taps


class _Geometry(dict[str, int]):
    """The numbers of ``struct Geometry``, in its order."""

    NAMES = (
        "frames", "channels", "height", "width", "top", "left", "blocked_height", "blocked_width",
        "out_channels", "out_height", "out_width", "rows", "columns", "stride", "step", "first_row", "first_column",
        "panels", "panel_width",
    )  # fmt: skip

    def array(self) -> np.ndarray:
        return np.array([self[name] for name in self.NAMES], dtype=np.int64)

    def blocked_floats(self) -> int:
        return self["frames"] * self["blocked_height"] * self["blocked_width"] * self["channels"]


@dataclasses.dataclass(frozen=True)
class _Pass:
    """One call of the C++: geometry and tap lists."""

    geometry: _Geometry
    taps: np.ndarray  # (taps, 8): the numbers of ``struct Tap``
    starts: np.ndarray  # (panels + 1): the first tap of each panel
    outputs: np.ndarray  # (panels): its first channel in what is written
    packed_floats: int
    transposed: bool  # gradients of the input read the weights the other way round


def _panel_width(width: int) -> int:
    return 2 * LANES if width % (2 * LANES) == 0 else LANES


def _build(
    hybrid: Hybrid,
    reads: tuple[int, int, int],
    writes: tuple[int, int, int],
    taps: list[_Tap],
    *,
    transposed: bool,
    rows: int,
    columns: int,
    stride: int,
    margins: tuple[int, int, int, int],
    step: int = 1,
    first: tuple[int, int] = (0, 0),
) -> _Pass:
    """Tap lists over an input (C, H, W) = ``reads`` to an output ``writes``."""
    channels, height, width = reads
    top, left, bottom, right = margins
    line, block = width + left + right, (height + top + bottom) * (width + left + right) * LANES
    frame = block * (channels // LANES)
    panel_width = _panel_width(writes[0])
    lists, outputs, packed = [], range(0, writes[0], panel_width), 0
    for output in outputs:
        found = []
        # channels outside, taps inside: one block of the clip lies in L1 for all of its taps
        for channel in range(0, channels, LANES):
            for dt, dh, dw, temporal, number in taps:
                wanted = [
                    hybrid.looks_along_time(*((channel, one) if transposed else (one, channel))) == temporal
                    for one in range(output, output + panel_width, LANES)
                ]
                halves = [half for half, is_wanted in enumerate(wanted) if is_wanted]
                if not halves:
                    continue
                written = output + halves[0] * LANES
                o, c = (channel, written) if transposed else (written, channel)
                inside = hybrid.place(o, c)
                ends = (o, inside) if transposed else (inside, o)
                offset = dt * frame + channel // LANES * block + ((dh + top) * line + dw + left) * LANES
                which = 3 if all(wanted) else 1 << halves[0]
                found.append((dt, offset, int(temporal), *ends, number, which, packed))
                packed += LANES * LANES * len(halves)
        lists.append(found)
    geometry = _Geometry(
        frames=hybrid.segments, channels=channels, height=height, width=width, top=top, left=left,
        blocked_height=height + top + bottom, blocked_width=line, out_channels=writes[0], out_height=writes[1],
        out_width=writes[2], rows=rows, columns=columns, stride=stride, step=step, first_row=first[0],
        first_column=first[1], panels=len(lists), panel_width=panel_width,
    )  # fmt: skip
    starts = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    flat = [tap for found in lists for tap in found]
    return _Pass(
        geometry,
        np.array(flat, dtype=np.int64).reshape(-1, 8),
        starts,
        np.array(outputs, dtype=np.int64),
        packed,
        transposed,
    )


def _margins(
    taps: list[_Tap], size: tuple[int, int], stride: int, computed: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Zeros above, left, below and right of a frame, so that taps of ``computed`` rows and columns stay inside."""
    before, after = ([max(0, *(f(tap, axis) for tap in taps), 0) for axis in (0, 1)] for f in (
        lambda tap, axis: -tap[1 + axis],
        lambda tap, axis: tap[1 + axis] + (computed[axis] - 1) * stride + 1 - size[axis],
    ))  # fmt: skip
    return before[0], before[1], after[0], after[1]


@functools.lru_cache(maxsize=256)
def _forward_pass(hybrid: Hybrid, height: int, width: int, spatial: bool, temporal: bool) -> _Pass:
    rows, columns = hybrid.output_size(height, width)
    taps = _taps(hybrid, spatial, temporal)
    return _build(
        hybrid,
        (hybrid.in_channels, height, width),
        (hybrid.out_channels, rows, columns),
        taps,
        transposed=False,
        rows=rows,
        columns=columns,
        stride=hybrid.stride,
        margins=_margins(taps, (height, width), hybrid.stride, (rows, columns)),
    )


@functools.lru_cache(maxsize=256)
def _input_gradient_passes(hybrid: Hybrid, height: int, width: int, spatial: bool, temporal: bool) -> tuple[_Pass, ...]:
    """The gradient of the input: for each of the stride^2 phases of its pixels a convolution of stride 1.

    All read the same blocks.
    """
    s, size = hybrid.stride, hybrid.output_size(height, width)
    phases = [(row, column) for row in range(min(s, height)) for column in range(min(s, width))]
    computed = [(-(-(height - row) // s), -(-(width - column) // s)) for row, column in phases]
    lists = [
        [
            (-dt, (row - dh) // s, (column - dw) // s, along_time, number)
            for dt, dh, dw, along_time, number in _taps(hybrid, spatial, temporal)
            if (row - dh) % s == 0 and (column - dw) % s == 0
        ]
        for row, column in phases
    ]
    needed = [_margins(*of_phase) for of_phase in zip(lists, [size] * 4, [1] * 4, computed, strict=False)]
    top, left, bottom, right = (max(of_side) for of_side in zip(*needed, strict=True))
    return tuple(
        _build(
            hybrid,
            (hybrid.out_channels, *size),
            (hybrid.in_channels, height, width),
            taps,
            transposed=True,
            rows=rows,
            columns=columns,
            stride=1,
            margins=(top, left, bottom, right),
            step=s,
            first=first,
        )
        for taps, (rows, columns), first in zip(lists, computed, phases, strict=True)
    )


class _Scratch(threading.local):
    """Memory of a thread that its calls use again: fresh pages cost as much as copying into them."""

    def __init__(self) -> None:
        self.buffers: dict[str, torch.Tensor] = {}

    def floats(self, name: str, size: int) -> torch.Tensor:
        if name not in self.buffers or self.buffers[name].numel() < size:
            with torch.inference_mode(False):
                self.buffers[name] = torch.empty(size)
        return self.buffers[name]


_scratch = _Scratch()


def _weights(weight: torch.Tensor | None, transposed: bool) -> tuple[int, np.ndarray]:
    """Address, and strides of the channels that are read, that are written, and of the kernel's taps."""
    if weight is None:
        return 0, np.zeros(3, dtype=np.int64)
    by_output, by_input, by_row, by_column = weight.stride()
    channels = (by_output, by_input) if transposed else (by_input, by_output)
    strides = (*channels, by_column if weight.shape[3] > 1 else by_row)
    return weight.data_ptr(), np.array(strides, dtype=np.int64)


def _pack(
    work: _Pass,
    spatial: torch.Tensor | None,
    temporal: torch.Tensor | None,
    packed: torch.Tensor,
    *,
    back: bool = False,
) -> None:
    in_space, space_strides = _weights(spatial, work.transposed)
    in_time, time_strides = _weights(temporal, work.transposed)
    _library().pack(
        work.taps.ctypes.data, len(work.taps), work.geometry["panel_width"],
        in_space, space_strides.ctypes.data, in_time, time_strides.ctypes.data,
        packed.data_ptr(), int(back), torch.get_num_threads(),
    )  # fmt: skip


def _packed(
    work: _Pass, spatial: torch.Tensor | None, temporal: torch.Tensor | None, name: str = "weights"
) -> torch.Tensor:
    packed = _scratch.floats(name, work.packed_floats)
    _pack(work, spatial, temporal, packed)
    return packed


def _block(work: _Pass, clip_TCHW: torch.Tensor, name: str) -> torch.Tensor:
    blocked = _scratch.floats(name, work.geometry.blocked_floats())
    geometry = work.geometry.array()
    _library().block(geometry.ctypes.data, clip_TCHW.data_ptr(), blocked.data_ptr(), torch.get_num_threads())
    return blocked


def _convolve(work: _Pass, packed: torch.Tensor, blocked: torch.Tensor, clip_TCHW: torch.Tensor) -> None:
    """Write what ``work`` writes of one clip."""
    geometry = work.geometry.array()
    _library().convolve(
        geometry.ctypes.data, work.taps.ctypes.data, work.starts.ctypes.data, work.outputs.ctypes.data,
        packed.data_ptr(), blocked.data_ptr(), clip_TCHW.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip


def _add_weight_gradient(
    work: _Pass, of_gradient: _Pass, blocked: torch.Tensor, blocked_gradient: torch.Tensor, packed: torch.Tensor
) -> None:
    """Add one clip's gradient of the packed weights."""
    arrays = work.geometry.array(), of_gradient.geometry.array()
    _library().weight_gradient(
        arrays[0].ctypes.data, arrays[1].ctypes.data,
        work.taps.ctypes.data, work.starts.ctypes.data, work.outputs.ctypes.data,
        blocked.data_ptr(), blocked_gradient.data_ptr(), packed.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip


def _library() -> Any:
    loaded = library()
    assert loaded is not None, "ask `serves` first"
    return loaded


def is_eager(x: torch.Tensor) -> bool:
    """Whether PyTorch computes now, on memory of its own: nothing traces or compiles, ``x`` is no proxy and no fake."""
    return (
        not torch.compiler.is_compiling()  # first: the compiler need not look at the rest
        and type(x) is torch.Tensor
        and not torch.jit.is_tracing()
    )


def serves(hybrid: Hybrid, x_BCHW: torch.Tensor) -> bool:
    """Whether ``tap_conv`` can compute this: float32 in channels-last memory on a CPU with AVX-512, in blocks of 16."""
    return (
        is_eager(x_BCHW)
        and x_BCHW.device.type == "cpu"
        and x_BCHW.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and x_BCHW.is_contiguous(memory_format=torch.channels_last)
        and len(x_BCHW) > 0
        and len(x_BCHW) % hybrid.segments == 0
        and hybrid.fits()
        and library() is not None
    )


def tap_conv(
    hybrid: Hybrid, x_BCHW: torch.Tensor, spatial: torch.Tensor | None, temporal: torch.Tensor | None
) -> torch.Tensor:
    """Eq. 2, or one of its two components where the other's weights are None: (N*T, Ci, H, W) -> (N*T, Co, H', W').

    Differentiable once. Only where ``serves`` says so.
    """
    y_BCHW: torch.Tensor = _TapConv.apply(hybrid, x_BCHW, spatial, temporal)
    return y_BCHW


def _dense(weight: torch.Tensor | None) -> torch.Tensor | None:
    """With strides that one number for the taps describes."""
    if weight is None or weight.is_contiguous(memory_format=torch.channels_last):
        return weight
    return weight.contiguous()


class _TapConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hybrid: Hybrid, x_BCHW: torch.Tensor, spatial: torch.Tensor | None, temporal: torch.Tensor | None
    ) -> torch.Tensor:
        spatial, temporal = _dense(spatial), _dense(temporal)
        ctx.hybrid = hybrid
        ctx.save_for_backward(x_BCHW, spatial, temporal)
        height, width = x_BCHW.shape[2:]
        y_BCHW = torch.empty(
            (len(x_BCHW), hybrid.out_channels, *hybrid.output_size(height, width)), memory_format=torch.channels_last
        )
        work = _forward_pass(hybrid, height, width, spatial is not None, temporal is not None)
        packed = _packed(work, spatial, temporal)
        for x_TCHW, y_TCHW in zip(x_BCHW.split(hybrid.segments), y_BCHW.split(hybrid.segments), strict=True):
            _convolve(work, packed, _block(work, x_TCHW, "clip"), y_TCHW)
        return y_BCHW

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient_BCHW: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x_BCHW, spatial, temporal = ctx.saved_tensors
        gradient_BCHW = gradient_BCHW.contiguous(memory_format=torch.channels_last)
        what = ctx.hybrid, *x_BCHW.shape[2:], spatial is not None, temporal is not None
        work, back = _forward_pass(*what), _input_gradient_passes(*what)
        of_x = torch.empty_like(x_BCHW) if ctx.needs_input_grad[1] else None
        packed = [_packed(one, spatial, temporal, f"weights {i}") for i, one in enumerate(back) if of_x is not None]
        wanted = ctx.needs_input_grad[2] or ctx.needs_input_grad[3]
        of_weights = _scratch.floats("weights", work.packed_floats)[: work.packed_floats].zero_()
        for first in range(0, len(x_BCHW), ctx.hybrid.segments):
            clip = slice(first, first + ctx.hybrid.segments)
            blocked = _block(back[0], gradient_BCHW[clip], "gradient")
            if of_x is not None:
                for one, weights in zip(back, packed, strict=True):
                    _convolve(one, weights, blocked, of_x[clip])
            if wanted:
                _add_weight_gradient(work, back[0], _block(work, x_BCHW[clip], "clip"), blocked, of_weights)
        if not wanted:
            return None, of_x, None, None
        of_spatial, of_temporal = (None if w is None else torch.empty_like(w) for w in (spatial, temporal))
        _pack(work, of_spatial, of_temporal, of_weights, back=True)
        return None, of_x, of_spatial, of_temporal


def seconds_of_parts(
    hybrid: Hybrid, x_BCHW: torch.Tensor, spatial: torch.Tensor, temporal: torch.Tensor
) -> dict[str, float]:
    """A profile of one forward pass: packing the weights, copying the clips into blocks, and all of it."""
    work = _forward_pass(hybrid, *x_BCHW.shape[2:], True, True)
    started = time.perf_counter()
    _packed(work, _dense(spatial), _dense(temporal))
    after_pack = time.perf_counter()
    for x_TCHW in x_BCHW.split(hybrid.segments):
        _block(work, x_TCHW, "clip")
    after_blocks = time.perf_counter()
    tap_conv(hybrid, x_BCHW, spatial, temporal)
    return {
        "weights": after_pack - started,
        "blocks": after_blocks - after_pack,
        "all": time.perf_counter() - after_blocks,
    }
