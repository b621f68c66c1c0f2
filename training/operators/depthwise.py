"""Depthwise STH for inverted residuals (MobileNetV2).

A depthwise convolution has one basic kernel per channel, so the hybrid kernel splits exactly into one grouped
temporal (KT x 1 x 1) and one grouped spatial (1 x K x K) convolution over disjoint channels.

Axes: N clip, T frame, B = N * T, C channel, H row, W column.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from training.operators.sth import groups_of
from training.operators.time import temporal_conv


class _ChannelsLastGradient(torch.autograd.Function):
    """Identity whose gradient is in channels-last memory: the gradient of ``split`` may come out in another layout,
    for which the backward of batch norm and ReLU6 before it take twice as long on a CPU."""

    @staticmethod
    def forward(ctx: Any, x_BCHW: torch.Tensor) -> torch.Tensor:
        return x_BCHW.view_as(x_BCHW)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0].contiguous(memory_format=torch.channels_last)


class DepthwiseSTH(nn.Module):
    """Depthwise hybrid convolution: C/G channels are convolved along time, the others along space.

    The temporal share is group ``shift % G`` of the channels. Callers pass the layer's number as ``shift``, so that
    the share moves along the channels from layer to layer and the pointwise layers mix different hybrids (the
    depthwise reading of Fig. 2). With a stride the temporal kernel stands at the centre of the spatial window, as in
    ``STHConv``: it sees every other pixel, which the deploy form gets for free by a stride in the 1 x 1 convolution
    before.

    Shape: (N*T, C, H, W) -> (N*T, C, H/stride, W/stride).

    Raises:
        ValueError: p is no 1/G, G does not divide C, an even kernel, or a stride other than 1 and 2.
    """

    def __init__(
        self,
        channels: int,
        *,
        segments: int,
        p: float | Fraction = Fraction(1, 4),
        kernel: tuple[int, int] = (3, 3),
        stride: int = 1,
        shift: int = 0,
        causal: bool = False,
    ) -> None:
        super().__init__()
        groups = groups_of(p)
        if groups and channels % groups:
            raise ValueError(f"p = 1/{groups} does not divide {channels} channels")
        if any(k % 2 == 0 for k in kernel) or stride not in (1, 2):
            raise ValueError(f"kernel is {kernel}, stride {stride}; expected odd kernels and a stride of 1 or 2")
        self.channels, self.segments, self.stride, self.causal = channels, segments, stride, causal
        share = channels // groups if groups else 0
        self.start = (shift % groups) * share if groups else 0
        self.stop = self.start + share
        time, space = kernel
        self.spatial = nn.Parameter(torch.empty(channels - share, 1, space, space))
        nn.init.kaiming_normal_(self.spatial, mode="fan_out")
        self.temporal = nn.Parameter(torch.empty(share, 1, time, 1)) if share else None
        if self.temporal is not None:
            nn.init.kaiming_normal_(self.temporal, mode="fan_out")

    def spatial_channels(self) -> list[int]:
        """The channels with spatial kernels, in order."""
        return [c for c in range(self.channels) if not self.start <= c < self.stop]

    def temporal_channels(self) -> list[int]:
        """The channels with temporal kernels, in order."""
        return list(range(self.start, self.stop))

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        if self.temporal is None:
            return self._spatial(x_BCHW, self.spatial)
        if x_BCHW.is_contiguous(memory_format=torch.channels_last):
            x_BCHW = _ChannelsLastGradient.apply(x_BCHW)
        before, middle, after = x_BCHW.split((self.start, self.stop - self.start, self.channels - self.stop), dim=1)
        parts = [self._temporal(middle, self.temporal)]
        if self.start:
            parts.insert(0, self._spatial(before, self.spatial[: self.start]))
        if self.stop < self.channels:
            parts.append(self._spatial(after, self.spatial[self.start :]))
        return torch.cat(parts, dim=1)

    def _spatial(self, x_BCHW: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x_BCHW, weight, stride=self.stride, padding=(weight.shape[-1] - 1) // 2, groups=weight.shape[0])

    def _temporal(self, x_BCHW: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        x_BCHW = x_BCHW[:, :, :: self.stride, :: self.stride]
        return temporal_conv(x_BCHW, weight, segments=self.segments, groups=weight.shape[0], causal=self.causal)

    def extra_repr(self) -> str:
        return f"{self.channels}, temporal={self.start}:{self.stop}, stride={self.stride}, causal={self.causal}"
