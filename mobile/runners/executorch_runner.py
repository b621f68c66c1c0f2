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

from mobile.contract import Contract
from mobile.runners.native_log import native_log
from mobile.runners.streams import reset_states
from training.errors import UserError, missing_extra

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
        self.input_shape = tuple(meta.sizes())
        self.runtime = f"executorch {version('executorch')} (XNNPACK)"

    def run(self, x_THWC: np.ndarray) -> np.ndarray:
        """A clip in the type and shape of the artefact's input -> logits float32 (rows, K).

        Raises:
            UserError: another type or shape, or a runner that was closed.
        """
        if self._method is None:
            raise UserError(f"{self.path.name} was closed; open it again to run it")
        if x_THWC.shape != self.input_shape or x_THWC.dtype != self.input_type:
            takes, given = f"{self.input_type} {self.input_shape}", f"{x_THWC.dtype} {x_THWC.shape}"
            raise UserError(f"{self.path.name} takes a clip of {takes}, not of {given}")
        logits: torch.Tensor = self._method.execute([torch.from_numpy(np.ascontiguousarray(x_THWC))])[0]
        return logits.numpy()

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
        if self._method is None:
            raise UserError(f"{self.path.name} was closed; open it again to run it")
        # not through Method.execute, which clones all outputs into memory allocated anew
        return self._method._method(inputs, False)

    def open_stream(self, contract: Contract) -> ExecuTorchStream:
        """The states of a stream, kept in the program's memory."""
        return ExecuTorchStream(self, contract)

    def close(self) -> None:
        """Free the program and its memory; the runner cannot run afterwards."""
        self._method = self._program = None


class ExecuTorchStream:
    """States that stay in the program's memory: an output of one step is, in place, an input of the next.

    A new state is a slice of a concat that has read the old one whole, so nobody reads the memory that it is written
    to any more; the tests compare every frame's logits with the clip's, bit by bit.
    """

    def __init__(self, runner: ExecuTorchRunner, contract: Contract) -> None:
        self._runner, self._contract = runner, contract
        self._states: list[torch.Tensor] = []
        self.write(reset_states(contract))

    def step(self, tensor: np.ndarray) -> np.ndarray:
        """The input tensor of the next frames -> logits (B, K), float32; valid until the next step."""
        logits, *self._states = self._runner.execute([torch.from_numpy(tensor), *self._states])
        return logits.numpy()

    def read(self) -> dict[str, np.ndarray]:
        """Copies of the states by the names of their inputs."""
        names = [state.input for state in self._contract.states]
        return {name: value.numpy().copy() for name, value in zip(names, self._states, strict=True)}

    def write(self, states: dict[str, np.ndarray]) -> None:
        """Copy these states in."""
        self._states = [torch.from_numpy(states[state.input].copy()) for state in self._contract.states]


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
