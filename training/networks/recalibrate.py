"""Batch norm for weights that come with it folded into the convolutions.

Such weights have identity batch norms (mean 0, variance 1, gain 1). Training would normalise by the batch's
statistics and so change the function at the first step. Here each batch norm takes the statistics of real frames
and the gain and bias that undo them, so that the function stays and training starts from it.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from training.networks.frame_network import FrameNetwork


def is_folded(network: FrameNetwork) -> bool:
    """Whether every batch norm is an identity but for its bias."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    return all(_is_identity(norm) and int(norm.num_batches_tracked or 0) == 0 for norm in norms)


def _is_identity(norm: nn.BatchNorm2d) -> bool:
    # the variance is 1, or 1 - eps where the identity was to be exact
    assert norm.running_var is not None
    return bool((norm.weight == 1).all()) and float((norm.running_var - 1).abs().max()) <= 2 * norm.eps


@torch.no_grad()
def recalibrate(network: FrameNetwork, clips: Iterable[torch.Tensor]) -> None:
    """Give each batch norm the statistics of ``clips`` (batches (N, T, 3, H, W)) and keep the network's function."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    batches = list(clips)
    sums = {norm: (torch.zeros(norm.num_features), torch.zeros(norm.num_features)) for norm in norms}

    def observe(norm: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        variance, mean = torch.var_mean(inputs[0].float().cpu(), dim=(0, 2, 3))
        sums[norm][0].add_(mean / len(batches))
        sums[norm][1].add_(variance / len(batches))

    hooks = [norm.register_forward_pre_hook(observe) for norm in norms]
    network.eval()
    for batch_NTCHW in batches:
        network(batch_NTCHW)
    for hook in hooks:
        hook.remove()
    for norm, (mean, variance) in sums.items():
        _keep_function(norm, mean, variance.clamp(min=1e-6))


def _keep_function(norm: nn.BatchNorm2d, mean: torch.Tensor, variance: torch.Tensor) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    mean, variance = mean.to(norm.weight.device), variance.to(norm.weight.device)
    old_gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    old_bias = norm.bias - norm.running_mean * old_gain
    norm.weight.copy_(old_gain * torch.sqrt(variance + norm.eps))
    norm.bias.copy_(old_bias + mean * old_gain)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
