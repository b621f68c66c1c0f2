"""Signal and noise after each layer of a deploy form, and what single layers add to the noise at the logits.

Three networks stand side by side: the float one; the int8 one; and the int8 one's weights in real numbers, which
differs from the int8 one by the rounding of activations alone.

Axes: N clip, T frame, B = N * T, C channel, H row, W column, K class.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from typing import cast

import torch
from torch import nn

from mobile.deploy.network import DeployNetwork
from mobile.deploy.number_systems import HIGH, LOW, Conv, Point, rounded_weight
from mobile.schemas.layers import RangeUse

Layers = dict[str, nn.Module]


def layers_of(network: DeployNetwork) -> Layers:
    """Each layer by its name: convolutions, residual sums ("blocks.3.sum"), the input and the mean."""
    found: Layers = {"input": network.input, "mean": network.mean, **network.convs()}
    for number, block in enumerate(network.blocks):
        if getattr(block, "residual", False):
            found[f"blocks.{number}.sum"] = cast(nn.Module, block.out)
    return found


def point_of(layer: nn.Module) -> Point:
    """The quantization of a layer's output."""
    point = layer.out if isinstance(layer, Conv) else layer
    assert isinstance(point, Point)
    return point


@contextlib.contextmanager
def watched(layers: Layers, see: Callable[[str, torch.Tensor], torch.Tensor | None]) -> Iterator[None]:
    """Call ``see`` with each layer's name and output; what it returns takes the output's place."""
    hooks = [
        layer.register_forward_hook(lambda _module, _inputs, output, name=name: see(name, output))
        for name, layer in layers.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def outputs(network: DeployNetwork, x_BCHW: torch.Tensor) -> dict[str, torch.Tensor]:
    """Output of every layer in the order of the data."""
    found: dict[str, torch.Tensor] = {}

    def keep(name: str, output: torch.Tensor) -> None:
        found[name] = output

    with watched(layers_of(network), keep):
        network(x_BCHW)
    return found


@dataclasses.dataclass
class Energy:
    """Sums of squares over batches."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, true: torch.Tensor, seen: torch.Tensor) -> None:
        """Take a batch in."""
        self.signal += float((true.double() ** 2).sum())
        self.noise += float(((true.double() - seen.double()) ** 2).sum())

    @property
    def db(self) -> float:
        """Signal over noise; 200 where there is no noise, so that a file can hold it."""
        return 200.0 if self.noise == 0 else 10 * math.log10(max(self.signal, 1e-30) / self.noise)


@dataclasses.dataclass
class Spread:
    """What a tensor held over batches, against the range of its int8."""

    scale: float
    zero_point: int
    least: float = math.inf
    most: float = -math.inf
    below: int = 0
    above: int = 0
    count: int = 0

    @property
    def low(self) -> float:
        """The least number that the int8 grid holds."""
        return (LOW - self.zero_point) * self.scale

    @property
    def high(self) -> float:
        """The greatest number that the int8 grid holds."""
        return (HIGH - self.zero_point) * self.scale

    def add(self, values: torch.Tensor) -> None:
        """Values before rounding; one counts as clipped where rounding moves it by more than half a step."""
        self.least, self.most = min(self.least, float(values.min())), max(self.most, float(values.max()))
        self.below += int((values < self.low - self.scale / 2).sum())
        self.above += int((values > self.high + self.scale / 2).sum())
        self.count += values.numel()

    def to_result(self, layer: str) -> RangeUse:
        """The row of the result file."""
        ends = [min(max(round(v / self.scale) + self.zero_point, LOW), HIGH) for v in (self.least, self.most)]
        return RangeUse(
            layer=layer,
            low=self.low,
            high=self.high,
            least=self.least,
            most=self.most,
            below=100 * self.below / self.count,
            above=100 * self.above / self.count,
            steps=ends[1] - ends[0] + 1,
        )


@dataclasses.dataclass
class Comparison:
    """Every layer of the three networks over the same frames."""

    to_float: dict[str, Energy]
    rounding: dict[str, Energy]
    spreads: dict[str, Spread]
    same_top1: int = 0
    clips: int = 0


@torch.no_grad()
def compare_layers(floating: DeployNetwork, int8: DeployNetwork, batches: Iterable[torch.Tensor]) -> Comparison:
    """Energies and spreads of every layer.

    Args:
        batches: frames of one or more clips, (N*T, 3, H, W).
    """
    spreads = {
        name: Spread(point_of(layer).scale, point_of(layer).zero_point) for name, layer in layers_of(int8).items()
    }
    found = Comparison({}, {}, spreads)
    for x_BCHW in batches:
        true, rounded, unrounded = outputs(floating, x_BCHW), outputs(int8, x_BCHW), _in_real_numbers(int8, x_BCHW)
        for name, tensor in true.items():
            found.to_float.setdefault(name, Energy()).add(tensor, rounded[name])
            found.rounding.setdefault(name, Energy()).add(unrounded[name], rounded[name])
            spreads[name].add(unrounded[name])
        tops = [_clip_logits(side, floating.segments).argmax(1) for side in (true, rounded)]
        found.same_top1 += int((tops[0] == tops[1]).sum())
        found.clips += len(tops[0])
    return found


def _in_real_numbers(int8: DeployNetwork, x_BCHW: torch.Tensor) -> dict[str, torch.Tensor]:
    int8.set_system("float")
    try:
        return outputs(int8, x_BCHW)
    finally:
        int8.set_system("int8")


def _clip_logits(seen: dict[str, torch.Tensor], segments: int) -> torch.Tensor:
    """(N, K) of a clip's network, or the mean over the frames of a causal one."""
    logits_MK = seen["classifier"].flatten(1)
    per_frame = seen["classifier"].shape[0] == seen["input"].shape[0]
    return logits_MK.unflatten(0, (-1, segments)).mean(1) if per_frame else logits_MK


class OneByOne:
    """The float network with chosen layers rounded to int8: their weights, and their outputs to the int8's ranges.

    No training took place for these weights, so this shows where int8 is hard, not what QAT left of it.
    """

    def __init__(self, floating: DeployNetwork, int8: DeployNetwork, batches: Iterable[torch.Tensor]) -> None:
        self._network = copy.deepcopy(floating)
        self._layers = layers_of(self._network)
        self._points = {name: point_of(layer) for name, layer in layers_of(int8).items()}
        self._batches = list(batches)
        self._exact = {name: layer.weight.detach() for name, layer in self._layers.items() if isinstance(layer, Conv)}
        self._rounded = {name: rounded_weight(weight) for name, weight in self._exact.items()}
        self._true = [self._logits(x_BCHW, frozenset()) for x_BCHW in self._batches]

    @property
    def names(self) -> list[str]:
        """Of the layers, in the order of the data."""
        return list(self._layers)

    def weight_db(self, layer: str) -> float | None:
        """SQNR of a layer's weights against themselves rounded; None without weights."""
        if layer not in self._exact:
            return None
        energy = Energy()
        energy.add(self._exact[layer], self._rounded[layer])
        return energy.db

    def alone(self, layer: str) -> float:
        """SQNR of the logits with this layer rounded and no other."""
        return self.db(frozenset([layer]))

    def spared(self, layer: str) -> float:
        """SQNR of the logits with all layers rounded but this one."""
        return self.db(frozenset(self._layers) - {layer})

    def db(self, rounded: frozenset[str]) -> float:
        """SQNR of the logits with these layers rounded."""
        energy = Energy()
        for x_BCHW, true in zip(self._batches, self._true, strict=True):
            energy.add(true, self._logits(x_BCHW, rounded))
        return energy.db

    @torch.no_grad()
    def _logits(self, x_BCHW: torch.Tensor, rounded: frozenset[str]) -> torch.Tensor:
        for name, weight in self._exact.items():
            conv = self._layers[name]
            assert isinstance(conv, Conv)
            conv.weight.data = self._rounded[name] if name in rounded else weight

        def round_output(name: str, output: torch.Tensor) -> torch.Tensor | None:
            if name not in rounded:
                return None
            point = self._points[name]
            return torch.fake_quantize_per_tensor_affine(output, point.scale, point.zero_point, LOW, HIGH)

        with watched(self._layers, round_output):
            return self._network(x_BCHW)
