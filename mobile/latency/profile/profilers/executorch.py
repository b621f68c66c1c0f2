"""ExecuTorch's profiler: an ETDump, read by the Inspector. XNNPACK logs each of its operators into it."""

from __future__ import annotations

import re
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mobile.latency.profile.profilers import Samples, noise
from mobile.runtimes.executorch_runner import runtime_with
from mobile.runtimes.native_log import native_log
from training.common.errors import UserError

_TYPES: dict[int, np.dtype] = {1: np.dtype(np.int8), 6: np.dtype(np.float32)}
_METHOD = "forward"
_WHOLE = "Method::execute"
_OF_RUNTIME = (_WHOLE, "DELEGATE_CALL", "OPERATOR_CALL", "Method::init", "Program::load_method")


class ExecuTorchProfiler:
    """A .pte in ExecuTorch with XNNPACK, profiled.

    Args:
        model: a file's path, or its content.

    Raises:
        UserError: executorch is not installed, was built without event tracing, or cannot load the model.
    """

    def __init__(self, model: Path | bytes, *, threads: int = 1, seed: int = 0) -> None:
        runtime_with(threads)
        from executorch.extension.pybindings import portable_lib

        self._model = model  # the runtime reads from it
        self._name = model.name if isinstance(model, Path) else "the model"
        self.runtime = f"executorch {version('executorch')} (XNNPACK)"
        self.method = "ExecuTorch's ETDump, the events of XNNPACK's operators"
        with native_log():
            try:
                if isinstance(model, bytes):
                    self._module = portable_lib._load_for_executorch_from_buffer(model, enable_etdump=True)
                else:
                    self._module = portable_lib._load_for_executorch(str(model), enable_etdump=True)
                meta = self._module.method_meta(_METHOD)
            except RuntimeError as error:
                reason = " ".join(str(error).split())[:200]
                raise UserError(f"ExecuTorch cannot load {self._name}: {reason}") from error
        rng = np.random.default_rng(seed)
        borders = [meta.input_tensor_meta(index) for index in range(meta.num_inputs())]
        self._inputs = [torch.from_numpy(noise(tuple(b.sizes()), _TYPES[b.dtype()], rng)) for b in borders]

    def run(self) -> None:
        """One inference with tracing on."""
        self._module.run_method(_METHOD, self._inputs)

    def samples(self) -> Samples:
        """Of all runs so far.

        Raises:
            UserError: the runtime wrote no events of operators.
        """
        events = self._events()
        whole = next((event for event in events if event.name == _WHOLE), None)
        ops = [event for event in events if event.name not in _OF_RUNTIME and event.perf_data is not None]
        if whole is None or not ops:
            raise UserError(
                f"executorch {version('executorch')} traced no operators of {self._name}: it was built without "
                "event tracing (EXECUTORCH_ENABLE_EVENT_TRACER); the wheel of 1.5.1 for Linux has it"
            )
        kernels = tuple(re.sub(r" #\d+$", "", event.name) for event in ops)
        op_us = 1000 * np.asarray([event.perf_data.raw for event in ops], float).T
        return Samples(kernels, op_us, 1000 * np.asarray(whole.perf_data.raw, float))

    def _events(self) -> list[Any]:
        """Of the block of executions; each holds the milliseconds of every run."""
        with tempfile.TemporaryDirectory() as folder, native_log(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from executorch.devtools import Inspector

            dump = Path(folder) / "etdump.etdp"
            if not self._module.has_etdump():
                return []
            self._module.write_etdump_result_to_file(str(dump), str(Path(folder) / "debug.bin"))
            blocks = Inspector(etdump_path=str(dump)).event_blocks
        return [event for block in blocks if block.name == "Execute" for event in block.events]
