"""What is inside a .tflite: operators by type and data type, weights and scales, and what the delegate takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.int8_numbers import Int8Layer, Int8Numbers
from converters.operator_counts import count_types
from converters.tflite.graph import Graph, Op
from training.common.errors import UserError

_FLOATS = ("float16", "float32", "float64")


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


def read_numbers(path: Path | str) -> Int8Numbers:
    """The numbers of an int8 file, layers by their names in the network.

    Raises:
        UserError: no int8 TFLite model, or weights or biases on another grid than int8 convolutions have.
    """
    graph = Graph.read(path)
    require_int8(graph, Path(path).name)
    layers = {graph.name(op.inputs[1]).removesuffix(".weight"): _layer(graph, op) for op in graph.convolutions()}
    computed = [graph.inputs[0], *(tensor for op in graph.ops for tensor in op.outputs)]
    return Int8Numbers(layers, [_point(graph, tensor) for tensor in computed])


def _layer(graph: Graph, op: Op) -> Int8Layer:
    kernel, bias = graph.constant(op.inputs[1]), graph.constant(op.inputs[2])
    assert kernel is not None and bias is not None
    (scales, zeros), (bias_scales, bias_zeros) = (_quantization(graph, tensor) for tensor in op.inputs[1:3])
    source = _point(graph, op.inputs[0])
    if zeros.any() or bias_zeros.any() or not np.array_equal(bias_scales, np.float32(source[0]) * scales):
        raise UserError(f"{graph.name(op.inputs[1])} and its bias are not on the grids of an int8 convolution")
    weight = kernel.transpose(3, 0, 1, 2) if op.kind == "DEPTHWISE_CONV_2D" else kernel.transpose(0, 3, 1, 2)
    return Int8Layer(weight, scales, bias, source, _point(graph, op.outputs[0]))


def _quantization(graph: Graph, tensor: int) -> tuple[np.ndarray, np.ndarray]:
    kept = graph.tensors[tensor].quantization
    if kept is None or kept.scale is None:
        return np.zeros(0, np.float32), np.zeros(0, np.int64)
    return np.asarray(kept.scale, np.float32), np.asarray(kept.zeroPoint, np.int64)


def _point(graph: Graph, tensor: int) -> tuple[float, int]:
    scales, zeros = _quantization(graph, tensor)
    if len(scales) != 1:
        raise UserError(f"{graph.name(tensor)} has {len(scales)} scales; expected one for the whole tensor")
    return float(scales[0]), int(zeros[0])


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
