"""MoViNet's deploy form for a process that has no torch: batch norm and ReZero folded, as plain arrays.

Axes: C channel, O output channel, I input channel per group, H row, W column.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from mobile.bundle import awaken, randomize
from mobile.deploy.blocks import norm_gain_bias
from training.networks import build_network
from training.networks.movinet import MoViNet, MoViNetBlock


@torch.no_grad()
def folded(network: MoViNet) -> dict[str, np.ndarray]:
    """Weights and biases by name: "stem", "0.expand", "0.spatial", "0.temporal" (where there is one), "0.reduce",
    "0.gate", "0.project", "0.skip" (where there is one), ..., "head", "hidden", "classifier", each with ".weight" as
    torch has it and ".bias"; and "strides", the blocks' strides."""
    stem, *blocks, head = list(network.features.children())
    found = {**_convolution("stem", stem), **_convolution("head", head)}
    strides = []
    for number, block in enumerate(blocks):
        assert isinstance(block, MoViNetBlock)
        for name in ("expand", "spatial", "temporal", "skip"):
            layer = getattr(block, name)
            if layer is not None:
                found |= _convolution(f"{number}.{name}", layer)
        found |= _convolution(f"{number}.project", block.project, gain=float(block.rezero))
        found |= _plain(f"{number}.reduce", block.excite.reduce) | _plain(f"{number}.gate", block.excite.expand)
        strides.append(2 if block.pool else 1)
    found |= _plain("hidden", network.hidden) | _plain("classifier", network.classifier)
    return {**found, "strides": np.array(strides)}


def _convolution(name: str, layer: Any, gain: float = 1.0) -> dict[str, np.ndarray]:
    """A convolution and its batch norm in one, both times ``gain``."""
    scale_O, bias_O = norm_gain_bias(layer[1])
    weight_OIHW = layer[0].weight * (gain * scale_O).view(-1, 1, 1, 1)
    return {f"{name}.weight": weight_OIHW.numpy(), f"{name}.bias": (gain * bias_O).numpy()}


def _plain(name: str, layer: nn.Conv2d | nn.Linear) -> dict[str, np.ndarray]:
    assert layer.bias is not None
    return {f"{name}.weight": layer.weight.numpy(), f"{name}.bias": layer.bias.numpy()}


def random_movinet(*, segments: int, num_classes: int, seed: int = 0) -> MoViNet:
    """MoViNet-A0 with random weights, statistics and ReZero weights, under which logits differ from frame to frame."""
    torch.manual_seed(seed)
    network = build_network("movinet_a0", num_classes=num_classes, segments=segments)
    assert isinstance(network, MoViNet)
    for module in network.modules():
        if isinstance(module, MoViNetBlock):
            nn.init.uniform_(module.rezero, 0.5, 1.0)
    nn.init.normal_(network.classifier.bias)
    randomize(network)
    awaken(network)
    return network
