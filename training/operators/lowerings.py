"""Ways to compute dense STH-Conv without attention, all equal to Eq. 2; ``STHConv`` takes the fastest that serves.

Where ``taps`` serves (float32 on a CPU with AVX-512) it was the fastest at every stage of ResNet-50
(``sth tables stages``, the README's table). Other CPUs, and a CPU without a compiler, take ``gathered``
where a type has 64 outputs or more, else ``masked``. At that width it took 0.74 to 0.85 of ``masked``'s time with AVX2
and 0.65 to 0.95 with AVX-512 for p = 1/4, forward, 0.89 to 0.99 with backward; for p = 1/2 0.40 to 1.06, for merge
0.60 to 1.14 (the most with 64 outputs), for p = 1/8 0.83 to 1.05. With 32 outputs it took 0.9 to 3 times that for
p = 1/4 and 1/8 (medians of five pairs each, other work on the machine).
CUDA takes ``masked``: on an H100 a Triton kernel that multiplies no zeros took longer at every stage.

In evaluation the dense kernel of ``masked`` is kept between calls, so it costs a 2-D convolution and the taps. Training
lays it out once per forward pass. ``taps`` lays its kernels out at every call: for one clip of 8 frames that is 1, 2, 5
and 16 % of its forward pass at the four stages (CPU time, medians of 7 on a busy machine), by the blocks of ResNet-50
6 % of its STH-Convs together, and with a batch that many times less.

Axes: N clip, T frame, B = N * T, C channel (Ci in, Co out), H row, W column.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from training.operators.sth import STHConv
from training.operators.tap_conv import tap_conv

Lowering = Callable[[STHConv, torch.Tensor], torch.Tensor]


def taps(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """Lists of taps in C++ (``tap_conv``): one pass, no product beyond Eq. 2."""
    return tap_conv(operator.hybrid, x_BCHW, operator.spatial, operator.temporal)


def masked(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """A dense convolution that holds zeros, plus a grouped convolution along time."""
    spatial = operator.masked_spatial(x_BCHW)
    return spatial + operator.torch_temporal(x_BCHW, spatial.shape[2:], operator.temporal)


def gathered(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """Each type's channels gathered beside each other: one grouped convolution without zeros, one along time."""
    spatial = operator.gathered_spatial(x_BCHW)
    return spatial + operator.torch_temporal(x_BCHW, spatial.shape[2:], operator.temporal)


@functools.cache
def _compile() -> Lowering:
    function: Lowering = torch.compile(masked, dynamic=False)
    return function


def compiled(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """``masked`` through ``torch.compile``; compiles for minutes at first use."""
    return _compile()(operator, x_BCHW)


LOWERINGS: dict[str, Lowering] = {
    "taps": taps,
    "masked": masked,
    "gathered": gathered,
    "compiled": compiled,
}
