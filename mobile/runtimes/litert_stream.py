"""A streamed .tflite in LiteRT's CompiledModel, whose buffers serve as an output of one step and an input of the next.

The interpreter of ``litert_runner`` copies every state in and out of its own memory: at 224 pixels a tenth of a step.

Axes: B frames of one step, K class.
"""

from __future__ import annotations

import gc
import math
import time
import weakref
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mobile.interface.contract import Contract, TensorSpec
from mobile.runtimes.native_log import mute_at_exit, native_log
from mobile.runtimes.state_keeping import reset_states
from training.common.errors import UserError, missing_extra

_ALIGNMENT = 64


class LiteRTStream:
    """States as two sets of buffers: each step reads one and writes the other.

    Args:
        path: a .tflite of a stream made by ``converters``.
        contract: its side file.
        threads: threads of XNNPACK.

    Attributes:
        load_seconds: reading the file, delegating and packing the weights.

    Raises:
        UserError: the file is missing or no TFLite model, its inputs and outputs are not the contract's, or
            ai-edge-litert is not installed.
    """

    def __init__(self, path: Path, contract: Contract, threads: int = 1) -> None:
        if threads < 1:
            raise UserError(f"threads is {threads}; expected at least 1")
        _import_litert()
        self.runtime = f"LiteRT {version('ai-edge-litert')} (XNNPACK)"
        self._contract = contract
        started = time.perf_counter()
        model = _compile(path, threads)
        self._native: dict[str, Any] = {"model": model}
        weakref.finalize(self, _release, self._native)
        (signature,) = model.get_signature_list().values()
        inputs, outputs = signature["inputs"], signature["outputs"]
        _check_names(path, contract, inputs, outputs)
        one, other = model.create_input_buffers(0), model.create_input_buffers(0)
        frames = one[inputs.index(contract.input.name)]
        other[inputs.index(contract.input.name)] = frames
        # memory of numpy's, which the model writes where it is: a buffer's own read costs more
        self._logits, logits = _shared(contract.output)
        buffers = [dict(zip(inputs, side, strict=True)) for side in (one, other)]
        becomes = {state.output: state.input for state in contract.states}
        turns = [
            (here, [logits if name == contract.output.name else there[becomes[name]] for name in outputs])
            for here, there in ((one, buffers[1]), (other, buffers[0]))
        ]
        self._native |= {"frames": frames, "buffers": buffers, "turns": turns}
        self._turn = 0
        with native_log():  # the first write makes an environment of its own, aloud, which ends with the program
            mute_at_exit()
            self.write(reset_states(contract))
        self.load_seconds = time.perf_counter() - started

    def open_stream(self, contract: Contract) -> LiteRTStream:
        """Itself: it was opened for this contract."""
        assert contract == self._contract
        return self

    def run(self, input_tensor: np.ndarray) -> np.ndarray:
        """Not of a stream, which knows steps only."""
        raise TypeError("a stream is run by its steps")

    def step(self, tensor: np.ndarray) -> np.ndarray:
        """The input tensor of the next frames -> logits (B, K) of the artefact's type, valid until the next step."""
        native = self._native
        native["frames"].write(tensor)
        native["model"].run_by_index(0, *native["turns"][self._turn])
        self._turn = 1 - self._turn
        return self._logits

    def read(self) -> dict[str, np.ndarray]:
        """Copies of the states by the names of their inputs."""
        held = self._native["buffers"][self._turn]
        return {
            state.input: held[state.input].read(math.prod(state.shape), np.dtype(state.dtype)).reshape(state.shape)
            for state in self._contract.states
        }

    def write(self, states: dict[str, np.ndarray]) -> None:
        """Copy these states in."""
        for name, state in states.items():
            self._native["buffers"][self._turn][name].write(state)


def _shared(tensor: TensorSpec) -> tuple[np.ndarray, Any]:
    """An array, and a buffer of LiteRT in the same memory, which LiteRT wants at a multiple of 64 bytes."""
    from ai_edge_litert.tensor_buffer import TensorBuffer

    dtype, count = np.dtype(tensor.dtype), math.prod(tensor.shape)
    memory = np.zeros(count * dtype.itemsize + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    array = memory[start : start + count * dtype.itemsize].view(dtype).reshape(tensor.shape)
    return array, TensorBuffer.create_from_host_memory(array)


def _release(native: dict[str, Any]) -> None:
    """Free the model while its farewell can be kept off the screen."""
    with native_log():
        native.clear()
        gc.collect()


def _import_litert() -> None:
    """Import LiteRT before the clock starts. Raises UserError where it is not installed."""
    with native_log():
        try:
            import ai_edge_litert.compiled_model
            import ai_edge_litert.tensor_buffer  # noqa: F401
        except ImportError as error:
            raise missing_extra("ai-edge-litert", "tflite") from error


def _compile(path: Path, threads: int) -> Any:
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator
    from ai_edge_litert.options import CpuOptions, Options

    with native_log() as log:  # of accelerators of other makers that are not here
        options = Options(
            hardware_accelerators=HardwareAccelerator.CPU, cpu_options=CpuOptions(num_threads=threads)
        )  # fmt: skip
        try:
            return CompiledModel.from_file(str(path), options=options)
        except (ValueError, RuntimeError) as error:
            reason = " ".join((log() or str(error)).split())[-200:]
            raise UserError(f"LiteRT cannot load {path}: {reason}; export it again") from error


def _check_names(path: Path, contract: Contract, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    wanted = {contract.input.name, *(s.input for s in contract.states)}
    wanted |= {contract.output.name, *(s.output for s in contract.states)}
    found = {*inputs, *outputs}
    if wanted != found:
        odd = ", ".join(sorted(wanted ^ found))
        raise UserError(f"{path} and its contract differ in {odd}; export it again")
