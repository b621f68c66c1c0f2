"""Parameters and multiply-adds of a network, counted without computing: on the meta device.

Axes: N clip, T frame, B = N * T, C channel, H row, W column.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import nn

from training.networks import build_network


@dataclasses.dataclass(frozen=True)
class Count:
    """Size of a network and the work of one clip.

    Attributes:
        parameters: of the whole network, the classifier included.
        multiply_adds: of the kernels and fully connected layers: a kernel is used once for each output position, a
            temporal kernel for its KT taps and a spatial one for its K x K taps, whatever computes them.
        pointwise: operations that multiply_adds leaves out: 2 for each output of a batch norm, 1 for each of a ReLU.
    """

    parameters: int
    multiply_adds: int
    pointwise: int


def count(name: str, *, num_classes: int, segments: int, size: int, **options: Any) -> Count:
    """Count a network of ``training.networks`` for one clip of ``segments`` frames of ``size`` x ``size``.

    Raises:
        ValueError: an unknown network or option, or a size that 32 does not divide.
    """
    with torch.device("meta"):
        network = build_network(name, num_classes=num_classes, segments=segments, **options).eval()
        clip_NTCHW = torch.empty(1, segments, 3, size, size)
    found = {"multiply_adds": 0, "pointwise": 0}

    def add(module: nn.Module, inputs: tuple[Any, ...], y: torch.Tensor) -> None:
        if isinstance(module, nn.Linear):
            found["multiply_adds"] += module.weight.numel() * (y.numel() // module.out_features)
        elif isinstance(module, nn.BatchNorm2d):
            found["pointwise"] += 2 * y.numel()
        elif isinstance(module, (nn.ReLU, nn.ReLU6)):
            found["pointwise"] += y.numel()
        else:
            kernels = [weight.numel() for weight in module.parameters(recurse=False) if weight.dim() >= 4]
            found["multiply_adds"] += sum(kernels) * (y.shape[0] * y.shape[-2] * y.shape[-1] if kernels else 0)

    hooks = [module.register_forward_hook(add) for module in network.modules()]
    with torch.no_grad():
        network(clip_NTCHW)
    for hook in hooks:
        hook.remove()
    return Count(sum(weight.numel() for weight in network.parameters()), **found)
