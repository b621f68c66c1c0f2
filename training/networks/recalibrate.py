"""Batch norm for weights that come with it folded into the convolutions.

Such weights have identity batch norms (mean 0, variance 1, gain 1). Training would normalise by the batch's
statistics and so change the function at the first step. Here each batch norm takes the statistics of real frames
and the gain and bias that undo them, so that the function stays and training starts from it.

A hybrid network has random temporal kernels, whose function is worth nothing. Its gains and biases come from the 2-D
network of the same weights (``spatial_twin``), so that a temporal channel is as large as the spatial one that stood in
its place, as it is with weights whose batch norm was never folded.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import nn

from training.networks.frame_network import FrameNetwork
from training.operators import DepthwiseSTH, STHConv


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


def spatial_twin(network: FrameNetwork) -> FrameNetwork | None:
    """A copy with a plain 2-D convolution in place of each hybrid one, to load the same weights into.

    Its modules have the names of the network's. None for a network without random temporal kernels.
    """
    twin = copy.deepcopy(network)
    hybrids = [name for name, module in twin.named_modules() if _has_temporal(module)]
    for name in hybrids:
        parent, _, last = name.rpartition(".")
        setattr(twin.get_submodule(parent), last, _plain(twin.get_submodule(name)))
    return twin if hybrids else None


def _has_temporal(module: nn.Module) -> bool:
    if isinstance(module, DepthwiseSTH):
        return module.temporal is not None
    return isinstance(module, STHConv) and module.groups > 0


def _plain(hybrid: nn.Module) -> nn.Conv2d:
    if isinstance(hybrid, DepthwiseSTH):
        size, channels = hybrid.spatial.shape[-1], hybrid.channels
        return nn.Conv2d(channels, channels, size, hybrid.stride, (size - 1) // 2, groups=channels, bias=False)
    assert isinstance(hybrid, STHConv)
    (_, rows, columns), (_, *dilation), (above, left) = hybrid.kernel, hybrid.dilation, hybrid.padding
    return nn.Conv2d(
        hybrid.in_channels, hybrid.out_channels, (rows, columns), hybrid.stride, (above, left),
        (dilation[0], dilation[1]), bias=False,
    )  # fmt: skip


@torch.no_grad()
def take_batch_norms(network: FrameNetwork, twin: FrameNetwork, clips: Iterable[torch.Tensor]) -> None:
    """Give the network the twin's gains and biases, and its own statistics of ``clips`` (batches (N, T, 3, H, W))."""
    norms = {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    momenta = {}
    for name, norm in norms.items():
        theirs = twin.get_submodule(name)
        assert isinstance(theirs, nn.BatchNorm2d)
        norm.weight.copy_(theirs.weight)
        norm.bias.copy_(theirs.bias)
        norm.reset_running_stats()
        momenta[name], norm.momentum = norm.momentum, None  # None: the plain mean over the batches
    network.train()
    for batch_NTCHW in clips:
        network(batch_NTCHW)
    for name, norm in norms.items():
        norm.momentum = momenta[name]
    network.eval()
