"""STH-VGG-16: VGG-16 with batch norm and STH-Conv in place of its 3 x 3 convolutions (Section 3.2 of the STH paper)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from training.networks.frame_network import FrameNetwork
from training.operators import operator_maker


def sth_vgg16(
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
    """STH-VGG-16; p = 0 is the 2-D network.

    All 3 x 3 convolutions but the first, which sees the colours, become operators without bias (batch norm follows).
    The mean of the last map and one linear layer stand in place of VGG's hidden layers, which hold 119 M parameters
    and know one size of input only.

    Args: and Raises: as those of the ResNets.
    """
    options: dict[str, Any] = {"p": p, "attention": attention, "dilation": dilation, "causal": causal}
    make = operator_maker(variant, segments=segments, **options)
    layers = list(make_layers(cfgs["D"], batch_norm=True))
    places = [index for index, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    for number, index in enumerate(places):
        plain: Any = layers[index]
        plain.register_parameter("bias", None)
        nn.init.kaiming_normal_(plain.weight, mode="fan_out", nonlinearity="relu")
        if number > 0:
            layers[index] = make(plain, number - 1)
    return FrameNetwork(
        nn.Sequential(*layers), 512, num_classes=num_classes, segments=segments, dropout=dropout, backbone="vgg16_bn"
    )
