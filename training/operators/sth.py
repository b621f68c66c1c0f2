"""Dense Spatio-Temporal Hybrid convolution (Section 3.2 and 3.3 of the STH paper).

Axes: N clip, T frame, B = N * T, C channel (Ci in, Co out), H row, W column, K tap.
"""

from __future__ import annotations

import math
import weakref
from fractions import Fraction
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from training.operators.tap_conv import Hybrid, is_eager, serves, tap_conv
from training.operators.time import temporal_conv

VARIANTS = ("hybrid", "merge")
_WIDE = 64  # output channels of a type from which gathering its inputs pays on a CPU (``lowerings`` has the figures)


class _KeptKernel(NamedTuple):
    """A dense spatial kernel and what it was made of; holding ``source`` keeps its address from being used again."""

    source: torch.Tensor
    version: int
    dtype: torch.dtype
    layout: torch.memory_format
    dense: torch.Tensor

    def is_of(self, spatial: torch.Tensor, dtype: torch.dtype, layout: torch.memory_format) -> bool:
        same_memory = self.source.device == spatial.device and self.source.data_ptr() == spatial.data_ptr()
        return same_memory and (self.version, self.dtype, self.layout) == (spatial._version, dtype, layout)


_kept: weakref.WeakKeyDictionary[nn.Module, _KeptKernel] = weakref.WeakKeyDictionary()  # of evaluation, by operator


def groups_of(p: float | Fraction) -> int:
    """G of a temporal proportion p = 1/G; 0 for p = 0 (plain 2-D).

    Raises:
        ValueError: p is neither 0 nor the inverse of a whole number above 1.
    """
    if p == 0:
        return 0
    groups = round(1 / float(p))
    if not 0 < p < 1 or groups < 2 or not math.isclose(groups * float(p), 1.0, rel_tol=1e-9):
        raise ValueError(f"p is {p}; expected 0 or 1/G with a whole G of at least 2, such as 1/8, 1/4 or 1/2")
    return groups


def _triple(value: int | tuple[int, int, int]) -> tuple[int, int, int]:
    return (value, value, value) if isinstance(value, int) else value


class STHConv(nn.Module):
    """STH-Conv: part of the basic kernels of one convolution look along time, the others along space (Eq. 2).

    ``O[m,t,h,w] = sum_{c in T(m)} sum_k WT[m,c,k] I[c,t+k,h,w]
    + sum_{c not in T(m)} sum_{i,j} WS[m,c,i,j] I[c,t,h+i,w+j]``

    With p = 1/G the input channels form G equal groups. Variant "hybrid" (Fig. 2, Fig. 3a): output channels
    form G types, and T(m) of type g is group g, so the temporal kernels are shifted along the input channels.
    Variant "merge" (Fig. 3b): T(m) is the first group for all m. With a stride or a padding other than "same"
    the temporal kernel stands at the centre of the spatial kernel's window. No bias: batch norm follows.

    With ``attention`` (Eq. 3, Fig. 4): ``O = aT O(T) + aS O(S)`` where both components are averaged over T, H, W,
    pass one fully connected layer (Co x Co, shared, no bias: it adds sum Co^2 parameters, Table 7) and a softmax
    over the two gives aT and aS per clip and output channel.

    Args:
        kernel: odd (KT, KH, KW), or one number for all three.
        padding: of H and W; None keeps the size at stride 1. Time is always zero-padded to keep T.
        dilation: (dt, dh, dw) or one number for all three (Table 8).
        causal: temporal kernels see frames t, t-1, ... only (not in the paper; streaming needs it).

    Shape: (N*T, Ci, H, W) -> (N*T, Co, H', W').

    Raises:
        ValueError: p is no 1/G, G does not divide the channels, an even kernel, an unknown variant, or attention
            with causal kernels (attention averages over frames that a stream has not seen).
    """

    spatial_index: torch.Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        segments: int,
        p: float | Fraction = Fraction(1, 4),
        kernel: int | tuple[int, int, int] = 3,
        stride: int = 1,
        padding: int | None = None,
        dilation: int | tuple[int, int, int] = 1,
        variant: str = "hybrid",
        attention: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.groups = groups_of(p)
        self.kernel, self.dilation = _triple(kernel), _triple(dilation)
        self._check(in_channels, out_channels, variant, attention, causal)
        self.in_channels, self.out_channels, self.segments = in_channels, out_channels, segments
        self.stride, self.variant, self.causal = stride, variant, causal
        same = tuple(d * (k - 1) // 2 for d, k in zip(self.dilation[1:], self.kernel[1:], strict=True))
        self.padding = same if padding is None else (padding, padding)
        temporal = in_channels // self.groups if self.groups else 0
        self.spatial = nn.Parameter(torch.empty(out_channels, in_channels - temporal, *self.kernel[1:]))
        nn.init.kaiming_normal_(self.spatial, mode="fan_out", nonlinearity="relu")
        if self.groups:
            self.temporal = nn.Parameter(torch.empty(out_channels, temporal, self.kernel[0], 1))
            nn.init.kaiming_normal_(self.temporal, mode="fan_out", nonlinearity="relu")
        self.attend = nn.Linear(out_channels, out_channels, bias=False) if attention and self.groups else None
        self.register_buffer("spatial_index", self._spatial_index(), persistent=False)

    def _check(self, ci: int, co: int, variant: str, attention: bool, causal: bool) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"variant is {variant!r}; expected one of {', '.join(VARIANTS)}")
        if any(k % 2 == 0 for k in self.kernel):
            raise ValueError(f"kernel is {self.kernel}; expected odd sizes")
        if self.groups and (ci % self.groups or (variant == "hybrid" and co % self.groups)):
            raise ValueError(f"p = 1/{self.groups} does not divide {ci} input and {co} output channels")
        if attention and causal:
            raise ValueError("attention averages over the whole clip and cannot be causal; choose one of the two")

    def temporal_channels(self, output: int) -> range:
        """T(m): the input channels that output channel ``output`` sees along time."""
        if not self.groups:
            return range(0)
        share = self.in_channels // self.groups
        kind = output // (self.out_channels // self.groups) if self.variant == "hybrid" else 0
        return range(kind * share, (kind + 1) * share)

    def _spatial_index(self) -> torch.Tensor:
        """(Co, Ci - pCi): the input channel of each spatial kernel."""
        rows = []
        for output in range(self.out_channels):
            temporal = self.temporal_channels(output)
            rows.append([c for c in range(self.in_channels) if c not in temporal])
        return torch.tensor(rows, dtype=torch.long)

    def dense_spatial(self) -> torch.Tensor:
        """WS as one (Co, Ci, KH, KW) kernel, zero where the temporal kernels stand."""
        if not self.groups:
            return self.spatial
        dense = self.spatial.new_zeros(self.out_channels, self.in_channels, *self.kernel[1:])
        index = self.spatial_index[:, :, None, None].expand_as(self.spatial)
        return dense.scatter(1, index, self.spatial)

    @property
    def hybrid(self) -> Hybrid:
        """What it computes, apart from the weights. Only for p > 0."""
        return Hybrid(
            in_channels=self.in_channels,
            out_channels=self.out_channels,
            segments=self.segments,
            groups=self.groups,
            merge=self.variant == "merge",
            kernel=self.kernel,
            stride=self.stride,
            padding=(self.padding[0], self.padding[1]),
            dilation=self.dilation,
            causal=self.causal,
        )

    def components(self, x_BCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """O(T) and O(S) of Eq. 2, both (N*T, Co, H', W'). Only for p > 0."""
        if serves(self.hybrid, x_BCHW):
            return (
                tap_conv(self.hybrid, x_BCHW, None, self.temporal),
                tap_conv(self.hybrid, x_BCHW, self.spatial, None),
            )
        return self.torch_components(x_BCHW)

    def torch_components(self, x_BCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same by PyTorch's own convolutions, on any device."""
        spatial = self.gathered_spatial(x_BCHW) if self._gathering_pays(x_BCHW) else self.masked_spatial(x_BCHW)
        return self.torch_temporal(x_BCHW, spatial.shape[2:], self.temporal), spatial

    def torch_temporal(self, x_BCHW: torch.Tensor, size: torch.Size, weight: torch.Tensor) -> torch.Tensor:
        """O(T) of size (H', W') with other temporal kernels."""
        centre = self._window_centres(x_BCHW, size)
        if self.variant == "merge":
            centre = centre[:, : self.in_channels // self.groups]
        return temporal_conv(
            centre,
            weight,
            segments=self.segments,
            groups=self.groups if self.variant == "hybrid" else 1,
            dilation=self.dilation[0],
            causal=self.causal,
        )

    def _gathering_pays(self, x_BCHW: torch.Tensor) -> bool:
        """Whether ``gathered_spatial`` takes less time than ``masked_spatial``; no clock is asked, so runs repeat.

        Not of a fake tensor, which counts for another device (``tables memory``).
        """
        return is_eager(x_BCHW) and x_BCHW.device.type == "cpu" and self.hybrid.type_width >= _WIDE

    def masked_spatial(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """O(S) by a dense kernel that holds zeros where the temporal kernels stand."""
        computes = is_eager(x_BCHW) and x_BCHW.device.type != "meta"
        if self.groups and computes and not torch.is_grad_enabled() and not self.spatial.is_inference():
            dense = self._kept_dense_spatial(x_BCHW)
        else:
            dense = self.dense_spatial()
        return F.conv2d(x_BCHW, dense, stride=self.stride, padding=self.padding, dilation=self.dilation[1:])

    def _kept_dense_spatial(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """``dense_spatial`` as the convolution of ``x`` wants it, laid out once while the weights stay the same.

        In-place changes, loads, moves and copies of the weights are noticed; a change through ``spatial.data[...]``,
        which PyTorch itself does not count, is not.
        """
        device = x_BCHW.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else self.spatial.dtype
        layout = (
            torch.channels_last if x_BCHW.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
        )
        kept = _kept.get(self)
        if kept is None or not kept.is_of(self.spatial, dtype, layout):
            dense = self.dense_spatial().to(dtype, memory_format=layout)
            kept = _kept[self] = _KeptKernel(self.spatial.detach(), self.spatial._version, dtype, layout, dense)
        return kept.dense

    def gathered_spatial(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """O(S) without products by zero: each type's input channels beside each other, a group for each type."""
        hybrid = self.hybrid
        taken = self.spatial_index[:: hybrid.type_width].flatten()
        return F.conv2d(
            x_BCHW[:, taken], self.spatial, None, self.stride, self.padding, self.dilation[1:], groups=hybrid.types
        )

    def _window_centres(self, x_BCHW: torch.Tensor, size: torch.Size) -> torch.Tensor:
        """The pixel at the centre of each spatial window: what a 1 x 1 kernel of the same stride sees."""
        pads: list[int] = []
        for axis in (1, 0):  # F.pad counts from the last axis
            offset = self.dilation[1 + axis] * (self.kernel[1 + axis] - 1) // 2 - self.padding[axis]
            needed = (size[axis] - 1) * self.stride + 1
            pads += [-offset, needed + offset - x_BCHW.shape[2 + axis]]
        x_BCHW = F.pad(x_BCHW, pads) if any(pads) else x_BCHW
        return x_BCHW[:, :, :: self.stride, :: self.stride]

    def attention(self, temporal_BCHW: torch.Tensor, spatial_BCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """aT and aS of Eq. 3, each (N, Co), summing to one."""
        assert self.attend is not None
        pooled = [
            component.mean(dim=(2, 3)).view(-1, self.segments, self.out_channels).mean(dim=1)
            for component in (temporal_BCHW, spatial_BCHW)
        ]
        weights_2NC = self.attend(torch.stack(pooled)).softmax(dim=0)
        return weights_2NC[0], weights_2NC[1]

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        if not self.groups:
            return self.masked_spatial(x_BCHW)
        if self.attend is None and serves(self.hybrid, x_BCHW):
            return tap_conv(self.hybrid, x_BCHW, self.spatial, self.temporal)
        temporal, spatial = self.components(x_BCHW)
        if self.attend is None:
            return temporal + spatial
        alphas = self.attention(temporal, spatial)
        alpha_t, alpha_s = (a.repeat_interleave(self.segments, dim=0)[:, :, None, None] for a in alphas)
        return alpha_t * temporal + alpha_s * spatial

    def extra_repr(self) -> str:
        p = f"1/{self.groups}" if self.groups else "0"
        return f"{self.in_channels}, {self.out_channels}, p={p}, kernel={self.kernel}, stride={self.stride}"
