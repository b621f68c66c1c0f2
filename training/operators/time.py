"""The temporal axis of folded clips: everything stays a 2-D operator.

Axes: N clip, T frame, C channel, H row, W column; ``x_BCHW`` has B = N * T, frames of one clip adjacent.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F


def temporal_conv(
    x_BCHW: torch.Tensor,
    weight_OIK1: torch.Tensor,
    *,
    segments: int,
    groups: int = 1,
    dilation: int = 1,
    causal: bool = False,
) -> torch.Tensor:
    """Convolve over T only, zero frames outside of the clip: (N*T, Ci, H, W) -> (N*T, Co, H, W).

    ``O[t] = sum_k W[k] I[t + (k - (KT-1)/2) d]`` when centred, ``O[t] = sum_k W[k] I[t + (k - (KT-1)) d]`` when
    causal. The clip is seen as an image of T rows and H*W columns, which is free in channels-last memory.

    Raises:
        ValueError: the batch is not a multiple of ``segments``.
    """
    batch, channels, height, width = x_BCHW.shape
    if batch % segments:
        raise ValueError(f"a batch of {batch} frames is no multiple of {segments} segments")
    x_NTPC = x_BCHW.permute(0, 2, 3, 1).reshape(batch // segments, segments, height * width, channels)
    x_NCTP = x_NTPC.permute(0, 3, 1, 2)
    reach = (weight_OIK1.shape[2] - 1) * dilation
    if causal:
        x_NCTP = F.pad(x_NCTP, (0, 0, reach, 0))
    padding = 0 if causal else reach // 2
    y_NCTP = F.conv2d(x_NCTP, weight_OIK1, padding=(padding, 0), dilation=(dilation, 1), groups=groups)
    y_BHWC = y_NCTP.permute(0, 2, 3, 1).reshape(batch, height, width, weight_OIK1.shape[0])
    return y_BHWC.permute(0, 3, 1, 2)


def conv3d(x_BCHW: torch.Tensor, weight_OIKHW: torch.Tensor, *, segments: int, stride: int = 1) -> torch.Tensor:
    """Convolve over T, H and W, zeros outside: (N*T, Ci, H, W) -> (N*T, Co, H/stride, W/stride), T as it was.

    Raises:
        ValueError: the batch is not a multiple of ``segments``.
    """
    batch = x_BCHW.shape[0]
    if batch % segments:
        raise ValueError(f"a batch of {batch} frames is no multiple of {segments} segments")
    x_NCTHW = x_BCHW.unflatten(0, (batch // segments, segments)).transpose(1, 2)
    padding = [size // 2 for size in weight_OIKHW.shape[2:]]
    y_NCTHW = F.conv3d(x_NCTHW, weight_OIKHW, stride=(1, stride, stride), padding=padding)
    return y_NCTHW.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
