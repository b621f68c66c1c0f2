"""The numbers of an int8 artefact as its file holds them, compared one by one with the checkpoint's.

Axes: O output channel, I input channel per group, H row, W column.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mobile.deploy.network import DeployNetwork
from mobile.deploy.number_systems import Conv, Point
from training.common.errors import UserError

ScaleAndZero = tuple[float, int]


@dataclasses.dataclass(frozen=True, eq=False)
class Int8Layer:
    """A convolution.

    Attributes:
        weight: int8 (O, I, H, W).
        weight_scales: (O,).
        bias: (O,), int32, or real-valued where the format has it so (Core ML).
        source, output: scale and zero point of the input and of the output.
    """

    weight: np.ndarray
    weight_scales: np.ndarray
    bias: np.ndarray
    source: ScaleAndZero
    output: ScaleAndZero

    def differences(self, other: Int8Layer) -> list[str]:
        """The fields in which two layers differ, in words."""
        fields = [field.name for field in dataclasses.fields(self)]
        return [
            name.replace("_", " ")
            for name in fields
            if not np.array_equal(np.asarray(getattr(self, name)), np.asarray(getattr(other, name)))
        ]


@dataclasses.dataclass(frozen=True)
class Int8Numbers:
    """What an artefact holds.

    Attributes:
        layers: by whatever the format calls them.
        points: scale and zero point of each int8 activation, the input among them.
        real: the type that scales and real-valued biases are rounded to.
    """

    layers: dict[str, Int8Layer]
    points: list[ScaleAndZero]
    real: str = "float32"


def numbers_of(network: DeployNetwork, real: str = "float32", *, real_bias: bool = False) -> Int8Numbers:
    """What an artefact of a network in int8 should hold.

    Args:
        real: as of ``Int8Numbers``.
        real_bias: biases are real-valued.
    """
    layers = {name: _layer(conv, real, real_bias) for name, conv in network.convs().items()}
    return Int8Numbers(layers, [_point(point, real) for point in network.points().values()], real)


def require_same_numbers(found: Int8Numbers, network: DeployNetwork, what: str) -> None:
    """Check that an artefact holds its network's numbers: int8 weights, scales, biases and zero points, all equal.

    Args:
        network: in int8.
        what: the artefact, for the message.

    Raises:
        UserError: one differs, or is missing, or is of no layer; the message names the layer and what differs.
    """
    left = dict(found.layers)
    real_bias = any(layer.bias.dtype.kind == "f" for layer in left.values())
    wanted = numbers_of(network, found.real, real_bias=real_bias)
    for name, layer in wanted.layers.items():
        del left[_key_of(layer, left, f"{what} does not hold what the checkpoint holds of {name}")]
    if left:
        raise UserError(f"{what} has {len(left)} convolutions more than the checkpoint's network")
    if other := set(wanted.points).symmetric_difference(found.points):
        told = ", ".join(f"{scale:g} with {zero}" for scale, zero in sorted(other)[:3])
        raise UserError(f"{what} does not have the activations' scales and zero points of the checkpoint: {told}")


def _key_of(wanted: Int8Layer, layers: dict[str, Int8Layer], fault: str) -> str:
    """Which layer has these numbers; converters keep neither names nor order."""
    alike = {key: layer for key, layer in layers.items() if np.array_equal(layer.weight, wanted.weight)}
    if not alike:
        raise UserError(f"{fault}: no convolution has its weight")
    differing = {key: layer.differences(wanted) for key, layer in alike.items()}
    found = next((key for key, fields in differing.items() if not fields), None)
    if found is None:
        raise UserError(f"{fault}: {', '.join(next(iter(differing.values())))}")
    return found


def _layer(conv: Conv, real: str, real_bias: bool) -> Int8Layer:
    bias = _rounded(conv.bias_value.numpy(), real) if real_bias else conv.bias_q.numpy()
    return Int8Layer(
        conv.weight_q.numpy(), _rounded(conv.weight_scale.numpy(), real), bias,
        _point(conv.source, real), _point(conv.out, real),
    )  # fmt: skip


def _point(point: Point, real: str) -> ScaleAndZero:
    return float(_rounded(np.asarray(point.scale), real)), point.zero_point


def _rounded(values: np.ndarray, real: str) -> np.ndarray:
    return values.astype(real).astype(np.float32)
