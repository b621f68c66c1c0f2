"""STH-ResNets (Table 1 of the STH paper): torchvision's ResNets with STH-Conv in place of the 3 x 3 convolutions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from training.networks.frame_network import FrameNetwork
from training.operators import operator_maker


def _sth_resnet(backbone_name: str) -> Callable[..., FrameNetwork]:
    """The function that builds STH-ResNets of one depth."""

    def build(
        *,
        num_classes: int,
        segments: int,
        p: float | Fraction = Fraction(1, 4),
        variant: str = "hybrid",
        attention: bool = False,
        dilation: bool = False,
        causal: bool = False,
        dropout: float = 0.5,
    ) -> FrameNetwork:
        """STH-ResNet; p = 0 is the 2-D ResNet.

        The bottlenecks of ResNet-50 and -101 have one 3 x 3 convolution each (Table 1), the basic blocks of
        ResNet-18 and -34 have two. The stem stays 2-D (Conv1 of Table 1).

        Args:
            variant: "hybrid" or "merge" (Fig. 3), or a rival in the same place: "2d" (TSN), "3d",
                "2plus1d_sequential", "2plus1d_parallel" (Table 7) or "gst"; "tsm" shifts, as published, before the
                first convolution of each block.
            attention: attentive integration (Eq. 3).
            dilation: dilation rates 1, 2, 3 alternating over the layers (Table 8) instead of 1.
            causal: kernels see the present and the past only.

        Raises:
            ValueError: an unknown variant, or an option that a variant does not have.
        """
        options: dict[str, Any] = {"p": p, "attention": attention, "dilation": dilation, "causal": causal}
        make = operator_maker(variant, segments=segments, **options)
        backbone = getattr(torchvision.models, backbone_name)(weights=None)
        blocks = [m for m in backbone.modules() if isinstance(m, (BasicBlock, Bottleneck))]
        places = [(block, name) for block in blocks for name in _places(block, variant)]
        for number, (block, name) in enumerate(places):
            setattr(block, name, make(getattr(block, name), number))
        names = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
        features = nn.Sequential(OrderedDict((name, getattr(backbone, name)) for name in names))
        return FrameNetwork(
            features,
            backbone.fc.in_features,
            num_classes=num_classes,
            segments=segments,
            dropout=dropout,
            backbone=backbone_name,
        )

    return build


def _places(block: BasicBlock | Bottleneck, variant: str) -> tuple[str, ...]:
    """Names of the convolutions of a block that an operator replaces."""
    if variant == "tsm":
        return ("conv1",)
    return ("conv1", "conv2") if isinstance(block, BasicBlock) else ("conv2",)


sth_resnet18 = _sth_resnet("resnet18")
sth_resnet34 = _sth_resnet("resnet34")
sth_resnet50 = _sth_resnet("resnet50")
sth_resnet101 = _sth_resnet("resnet101")
