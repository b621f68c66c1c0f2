"""Profiling an artefact by its runtime's own profiler: the time of each operator inside of the delegate."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Protocol

import numpy as np

from training.common.errors import UserError


@dataclasses.dataclass(frozen=True)
class Samples:
    """What a profiler saw of R runs of the same artefact.

    Attributes:
        kernels: name of each operator as the runtime calls it, in the order of execution.
        op_us: (R, operators), microseconds.
        whole_us: (R,), microseconds of the whole inference as the same profiler saw it.
    """

    kernels: tuple[str, ...]
    op_us: np.ndarray
    whole_us: np.ndarray

    def without_first(self, runs: int) -> Samples:
        """The same without so many runs of warm-up."""
        return Samples(self.kernels, self.op_us[runs:], self.whole_us[runs:])


class Profiler(Protocol):
    """An artefact that is loaded with its runtime's profiler on.

    Attributes:
        runtime: name, version and delegate.
        method: in words, where the times come from.
    """

    runtime: str
    method: str

    def run(self) -> None:
        """One inference, of noise."""

    def samples(self) -> Samples:
        """Of all runs so far."""


def open_profiler(path: Path, *, threads: int = 1, seed: int = 0) -> Profiler:
    """The profiler of an artefact's runtime.

    Raises:
        UserError: a runtime without a profiler here, or one that is not installed.
    """
    if path.suffix == ".tflite":
        from mobile.latency.profile.profilers.litert import LiteRTProfiler

        return LiteRTProfiler(path, threads=threads, seed=seed)
    if path.suffix == ".pte":
        from mobile.latency.profile.profilers.executorch import ExecuTorchProfiler

        return ExecuTorchProfiler(path, threads=threads, seed=seed)
    if path.suffix == ".mlpackage":
        raise UserError(f"{path} cannot be profiled here: Core ML's profiler exists on Apple's systems only")
    raise UserError(f"{path} is no artefact: expected a name ending in .tflite or .pte")


def noise(shape: tuple[int, ...], dtype: np.dtype, rng: np.random.Generator) -> np.ndarray:
    """Values all over int8's range, or in [-1, 1)."""
    if dtype == np.int8:
        return rng.integers(-128, 128, shape, dtype=np.int8)
    return (2 * rng.random(shape) - 1).astype(dtype)
