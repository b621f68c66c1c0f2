"""Ways to compute dense STH-Conv without attention, all equal to Eq. 2; ``STHConv`` takes the fastest that serves.

Where ``taps`` serves (float32 on a CPU with AVX-512) it was the fastest at every stage of ResNet-50
(``sth tables stages``, the README's table). Other CPUs, and a CPU without a compiler, take ``gathered``
where a type has 64 outputs or more, else ``masked``. At that width it took 0.74 to 0.85 of ``masked``'s time with AVX2
and 0.65 to 0.95 with AVX-512 for p = 1/4, forward, 0.89 to 0.99 with backward; for p = 1/2 0.40 to 1.06, for merge
0.60 to 1.14 (the most with 64 outputs), for p = 1/8 0.83 to 1.05. With 32 outputs it took 0.9 to 3 times that for
p = 1/4 and 1/8 (medians of five pairs each, other work on the machine).
On CUDA ``triton`` takes the place of ``masked`` where it was faster when a shape was first
seen (``choice``); on an H100 it was at no stage, in float32 and in bfloat16 (``training/results/stages_gpu.json``).

The kernels are laid out anew at every call. For one clip of 8 frames that is 1, 2, 5 and 16 % of the forward pass of
``taps`` at the four stages (CPU time, medians of 7 on a busy machine), by the blocks of ResNet-50 6 % of its STH-Convs
together, and with a batch that many times less. It is not kept in evaluation: what is kept would have to notice every
change, move, copy and load of the weights.

Axes: N clip, T frame, B = N * T, C channel (Ci in, Co out), H row, W column.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F

from training.operators.sth import STHConv
from training.operators.tap_conv import tap_conv
from training.operators.triton_conv import triton_conv

Lowering = Callable[[STHConv, torch.Tensor], torch.Tensor]


def taps(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """Lists of taps in C++ (``tap_conv``): one pass, no product beyond Eq. 2."""
    return tap_conv(operator.hybrid, x_BCHW, operator.spatial, operator.temporal)


def masked(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """A dense convolution that holds zeros, plus a grouped convolution along time."""
    spatial = operator.masked_spatial(x_BCHW)
    return spatial + operator.torch_temporal(x_BCHW, spatial.shape[2:], operator.temporal)


def folded(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """As ``masked``, but the tap of the present stands in the dense kernel's free centre; the others come on top."""
    now = operator.kernel[0] - 1 if operator.causal else operator.kernel[0] // 2
    centre = tuple((size - 1) // 2 for size in operator.kernel[1:])
    dense = operator.dense_spatial()
    share = operator.in_channels // operator.groups
    rows = torch.arange(operator.out_channels, device=dense.device)
    first = torch.tensor([operator.temporal_channels(m).start for m in range(operator.out_channels)]).to(dense.device)
    columns = first[:, None] + torch.arange(share, device=dense.device)
    dense = dense.index_put((rows[:, None], columns, *map(torch.tensor, centre)), operator.temporal[:, :, now, 0])
    others = operator.temporal.clone()
    others[:, :, now] = 0
    spatial = F.conv2d(x_BCHW, dense, None, operator.stride, operator.padding, operator.dilation[1:])
    return spatial + operator.torch_temporal(x_BCHW, spatial.shape[2:], others)


def gathered(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """Each type's channels gathered beside each other: one grouped convolution without zeros, one along time."""
    spatial = operator.gathered_spatial(x_BCHW)
    return spatial + operator.torch_temporal(x_BCHW, spatial.shape[2:], operator.temporal)


def product(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """Windows laid out as a matrix (im2col): one product per type for space, one convolution along time."""
    width, kinds = operator.hybrid.type_width, operator.hybrid.types
    taken = operator.spatial_index[::width]
    columns_BKP = F.unfold(x_BCHW, operator.kernel[1:], operator.dilation[1:], operator.padding, operator.stride)
    columns_BCKP = columns_BKP.unflatten(1, (operator.in_channels, -1))
    kernels = operator.spatial.unflatten(0, (kinds, width)).flatten(2)
    parts = [kernels[kind] @ columns_BCKP[:, taken[kind]].flatten(1, 2) for kind in range(kinds)]
    size = operator.hybrid.output_size(*x_BCHW.shape[2:])
    spatial = torch.cat(parts, dim=1).unflatten(2, size).contiguous(memory_format=torch.channels_last)
    return spatial + operator.torch_temporal(x_BCHW, spatial.shape[2:], operator.temporal)


def triton(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
    """Implicit matrix products in Triton (``triton_kernels``), on CUDA."""
    return triton_conv(operator.hybrid, x_BCHW, operator.spatial, operator.temporal)


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
    "folded": folded,
    "gathered": gathered,
    "product": product,
    "triton": triton,
    "compiled": compiled,
}
