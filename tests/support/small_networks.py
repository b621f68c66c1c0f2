"""Narrow networks with random weights, batch-norm statistics and pictures that do not hide errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from training.networks import FrameNetwork, build_network

if TYPE_CHECKING:
    from mobile.deploy.network import DeployNetwork

CLASSES = 5


def small_network(name: str, *, segments: int = 3, seed: int = 0, lively: bool = True, **options: Any) -> FrameNetwork:
    """In evaluation; an identity batch norm or a zero classifier would hide errors, so neither is there.

    Args:
        lively: kernels that keep the signal's size; else torchvision's, under which each block changes little.
    """
    torch.manual_seed(seed)
    network = build_network(name, num_classes=CLASSES, segments=segments, **{"width": 0.35, **options})
    randomise(network, kernels=lively)
    nn.init.normal_(network.classifier.weight, 0, 0.5)
    nn.init.normal_(network.classifier.bias, 0, 0.5)
    return network.eval()


def randomise(network: nn.Module, *, kernels: bool = True) -> None:
    """Random statistics, gains and biases of every batch norm, and kernels that keep the signal's size."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            nn.init.uniform_(module.weight, 0.7, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
        elif kernels:
            for name in ("weight", "spatial", "temporal"):
                kernel = module._parameters.get(name)
                if kernel is not None and kernel.dim() == 4:
                    nn.init.kaiming_normal_(kernel, mode="fan_in")


def smooth_frames(clips: int, segments: int, size: int, seed: int = 0) -> torch.Tensor:
    """Smooth random pictures, uint8 (N, T, S, S, 3): pure noise would average out in the network."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.integers(0, 256, (clips * segments, 3, 6, 6)).astype(np.float32))
    smooth = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return smooth.round().to(torch.uint8).permute(0, 2, 3, 1).reshape(clips, segments, size, size, 3)


def seen_by_convolution(network: DeployNetwork, x_BCHW: torch.Tensor) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Input and output of every convolution in one pass."""
    seen: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    hooks = [
        conv.register_forward_hook(lambda _, inputs, output, name=name: seen.update({name: (inputs[0], output)}))
        for name, conv in network.convs().items()
    ]
    with torch.no_grad():
        network(x_BCHW)
    for hook in hooks:
        hook.remove()
    return seen
