"""MoViNet-A0-Stream, the rival that a user would take: Kondratyuk et al., "MoViNets: Mobile Video Networks for
Efficient Video Recognition" (2021), the A0 of its appendix, in the form for phones that its authors publish: causal
(2+1)D convolutions, squeeze-and-excitation over the frame and over all frames so far, hard swish, hard sigmoid.

Padding is TensorFlow's "SAME", which at a stride of 2 pads less at the top and on the left.

Axes: N clip, T frame, B = N * T, C channel, H row, W column, K class.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from training.networks.frame_network import FrameNetwork
from training.operators.time import temporal_conv


class Layer(NamedTuple):
    """One inverted residual: channels inside and out, KT and K of its kernel, stride in space."""

    expand: int
    out: int
    time: int
    space: int
    stride: int


STEM, PROJECT, HIDDEN = 8, 480, 2048
A0 = (
    Layer(24, 8, 1, 5, 2),
    Layer(80, 32, 3, 3, 2), *[Layer(80, 32, 3, 3, 1)] * 2,
    Layer(184, 56, 5, 3, 2), Layer(112, 56, 3, 3, 1), Layer(184, 56, 3, 3, 1),
    Layer(184, 56, 5, 3, 1), *[Layer(184, 56, 3, 3, 1)] * 3,
    Layer(384, 104, 5, 3, 2), *[Layer(280, 104, 1, 5, 1)] * 2, Layer(344, 104, 1, 5, 1),
)  # fmt: skip


def movinet_a0(
    *, num_classes: int, segments: int, dropout: float = 0.2, causal: bool = True, excite: str = "2plus3d"
) -> MoViNet:
    """MoViNet-A0-Stream.

    Args:
        causal: always true.
        excite: what the gates see: "2plus3d" (the form for phones: the frame, and all frames so far) or "3d" (the
            paper's, all frames so far: 3.1 M parameters for 600 classes).

    Raises:
        ValueError: another ``excite``, or a network that is not causal.
    """
    if excite not in ("2plus3d", "3d") or not causal:
        raise ValueError(f"excite is {excite!r}, causal {causal}; MoViNet-A0-Stream has 2plus3d or 3d, and is causal")
    return MoViNet(num_classes=num_classes, segments=segments, dropout=dropout, frame_gate=excite == "2plus3d")


class MoViNet(FrameNetwork):
    """Its decision over a clip is that of the last frame, which pools over all frames before; no mean of logits."""

    divisor = 1

    def __init__(self, *, num_classes: int, segments: int, dropout: float, frame_gate: bool = True) -> None:
        blocks, channels = [], STEM
        for layer in A0:
            blocks.append(MoViNetBlock(channels, layer, segments, frame_gate))
            channels = layer.out
        features = nn.Sequential(
            _convolution(3, STEM, 3, stride=2), *blocks, _convolution(channels, PROJECT, 1)
        )  # fmt: skip
        super().__init__(
            features, HIDDEN, num_classes=num_classes, segments=segments, dropout=dropout, backbone="movinet_a0"
        )
        self.hidden = nn.Linear(PROJECT, HIDDEN)

    def forward(self, x_NTCHW: torch.Tensor) -> torch.Tensor:
        """(N, T, 3, H, W) -> logits after the last frame (N, K)."""
        return self._classify(self.pooled(x_NTCHW).unflatten(0, (-1, self.segments)).mean(dim=1))

    def frame_logits(self, x_NTCHW: torch.Tensor) -> torch.Tensor:
        """(N, T, 3, H, W) -> logits after each frame (N, T, K)."""
        so_far_BC = cumulative_mean(self.pooled(x_NTCHW), self.segments)
        return self._classify(so_far_BC).unflatten(0, (-1, self.segments))

    def _classify(self, x_BC: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.dropout(F.hardswish(self.hidden(x_BC))))


class MoViNetBlock(nn.Module):
    """Inverted residual: expansion, spatial and then temporal depthwise convolution, squeeze-and-excitation,
    projection, and the sum, in which the branch has a learned weight that begins with 0 (ReZero)."""

    def __init__(self, channels: int, layer: Layer, segments: int, frame_gate: bool) -> None:
        super().__init__()
        inside = layer.expand
        self.expand = _convolution(channels, inside, 1)
        self.spatial = _convolution(inside, inside, layer.space, stride=layer.stride, groups=inside)
        self.temporal: nn.Sequential | None = None
        if layer.time > 1:
            self.temporal = _norm_and_swish(CausalDepthwise(inside, layer.time, segments), inside)
        self.excite = CausalSqueezeExcite(inside, segments, frame_gate)
        self.project = _convolution(inside, layer.out, 1, swish=False)
        self.rezero = nn.Parameter(torch.zeros(()))
        self.pool = layer.stride > 1
        self.skip = _convolution(channels, layer.out, 1, swish=False) if self.pool or channels != layer.out else None

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        h_BCHW = self.spatial(self.expand(x_BCHW))
        if self.temporal is not None:
            h_BCHW = self.temporal(h_BCHW)
        y_BCHW = self.rezero * self.project(self.excite(h_BCHW))
        if self.pool:
            x_BCHW = _average_pool(x_BCHW)
        return y_BCHW + (x_BCHW if self.skip is None else self.skip(x_BCHW))


class CausalDepthwise(nn.Module):
    """Depthwise convolution over the present and KT - 1 frames before: (N*T, C, H, W) -> the same shape."""

    def __init__(self, channels: int, time: int, segments: int) -> None:
        super().__init__()
        self.segments = segments
        self.weight = nn.Parameter(torch.empty(channels, 1, time, 1))
        nn.init.kaiming_normal_(self.weight, mode="fan_in")

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return temporal_conv(x_BCHW, self.weight, segments=self.segments, groups=len(self.weight), causal=True)


class CausalSqueezeExcite(nn.Module):
    """Gates from the mean of all frames up to the present one and, with ``frame_gate``, beside it that of this one."""

    def __init__(self, channels: int, segments: int, frame_gate: bool) -> None:
        super().__init__()
        self.segments, self.frame_gate = segments, frame_gate
        seen = 2 * channels if frame_gate else channels
        squeezed = _divisible(seen / 4)
        self.reduce = nn.Conv2d(seen, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        frame_BC11 = x_BCHW.mean(dim=(2, 3), keepdim=True)
        seen_BC11 = cumulative_mean(frame_BC11, self.segments)
        if self.frame_gate:
            seen_BC11 = torch.cat([seen_BC11, frame_BC11], dim=1)
        return x_BCHW * F.hardsigmoid(self.expand(F.hardswish(self.reduce(seen_BC11))))


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's padding "SAME": ceil(size / stride), the odd pixel below and on the right."""

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:
            pads = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x_BCHW.shape[2:]]
            (top, left), (rows, columns) = (pad // 2 for pad in pads), pads
            x_BCHW = F.pad(x_BCHW, (left, columns - left, top, rows - top))
        return super().forward(x_BCHW)


def cumulative_mean(x_BC: torch.Tensor, segments: int) -> torch.Tensor:
    """(N*T, C, ...) -> the mean of frames 1 to t in the place of frame t."""
    x_NTC = x_BC.unflatten(0, (-1, segments))
    counts = torch.arange(1, segments + 1, dtype=x_BC.dtype, device=x_BC.device)
    return (x_NTC.cumsum(1) / counts.view(1, -1, *[1] * (x_NTC.dim() - 2))).flatten(0, 1)


def _convolution(
    channels: int, out: int, kernel: int, *, stride: int = 1, groups: int = 1, swish: bool = True
) -> nn.Sequential:
    padding = kernel // 2 if stride == 1 else 0
    made = SameConv2d(channels, out, kernel, stride, padding, groups=groups, bias=False)
    nn.init.kaiming_normal_(made.weight, mode="fan_in")
    return _norm_and_swish(made, out, swish=swish)


def _norm_and_swish(convolution: nn.Module, channels: int, *, swish: bool = True) -> nn.Sequential:
    norm = nn.BatchNorm2d(channels, eps=1e-3)
    return nn.Sequential(convolution, norm, *([nn.Hardswish()] if swish else []))


def _average_pool(x_BCHW: torch.Tensor) -> torch.Tensor:
    """3 x 3 with a stride of 2, padded as `SameConv2d`; what lies outside does not count."""
    padding = x_BCHW.shape[-1] % 2
    return F.avg_pool2d(x_BCHW, 3, 2, padding=padding, ceil_mode=True, count_include_pad=False)


def _divisible(value: float, by: int = 8) -> int:
    """The nearest multiple of 8, at least 8, and never below 90 % of the value."""
    nearest = max(by, int(value + by / 2) // by * by)
    return nearest if nearest >= 0.9 * value else nearest + by
