"""The deploy form of MobileNetV2 with STH, TSM or no temporal operator: the same function, laid out for phones.

Its blocks are those of ``mobile.deploy.blocks``, which say how; no slice, gather, transpose or 5-D tensor remains.

Axes: N clip, T frame, B = N * T, C channel, H row, W column, P = H * W, K class.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import nn
from torchvision.models.mobilenetv2 import InvertedResidual

from mobile.deploy.blocks import Block, HybridBlock, PlainBlock, conv_of, frames_to_rows
from mobile.deploy.number_systems import Conv, Point, System
from training.networks import FrameNetwork
from training.networks.first_convolution import first_convolution
from training.operators import DepthwiseSTH

INPUT_SCALE, INPUT_ZERO_POINT = 1 / 128, 0


class DeployNetwork(nn.Module):
    """Deploy form of a whole network; made by ``deploy_form``.

    Shape: (N*T, 3, H, W) normalised frames -> (N, K) logits. The consensus is one mean over T, H and W before the
    classifier, which equals the mean of the frames' logits because the classifier is linear.

    A causal network knows no frame before it came, so its artefacts give the logits of each frame (``per_frame``),
    the same rows as its stream, and the consensus is their mean, taken in float by whoever reads them.
    """

    def __init__(self, network: FrameNetwork) -> None:
        super().__init__()
        self.segments, self.num_classes = network.segments, network.num_classes
        features: list[Any] = list(network.features.children())
        stem, blocks, head = features[0], features[1:-1], features[-1]
        self.input = Point()
        self.input.fix(INPUT_SCALE, INPUT_ZERO_POINT)
        self.stem: Conv | None = None
        self.blocks = nn.ModuleList()
        here = self.input
        for number, block in enumerate(blocks):
            hybrid = _is_hybrid(block)
            if number == 0 and not hybrid:
                self.stem = conv_of(stem[0], stem[1], source=here, relu6=True)
                here = self.stem.out
            made = HybridBlock(block, here, stem if number == 0 else None) if hybrid else PlainBlock(block, here)
            self.blocks.append(made)
            here = made.out
        self.head = conv_of(head[0], head[1], source=here, relu6=True)
        self.mean = Point()
        self.per_frame = any(getattr(block, "causal", False) for block in self.blocks)
        linear = network.classifier
        self.classifier = Conv(linear.weight[:, :, None, None], linear.bias, source=self.mean, out=Point())

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        if self.per_frame:
            return self.frame_logits(x_BCHW).unflatten(0, (-1, self.segments)).mean(dim=1)
        h_NCTP = self.head.out.same(frames_to_rows(self.features(x_BCHW), self.segments))
        return self.classify(h_NCTP)

    def frame_logits(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Logits of each frame: (N*T, 3, H, W) -> (N*T, K)."""
        return self.classify(self.features(x_BCHW))

    def features(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """(N*T, 3, H, W) -> (N*T, C, H/32, W/32)."""
        h_BCHW = self.entry(x_BCHW)
        for block in self.blocks:
            h_BCHW = block(h_BCHW)
        return self.head(h_BCHW)

    def entry(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """What stands before the blocks."""
        h_BCHW = self.input(x_BCHW)
        return self.stem(h_BCHW) if self.stem is not None else h_BCHW

    def classify(self, h_NCTP: torch.Tensor) -> torch.Tensor:
        """Mean over the last two axes, and the classifier: (N, C, T, P) -> (N, K)."""
        mean_NC11 = self.mean(h_NCTP.mean(dim=(2, 3), keepdim=True))
        logits_NK11 = self.classifier(mean_NC11)
        return self.classifier.out.same(logits_NK11.flatten(1))

    def numbered_blocks(self) -> list[tuple[int, Block]]:
        """The blocks and their numbers, in the order of the data."""
        return list(enumerate(cast(Iterable[Block], self.blocks)))

    def points(self) -> dict[str, Point]:
        """Every quantization point once, by the name of its first place."""
        return {name: module for name, module in self.named_modules() if isinstance(module, Point)}

    def convs(self) -> dict[str, Conv]:
        """Every convolution by name, in the order of the data."""
        return {name: module for name, module in self.named_modules() if isinstance(module, Conv)}

    def set_system(self, system: System) -> None:
        """Compute in float, qat or int8 from now on (``quantized_program`` fills what int8 needs)."""
        for module in self.modules():
            if isinstance(module, (Point, Conv)):
                module.system = system


def deploy_form(network: FrameNetwork) -> DeployNetwork:
    """The deploy form of a trained network, on copies of its weights, in float.

    Raises:
        ValueError: the network is not of the MobileNetV2 family, or sees optical flow.
    """
    if first_convolution(network.features)[2].in_channels != 3:
        raise ValueError("a network of optical flow has no deploy form: phones give frames of three colours")
    blocks = list(network.features.children())[1:-1]
    if not blocks or not all(isinstance(block, InvertedResidual) for block in blocks):
        raise ValueError("there is a deploy form for the MobileNetV2 networks only (sth_, tsn_, tsm_mobilenet_v2)")
    if _is_hybrid(blocks[0]) and blocks[0].use_res_connect:
        raise ValueError("first_block with a width below 0.27 has no deploy form: the sum needs the stem whole")
    return DeployNetwork(network).eval()


def _is_hybrid(block: InvertedResidual) -> bool:
    depthwise = block.conv[-3][0]
    return isinstance(depthwise, DepthwiseSTH) and depthwise.temporal is not None
