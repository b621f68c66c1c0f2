"""What is inside a .pte for XNNPACK: operators by type and data type, weights, biases, scales and zero points.

Everything is read from the written file with ExecuTorch's own deserialisers. Only the activations' scales are
read from the flatbuffer itself: the JSON that ``flatc`` makes of it rounds them to six decimals.

Axes: O output channel, I input channel per group, H row, W column.
"""

from __future__ import annotations

import importlib.resources
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers.number_types as number
import numpy as np
from flatbuffers import encode
from flatbuffers.table import Table

from converters.int8_numbers import Int8Layer, Int8Numbers
from converters.operator_counts import count_types
from training.common.errors import UserError, missing_extra

_CONVOLUTIONS = ("XNNConv2d", "XNNDepthwiseConv2d", "XNNFullyConnected")
_INPUTS = ("input_id", "input1_id", "input2_id", "input3_id", "input4_id", "input5_id")
_CONSTANTS = ("filter_id", "bias_id")
_INTEGERS = ("qint8", "qcint8", "qcint32", "qint32")
_ABSENT = 0xFFFFFFFF
_XVALUES, _UNION_TYPE, _UNION = 8, 4, 6  # offsets in the tables XNNGraph and XValue of XNNPACK's schema.fbs
_PARAMS_TYPE, _PARAMS, _SCALE = 6, 8, 4  # in XNNQuantizedTensorValue and PerTensorQuant
_QUANTIZED, _PER_TENSOR = 2, 2  # numbers in the unions XValueUnion and XNNQuantParams


@dataclass(frozen=True)
class Operator:
    """One operator of a delegate's graph.

    Attributes:
        kind: XNNPACK's name without its prefix, such as "Conv2d".
        dtype: int8, float16 or float32; "float32 to int8" and the like for a conversion.
        handle: ExecuTorch's debug handle, which tells the layer while the program is at hand.
    """

    kind: str
    dtype: str
    handle: int
    output: tuple[int, ...]


class XNNPiece:
    """One delegate of a .pte: XNNPACK's graph and its constants."""

    def __init__(self, payload: bytes, constants: dict[str, bytes]) -> None:
        from executorch.backends.xnnpack.serialization.xnnpack_graph_serialize import XNNHeader

        header = XNNHeader.from_bytes(payload[: XNNHeader.EXPECTED_LENGTH])
        content = payload[header.flatbuffer_offset : header.flatbuffer_offset + header.flatbuffer_size]
        graph = _to_json(content)
        self._nodes, self._constants, self._named = graph["xnodes"], graph["constant_data"], constants
        self._values = {}
        for value, scale in zip(graph["xvalues"], _activation_scales(content), strict=True):
            fields = value["xvalue_union"]
            tensor = fields.get("tensor_value", fields)
            self._values[tensor["id_out"]] = (tensor, fields.get("quant_params", {}), scale)

    def operators(self) -> list[Operator]:
        """Every operator, in the order of computation."""
        return [self._operator(node) for node in self._nodes]

    def _operator(self, node: dict[str, Any]) -> Operator:
        kind, fields = node["xnode_union_type"].removeprefix("XNN"), node["xnode_union"]
        inputs = [fields[name] for name in _INPUTS if name in fields]
        if kind.startswith("Concatenate"):  # the fields of the inputs that it does not have hold 0
            inputs = inputs[: int(kind[-1])]
        constants = [fields[name] for name in _CONSTANTS if fields.get(name, _ABSENT) != _ABSENT]
        into, out = [self._type(value) for value in inputs + constants], self._type(fields["output_id"])
        if kind == "Convert":
            dtype = f"{_plain(into[0])} to {_plain(out)}"
        else:
            floats = [name for name in [*into, out] if name not in _INTEGERS]
            dtype = _plain(floats[0] if floats else out)
        return Operator(kind, dtype, node["debug_handle"], tuple(self._tensor(fields["output_id"])["dims"]))

    def convolutions(self) -> list[Int8Layer]:
        """int8 convolutions in the order of computation.

        Raises:
            UserError: a convolution is not int8.
        """
        found = []
        for node in self._nodes:
            if node["xnode_union_type"] not in _CONVOLUTIONS:
                continue
            fields = node["xnode_union"]
            operator = self._operator(node)
            if operator.dtype != "int8":
                raise UserError(f"{operator.kind} with output {operator.output} computes in {operator.dtype}, not int8")
            tensor, quantization, _ = self._values[fields["filter_id"]]
            weight = self._constant(tensor["constant_buffer_idx"], np.int8).reshape(tensor["dims"])
            to_OIHW = (3, 0, 1, 2) if operator.kind == "DepthwiseConv2d" else (0, 3, 1, 2)
            bias = self._tensor(fields["bias_id"])
            found.append(
                Int8Layer(
                    np.ascontiguousarray(weight.transpose(to_OIHW)),
                    self._constant(quantization["scale_buffer_idx"], np.float32),
                    self._constant(bias["constant_buffer_idx"], np.int32),
                    self._point(fields["input1_id"]),
                    self._point(fields["output_id"]),
                )
            )
        return found

    def points(self) -> list[tuple[float, int]]:
        """Scale and zero point of every int8 activation that an operator computes."""
        outputs = [node["xnode_union"]["output_id"] for node in self._nodes]
        return [self._point(value) for value in outputs if self._type(value) == "qint8"]

    def _tensor(self, value: int) -> dict[str, Any]:
        return self._values[value][0]

    def _type(self, value: int) -> str:
        return self._tensor(value)["datatype"].removeprefix("xnn_datatype_")

    def _point(self, value: int) -> tuple[float, int]:
        _, quantization, scale = self._values[value]
        return scale, quantization["zero_point"]

    def _constant(self, index: int, dtype: type) -> np.ndarray:
        return np.frombuffer(self._named[self._constants[index]["named_key"]], dtype=dtype)


@dataclass(frozen=True)
class PTEContent:
    """A read .pte.

    Attributes:
        pieces: its XNNPACK delegates.
        outside: operators that no delegate takes, by name.
        other_delegates: delegates that are not XNNPACK's.
    """

    pieces: list[XNNPiece]
    outside: list[str]
    other_delegates: list[str]

    def operators(self) -> dict[str, dict[str, int]]:
        """How many operators of each type compute in each data type: ``{"Conv2d": {"int8": 52}, ...}``."""
        return count_types((found.kind, found.dtype) for piece in self.pieces for found in piece.operators())


def read_pte(path: Path | str) -> PTEContent:
    """Take a .pte apart.

    Raises:
        UserError: it is missing or no .pte, or executorch is not installed.
    """
    try:
        from executorch.exir._serialize._program import deserialize_pte_binary
    except ImportError as error:
        raise missing_extra("executorch", "executorch") from error
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        remedy = "export it with converters/export_executorch.py"
        raise UserError(f"cannot read {path}: {error.strerror}; {remedy}") from error
    try:
        file = deserialize_pte_binary(content)
        plan, data = file.program.execution_plan[0], file.program.backend_delegate_data
        constants = {}
        if (named := file.named_data) is not None:
            constants = {key: bytes(named.buffers[entry.buffer_index]) for key, entry in named.pte_data.items()}
        mine = [bytes(data[d.processed.index].data) for d in plan.delegates if d.id == "XnnpackBackend"]
        return PTEContent(
            [XNNPiece(payload, constants) for payload in mine],
            sorted(f"{operator.name}.{operator.overload}".rstrip(".") for operator in plan.operators),
            [d.id for d in plan.delegates if d.id != "XnnpackBackend"],
        )
    except UserError:
        raise
    except Exception as error:  # the deserialisers raise whatever a broken file makes them raise
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{path} is no whole .pte file ({reason}); export it again") from error


def read_numbers(path: Path | str) -> Int8Numbers:
    """The numbers of an int8 .pte, layers by their place in the order of computation.

    Raises:
        UserError: no .pte, or a convolution that is not int8.
    """
    pieces = read_pte(path).pieces
    layers = [conv for piece in pieces for conv in piece.convolutions()]
    points = [point for piece in pieces for point in piece.points()]
    named = {str(place): layer for place, layer in enumerate(layers)}
    return Int8Numbers(named, [*(layer.source for layer in layers), *points])


def _plain(name: str) -> str:
    return {"qint8": "int8", "qcint8": "int8", "fp16": "float16", "fp32": "float32"}.get(name, name)


def _to_json(flatbuffer: bytes) -> dict[str, Any]:
    from executorch.backends.xnnpack import serialization
    from executorch.exir._serialize._flatbuffer import _flatc_decompile

    schema = importlib.resources.files(serialization).joinpath("schema.fbs").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("schema.fbs", schema), ("graph.bin", flatbuffer)):
            Path(folder, name).write_bytes(content)
        _flatc_decompile(folder, f"{folder}/schema.fbs", f"{folder}/graph.bin")
        return json.loads(Path(folder, "graph.json").read_text())


def _activation_scales(flatbuffer: bytes) -> list[float]:
    """Scale of each value of XNNPACK's graph that has one for the whole tensor, 0 for the others."""
    root = Table(flatbuffer, encode.Get(number.UOffsetTFlags.packer_type, flatbuffer, 0))
    values = root.Offset(_XVALUES)
    start = root.Vector(values)
    return [_scale(Table(flatbuffer, root.Indirect(start + 4 * i))) for i in range(root.VectorLen(values))]


def _scale(value: Table) -> float:
    tensor, params = Table(value.Bytes, 0), Table(value.Bytes, 0)
    if value.Get(number.Uint8Flags, value.Offset(_UNION_TYPE) + value.Pos) != _QUANTIZED:
        return 0.0
    value.Union(tensor, value.Offset(_UNION))
    if tensor.Get(number.Uint8Flags, tensor.Offset(_PARAMS_TYPE) + tensor.Pos) != _PER_TENSOR:
        return 0.0
    tensor.Union(params, tensor.Offset(_PARAMS))
    return float(params.Get(number.Float32Flags, params.Offset(_SCALE) + params.Pos))
