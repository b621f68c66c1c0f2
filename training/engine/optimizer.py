"""A recipe's optimiser, and its rate over the epochs."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from training.engine.recipe import Recipe


def learning_rate(recipe: Recipe, epoch: float) -> float:
    """The rate at a fractional epoch: linear warm-up, then steps of 1/10 at the milestones or half a cosine."""
    if recipe.warmup_epochs and epoch < recipe.warmup_epochs:
        return recipe.lr * min(max(epoch, 1e-2) / recipe.warmup_epochs, 1.0)
    if recipe.schedule == "steps":
        return recipe.lr * 0.1 ** sum(epoch >= milestone for milestone in recipe.milestones)
    share = (epoch - recipe.warmup_epochs) / max(recipe.epochs - recipe.warmup_epochs, 1e-9)
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for kernels; none for biases and batch norm."""
    kernels = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    return [{"params": kernels, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def make_optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters."""
    groups = parameter_groups(module, recipe.weight_decay)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum)
