"""Temporal Shift Module (Lin et al., 2019), the rival that every figure is compared with.

Axes: N clip, T frame, B = N * T, C channel, H row, W column.
"""

from __future__ import annotations

import torch
from torch import nn


class TemporalShift(nn.Module):
    """Shift 1/fold of the channels one frame back, and (not when causal) 1/fold one frame ahead; zeros enter.

    Channels [0, C/fold) of frame t come from frame t+1, channels [C/fold, 2C/fold) from frame t-1, as in the
    published TSM; causal (its online form) takes only [0, C/fold), from frame t-1. No parameters.

    Shape: (N*T, C, H, W) -> the same.

    Raises:
        ValueError: fold is below 2.
    """

    def __init__(self, *, segments: int, fold: int = 8, causal: bool = False) -> None:
        super().__init__()
        if fold < 2:
            raise ValueError(f"fold is {fold}; expected at least 2, so that two shares of 1/fold exist")
        self.segments, self.fold, self.causal = segments, fold, causal

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        share = x_BCHW.shape[1] // self.fold
        # channels lie beside each other in memory: joined in this order, nothing is copied twice
        x_NTHWC = x_BCHW.permute(0, 2, 3, 1).unflatten(0, (-1, self.segments))
        zero = torch.zeros_like(x_NTHWC[:, :1, ..., :share])
        if self.causal:
            past = torch.cat([zero, x_NTHWC[:, :-1, ..., :share]], dim=1)
            moved = [past, x_NTHWC[..., share:]]
        else:
            future = torch.cat([x_NTHWC[:, 1:, ..., :share], zero], dim=1)
            past = torch.cat([zero, x_NTHWC[:, :-1, ..., share : 2 * share]], dim=1)
            moved = [future, past, x_NTHWC[..., 2 * share :]]
        return torch.cat(moved, dim=-1).flatten(0, 1).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        return f"fold={self.fold}, causal={self.causal}"


class ShiftedConv(nn.Module):
    """A 2-D convolution after a temporal shift: TSM as an operator like the others. No bias.

    Shape: (N*T, Ci, H, W) -> (N*T, Co, H/stride, W/stride).

    Raises:
        ValueError: an even kernel, or fold below 2.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        segments: int,
        kernel: int = 3,
        stride: int = 1,
        fold: int = 8,
        causal: bool = False,
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; expected an odd size")
        self.shift = TemporalShift(segments=segments, fold=fold, causal=causal)
        self.spatial = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
        nn.init.kaiming_normal_(self.spatial.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return self.spatial(self.shift(x_BCHW))
