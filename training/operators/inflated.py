"""3-D convolutions: inflated from 2-D (I3D), and beside a 2-D one over other channels (GST).

Axes: N clip, T frame, B = N * T, C channel (Ci in, Co out), H row, W column, O output, I input, K temporal tap.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from training.operators.time import conv3d


def inflate(weight_OIHW: torch.Tensor, taps: int) -> torch.Tensor:
    """A 2-D kernel as a 3-D one (O, I, K, H, W): repeated K times and divided by K (Carreira and Zisserman, 2017).

    A clip whose frames are all the same gives what the 2-D kernel gives, away from the clip's ends.
    """
    return weight_OIHW.unsqueeze(2).repeat(1, 1, taps, 1, 1) / taps


class InflatedConv(nn.Module):
    """The KT x K x K convolution of 3-D networks (Eq. 1), zero frames outside of the clip. No bias.

    Shape: (N*T, Ci, H, W) -> (N*T, Co, H/stride, W/stride).

    Raises:
        ValueError: an even kernel.
    """

    def __init__(self, in_channels: int, out_channels: int, *, segments: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; expected an odd size")
        self.segments, self.stride = segments, stride
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return conv3d(x_BCHW, self.weight, segments=self.segments, stride=self.stride)


class GSTConv(nn.Module):
    """Grouped spatial-temporal aggregation (Luo and Yuille, 2019), with its alpha = 4 and beta = 2.

    The first half of the input channels passes a 1 x K x K convolution to 3/4 of the output channels, the other
    half a KT x K x K convolution to the last 1/4; both are concatenated. No bias. In ResNet-50 with 174 classes this
    makes 21.0 M parameters, as its authors print.

    Shape: (N*T, Ci, H, W) -> (N*T, Co, H/stride, W/stride).

    Raises:
        ValueError: an even kernel, an odd number of input channels, or output channels that 4 does not divide.
    """

    def __init__(self, in_channels: int, out_channels: int, *, segments: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; expected an odd size")
        if in_channels % 2 or out_channels % 4:
            raise ValueError(f"GST does not divide {in_channels} input by 2 and {out_channels} output channels by 4")
        self.segments, self.stride = segments, stride
        half, quarter = in_channels // 2, out_channels // 4
        self.spatial = nn.Parameter(torch.empty(out_channels - quarter, half, kernel, kernel))
        self.temporal = nn.Parameter(torch.empty(quarter, half, kernel, kernel, kernel))
        for weight in (self.spatial, self.temporal):
            nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        left, right = x_BCHW.chunk(2, dim=1)
        spatial = F.conv2d(left, self.spatial, stride=self.stride, padding=self.spatial.shape[-1] // 2)
        temporal = conv3d(right, self.temporal, segments=self.segments, stride=self.stride)
        return torch.cat([spatial, temporal], dim=1)
