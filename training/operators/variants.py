"""STH-Conv and its rivals by one word, each in the place of a 2-D convolution and of the same shape."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from torch import nn

from training.operators.factored import FactoredConv
from training.operators.inflated import GSTConv, InflatedConv
from training.operators.shift import ShiftedConv
from training.operators.sth import VARIANTS as _STH
from training.operators.sth import STHConv

_FACTORED = {"2plus1d_sequential": "sequential", "2plus1d_parallel": "parallel"}
VARIANTS = (*_STH, "2d", "tsm", "3d", *_FACTORED, "gst")
_CAUSAL = (*_STH, "2d", "tsm")

OperatorMaker = Callable[[nn.Conv2d, int], nn.Module]


def operator_maker(
    variant: str,
    *,
    segments: int,
    p: float | Fraction = Fraction(1, 4),
    attention: bool = False,
    dilation: bool = False,
    causal: bool = False,
) -> OperatorMaker:
    """A function from a 2-D convolution (square kernel, "same" padding) and its number to the operator in its place.

    Args:
        variant: "hybrid" or "merge" (STH, Fig. 3), "2d" (TSN, the same as p = 0), "tsm" (a shift before), "3d" (I3D),
            "2plus1d_sequential" or "2plus1d_parallel" (Table 7), "gst".
        p, attention, dilation: of STH; p says nothing to the others. With ``dilation`` the convolution number n has
            the rate 1 + n mod 3 along all axes (Table 8).
        causal: kernels see the present and the past only.

    Raises:
        ValueError: an unknown variant, or an option that a variant does not have.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant is {variant!r}; expected one of {', '.join(VARIANTS)}")
    if variant not in _STH and (attention or dilation):
        raise ValueError(f"variant {variant} has neither attention nor dilation; hybrid and merge have")
    if variant not in _CAUSAL and causal:
        raise ValueError(f"variant {variant} has no causal kernels; {', '.join(_CAUSAL)} have")

    def make(plain: nn.Conv2d, number: int) -> nn.Module:
        ci, co, kernel, stride = plain.in_channels, plain.out_channels, plain.kernel_size[0], plain.stride[0]
        if variant == "tsm":
            return ShiftedConv(ci, co, segments=segments, kernel=kernel, stride=stride, causal=causal)
        if variant == "3d":
            return InflatedConv(ci, co, segments=segments, kernel=kernel, stride=stride)
        if variant == "gst":
            return GSTConv(ci, co, segments=segments, kernel=kernel, stride=stride)
        if variant in _FACTORED:
            return FactoredConv(ci, co, segments=segments, mode=_FACTORED[variant], kernel=kernel, stride=stride)
        return STHConv(
            ci,
            co,
            segments=segments,
            p=0 if variant == "2d" else p,
            kernel=kernel,
            stride=stride,
            dilation=number % 3 + 1 if dilation else 1,
            variant="hybrid" if variant == "2d" else variant,
            attention=attention,
            causal=causal,
        )

    return make
