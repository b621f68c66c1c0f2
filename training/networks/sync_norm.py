"""Batch norm over the clips of all processes, on GPUs by PyTorch's kernels and on CPUs by the same sums over gloo.

Axes: B batch and frames, C channel, H row, W column.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import nn


class _Sum(torch.autograd.Function):
    """The sum over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: object, values: torch.Tensor) -> torch.Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


class CpuSyncBatchNorm(nn.BatchNorm2d):
    """What ``nn.SyncBatchNorm`` computes, which refuses CPUs; slow, there to prove a GPU's training without one."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> the same."""
        if not self.training or not dist.is_initialized():
            return super().forward(input)
        x_BCHW = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        count = x_BCHW.new_tensor([x_BCHW.numel() / x_BCHW.shape[1]])
        sums = _Sum.apply(torch.cat([x_BCHW.sum((0, 2, 3)), count]))
        mean_C = sums[:-1] / sums[-1]
        centred_BCHW = x_BCHW - mean_C[:, None, None]
        variance_C = _Sum.apply(centred_BCHW.square().sum((0, 2, 3))) / sums[-1]  # in two passes, as one process does
        self._remember(mean_C.detach(), variance_C.detach(), float(sums[-1].detach()))
        scale_C = torch.rsqrt(variance_C + self.eps) * self.weight
        return (centred_BCHW * scale_C[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean_C: torch.Tensor, variance_C: torch.Tensor, count: float) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean_C, share)
        self.running_var.lerp_(variance_C * (count / (count - 1)), share)


def synchronize(module: nn.Module, device: torch.device) -> None:
    """Let every 2-D batch norm inside of ``module`` take its statistics over all processes; weights stay the same."""
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(module)
        return
    for norm in module.modules():
        if type(norm) is nn.BatchNorm2d:
            norm.__class__ = CpuSyncBatchNorm
