"""Biases that take up the mean error of rounded weights, before quantization-aware training starts.

A kernel whose weights nearly cancel (a difference of neighbours, on a bright picture) gives small outputs of large
terms. Rounding its weights to int8 then adds a constant many times larger than rounding the outputs does. Weights that
were fine-tuned from ImageNet on few clips have such kernels, and a short QAT does not find them. The constant is known,
so the bias takes it off (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019,
Section 4.2, with the mean measured on clips).

Axes: B = N * T frames, C channel, H row, W column.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import nn

from mobile.deploy.network import DeployNetwork
from mobile.deploy.number_systems import Conv, rounded_weight


@torch.no_grad()
def correct_biases(network: DeployNetwork, batches: Iterable[torch.Tensor]) -> None:
    """Subtract from each bias of a float deploy form what rounding the weights adds on average, in place.

    Args:
        batches: frames (B, 3, H, W) to average over.
    """
    sums: dict[Conv, torch.Tensor] = {}
    count = 0

    def add_up(conv: nn.Module, inputs: tuple[torch.Tensor], _: torch.Tensor) -> None:
        assert isinstance(conv, Conv)
        error = rounded_weight(conv.weight) - conv.weight
        added_C = F.conv2d(inputs[0], error, None, conv.stride, conv.padding, 1, conv.groups).mean(dim=(0, 2, 3))
        sums[conv] = sums[conv] + added_C if conv in sums else added_C

    hooks = [conv.register_forward_hook(add_up) for conv in network.convs().values()]
    for x_BCHW in batches:
        network(x_BCHW)
        count += 1
    for hook in hooks:
        hook.remove()
    for conv, sum_C in sums.items():
        conv.bias.sub_(sum_C / count)
