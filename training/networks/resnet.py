"""STH-ResNet-50 (Table 1 of the STH paper): torchvision's ResNet with STH-Conv in place of the 3 x 3 convolutions."""

from __future__ import annotations

from collections import OrderedDict
from fractions import Fraction
from typing import Any

from torch import nn
from torchvision.models import resnet50
from torchvision.models.resnet import Bottleneck

from training.networks.frame_network import FrameNetwork
from training.operators import FactoredConv, STHConv
from training.operators.sth import VARIANTS

_FACTORED = {"2plus1d_sequential": "sequential", "2plus1d_parallel": "parallel"}


def sth_resnet50(
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
    """STH-ResNet-50; p = 0 is the 2-D ResNet-50.

    Args:
        variant: "hybrid" or "merge" (Fig. 3), or "2plus1d_sequential" or "2plus1d_parallel" (Table 7).
        attention: attentive integration (Eq. 3).
        dilation: dilation rates 1, 2, 3 alternating over the layers (Table 8) instead of 1.

    Raises:
        ValueError: an unknown variant, or an option that a (2+1)D variant does not have.
    """
    if variant not in (*VARIANTS, *_FACTORED):
        raise ValueError(f"variant is {variant!r}; expected one of {', '.join((*VARIANTS, *_FACTORED))}")
    if variant in _FACTORED and (attention or dilation or causal):
        raise ValueError(f"variant {variant} has neither attention nor dilation nor causal kernels")
    backbone = resnet50(weights=None)
    blocks = [m for m in backbone.modules() if isinstance(m, Bottleneck)]
    for number, block in enumerate(blocks):
        plain = block.conv2
        shape = (plain.in_channels, plain.out_channels)
        if variant in _FACTORED:
            block.conv2 = FactoredConv(*shape, segments=segments, mode=_FACTORED[variant], stride=plain.stride[0])
            continue
        options: dict[str, Any] = {"p": p, "variant": variant, "attention": attention, "causal": causal}
        rate = number % 3 + 1 if dilation else 1
        block.conv2 = STHConv(*shape, segments=segments, stride=plain.stride[0], dilation=rate, **options)
    names = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
    features = nn.Sequential(OrderedDict((name, getattr(backbone, name)) for name in names))
    channels = backbone.fc.in_features
    return FrameNetwork(features, channels, num_classes=num_classes, segments=segments, dropout=dropout)
