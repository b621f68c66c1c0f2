"""The convolution that sees the frames: where it is, and how it takes optical flow in place of colours."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def first_convolution(features: nn.Module) -> tuple[nn.Module, str, nn.Conv2d, nn.BatchNorm2d]:
    """The module that holds the first convolution, its name there, itself, and the batch norm after it."""
    parent: Any = features
    if hasattr(features, "layer1"):  # ResNet
        return parent, "conv1", parent.conv1, parent.bn1
    parent = parent[0] if isinstance(parent[0], nn.Sequential) else parent
    return parent, "0", parent[0], parent[1]


def take_channels(features: nn.Module, channels: int) -> None:
    """Give the first convolution ``channels`` input channels, with random weights.

    Raises:
        ValueError: fewer than one.
    """
    if channels < 1:
        raise ValueError(f"channels is {channels}; expected at least 1")
    parent, name, first, _ = first_convolution(features)
    if first.in_channels == channels:
        return
    kernel: Any = first.kernel_size
    stride: Any = first.stride
    padding: Any = first.padding
    wider = nn.Conv2d(channels, first.out_channels, kernel, stride, padding, bias=first.bias is not None)
    nn.init.kaiming_normal_(wider.weight, mode="fan_out", nonlinearity="relu")
    setattr(parent, name, wider)


def average_colours(weight_OIHW: torch.Tensor, channels: int) -> torch.Tensor:
    """A kernel over colours as one over ``channels`` of optical flow: the colours' mean, in each of them.

    Temporal Segment Networks, Section 3.2 (cross modality pre-training).
    """
    return weight_OIHW.mean(dim=1, keepdim=True).expand(-1, channels, -1, -1)
