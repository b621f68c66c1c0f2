"""The blocks of the deploy form: an inverted residual, with a hybrid kernel that is split, or with TSM's shift.

Batch norm is folded. The hybrid kernel is split: the expansion becomes two 1 x 1 convolutions, one for the channels
that are convolved along space and one for those along time, and the projection's input columns are re-ordered to the
order of their concat. In a stride-2 block the temporal kernels stand on every other pixel, so the expansion of their
channels takes the stride (exact, since it is 1 x 1 and ReLU6 is pointwise). So no slice, gather, transpose or 5-D
tensor remains: the temporal convolution sees the frames of a clip as the rows of an image, (T, H, W, C) ->
(1, T, H*W, C), which moves nothing in channels-last memory.

Axes: N clip, T frame, B = N * T, C channel, H row, W column, P = H * W.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.mobilenetv2 import InvertedResidual

from mobile.deploy.number_systems import Conv, Point
from training.operators import DepthwiseSTH, TemporalShift


def frames_to_rows(x_BCHW: torch.Tensor, segments: int) -> torch.Tensor:
    """(N*T, C, H, W) -> (N, C, T, H*W): a clip as an image whose rows are its frames."""
    batch, channels, height, width = x_BCHW.shape
    x_BHWC = x_BCHW.permute(0, 2, 3, 1)
    return x_BHWC.reshape(batch // segments, segments, height * width, channels).permute(0, 3, 1, 2)


def rows_to_frames(x_NCTP: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The inverse of ``frames_to_rows``."""
    clips, channels, segments, _ = x_NCTP.shape
    x_NTPC = x_NCTP.permute(0, 2, 3, 1)
    return x_NTPC.reshape(clips * segments, height, width, channels).permute(0, 3, 1, 2)


def norm_gain_bias(norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Batch norm in evaluation as ``gain * x + bias``, both (C,)."""
    assert norm.running_var is not None and norm.running_mean is not None
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return gain, norm.bias - norm.running_mean * gain


def conv_of(
    conv: nn.Conv2d,
    norm: nn.BatchNorm2d,
    *,
    source: Point,
    relu6: bool = False,
    outputs: list[int] | None = None,
    inputs: list[int] | None = None,
    stride: int = 1,
) -> Conv:
    """Convolution and batch norm in one; of some output channels, with re-ordered input channels, or with ``stride``
    times its own stride."""
    gain, bias = norm_gain_bias(norm)
    if isinstance(conv, DepthwiseSTH):  # p = 0: all kernels are spatial
        weight, stride, groups = conv.spatial, stride * conv.stride, conv.channels
    else:
        weight, stride, groups = conv.weight, stride * conv.stride[0], conv.groups
    weight = weight * gain.view(-1, 1, 1, 1)
    if outputs is not None:
        weight, bias = weight[outputs], bias[outputs]
    if inputs is not None:
        weight = weight[:, inputs]
    padding = (weight.shape[-1] // 2,) * 2
    return Conv(weight, bias, source=source, out=Point(), stride=stride, padding=padding, groups=groups, relu6=relu6)


@dataclass(frozen=True)
class Memory:
    """What a causal block keeps of earlier frames when it runs as a stream: (1, channels, reach, P).

    Attributes:
        reach: how many frames before the present one.
        stride: of its pixels, relative to the block's input.
        point: the quantization of its values.
    """

    channels: int
    reach: int
    stride: int
    point: Point


class PlainBlock(nn.Module):
    """Inverted residual: expansion (absent in the first block), depthwise convolution, projection, residual sum.

    TSM's has a shift before the expansion, of a copy of the block's input: the residual sum takes the input itself.
    """

    def __init__(self, block: InvertedResidual, source: Point) -> None:
        super().__init__()
        layers: list[Any] = list(block.conv.children())
        self.shift: Shift | None = None
        self.causal = False
        self.expand: Conv | None = None
        here = source
        if len(layers) == 4:
            expansion: Any = layers[0][0]
            if isinstance(layers[0][0], nn.Sequential):  # a shift stands before the convolution
                shift, expansion = Shift(expansion[0], expansion[1].in_channels, source), expansion[1]
                self.shift = shift if shift.share else None  # fewer channels than ``fold``: none is shifted
                self.causal = shift.causal
            self.expand = conv_of(expansion, layers[0][1], source=here, relu6=True)
            here = self.expand.out
        self.depthwise = conv_of(layers[-3][0], layers[-3][1], source=here, relu6=True)
        self.project = conv_of(layers[-2], layers[-1], source=self.depthwise.out)
        self.out = Point() if block.use_res_connect else self.project.out
        self.residual = block.use_res_connect

    @property
    def sees_other_frames(self) -> bool:
        """Whether frames of a clip mix in it."""
        return self.shift is not None

    @property
    def stride(self) -> int:
        """Of its output's pixels."""
        return self.depthwise.stride

    @property
    def memory(self) -> Memory | None:
        """Of a causal shift."""
        return self.shift.memory if self.shift is not None and self.shift.causal else None

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return self._join(x_BCHW, self.shift(x_BCHW) if self.shift is not None else x_BCHW)

    def step(self, x_BCHW: torch.Tensor, past_1CTP: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As ``HybridBlock.step``, of a causal shift."""
        assert self.shift is not None
        h_BCHW, next_1CTP = self.shift.step(x_BCHW, past_1CTP)
        return self._join(x_BCHW, h_BCHW), next_1CTP

    def _join(self, x_BCHW: torch.Tensor, h_BCHW: torch.Tensor) -> torch.Tensor:
        """The convolutions of what was shifted, and the residual sum."""
        h_BCHW = self.expand(h_BCHW) if self.expand is not None else h_BCHW
        y_BCHW = self.project(self.depthwise(h_BCHW))
        return self.out(x_BCHW + y_BCHW) if self.residual else y_BCHW


class Shift(nn.Module):
    """TSM's shift for one or more clips, written with 4-D slices and concats only.

    Args:
        channels: of what is shifted.
        source: its quantization.
    """

    def __init__(self, shift: TemporalShift, channels: int, source: Point) -> None:
        super().__init__()
        self.segments, self.causal, self.share = shift.segments, shift.causal, channels // shift.fold
        self._point = (source,)

    @property
    def memory(self) -> Memory:
        """Of the causal shift: the channels that move, of the frame before."""
        return Memory(channels=self.share, reach=1, stride=1, point=self._point[0])

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        clips = [self._clip(x_TCHW) for x_TCHW in x_BCHW.split(self.segments)]
        y_BCHW = clips[0] if len(clips) == 1 else torch.cat(clips)
        return self._point[0].same(y_BCHW)

    def _clip(self, x_TCHW: torch.Tensor) -> torch.Tensor:
        point, share = self._point[0], self.share
        zero = torch.zeros_like(x_TCHW[:1, :share])
        if self.causal:
            past = point.same(torch.cat([zero, x_TCHW[:-1, :share]]))
            return torch.cat([past, x_TCHW[:, share:]], dim=1)
        future = point.same(torch.cat([x_TCHW[1:, :share], zero]))
        past = point.same(torch.cat([zero, x_TCHW[:-1, share : 2 * share]]))
        return torch.cat([future, past, x_TCHW[:, 2 * share :]], dim=1)

    def step(self, x_BCHW: torch.Tensor, past_1C1P: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The next B frames of a stream, shifted, and the channels that the frame after these takes.

        Frames are rows here, so that the new past is a slice that nothing else reads.
        """
        point, (frames, _, height, width) = self._point[0], x_BCHW.shape
        rows_1CTP = point.same(frames_to_rows(x_BCHW, frames))
        moved_1CTP = point.same(rows_1CTP[:, : self.share])
        kept_1CTP = point.same(rows_1CTP[:, self.share :])
        past_1CTP, next_1C1P = past_1C1P, moved_1CTP
        if frames > 1:
            past_1CTP = point.same(torch.cat([past_1C1P, point.same(moved_1CTP[:, :, :-1])], dim=2))
            next_1C1P = point.same(moved_1CTP[:, :, frames - 1 :])
        y_1CTP = point.same(torch.cat([past_1CTP, kept_1CTP], dim=1))
        return point.same(rows_to_frames(y_1CTP, height, width)), next_1C1P


class HybridBlock(nn.Module):
    """Inverted residual whose depthwise STH-Conv is split into a spatial and a temporal branch.

    In the block without an expansion the stem takes its part (``stem`` is its convolution and batch norm).
    """

    sees_other_frames = True

    def __init__(self, block: InvertedResidual, source: Point, stem: nn.Sequential | None = None) -> None:
        super().__init__()
        layers: list[Any] = list(block.conv.children())
        expansion: Any = layers[0] if stem is None else stem
        hybrid, norm = layers[-3][0], layers[-3][1]
        space, time = hybrid.spatial_channels(), hybrid.temporal_channels()
        self.segments, self.causal = hybrid.segments, hybrid.causal
        self.expand_space = conv_of(expansion[0], expansion[1], source=source, relu6=True, outputs=space)
        self.expand_time = conv_of(
            expansion[0], expansion[1], source=source, relu6=True, outputs=time, stride=hybrid.stride
        )
        hidden = Point()
        gain, bias = norm_gain_bias(norm)
        self.spatial = Conv(
            hybrid.spatial * gain[space].view(-1, 1, 1, 1),
            bias[space],
            source=self.expand_space.out,
            out=hidden,
            stride=hybrid.stride,
            padding=(hybrid.spatial.shape[-1] // 2,) * 2,
            groups=len(space),
            relu6=True,
        )
        self.temporal = Conv(
            hybrid.temporal * gain[time].view(-1, 1, 1, 1),
            bias[time],
            source=self.expand_time.out,
            out=hidden,
            padding=(0 if hybrid.causal else hybrid.temporal.shape[2] // 2, 0),
            groups=len(time),
            relu6=True,
        )
        self.project = conv_of(layers[-2], layers[-1], source=hidden, inputs=space + time)
        self.out = Point() if block.use_res_connect else self.project.out
        self.residual = block.use_res_connect

    @property
    def stride(self) -> int:
        """Of its output's pixels."""
        return self.expand_time.stride

    @property
    def memory(self) -> Memory | None:
        """Of causal temporal kernels: the rows of their input before the present one."""
        if not self.causal:
            return None
        channels, _, rows, _ = self.temporal.weight.shape
        return Memory(channels=channels, reach=rows - 1, stride=self.stride, point=self.expand_time.out)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        h_BCHW = self.expand_time(x_BCHW)
        h_NCTP = self.expand_time.out.same(frames_to_rows(h_BCHW, self.segments))
        if self.causal:
            h_NCTP = self.expand_time.out.same(F.pad(h_NCTP, (0, 0, self.temporal.weight.shape[2] - 1, 0)))
        return self._join(x_BCHW, self.temporal(h_NCTP), h_BCHW.shape)

    def step(self, x_BCHW: torch.Tensor, past_1CTP: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The next B frames of a stream: the last ``reach`` rows of its past take the place of the zero frames.

        Shape: (B, C, H, W), (1, C, reach, P) -> (B, C', H', W') and the past of the frames after these.
        """
        point = self.expand_time.out
        h_BCHW = self.expand_time(x_BCHW)
        h_1CTP = point.same(frames_to_rows(h_BCHW, h_BCHW.shape[0]))
        rows_1CTP = point.same(torch.cat([past_1CTP, h_1CTP], dim=2))
        next_1CTP = point.same(rows_1CTP[:, :, h_BCHW.shape[0] :])
        return self._join(x_BCHW, self.temporal(rows_1CTP), h_BCHW.shape), next_1CTP

    def _join(self, x_BCHW: torch.Tensor, time_NCTP: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """The spatial branch beside the temporal one, the projection and the residual sum."""
        hidden = self.spatial.out
        space_BCHW = self.spatial(self.expand_space(x_BCHW))
        time_BCHW = hidden.same(rows_to_frames(time_NCTP, shape[2], shape[3]))
        y_BCHW = self.project(hidden.same(torch.cat([space_BCHW, time_BCHW], dim=1)))
        return self.out(x_BCHW + y_BCHW) if self.residual else y_BCHW


Block = PlainBlock | HybridBlock
