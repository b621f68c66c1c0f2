"""One way to run any artefact: uint8 frames in, float logits out, by its contract alone.

Axes: T frame, S height and width, C colour, H row, W column, K class, M clips.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mobile.contract import Contract, load_contract
from training.errors import UserError
from training.input_spec import InputSpec

SUFFIXES = {".tflite": "litert", ".pte": "executorch", ".mlpackage": "coreml"}


class Backend(Protocol):
    """A runtime with a loaded artefact."""

    runtime: str

    def run(self, input_tensor: np.ndarray) -> np.ndarray:
        """One inference: the input tensor as the contract describes it -> logits float32 (K,)."""


class ArtefactRunner:
    """A loaded artefact.

    Attributes:
        contract: its side file.
        runtime: name and version of what computes, or the interpreter that stands in for it.
        load_seconds: time to load and prepare.

    Raises:
        UserError: a missing or broken artefact, contract or runtime.
    """

    def __init__(self, artefact: Path | str, *, threads: int = 1) -> None:
        self.path = Path(artefact)
        if not self.path.exists():
            raise UserError(f"there is no artefact {self.path}; make one with converters/export_*.py")
        if self.path.suffix not in SUFFIXES:
            raise UserError(f"{self.path} is no artefact: expected a name ending in {', '.join(SUFFIXES)}")
        self.contract: Contract = load_contract(self.path)
        started = time.perf_counter()
        self._backend = _open(self.path, threads)
        self.load_seconds = time.perf_counter() - started
        self.runtime = self._backend.runtime

    def input_tensor(self, frames_TSSC: np.ndarray) -> np.ndarray:
        """Preprocessed uint8 frames (T, S, S, 3) as the artefact's input tensor."""
        return input_tensor(frames_TSSC, self.contract)

    def run(self, tensor: np.ndarray) -> np.ndarray:
        """Input tensor -> logits float32 (K,)."""
        return self._backend.run(tensor)

    def logits(self, frames_TSSC: np.ndarray) -> np.ndarray:
        """Preprocessed uint8 frames (T, S, S, 3) -> logits float32 (K,)."""
        return self.run(self.input_tensor(frames_TSSC))


def input_tensor(frames_TSSC: np.ndarray, contract: Contract) -> np.ndarray:
    """Normalise (and quantize) uint8 frames into the layout and type that a contract asks for."""
    spec, tensor = contract.frames, contract.input
    mean, std = (np.asarray(v, dtype=np.float32) * np.float32(255) for v in (spec.mean, spec.std))
    x_TSSC = (frames_TSSC.astype(np.float32) - mean) / std
    if tensor.quantization is not None:
        real = x_TSSC / np.float32(tensor.quantization.scale) + tensor.quantization.zero_point
        x_TSSC = np.clip(np.rint(real), -128, 127).astype(np.int8)
    x = x_TSSC.transpose(0, 3, 1, 2) if tensor.layout == "TCHW" else x_TSSC
    return np.ascontiguousarray(x)


def _open(path: Path, threads: int) -> Backend:
    kind = SUFFIXES[path.suffix]
    if kind == "litert":
        from mobile.runners.litert_runner import LiteRTRunner

        return LiteRTRunner(path, threads)
    if kind == "executorch":
        from mobile.runners.executorch_runner import ExecuTorchRunner

        return ExecuTorchRunner(path, threads)
    from mobile.runners.coreml_runner import CoreMLRunner

    return CoreMLRunner(path)


def open_predictor(
    path: str,
) -> tuple[InputSpec, list[str], Callable[[np.ndarray], np.ndarray], dict[str, Any]]:
    """For ``training.evaluate``: input spec, labels, frames -> logits, and a description of an artefact."""
    runner = ArtefactRunner(path)
    contract = runner.contract
    about = {"runtime": runner.runtime, "precision": contract.precision, "network": contract.network}
    return contract.frames, list(contract.labels), runner.logits, about
