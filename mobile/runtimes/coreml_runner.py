"""Runs an .mlpackage: in Core ML on a Mac, elsewhere in the reference interpreter of its MIL program.

Axes: T frame, C colour, H row, W column, K class.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mobile.runtimes.coremltools_import import load_coremltools, quiet
from mobile.runtimes.mil_interpreter import MilInterpreter
from mobile.runtimes.mil_program import MilValue, read_mil_program
from training.common.errors import UserError

COMPUTE_UNITS = ("ALL", "CPU_AND_GPU", "CPU_AND_NE", "CPU_ONLY")
INTERPRETER = "reference interpreter of the MIL program (no Core ML on this system)"


class CoreMLRunner:
    """One clip in, logits out; or one step of a stream, whose states are inputs and outputs or kept inside.

    Args:
        path: an .mlpackage made by ``converters``, of any precision.
        compute_units: where Core ML may compute, a name of ``COMPUTE_UNITS``; without meaning off a Mac.

    Attributes:
        runtime: Core ML's version, or that the interpreter stands in for it.
        load_seconds: reading and preparing the package.
        input_shape: (T, 3, S, S).

    Raises:
        UserError: the package is missing, broken or of unknown operations, coremltools is not installed, or the
            compute units have an unknown name.
    """

    def __init__(self, path: Path | str, compute_units: str = "ALL") -> None:
        if compute_units not in COMPUTE_UNITS:
            raise UserError(f"compute units are {compute_units!r}; expected one of {', '.join(COMPUTE_UNITS)}")
        load_coremltools()  # its import is no part of the load time
        start = time.perf_counter()
        self.path = Path(path)
        program = read_mil_program(self.path)
        frames = next((value for value in program.inputs if value.name == "frames"), program.inputs[0])
        self._input, self.input_shape = frames.name, frames.shape
        self._output = next(
            (value.name for value in program.outputs if value.name == "logits"), program.outputs[0].name
        )
        self._model: Any = None
        self._state: Any = None
        self._stateful = bool(program.states)
        if sys.platform == "darwin":
            self._model = _load_model(self.path, compute_units)
            self.runtime = f"Core ML of macOS {platform.mac_ver()[0]}, {compute_units}"
        else:
            self._interpreter = MilInterpreter(program)
            self.runtime = INTERPRETER
        self.reset()
        self.load_seconds = time.perf_counter() - start

    def reset(self) -> None:
        """The states that the package keeps become zeros; without effect where it keeps none.

        Raises:
            UserError: this system's Core ML has no states.
        """
        if self._model is None:
            self._interpreter.reset()
        elif self._stateful:
            self._state = _new_state(self._model, self.path)

    def run(self, x_TCHW: np.ndarray) -> np.ndarray:
        """Normalised frames (T, 3, S, S) -> logits float32 (rows, K).

        Raises:
            UserError: frames of another shape.
        """
        if tuple(x_TCHW.shape) != self.input_shape:
            raise UserError(f"{self.path} takes frames of {self.input_shape}; got {tuple(x_TCHW.shape)}")
        return self.step({self._input: np.asarray(x_TCHW, dtype=np.float32)}, [self._output])[self._output]

    def step(self, inputs: dict[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """All inputs by name -> the named outputs, float32."""
        if self._model is None:
            results = self._interpreter.run(inputs)
        else:
            results = self._model.predict(inputs, self._state) if self._stateful else self._model.predict(inputs)
        return {name: np.asarray(results[name], dtype=np.float32) for name in outputs}


def _main(values: Sequence[MilValue], name: str) -> MilValue:
    """The value of that name beside a stream's states; of packages of other makers the first one."""
    return next((value for value in values if value.name == name), values[0])


def _load_model(path: Path, compute_units: str) -> Any:
    ct = load_coremltools()
    try:
        with quiet():
            return ct.models.MLModel(str(path), compute_units=ct.ComputeUnit[compute_units])
    except Exception as error:  # Core ML's compiler reports through RuntimeError and others
        reason = " ".join(str(error).split())
        raise UserError(f"Core ML cannot load {path} ({reason}); export it again") from error


def _new_state(model: Any, path: Path) -> Any:
    try:
        return model.make_state()
    except Exception as error:  # macOS 14 has no such call, and says so in its own ways
        reason = " ".join(str(error).split())
        raise UserError(f"{path} keeps its states, for which Core ML needs macOS 15 or iOS 18 ({reason})") from error
