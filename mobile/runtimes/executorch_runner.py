"""Runs a .pte in ExecuTorch with XNNPACK.

Axes: T frame, H row, W column, C colour, K class.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mobile.interface.contract import Contract
from mobile.runtimes.native_log import native_log
from mobile.runtimes.state_keeping import reset_states
from training.common.errors import UserError, missing_extra

_TYPES: dict[int, np.dtype] = {1: np.dtype(np.int8), 6: np.dtype(np.float32)}  # numbers of ExecuTorch's ScalarType
_threads_of_process: int | None = None


class ExecuTorchRunner:
    """One clip in, logits out.

    ExecuTorch has one pool of threads in a process, and a loaded program keeps a pointer to it: the first runner
    fixes the number of threads for the process.

    Args:
        path: a .pte made by ``converters``, of any precision.
        threads: threads of XNNPACK.

    Attributes:
        runtime: name, version and delegate.
        load_seconds: reading the file and packing the weights.
        input_shape: (T, S, S, 3).
        input_type: int8 (pixel - 128) or float32 (normalised).

    Raises:
        UserError: the file is missing or no .pte, executorch is not installed, or this process runs ExecuTorch with
            another number of threads already.
    """

    def __init__(self, path: Path | str, threads: int = 1) -> None:
        if not Path(path).is_file():
            raise UserError(f"there is no file {path}; export it with converters/export_executorch.py")
        self.path, self.threads = Path(path), threads
        runtime = runtime_with(threads)
        start = time.perf_counter()
        with native_log() as log:
            try:
                self._program = runtime.load_program(self.path)
                self._method = self._program.load_method("forward")
                meta = self._method.metadata.input_tensor_meta(0)
                self.input_type: np.dtype = _TYPES[meta.dtype()]
            except (RuntimeError, LookupError) as error:
                reason = " ".join((log() or str(error)).split())[-200:]
                raise UserError(f"ExecuTorch cannot load {path}: {reason}; export it again") from error
        self.load_seconds = time.perf_counter() - start
        self._clip: Resident | None = None
        self._bound_to: Resident | None = None
        self.input_shape = tuple(meta.sizes())
        self.runtime = f"executorch {version('executorch')} (XNNPACK)"

    def run(self, x_THWC: np.ndarray) -> np.ndarray:
        """A clip in the type and shape of the artefact's input -> logits float32 (rows, K).

        Raises:
            UserError: another type or shape, or a runner that was closed.
        """
        self._native()  # of a closed runner, this is what is wrong
        if x_THWC.shape != self.input_shape or x_THWC.dtype != self.input_type:
            takes, given = f"{self.input_type} {self.input_shape}", f"{x_THWC.dtype} {x_THWC.shape}"
            raise UserError(f"{self.path.name} takes a clip of {takes}, not of {given}")
        if self._clip is None:
            self._clip = Resident(self, x_THWC.shape, x_THWC.dtype)
        return self._clip.run(x_THWC).copy()

    def step(self, inputs: dict[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """All inputs in the artefact's order -> copies of the outputs, in its order, by the names given."""
        results = self.execute([torch.from_numpy(value) for value in inputs.values()])
        return {name: result.numpy().copy() for name, result in zip(outputs, results, strict=True)}

    def execute(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        """All inputs -> all outputs, both in the artefact's order; the outputs are views of the program's memory, valid
        until the next call.

        Raises:
            UserError: the runner was closed.
        """
        self._bound_to = None
        # not through Method.execute, which clones all outputs into memory allocated anew
        return self._native()(inputs, False)

    def execute_resident(self, resident: Resident) -> list[torch.Tensor] | None:
        """Compute from the memory of ``resident``, binding it first if another's is bound; the outputs if so.

        Raises:
            UserError: the runner was closed.
        """
        if self._bound_to is resident:
            self._native().execute()
            return None
        outputs = self.execute(resident.inputs())
        self._native().set_inputs([resident.frames, *outputs[1:]])
        self._bound_to = resident
        return outputs

    def _native(self) -> Any:
        if self._method is None:
            raise UserError(f"{self.path.name} was closed; open it again to run it")
        return self._method._method

    def open_stream(self, contract: Contract) -> ExecuTorchStream:
        """The states of a stream, kept in the program's memory."""
        return ExecuTorchStream(self, contract)

    def close(self) -> None:
        """Free the program and its memory; the runner cannot run afterwards."""
        self._method = self._program = self._clip = self._bound_to = None


class Resident:
    """A program's inputs and outputs that stay where they are: from the second call on it is handed the frames only.

    Tensors made anew for each call cost two hundredths of a streamed frame's time at 224 pixels.

    Args:
        shape, dtype: of the frames, the first input.
        states: the inputs that follow; from the first call on the outputs that follow the logits stand in their place.
    """

    def __init__(
        self, runner: ExecuTorchRunner, shape: Sequence[int], dtype: np.dtype, states: Sequence[torch.Tensor] = ()
    ) -> None:
        self._runner, self._array, self._logits = runner, np.empty(shape, dtype), np.empty(0)
        self.frames, self.states = torch.from_numpy(self._array), list(states)

    def inputs(self) -> list[torch.Tensor]:
        """In the artefact's order."""
        return [self.frames, *self.states]

    def run(self, frames: np.ndarray) -> np.ndarray:
        """Frames -> the program's own logits, valid until its next call."""
        np.copyto(self._array, frames, casting="no")
        outputs = self._runner.execute_resident(self)
        if outputs is not None:
            logits, *self.states = outputs
            self._logits = logits.numpy()
        return self._logits


class ExecuTorchStream:
    """States that stay in the program's memory: an output of one step is, in place, an input of the next.

    A new state is a slice of a concat that has read the old one whole, so nobody reads the memory that it is written
    to any more; the tests compare every frame's logits with the clip's, bit by bit.
    """

    def __init__(self, runner: ExecuTorchRunner, contract: Contract) -> None:
        self._runner, self._contract = runner, contract
        self.write(reset_states(contract))

    def step(self, tensor: np.ndarray) -> np.ndarray:
        """The input tensor of the next frames -> logits (B, K), float32; valid until the next step."""
        return self._program.run(tensor)

    def read(self) -> dict[str, np.ndarray]:
        """Copies of the states by the names of their inputs."""
        names = [state.input for state in self._contract.states]
        return {name: value.numpy().copy() for name, value in zip(names, self._program.states, strict=True)}

    def write(self, states: dict[str, np.ndarray]) -> None:
        """Copy these states in."""
        frames = self._contract.input
        copies = [torch.from_numpy(states[state.input].copy()) for state in self._contract.states]
        self._program = Resident(self._runner, frames.shape, np.dtype(frames.dtype), copies)


def runtime_with(threads: int) -> Any:
    """ExecuTorch with its pool set to ``threads``."""
    global _threads_of_process
    if threads < 1:
        raise UserError(f"threads is {threads}; expected at least 1")
    with native_log(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from executorch.extension.pybindings import portable_lib
            from executorch.runtime import Runtime
        except ImportError as error:
            raise missing_extra("executorch", "executorch") from error
        if _threads_of_process is None:
            portable_lib._unsafe_reset_threadpool(threads)
            _threads_of_process = threads
            torch.set_num_threads(threads)  # PyTorch copies the outputs, in its own threads
    if threads != _threads_of_process:
        raise UserError(
            f"this process runs ExecuTorch with {_threads_of_process} thread(s) and cannot change to {threads}; "
            "measure each number of threads in a process of its own"
        )
    return Runtime.get()
