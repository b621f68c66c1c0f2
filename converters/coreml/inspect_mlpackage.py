"""What is inside an .mlpackage: operations by type and data type, int8 weights, scales and zero points.

Axes: O output channel, I input channel per group, H row, W column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from converters.int8_numbers import Int8Layer, Int8Numbers, ScaleAndZero
from converters.operator_counts import count_types
from mobile.runtimes.mil_program import Binding, MilOp, MilProgram, MilValue, read_mil_program
from training.common.errors import UserError

# Operations that move values without computing, and those at the border between number systems.
_LAYOUT = {"reshape", "slice_by_index", "transpose"}
_WEIGHTS = {"constexpr_affine_dequantize", "constexpr_blockwise_shift_scale"}  # of iOS 17 and of iOS 18
_BORDER = {"cast", "dequantize", "quantize"} | _WEIGHTS
_STATES = {"read_state", "write_state"}
_ACTIVATIONS = {"relu6"}
_INT8_SOURCES = {"dequantize"} | _WEIGHTS
_STATE_TYPE = "fp16"
_WEIGHT_TYPES = {"float16", "float32", "int8", "uint8"}
_NAME_SUFFIXES = ("_cast_fp16", "_conv2d")


class Dataflow:
    """Who makes and who reads each value of a program."""

    def __init__(self, program: MilProgram) -> None:
        self.program = program
        self.maker = {value.name: op for op in program.operations for value in op.outputs}
        self.readers: dict[str, list[MilOp]] = {}
        for op in program.operations:
            for name in op.names():
                self.readers.setdefault(name, []).append(op)
        self.results = {value.name for value in program.outputs}

    def source(self, name: str) -> MilOp | None:
        """The operation that made a value, looking through layout operations; None for the program's input."""
        op = self.maker.get(name)
        while op is not None and op.type in _LAYOUT:
            op = self.maker.get(op.names()[0])
        return op

    def sinks(self, value: MilValue) -> Iterator[MilOp | None]:
        """The operations that read a value, looking through layout operations; None for the program's output."""
        if value.name in self.results:
            yield None
        for op in self.readers.get(value.name, []):
            if op.type in _LAYOUT:
                yield from self.sinks(op.output)
            else:
                yield op

    def float_operand(self, op: MilOp) -> str | None:
        """Why a compute operation is no int8 one, or None if it is: int8 comes in and int8 goes out."""
        for parameter, bindings in op.inputs.items():
            for binding in bindings:
                if isinstance(binding, str):
                    maker = self.source(binding)
                    if not self._gives_int8(op, maker):
                        return f"its {parameter} comes from {'the input' if maker is None else maker.describe()}"
                elif _is_float_data(parameter, binding):
                    return f"its {parameter} is a {binding.dtype} constant"
        for sink in self.sinks(op.output):
            if sink is None or (sink.type != "quantize" and not _follows(op, sink)):
                return f"its result goes to {'the output' if sink is None else sink.describe()}"
        return None

    def float_state(self, op: MilOp) -> str | None:
        """Why a state does not hold values of an int8 grid, or None if it does.

        What is written was dequantized, what is read is quantized before anything computes with it, and all values of
        the grid come back as they were although a state is float16.
        """
        if op.type == "write_state":
            ends = [self._made_before_casts(op.inputs["data"][0])]
        else:
            ends = list(self._read_after_casts(op.output))
        expected = "dequantize" if op.type == "write_state" else "quantize"
        for end in ends:
            if end is None or end.type != expected:
                return f"{'the input or output' if end is None else end.describe()} is at its other end"
            scale, zero = _point(self, end)
            if not _survives_float16(scale, zero):
                return f"and its values of scale {scale:g} do not survive float16"
        return None

    def _made_before_casts(self, name: Binding) -> MilOp | None:
        maker = self.source(str(name))
        while maker is not None and maker.type == "cast":
            maker = self.source(maker.names()[0])
        return maker

    def _read_after_casts(self, value: MilValue) -> Iterator[MilOp | None]:
        for sink in self.sinks(value):
            if sink is not None and sink.type == "cast":
                yield from self._read_after_casts(sink.output)
            else:
                yield sink

    @staticmethod
    def _gives_int8(op: MilOp, maker: MilOp | None) -> bool:
        if maker is None:
            return False
        return maker.type in _INT8_SOURCES or _follows(maker, op)


def _follows(op: MilOp, activation: MilOp) -> bool:
    """An activation right after a compute operation is part of it."""
    return activation.type in _ACTIVATIONS and op.type not in _LAYOUT | _BORDER | _ACTIVATIONS


def _is_float_data(parameter: str, constant: np.ndarray) -> bool:
    """A float tensor where int8 belongs. Biases stay real-valued; zeros are exact on every int8 grid."""
    if parameter == "bias" or not np.issubdtype(constant.dtype, np.floating):
        return False
    return constant.size > 1 and bool(constant.any())


def _survives_float16(scale: float, zero: int) -> bool:
    grid = np.arange(-128, 128)
    real = np.float32(scale) * (grid - zero).astype(np.float32)
    with np.errstate(over="ignore"):
        half = real.astype(np.float16).astype(np.float32)
    return bool(np.array_equal(np.rint(half / np.float32(scale)) + zero, grid))


def operators(program: MilProgram) -> dict[str, dict[str, int]]:
    """How many operations of each type compute in each data type: ``{"conv": {"int8": 85}, ...}``.

    A compute operation counts as int8 when int8 comes in and int8 goes out; others by their declared types.
    """
    flow = Dataflow(program)
    return count_types((op.type, _compute_type(flow, op)) for op in program.operations)


def _compute_type(flow: Dataflow, op: MilOp) -> str:
    if op.type in _STATES:
        return _STATE_TYPE
    if op.type in _INT8_SOURCES:
        quantized = next(op.inputs[name][0] for name in ("input", "quantized_data", "data") if name in op.inputs)
        if isinstance(quantized, np.ndarray):
            return str(quantized.dtype)
        return flow.maker[quantized].output.dtype
    if op.type in _LAYOUT:
        maker = flow.source(op.output.name)
        return "int8" if maker is not None and maker.type in _INT8_SOURCES else op.output.dtype
    if op.type not in _BORDER and flow.float_operand(op) is None:
        return "int8"
    return op.output.dtype


def require_int8(program: MilProgram) -> None:
    """Check that every operation that computes does so between dequantize and quantize, with int8 weights, and that
    states hold nothing but values of an int8 grid.

    Raises:
        UserError: one does not; the message names it.
    """
    flow = Dataflow(program)
    for op in program.operations:
        if op.type in _LAYOUT | _BORDER:
            continue
        if op.type in _STATES:
            reason = flow.float_state(op)
            if reason is not None:
                raise UserError(f"{program.path.name} is no int8 artefact: {op.describe()} is in float, {reason}")
            continue
        reason = flow.float_operand(op)
        if reason is not None:
            raise UserError(f"{program.path.name} is no int8 artefact: {op.describe()} computes in float, {reason}")
    if not any(op.type == "quantize" for op in program.operations):
        raise UserError(f"{program.path.name} is no int8 artefact: it has no quantize operation")


def weight_bytes(program: MilProgram) -> dict[str, int]:
    """Bytes of the constants by data type."""
    sizes: Counter[str] = Counter()
    for op in program.operations:
        for bindings in op.inputs.values():
            for binding in bindings:
                if isinstance(binding, np.ndarray) and binding.dtype.name in _WEIGHT_TYPES and binding.size > 1:
                    sizes[str(binding.dtype)] += binding.nbytes
    return dict(sorted(sizes.items()))


def read_numbers(path: Path | str) -> Int8Numbers:
    """The numbers of an int8 package; biases are real-valued.

    Layers have their names in the network, dots as underscores: "blocks_1_spatial".

    Raises:
        UserError: no readable package, or a convolution in it that is not int8.
    """
    flow = _int8_flow(path)
    layers = {layer_name(op): _layer(flow, op) for op in flow.program.operations if op.type == "conv"}
    halves = any(layer.weight_scales.dtype == np.float16 for layer in layers.values())
    return Int8Numbers(layers, list(_points(flow).values()), "float16" if halves else "float32")


def read_points(path: Path | str) -> dict[str, ScaleAndZero]:
    """Scale and zero point of what each operation gives, by its name: "blocks_3_add".

    Raises:
        UserError: as ``read_numbers``.
    """
    return _points(_int8_flow(path))


def _points(flow: Dataflow) -> dict[str, ScaleAndZero]:
    quantizes = [op for op in flow.program.operations if op.type == "quantize"]
    return {_maker_name(flow, op): _point(flow, op) for op in quantizes if not _only_moved(flow, op)}


def _int8_flow(path: Path | str) -> Dataflow:
    program = read_mil_program(path)
    require_int8(program)
    return Dataflow(program)


def layer_name(op: MilOp) -> str:
    """The name that the exported program gave to an operation's layer, dots as underscores."""
    name = op.output.name
    for suffix in _NAME_SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _layer(flow: Dataflow, op: MilOp) -> Int8Layer:
    source = flow.source(str(op.inputs["x"][0]))
    weight = flow.source(str(op.inputs["weight"][0]))
    assert source is not None and weight is not None
    blocks = weight.type == "constexpr_blockwise_shift_scale"
    data = weight.array("data" if blocks else "quantized_data")
    scales, bias = weight.array("scale"), op.array("bias")
    assert data is not None and scales is not None and bias is not None
    if np.any(weight.array("offset" if blocks else "zero_point")):
        raise UserError(f"{flow.program.path.name}: the weight of {op.describe()} is not symmetric")
    return Int8Layer(data, scales.reshape(-1), bias, _point(flow, source), _output_point(flow, op))


def _output_point(flow: Dataflow, op: MilOp) -> ScaleAndZero:
    sink = next(flow.sinks(op.output))
    assert sink is not None
    return _point(flow, sink) if sink.type == "quantize" else _output_point(flow, sink)


def _only_moved(flow: Dataflow, quantize: MilOp) -> bool:
    maker = flow.source(quantize.names()[0])
    return maker is not None and maker.type == "dequantize"


def _maker_name(flow: Dataflow, quantize: MilOp) -> str:
    """The layer whose result a quantize takes; the name of the program's input or state if there is none."""
    name = quantize.names()[0]
    while (maker := flow.maker.get(name)) is not None:
        if maker.type not in _LAYOUT | _ACTIVATIONS | {"cast", "read_state"}:
            return layer_name(maker)
        name = maker.names()[0]
    return name


def _point(flow: Dataflow, op: MilOp) -> ScaleAndZero:
    """Scale and int8 zero point of a quantize or dequantize.

    coremltools stores a zero point of -128 as uint8 with none, which is the same numbers shifted by 128.
    """
    zero = op.array("zero_point")
    shift = 128 if _compute_type(flow, op) == "uint8" else 0
    return float(op.constant("scale")), int(0 if zero is None else zero) - shift
