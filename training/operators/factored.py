"""(2+1)D convolutions: spatial and temporal kernels one after the other or side by side (Table 7 of the STH paper).

Axes: N clip, T frame, B = N * T, C channel (Ci in, Co out), H row, W column.
"""

from __future__ import annotations

import torch
from torch import nn

from training.operators.time import temporal_conv


class FactoredConv(nn.Module):
    """(2+1)D: a 1 x K x K convolution and a KT x 1 x 1 convolution of Co channels.

    sequential: ``O = WT * (WS * I)``; parallel: ``O = WS * I + WT * sample(I)``, where ``sample`` takes the pixel at
    the centre of each window. Both add ``KT Ci Co`` (parallel) or ``KT Co^2`` (sequential) parameters.

    Shape: (N*T, Ci, H, W) -> (N*T, Co, H/stride, W/stride).

    Raises:
        ValueError: an unknown mode or an even kernel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        segments: int,
        mode: str,
        kernel: int = 3,
        stride: int = 1,
    ) -> None:
        super().__init__()
        if mode not in ("sequential", "parallel"):
            raise ValueError(f"mode is {mode!r}; expected sequential or parallel")
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; expected an odd size")
        self.mode, self.segments, self.stride = mode, segments, stride
        self.spatial = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
        source = out_channels if mode == "sequential" else in_channels
        self.temporal = nn.Parameter(torch.empty(out_channels, source, kernel, 1))
        nn.init.kaiming_normal_(self.temporal, mode="fan_out", nonlinearity="relu")

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        y_BCHW = self.spatial(x_BCHW)
        if self.mode == "sequential":
            return temporal_conv(y_BCHW, self.temporal, segments=self.segments)
        centre = x_BCHW[:, :, :: self.stride, :: self.stride]
        return y_BCHW + temporal_conv(centre, self.temporal, segments=self.segments)
