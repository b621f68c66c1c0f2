"""STH-Conv on GPUs by the Triton kernels of ``triton_kernels``: no zero of a masked kernel is multiplied.

Axes: N clip, T frame, B = N * T, C channel, H row, W column.
"""

from __future__ import annotations

import functools
import importlib
import logging
import math
import os
from types import ModuleType
from typing import Any

import torch

from training.operators.tap_conv import Hybrid, is_eager

SWITCH = "STH_TRITON"  # 0 in the environment: use PyTorch's own operators
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
CHUNK = 4096  # pixels that one program of the weights' gradient sums at least

logger = logging.getLogger(__name__)


def kernels() -> ModuleType | None:
    """The kernels; None without Triton, or while ``STH_TRITON`` is 0."""
    return None if os.environ.get(SWITCH) == "0" else _imported()


@functools.cache
def _imported() -> ModuleType | None:
    try:
        return importlib.import_module("training.operators.triton_kernels")
    except ImportError as error:
        logger.info("STH-Conv uses PyTorch's convolutions, Triton cannot be imported: %s", error)
        return None


def serves(hybrid: Hybrid, x_BCHW: torch.Tensor) -> bool:
    """Whether ``triton_conv`` can compute this: on CUDA, or on a CPU where Triton interprets its kernels."""
    return (
        is_eager(x_BCHW)
        and (x_BCHW.is_cuda or os.environ.get("TRITON_INTERPRET") == "1")
        and x_BCHW.dtype in DTYPES
        and x_BCHW.numel() > 0
        and len(x_BCHW) % hybrid.segments == 0
        and kernels() is not None
    )


def triton_conv(
    hybrid: Hybrid, x_BCHW: torch.Tensor, spatial: torch.Tensor | None, temporal: torch.Tensor | None
) -> torch.Tensor:
    """Eq. 2, or one of its two components where the other's weights are None: (N*T, Ci, H, W) -> (N*T, Co, H', W').

    In the precision of autocast where that is on, else in that of ``x``, summed in float32. Differentiable once. Only
    where ``serves`` says so.
    """
    kind = x_BCHW.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x_BCHW.dtype
    spatial, temporal = (None if weight is None else weight.to(dtype) for weight in (spatial, temporal))
    y_BCHW: torch.Tensor = _TritonConv.apply(hybrid, x_BCHW.to(dtype), spatial, temporal)
    return y_BCHW


def _shape_of(hybrid: Hybrid) -> dict[str, Any]:
    """What all kernels are specialised on."""
    (kt, kh, kw), (dt, dh, dw), (top, left) = hybrid.kernel, hybrid.dilation, hybrid.padding
    return {
        "INPUTS": hybrid.in_channels, "OUTPUTS": hybrid.out_channels, "SHARE": hybrid.share,
        "WIDTH": hybrid.type_width, "SEGMENTS": hybrid.segments, "KW": kw, "STRIDE": hybrid.stride,
        "DT": dt, "DH": dh, "DW": dw, "TOP": top, "LEFT": left,
        "MIDDLE_H": (kh - 1) // 2 * dh - top, "MIDDLE_W": (kw - 1) // 2 * dw - left,
        "NOW": kt - 1 if hybrid.causal else kt // 2,
        "RUN": math.gcd(16, hybrid.share, hybrid.type_width),
    }  # fmt: skip


def _arithmetic(x_BCHW: torch.Tensor) -> dict[str, Any]:
    found = kernels()
    assert found is not None, "ask `serves` first"
    return {
        "PRECISION": "tf32" if torch.backends.cudnn.allow_tf32 else "ieee",  # of float32, as PyTorch's convolutions
        "WIDEN": bool(found.INTERPRETED and x_BCHW.dtype == torch.bfloat16),
    }


def _strides(spatial: torch.Tensor | None, temporal: torch.Tensor | None) -> list[int]:
    return [
        *(spatial.stride() if spatial is not None else [0] * 4),
        *(temporal.stride()[:3] if temporal is not None else [0] * 3),
    ]


def _convolve(
    kernel: Any, hybrid: Hybrid, x_BCHW: torch.Tensor, spatial: torch.Tensor | None, temporal: torch.Tensor | None,
    y_BCHW: torch.Tensor, *, back: bool,
) -> None:  # fmt: skip
    """Fill ``y_BCHW``, or going back ``x_BCHW``."""
    import triton

    written = x_BCHW if back else y_BCHW
    pixels = written.numel() // written.shape[1]
    width, summed = (hybrid.share, hybrid.type_width) if back else (hybrid.type_width, hybrid.share)
    types = (hybrid.in_channels if back else hybrid.out_channels) // width
    kernel[lambda chosen: (triton.cdiv(pixels, chosen["BM"]) * types * triton.cdiv(width, chosen["BN"]),)](
        x_BCHW, x_BCHW if spatial is None else spatial, x_BCHW if temporal is None else temporal, y_BCHW,
        pixels, *x_BCHW.shape[2:], *y_BCHW.shape[2:], *x_BCHW.stride(), *_strides(spatial, temporal), *y_BCHW.stride(),
        **_shape_of(hybrid), **_arithmetic(x_BCHW), MERGE=hybrid.merge, BLOCK_WIDTH=width, BLOCK_SUMMED=summed,
        SPACE_TAPS=0 if spatial is None else hybrid.kernel[1] * hybrid.kernel[2],
        TIME_TAPS=0 if temporal is None else hybrid.kernel[0],
    )  # fmt: skip


def _weight_gradient(
    hybrid: Hybrid, x_BCHW: torch.Tensor, gradient_BCHW: torch.Tensor, weight: torch.Tensor, *, along_time: bool
) -> torch.Tensor:
    """The gradient of the spatial or of the temporal kernels, summed in float32, in the order of the pixels."""
    import triton

    pixels = gradient_BCHW.numel() // gradient_BCHW.shape[1]
    taps, channels = weight[0, 0].numel(), weight.shape[1]
    number = min(max(pixels // CHUNK, 1), 64)
    parts = torch.empty(number, hybrid.out_channels, taps, channels, device=x_BCHW.device, dtype=torch.float32)
    found, width = kernels(), hybrid.type_width
    assert found is not None
    types = hybrid.out_channels // width

    def grid(chosen: dict[str, int]) -> tuple[int, int]:
        return taps * types * triton.cdiv(width, chosen["BN"]) * triton.cdiv(channels, chosen["BK"]), number

    found.weight_gradient[grid](
        x_BCHW, gradient_BCHW, parts, pixels, triton.cdiv(pixels, number), *x_BCHW.shape[2:], *gradient_BCHW.shape[2:],
        *x_BCHW.stride(), *gradient_BCHW.stride(), **_shape_of(hybrid), **_arithmetic(x_BCHW), ALONG_TIME=along_time,
        TAPS=taps, BLOCK_WIDTH=width, BLOCK_SUMMED=channels,
    )  # fmt: skip
    of_weight = parts.sum(0).transpose(1, 2).reshape(weight.shape)
    return of_weight.to(weight.dtype)


class _TritonConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hybrid: Hybrid, x_BCHW: torch.Tensor, spatial: torch.Tensor | None, temporal: torch.Tensor | None
    ) -> torch.Tensor:
        ctx.hybrid = hybrid
        ctx.save_for_backward(x_BCHW, spatial, temporal)
        y_BCHW = torch.empty(
            (len(x_BCHW), hybrid.out_channels, *hybrid.output_size(*x_BCHW.shape[2:])),
            dtype=x_BCHW.dtype, device=x_BCHW.device, memory_format=torch.channels_last,
        )  # fmt: skip
        found = kernels()
        assert found is not None
        _convolve(found.forward, hybrid, x_BCHW, spatial, temporal, y_BCHW, back=False)
        return y_BCHW

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient_BCHW: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x_BCHW, spatial, temporal = ctx.saved_tensors
        hybrid, found = ctx.hybrid, kernels()
        assert found is not None
        gradient_BCHW = gradient_BCHW.contiguous(memory_format=torch.channels_last)
        of_x = None
        if ctx.needs_input_grad[1]:
            of_x = torch.empty_like(x_BCHW)
            _convolve(found.input_gradient, hybrid, of_x, spatial, temporal, gradient_BCHW, back=True)
        of_weights = [
            _weight_gradient(hybrid, x_BCHW, gradient_BCHW, weight, along_time=along_time)
            if weight is not None and ctx.needs_input_grad[place]
            else None
            for place, weight, along_time in ((2, spatial, False), (3, temporal, True))
        ]
        return None, of_x, *of_weights
