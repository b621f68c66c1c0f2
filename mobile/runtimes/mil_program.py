"""A Core ML package's MIL program as plain data: operations, their inputs by name, constants as numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mobile.runtimes.coremltools_import import load_coremltools, quiet
from training.common.errors import UserError

Binding = str | np.ndarray  # the name of a value, or a constant


@dataclass(frozen=True)
class MilValue:
    """A named tensor: shape and element type ("fp32", "fp16", "int8", "uint8", "int32", ...)."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class MilOp:
    """One operation. ``inputs`` maps each parameter to its bindings; only ``concat`` has more than one."""

    type: str
    inputs: dict[str, list[Binding]]
    outputs: list[MilValue]

    @property
    def output(self) -> MilValue:
        """The only one, of most operations."""
        return self.outputs[0]

    def constant(self, parameter: str, default: Any = None) -> Any:
        """The parameter's constant as a Python value or list.

        Raises:
            UserError: the parameter is computed, or absent without a default.
        """
        value = self.array(parameter)
        if value is not None:
            return value.tolist()
        if default is None:
            raise UserError(f"{self.describe()}: parameter {parameter} is missing")
        return default

    def array(self, parameter: str) -> np.ndarray | None:
        """The parameter's constant as an array, or None when the parameter is absent.

        Raises:
            UserError: the parameter is computed.
        """
        bindings = self.inputs.get(parameter)
        if not bindings:
            return None
        if isinstance(bindings[0], str):
            raise UserError(f"{self.describe()}: parameter {parameter} is computed; expected a constant")
        return bindings[0]

    def names(self) -> list[str]:
        """The values that this operation reads, in the order of its parameters."""
        return [binding for bindings in self.inputs.values() for binding in bindings if isinstance(binding, str)]

    def describe(self) -> str:
        """Type and output name, for messages; the state's name for a write, which has no output."""
        return f"MIL op {self.type} ({self.output.name if self.outputs else self.inputs['input'][0]})"


@dataclass(frozen=True)
class MilProgram:
    """The main function of an ML Program. Constants are inside the operations that use them.

    Attributes:
        states: what the program keeps from one prediction to the next, in float16; ``read_state`` and ``write_state``
            (which has no output) name them as their ``input``.
    """

    path: Path
    opset: str
    inputs: list[MilValue]
    outputs: list[MilValue]
    operations: list[MilOp]
    metadata: dict[str, str]
    states: list[MilValue] = field(default_factory=list)


def read_mil_program(path: Path | str) -> MilProgram:
    """Read the program of an .mlpackage with coremltools' own readers.

    Raises:
        UserError: the package is missing or broken, is no ML Program, or coremltools is not installed.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"there is no Core ML package at {path}; export one with converters/export_coreml.py")
    coremltools = load_coremltools()
    try:
        with quiet():
            spec = coremltools.utils.load_spec(str(path))
            return _program(path, spec)
    except UserError:
        raise
    except Exception as error:  # coremltools raises many types here, RuntimeError and DecodeError among them
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is no readable Core ML package ({reason}); export it again") from error


def _program(path: Path, spec: Any) -> MilProgram:
    from coremltools.converters.mil.frontend.milproto import load as milproto

    if spec.WhichOneof("Type") != "mlProgram" or "main" not in spec.mlProgram.functions:
        raise UserError(f"{path} holds no ML Program with a main function; export it with converters/export_coreml.py")
    main = spec.mlProgram.functions["main"]
    block = main.block_specializations[main.opset]
    context = milproto.TranscriptionContext(str(path / "Data" / "com.apple.CoreML" / "weights"))
    constants: dict[str, np.ndarray] = {}
    operations: list[MilOp] = []
    for op in block.operations:
        if op.type == "const":
            constants[op.outputs[0].name] = np.asarray(milproto._load_value(context, op.attributes["val"]))
        else:
            operations.append(_operation(op, constants, context, milproto))
    values = {value.name: value for op in operations for value in op.outputs}
    return MilProgram(
        path=path,
        opset=main.opset,
        inputs=[_value(value) for value in main.inputs if not _is_state(value)],
        outputs=[values[name] for name in block.outputs],
        operations=operations,
        metadata=dict(spec.description.metadata.userDefined),
        states=[_state(value) for value in main.inputs if _is_state(value)],
    )


def _operation(op: Any, constants: dict[str, np.ndarray], context: Any, milproto: Any) -> MilOp:
    inputs: dict[str, list[Binding]] = {}
    for parameter, argument in op.inputs.items():
        inputs[parameter] = [
            constants.get(binding.name, binding.name)
            if binding.WhichOneof("binding") == "name"
            else np.asarray(milproto._load_value(context, binding.value))
            for binding in argument.arguments
        ]
    # constexpr ops of iOS 16 and 17 keep their constants as attributes
    for parameter, value in op.attributes.items():
        if parameter != "name":
            inputs[parameter] = [np.asarray(milproto._load_value(context, value))]
    return MilOp(op.type, inputs, [_value(output) for output in op.outputs])


def _is_state(named: Any) -> bool:
    return bool(named.type.WhichOneof("type") == "stateType")


def _state(named: Any) -> MilValue:
    return _typed(named.name, named.type.stateType.wrappedType)


def _value(named: Any) -> MilValue:
    return _typed(named.name, named.type)


def _typed(name: str, proto_type: Any) -> MilValue:
    from coremltools.converters.mil.frontend.milproto.helper import proto_to_types
    from coremltools.converters.mil.mil import types

    kind = proto_to_types(proto_type)
    tensor = types.is_tensor(kind)
    shape = tuple(int(size) for size in kind.get_shape()) if tensor else ()
    return MilValue(name, shape, types.builtin_to_string(kind.get_primitive() if tensor else kind))
