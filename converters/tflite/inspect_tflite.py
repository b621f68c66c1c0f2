"""What is inside a .tflite: operators by type and data type, weights and scales, and what the delegate takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.operator_counts import count_types
from converters.tflite.graph import Graph, Op
from training.common.errors import UserError

_FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True)
class Layer:
    """A convolution as the file keeps it; scales are empty in a float file.

    Attributes:
        weight: (O, H, W, I), or (1, H, W, O) for a depthwise convolution.
        weight_scales, bias_scales: (O,).
        output: scale and zero point of the output; None in a float file.
    """

    kind: str
    weight: np.ndarray
    weight_scales: np.ndarray
    weight_zero_points: np.ndarray
    bias: np.ndarray
    bias_scales: np.ndarray
    output: tuple[float, int] | None


def operators(graph: Graph) -> dict[str, dict[str, int]]:
    """How many operators of each type compute in each data type: ``{"CONV_2D": {"int8": 52}, ...}``."""
    return count_types((op.kind, compute_type(graph, op)) for op in graph.ops)


def compute_type(graph: Graph, op: Op) -> str:
    """The data type that an operator computes in: float as soon as one operand or result is float."""
    types = [graph.dtype(tensor) for tensor in [*op.inputs, *op.outputs] if tensor >= 0]
    floats = [kind for kind in types if kind in _FLOATS]
    return floats[0] if floats else graph.dtype(op.outputs[0])


def require_int8(graph: Graph, what: str) -> None:
    """Check that every operator between input and output computes in int8.

    Raises:
        UserError: one does not; the message names operator and layer.
    """
    for op in graph.ops:
        kind = compute_type(graph, op)
        if kind != "int8":
            raise UserError(f"{what} is no int8 artefact: {op.kind} at {graph.name(op.outputs[0])} computes in {kind}")


def read_layers(graph: Graph) -> dict[str, Layer]:
    """Weights, biases, scales and zero points of each convolution by the name of its layer."""
    return {graph.name(op.inputs[1]).removesuffix(".weight"): _layer(graph, op) for op in graph.convolutions()}


def read_points(graph: Graph) -> dict[str, tuple[float, int]]:
    """Scale and zero point of each computed tensor by its name."""
    tensors = [graph.inputs[0], *(tensor for op in graph.ops for tensor in op.outputs)]
    return {graph.name(tensor): point for tensor in tensors if (point := _point(graph, tensor)) is not None}


def _layer(graph: Graph, op: Op) -> Layer:
    weight, bias = graph.constant(op.inputs[1]), graph.constant(op.inputs[2])
    assert weight is not None and bias is not None
    weight_scales, weight_zeros = _quantization(graph, op.inputs[1])
    bias_scales, _ = _quantization(graph, op.inputs[2])
    point = _point(graph, op.outputs[0])
    return Layer(op.kind, weight, weight_scales, weight_zeros, bias, bias_scales, point)


def _quantization(graph: Graph, tensor: int) -> tuple[np.ndarray, np.ndarray]:
    kept = graph.tensors[tensor].quantization
    if kept is None or kept.scale is None:
        return np.zeros(0, np.float32), np.zeros(0, np.int64)
    return np.asarray(kept.scale, np.float32), np.asarray(kept.zeroPoint, np.int64)


def _point(graph: Graph, tensor: int) -> tuple[float, int] | None:
    scales, zeros = _quantization(graph, tensor)
    return (float(scales[0]), int(zeros[0])) if len(scales) == 1 else None


@dataclass(frozen=True)
class Delegation:
    """What a delegate takes: in how many pieces, and which operators stay outside."""

    delegate: str
    pieces: int
    outside: dict[str, int]


def delegation(path: Path | str) -> Delegation:
    """Load a model in LiteRT with XNNPACK, LiteRT's default on CPUs, and see what it takes."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    nodes = interpreter._get_ops_details()
    pieces = [node for node in nodes if node["op_name"] == "DELEGATE"]
    outputs = [detail["index"] for detail in interpreter.get_output_details()]
    return Delegation("XNNPACK", len(pieces), dict(Counter(_outside(nodes, pieces, outputs))))


def _outside(nodes: list[dict[str, Any]], pieces: list[dict[str, Any]], outputs: list[int]) -> list[str]:
    """The interpreter lists delegated operators beside the delegate's nodes, so ask what the outputs need."""
    maker = {int(tensor): node for node in [*nodes, *pieces] for tensor in node["outputs"]}
    wanted, needed = list(outputs), {}
    while wanted:
        node = maker.get(int(wanted.pop()))
        if node is not None and node["index"] not in needed:
            needed[node["index"]] = node
            wanted.extend(node["inputs"])
    return [node["op_name"] for node in needed.values() if node["op_name"] != "DELEGATE"]
