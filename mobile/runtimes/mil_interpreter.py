"""Reference interpreter of a MIL program: the operations that our networks use, nothing more.

It lets the Core ML artefact be checked where there is no Core ML. Each operation follows its definition in
coremltools' MIL reference; sums are taken in float32, and every result is rounded to the type that the program
declares for it, so a float16 program loses here what float16 storage loses.

The program is translated once into a list of steps; running is one torch call or a few per operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from mobile.runtimes.mil_program import MilOp, MilProgram
from training.common.errors import UserError

Compute = Callable[..., torch.Tensor]
_INT8_RANGES = {"int8": (-128, 127), "uint8": (0, 255)}
_CASTS = {"fp16": torch.float32, "fp32": torch.float32, "int32": torch.int32, "bool": torch.bool}


@dataclass(frozen=True)
class _Step:
    """Compute slot ``result`` from the slots ``arguments``; ``free`` are the slots that nobody reads afterwards."""

    compute: Compute
    arguments: tuple[int, ...]
    result: int
    free: tuple[int, ...]


class MilInterpreter:
    """Runs a MIL program with torch. States begin as zeros and stay from one run to the next.

    Raises:
        UserError: the program has an operation, or a form of one, that is not known here.
    """

    def __init__(self, program: MilProgram) -> None:
        self.program = program
        self._slots = {value.name: number for number, value in enumerate(program.inputs)}
        self._constants: dict[int, torch.Tensor] = {}
        self._steps: list[_Step] = []
        self._states: dict[str, torch.Tensor] = {}
        self.reset()
        translated = [self._translate(op) for op in program.operations]
        self._plan([step for step in translated if step is not None])

    def reset(self) -> None:
        """The program's states become zeros, as those of a new ``MLState`` are."""
        self._states.update({state.name: torch.zeros(state.shape) for state in self.program.states})

    def run(self, feeds: Mapping[str, np.ndarray | torch.Tensor]) -> dict[str, np.ndarray]:
        """Values of the program's outputs by name, from values of all its inputs by name.

        Raises:
            UserError: an input is missing, or has another shape than the program declares.
        """
        values: list[torch.Tensor | None] = [None] * len(self._slots)
        for number, constant in self._constants.items():
            values[number] = constant
        for declared in self.program.inputs:
            if declared.name not in feeds:
                raise UserError(f"{self.program.path}: input {declared.name} is missing")
            value = torch.as_tensor(feeds[declared.name]).float()
            if tuple(value.shape) != declared.shape:
                given = tuple(value.shape)
                raise UserError(f"{self.program.path}: input {declared.name} is {given}; expected {declared.shape}")
            # Channels-last frames make the program's transposes free.
            memory = torch.channels_last if value.dim() == 4 else torch.contiguous_format
            values[self._slots[declared.name]] = value.contiguous(memory_format=memory)
        with torch.no_grad():
            for step in self._steps:
                values[step.result] = step.compute(*(values[number] for number in step.arguments))
                for number in step.free:
                    values[number] = None
        results = {output.name: values[self._slots[output.name]] for output in self.program.outputs}
        return {name: value.numpy() for name, value in results.items() if value is not None}

    def _translate(self, op: MilOp) -> _Step | None:
        if op.type in _STATES:
            return self._translate_state(op)
        if op.type not in {*_BUILDERS, *_CONSTANTS} or len(op.outputs) != 1:
            raise UserError(
                f"{self.program.path}: {op.describe()} is unknown to the reference interpreter, which has "
                f"{', '.join(sorted({*_BUILDERS, *_CONSTANTS, *_STATES}))}"
            )
        result = self._slots.setdefault(op.output.name, len(self._slots))
        if op.type in _CONSTANTS:
            self._constants[result] = _CONSTANTS[op.type](op)
            return None
        compute = _BUILDERS[op.type](op)
        if op.output.dtype == "fp16" and op.type not in _EXACT:
            compute = _rounded_to_half(compute)
        return _Step(compute, tuple(self._arguments(op)), result, ())

    def _translate_state(self, op: MilOp) -> _Step:
        """A read copies what the state holds, a write replaces it; nothing here writes into a tensor that was read."""
        name = op.inputs["input"][0]
        if not isinstance(name, str) or name not in self._states:
            raise UserError(f"{self.program.path}: {op.describe()} is of no state of the program")
        result = len(self._slots)
        if op.type == "read_state":
            self._slots[op.output.name] = result
            return _Step(lambda: self._states[name], (), result, ())
        self._slots[f"write {result} of {name}"] = result

        def write(value: torch.Tensor) -> torch.Tensor:
            self._states[name] = value.half().float()  # a state is float16
            return value

        return _Step(write, tuple(self._arguments(op)), result, ())

    def _arguments(self, op: MilOp) -> list[int]:
        """Slots of the operation's tensors; constants among them get slots of their own."""
        numbers = []
        for parameter in _TENSORS.get(op.type, ("x",)):
            for binding in op.inputs.get(parameter, []):
                if isinstance(binding, np.ndarray):
                    numbers.append(len(self._slots))
                    self._slots[f"constant {len(self._slots)}"] = numbers[-1]
                    self._constants[numbers[-1]] = torch.as_tensor(np.array(binding, dtype=np.float32))
                else:
                    numbers.append(self._slots[binding])
        return numbers

    def _plan(self, steps: list[_Step]) -> None:
        """Find out after which step each value is last read, so that memory is given back."""
        needed = {self._slots[output.name] for output in self.program.outputs} | set(self._constants)
        for step in reversed(steps):
            free = tuple({number for number in step.arguments if number not in needed})
            needed.update(step.arguments)
            self._steps.insert(0, _Step(step.compute, step.arguments, step.result, free))


def _rounded_to_half(compute: Compute) -> Compute:
    return lambda *arguments: compute(*arguments).half().float()


def _scale_and_zero(op: MilOp) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and zero point in a shape that broadcasts over the operation's result."""
    scale = torch.as_tensor(np.array(op.array("scale"), dtype=np.float32))
    zero_point = op.array("zero_point")
    zero = torch.zeros_like(scale) if zero_point is None else torch.as_tensor(np.array(zero_point, dtype=np.float32))
    if scale.dim() == 1:
        shape = [1] * len(op.output.shape)
        shape[op.constant("axis")] = -1
        return scale.view(shape), zero.expand_as(scale).reshape(shape)
    return scale, zero


def _quantize(op: MilOp) -> Compute:
    """``clip(round(input / scale) + zero_point)``; round half to even."""
    scale, zero = _scale_and_zero(op)
    low, high = _INT8_RANGES[op.constant("output_dtype")]
    dtype = torch.int8 if low < 0 else torch.uint8
    return lambda x: x.div(scale).round_().add_(zero).clamp_(low, high).to(dtype)


def _dequantize(op: MilOp) -> Compute:
    """``scale * (input - zero_point)``."""
    scale, zero = _scale_and_zero(op)
    if bool((zero == 0).all()):
        return lambda q: q * scale
    return lambda q: q.float().sub_(zero).mul_(scale)


def _affine_constant(op: MilOp) -> torch.Tensor:
    """Weights of iOS 16 and 17: ``scale * (quantized_data - zero_point)``."""
    scale, zero = _scale_and_zero(op)
    value = (torch.as_tensor(np.array(op.array("quantized_data"))).float() - zero) * scale
    return value.half().float() if op.output.dtype == "fp16" else value


def _blockwise_constant(op: MilOp) -> torch.Tensor:
    """Weights of iOS 18: ``scale * (data - offset)``, where a block is a whole axis or one of its elements."""
    data, scale, offset = (op.array(name) for name in ("data", "scale", "offset"))
    if data is None or scale is None or any(s not in (1, d) for s, d in zip(scale.shape, data.shape, strict=True)):
        raise UserError(f"{op.describe()}: smaller blocks are unknown to the reference interpreter")
    shifted = data.astype(np.float32) - np.float32(0 if offset is None else offset)
    value = torch.as_tensor(shifted * scale.astype(np.float32))
    return value.half().float() if op.output.dtype == "fp16" else value


def _padding(op: MilOp) -> tuple[int, int, int, int]:
    """Rows before and after, columns before and after.

    Raises:
        UserError: a way of padding that our networks do not have.
    """
    kind = op.constant("pad_type")
    if kind == "valid":
        return 0, 0, 0, 0
    pad = op.constant("pad")
    if kind != "custom" or len(pad) != 4:
        raise UserError(f"{op.describe()}: padding {kind!r} is unknown to the reference interpreter")
    return tuple(pad)


def _conv(op: MilOp) -> Compute:
    stride, dilation, groups = op.constant("strides"), op.constant("dilations"), op.constant("groups")
    top, bottom, left, right = _padding(op)
    if (top, left) == (bottom, right):
        return lambda x, w, b=None: F.conv2d(x, w, b, stride, (top, left), dilation, groups)
    pad = (left, right, top, bottom)
    return lambda x, w, b=None: F.conv2d(F.pad(x, pad), w, b, stride, 0, dilation, groups)


def _slice_by_index(op: MilOp) -> Compute:
    """Begin and end per axis; a mask stands for the axis' own border."""
    rank = len(op.constant("begin"))
    begins, ends = op.constant("begin"), op.constant("end")
    no_begin, no_end = op.constant("begin_mask", [False] * rank), op.constant("end_mask", [False] * rank)
    strides, squeeze = op.constant("stride", [1] * rank), op.constant("squeeze_mask", [False] * rank)
    if any(squeeze) or any(stride < 1 for stride in strides):
        raise UserError(f"{op.describe()}: squeezing or a stride below 1 is unknown to the reference interpreter")
    index = tuple(
        slice(None if no_begin[axis] else begins[axis], None if no_end[axis] else ends[axis], strides[axis])
        for axis in range(rank)
    )
    return lambda x: x[index]


def _pad(op: MilOp) -> Compute:
    """Constant padding; ``pad`` holds before and after per axis, for the last axes."""
    pairs, mode, value = op.constant("pad"), op.constant("mode", "constant"), op.constant("constant_val", 0.0)
    if mode != "constant":
        raise UserError(f"{op.describe()}: padding {mode!r} is unknown to the reference interpreter")
    pad = [size for axis in range(len(pairs) // 2 - 1, -1, -1) for size in pairs[2 * axis : 2 * axis + 2]]
    return lambda x: F.pad(x, pad, value=value)


def _concat(op: MilOp) -> Compute:
    axis = op.constant("axis")
    if op.constant("interleave", False):
        raise UserError(f"{op.describe()}: interleave is unknown to the reference interpreter")
    return lambda *values: torch.cat(values, dim=axis)


def _reduce_mean(op: MilOp) -> Compute:
    axes, keep = op.constant("axes"), op.constant("keep_dims", False)
    return lambda x: x.mean(dim=axes, keepdim=keep)


def _transpose(op: MilOp) -> Compute:
    permutation = op.constant("perm")
    return lambda x: x.permute(permutation)


def _reshape(op: MilOp) -> Compute:
    shape = op.output.shape
    return lambda x: x.reshape(shape)


def _cast(op: MilOp) -> Compute:
    kind = op.constant("dtype")
    if kind not in _CASTS:
        raise UserError(f"{op.describe()}: a cast to {kind} is unknown to the reference interpreter")
    return lambda x: x.to(_CASTS[kind])


# The tensors of each operation, where they are not just "x".
_TENSORS = {
    "add": ("x", "y"),
    "concat": ("values",),
    "conv": ("x", "weight", "bias"),
    "dequantize": ("input",),
    "quantize": ("input",),
    "write_state": ("data",),
}
_STATES = ("read_state", "write_state")
_CONSTANTS: dict[str, Callable[[MilOp], torch.Tensor]] = {
    "constexpr_affine_dequantize": _affine_constant,
    "constexpr_blockwise_shift_scale": _blockwise_constant,
}
_BUILDERS: dict[str, Callable[[MilOp], Compute]] = {
    "add": lambda op: torch.add,
    "cast": _cast,
    "concat": _concat,
    "conv": _conv,
    "dequantize": _dequantize,
    "pad": _pad,
    "quantize": _quantize,
    "reduce_mean": _reduce_mean,
    "relu6": lambda op: lambda x: x.clamp(0, 6),
    "reshape": _reshape,
    "slice_by_index": _slice_by_index,
    "transpose": _transpose,
}
# Operations that only move or select values: nothing to round.
_EXACT = {"concat", "relu6", "reshape", "slice_by_index", "transpose"}
