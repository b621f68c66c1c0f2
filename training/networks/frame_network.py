"""A 2-D network over the frames of a clip, with average consensus (TSN).

Axes: N clip, T frame (segment), B = N * T, C channel, H row, W column, K class.
"""

from __future__ import annotations

import torch
from torch import nn


class FrameNetwork(nn.Module):
    """Features of each frame, a classifier, and the mean of the frames' logits (``avg_consensus``, Table 1).

    Attributes:
        features: (N*T, 3, H, W) -> (N*T, C, H/32, W/32); temporal operators inside know T.
        classifier: one linear layer, after dropout.
        backbone: torchvision's name of the network whose ImageNet weights fit the features.
        divisor: H and W must be divisible by it.
    """

    divisor = 32

    def __init__(
        self,
        features: nn.Module,
        channels: int,
        *,
        num_classes: int,
        segments: int,
        dropout: float,
        backbone: str = "mobilenet_v2",
    ) -> None:
        super().__init__()
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(channels, num_classes)
        nn.init.normal_(self.classifier.weight, 0, 0.01)
        nn.init.zeros_(self.classifier.bias)
        self.segments, self.num_classes, self.backbone = segments, num_classes, backbone

    def forward(self, x_NTCHW: torch.Tensor) -> torch.Tensor:
        """(N, T, 3, H, W) -> logits (N, K). Raises what `frame_logits` does."""
        return self.frame_logits(x_NTCHW).mean(dim=1)

    def frame_logits(self, x_NTCHW: torch.Tensor) -> torch.Tensor:
        """(N, T, 3, H, W) -> logits of each frame (N, T, K). Raises what `pooled` does."""
        logits_BK = self.classifier(self.dropout(self.pooled(x_NTCHW)))
        return logits_BK.view(x_NTCHW.shape[0], self.segments, -1)

    def pooled(self, x_NTCHW: torch.Tensor) -> torch.Tensor:
        """(N, T, 3, H, W) -> the mean of each frame's features (N*T, C).

        Raises:
            ValueError: T is not the network's number of segments, or H or W is not divisible by ``divisor``.
        """
        segments, height, width = x_NTCHW.shape[1], *x_NTCHW.shape[-2:]
        if segments != self.segments:
            raise ValueError(f"the clip has {segments} frames; this network takes {self.segments}")
        if height % self.divisor or width % self.divisor:
            raise ValueError(f"frames are {(height, width)}; expected sizes divisible by {self.divisor}")
        x_BCHW = x_NTCHW.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        return self.features(x_BCHW).mean(dim=(2, 3))


@torch.no_grad()
def to_channels_last(module: nn.Module) -> None:
    """Lay out kernels and 4-D buffers channels-last, 3-D kernels too (which ``module.to`` refuses)."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.dim() in formats:
            tensor.data = tensor.data.contiguous(memory_format=formats[tensor.dim()])
