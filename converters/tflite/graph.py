"""A .tflite file as operators, tensors and constants, with the names of the network's layers.

Thin helpers over the flatbuffer's own object API (``ai_edge_litert.schema_py_generated``).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.common.errors import UserError, missing_extra

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils
except ImportError as error:  # pragma: no cover
    raise missing_extra("ai-edge-litert", "tflite") from error

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_OP_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_TYPE_NAMES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
_NUMPY_TYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "int8": "i1", "int64": "<i8", "bool": "?"}


@dataclass
class Op:
    """One operator; tensors are numbers of ``Graph.tensors``, -1 for an absent optional input."""

    index: int
    kind: str
    inputs: list[int]
    outputs: list[int]
    options: Any = field(repr=False)


class Graph:
    """The one subgraph of a TFLite model.

    Raises:
        UserError: the bytes are no TFLite model, or one with control flow (several subgraphs).
    """

    def __init__(self, content: bytes, what: str = "the model") -> None:
        try:
            self.model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
            subgraphs = self.model.subgraphs
            self.tensors: list[Any] = subgraphs[0].tensors
        except Exception as error:  # the flatbuffer reader fails in its own many ways on foreign bytes
            raise UserError(f"{what} is no TFLite model; export it again with converters/export_tflite.py") from error
        if len(subgraphs) != 1:
            raise UserError(f"{what} has {len(subgraphs)} subgraphs; expected one without control flow")
        self.inputs, self.outputs = list(subgraphs[0].inputs), list(subgraphs[0].outputs)
        self.ops = [self._op(index, raw) for index, raw in enumerate(subgraphs[0].operators)]
        self.producer = {tensor: op for op in self.ops for tensor in op.outputs}

    @classmethod
    def read(cls, path: Path | str) -> Graph:
        """Read a file; UserError when it is missing or no TFLite model."""
        try:
            return cls(Path(path).read_bytes(), str(path))
        except OSError as error:
            raise UserError(
                f"cannot read {path}: {error.strerror}; export it with converters/export_tflite.py"
            ) from error

    def _op(self, index: int, raw: Any) -> Op:
        code = self.model.operatorCodes[raw.opcodeIndex]
        kind = _OP_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        return Op(index, kind, [int(i) for i in raw.inputs], [int(o) for o in raw.outputs], raw.builtinOptions)

    def add_constant(self, name: str, value: np.ndarray, dtype: int, quantization: Any = None) -> int:
        """A new constant tensor; never an old one changed, since TensorFlow shares equal constants among layers."""
        buffer, tensor = schema.BufferT(), schema.TensorT()
        buffer.data = np.frombuffer(np.ascontiguousarray(value).tobytes(), dtype=np.uint8)
        self.model.buffers.append(buffer)
        tensor.name, tensor.shape, tensor.type, tensor.hasRank = name.encode(), list(value.shape), dtype, True
        tensor.buffer, tensor.quantization = len(self.model.buffers) - 1, quantization
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def insert_mean(self, before: Op) -> None:
        """Put a mean over height and width in front of an operator's first input, in place; operators after it count
        one more."""
        source = self.tensors[before.inputs[0]]
        if source.shape[1:3] != [1, 1]:
            raise UserError(f"{self.name(before.inputs[0])} is {source.shape}; a mean of it has another shape")
        axes = self.add_constant("mean/axes", np.array([1, 2], "<i4"), schema.TensorType.INT32)
        made = copy.copy(source)
        made.name, made.buffer, made.quantization = b"mean", 0, None
        self.tensors.append(made)
        code, raw = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.MEAN
        code.version = 1
        self.model.operatorCodes.append(code)
        raw.opcodeIndex = len(self.model.operatorCodes) - 1
        raw.inputs, raw.outputs = [before.inputs[0], axes], [len(self.tensors) - 1]
        raw.builtinOptionsType, raw.builtinOptions = schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()
        raw.builtinOptions.keepDims = True
        before.inputs[0] = raw.outputs[0]
        self.model.subgraphs[0].operators.insert(before.index, raw)
        self.ops.insert(before.index, self._op(before.index, raw))
        for index, op in enumerate(self.ops):
            op.index = index
        self.producer = {tensor: op for op in self.ops for tensor in op.outputs}

    def to_bytes(self) -> bytes:
        """The model as a file's content, without the tensors and buffers that nothing uses any more."""
        self._drop_unused()
        return bytes(flatbuffer_utils.convert_object_to_bytearray(self.model))

    def _drop_unused(self) -> None:
        subgraph, signatures = self.model.subgraphs[0], self.model.signatureDefs or []
        maps = [entry for signature in signatures for entry in [*signature.inputs, *signature.outputs]]
        used = {
            *self.inputs,
            *self.outputs,
            *(t for op in self.ops for t in [*op.inputs, *op.outputs] if t >= 0),
        }
        tensor_at = {old: new for new, old in enumerate(sorted(used))} | {-1: -1}
        self.tensors[:] = [self.tensors[old] for old in sorted(used)]
        subgraph.inputs = self.inputs = [tensor_at[t] for t in self.inputs]
        subgraph.outputs = self.outputs = [tensor_at[t] for t in self.outputs]
        for op, raw in zip(self.ops, subgraph.operators, strict=True):
            raw.inputs = op.inputs = [tensor_at[t] for t in op.inputs]
            raw.outputs = op.outputs = [tensor_at[t] for t in op.outputs]
        for entry in maps:
            entry.tensorIndex = tensor_at[int(entry.tensorIndex)]
        self.producer = {tensor: op for op in self.ops for tensor in op.outputs}
        holders = [*self.tensors, *(self.model.metadata or [])]
        kept = sorted({0, *(int(holder.buffer) for holder in holders)})  # buffer 0 is the empty one by definition
        self.model.buffers = [self.model.buffers[old] for old in kept]
        for holder in holders:
            holder.buffer = kept.index(int(holder.buffer))

    def signature(self) -> tuple[dict[str, int], dict[str, int]]:
        """Tensors of the inputs and of the outputs by their names in the model's signature."""
        if not self.model.signatureDefs:
            raise UserError("the TFLite model has no signature; export it again with converters/export_tflite.py")
        found = self.model.signatureDefs[0]
        inputs, outputs = ({e.name.decode(): int(e.tensorIndex) for e in m} for m in (found.inputs, found.outputs))
        return inputs, outputs

    def name(self, tensor: int) -> str:
        """What the converter called it."""
        return self.tensors[tensor].name.decode()

    def dtype(self, tensor: int) -> str:
        """As numpy spells it: float32, float16, int8, int32, ..."""
        return _TYPE_NAMES[self.tensors[tensor].type]

    def constant(self, tensor: int) -> np.ndarray | None:
        """The value of a constant; None for a tensor that is computed.

        A float16 constant that a DEQUANTIZE widens to float32 counts as a constant.
        """
        op = self.producer.get(tensor)
        if op is not None:
            return self.constant(op.inputs[0]) if op.kind == "DEQUANTIZE" else None
        data = self.model.buffers[self.tensors[tensor].buffer].data
        if data is None:
            return None
        kind = _NUMPY_TYPES.get(self.dtype(tensor))
        if kind is None:
            raise UserError(f"constant {self.name(tensor)} is of type {self.dtype(tensor)}, which nothing here reads")
        return np.frombuffer(bytes(data), dtype=kind).reshape(self.tensors[tensor].shape)

    def computed(self, op: Op) -> list[int]:
        """The inputs of an operator that are no constants."""
        return [tensor for tensor in op.inputs if tensor >= 0 and self.constant(tensor) is None]

    def convolutions(self) -> Iterator[Op]:
        """Plain and depthwise ones, in the order of the graph."""
        return (op for op in self.ops if op.kind in CONVOLUTIONS)


def kernel_layout(kind: str, weight_OIHW: np.ndarray) -> np.ndarray:
    """PyTorch's kernel as TFLite keeps it: (O, H, W, I), or (1, H, W, O) for a depthwise convolution."""
    weight_OHWI = weight_OIHW.transpose(0, 2, 3, 1)
    return weight_OHWI.transpose(3, 1, 2, 0) if kind == "DEPTHWISE_CONV_2D" else weight_OHWI


def match_layers(graph: Graph, layers: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[int, str]:
    """Which layer each convolution is, by its float weight and bias, whatever the converter did to names and order.

    Args:
        layers: name -> float weight (O, I, H, W) and bias (O,).

    Returns:
        operator index -> layer name, one to one.

    Raises:
        UserError: a convolution without a layer, a layer without a convolution, or two layers with equal weights.
    """
    left = dict(layers)
    found = {}
    for op in graph.convolutions():
        names = [name for name, (weight, bias) in left.items() if _same(graph, op, weight, bias)]
        if len(names) != 1:
            fault = f"fits {' and '.join(names)} alike" if names else "is no layer of the network"
            raise UserError(
                f"{op.kind} number {op.index} ({graph.name(op.outputs[0])}) {fault}; the conversion went wrong"
            )
        found[op.index] = names[0]
        del left[names[0]]
    if left:
        raise UserError(f"the TFLite graph has no convolution for {', '.join(left)}; the conversion went wrong")
    return found


def _same(graph: Graph, op: Op, weight_OIHW: np.ndarray, bias_O: np.ndarray) -> bool:
    kernel, bias = graph.constant(op.inputs[1]), graph.constant(op.inputs[2])
    expected = kernel_layout(op.kind, weight_OIHW)
    if kernel is None or bias is None or kernel.shape != expected.shape:
        return False
    # A float16 file holds the rounded values; as an identity that is exact enough.
    as_kept = expected.astype(kernel.dtype), bias_O.astype(bias.dtype)
    return bool(np.array_equal(kernel, as_kept[0]) and np.array_equal(bias, as_kept[1]))


def rename(graph: Graph, layers: dict[int, str]) -> None:
    """Give tensors the names of their layers (``blocks.3.spatial``, ``blocks.3.spatial.weight``), in place."""
    inputs, outputs = graph.signature()
    for name, tensor in inputs.items():
        graph.tensors[tensor].name = name.encode()
    for op in graph.ops:
        out = graph.tensors[op.outputs[0]]
        if op.index in layers:
            out.name = layers[op.index].encode()
            for tensor, part in zip(op.inputs[1:], ("weight", "bias"), strict=False):
                graph.tensors[tensor].name = f"{layers[op.index]}.{part}".encode()
        elif op.kind != "DEQUANTIZE":
            out.name = f"{graph.name(graph.computed(op)[0])}/{op.kind.lower()}".encode()
    for name, tensor in outputs.items():
        graph.tensors[tensor].name = name.encode()
