"""Weights of a causal network for the same network with fewer temporal blocks, whose stream carries fewer states.

A temporal kernel without its past is a 1 x 1 spatial kernel. Where a block turns plain 2-D, its temporal channels keep
the tap of the present frame, at the centre of a spatial kernel that is zero elsewhere; training goes on from there.

Axes: C channel, K tap.
"""

from __future__ import annotations

import torch
from torch import nn

from training.networks.frame_network import FrameNetwork
from training.operators import DepthwiseSTH


def drop_states(weights: dict[str, torch.Tensor], old: FrameNetwork, new: FrameNetwork) -> dict[str, torch.Tensor]:
    """``weights`` of ``old`` for ``new``, which has plain depthwise convolutions in some places of hybrid ones.

    Raises:
        ValueError: a temporal kernel of ``old`` that would go sees the future: only causal ones have a present tap at
            their end.
    """
    places = dict(new.named_modules())
    changed = dict(weights)
    for name, hybrid in old.named_modules():
        plain = places.get(name)
        if not isinstance(hybrid, DepthwiseSTH) or not isinstance(plain, nn.Conv2d):
            continue
        if not hybrid.causal:
            raise ValueError(f"{name} is not causal: its temporal kernels cannot be cut to the present frame")
        spatial = changed.pop(f"{name}.spatial")
        temporal = changed.pop(f"{name}.temporal")
        dense_C1KK = spatial.new_zeros(plain.weight.shape)
        dense_C1KK[hybrid.spatial_channels()] = spatial
        centre = dense_C1KK.shape[-1] // 2
        dense_C1KK[hybrid.temporal_channels(), :, centre, centre] = temporal[:, :, -1, 0]
        changed[f"{name}.weight"] = dense_C1KK
    return changed
