"""MobileNetV2 (torchvision's) as TSN, TSM and STH."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from torch import nn
from torchvision.models import mobilenet_v2
from torchvision.models.mobilenetv2 import InvertedResidual

from training.networks.frame_network import FrameNetwork
from training.operators import DepthwiseSTH, TemporalShift


def tsn_mobilenet_v2(
    *, num_classes: int, segments: int, width: float = 1.0, dropout: float = 0.2, causal: bool = False
) -> FrameNetwork:
    """Plain 2-D MobileNetV2 with average consensus. ``causal`` changes nothing: there is no temporal kernel."""
    del causal
    if width <= 0:
        raise ValueError(f"width is {width}; expected a multiplier above 0, such as 0.35, 0.5 or 1.0")
    backbone = mobilenet_v2(weights=None, width_mult=width)
    return FrameNetwork(
        backbone.features, backbone.last_channel, num_classes=num_classes, segments=segments, dropout=dropout
    )


def tsm_mobilenet_v2(
    *,
    num_classes: int,
    segments: int,
    width: float = 1.0,
    dropout: float = 0.2,
    causal: bool = False,
    fold: int = 8,
) -> FrameNetwork:
    """TSM: channels shift in time before the expansion of each block with a residual connection.

    Args:
        causal: the published online form: 1/fold of the channels come from the frame before, none from the next one.
        fold: a share of 1/fold of the channels moves each way.
    """
    network = tsn_mobilenet_v2(num_classes=num_classes, segments=segments, width=width, dropout=dropout)
    for block in network.features.children():
        # below a width of 0.27 the first block is residual too, but has no expansion
        if isinstance(block, InvertedResidual) and block.use_res_connect and len(block.conv) == 4:
            expansion: Any = block.conv[0]
            expansion[0] = nn.Sequential(TemporalShift(segments=segments, fold=fold, causal=causal), expansion[0])
    return network


def sth_mobilenet_v2(
    *,
    num_classes: int,
    segments: int,
    p: float | Fraction = Fraction(1, 4),
    width: float = 1.0,
    dropout: float = 0.2,
    causal: bool = False,
    first_block: bool = False,
    temporal_blocks: Sequence[int] | None = None,
) -> FrameNetwork:
    """STH-MobileNetV2: the depthwise convolution of each inverted residual becomes a depthwise STH-Conv.

    Args:
        p: share of temporal channels, 0 or 1/G.
        causal: temporal kernels see the present and the past only.
        first_block: also replace the depthwise convolution right after the stem, the one block without an
            expansion. Off by default: it works on the largest map and costs the most memory traffic and stream
            state for the fewest temporal channels.
        temporal_blocks: numbers of the blocks (0 to 16) that become hybrid, the others stay plain 2-D; None for all.
            A stream carries a state for each, so the causal network keeps those that earn theirs.

    Raises:
        ValueError: a block that does not exist, or block 0 without ``first_block``.
    """
    network = tsn_mobilenet_v2(num_classes=num_classes, segments=segments, width=width, dropout=dropout)
    if p == 0:
        return network
    blocks = [block for block in network.features.children() if isinstance(block, InvertedResidual)]
    first = 0 if first_block else 1
    chosen = range(first, len(blocks)) if temporal_blocks is None else temporal_blocks
    if wrong := [number for number in chosen if number not in range(first, len(blocks))]:
        raise ValueError(f"temporal_blocks has {wrong}; expected numbers from {first} to {len(blocks) - 1}")
    for number, block in enumerate(blocks):
        if number in chosen:
            _make_hybrid(block, number, p=p, segments=segments, causal=causal)
    return network


def _make_hybrid(block: InvertedResidual, number: int, *, p: float | Fraction, segments: int, causal: bool) -> None:
    """Replace a block's depthwise convolution; ``number`` moves the temporal share along the channels."""
    depthwise: Any = block.conv[-3]
    plain = depthwise[0]
    depthwise[0] = DepthwiseSTH(
        plain.out_channels, segments=segments, p=p, stride=plain.stride[0], shift=number, causal=causal
    )
