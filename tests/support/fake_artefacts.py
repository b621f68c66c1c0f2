"""A tiny network, and artefacts of it whose runtime is a function of the test's own.

Axes: M clips, T frame, S height and width, C colour, H row, W column, K class.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mobile import runtimes
from mobile.bundle import Bundle, random_bundle
from mobile.interface.contract import Contract, contract_path
from mobile.quantization.quantized_program import quantized_state
from training.engine.checkpoint import make_checkpoint, save_checkpoint
from training.engine.recipe import Recipe
from training.rendered import jester_labels

OPTIONS = {"width": 0.35, "p": 0.25}
SEGMENTS, SIZE = 4, 32
Compute = Callable[[np.ndarray], np.ndarray]


@functools.cache
def tiny_bundle() -> Bundle:
    """STH-MobileNetV2 with random weights for Jester's labels; made once, since exporting it takes seconds."""
    bundle = random_bundle("sth_mobilenet_v2", size=SIZE, segments=SEGMENTS, num_classes=27, **OPTIONS)
    return dataclasses.replace(bundle, labels=jester_labels())


def write_checkpoint(path: Path, **changes: Any) -> Path:
    """The tiny bundle as a checkpoint; ``changes`` replace its fields (None removes one)."""
    bundle = tiny_bundle()
    assert bundle.int8 is not None
    recipe = Recipe(name="tiny", network=bundle.name, options=OPTIONS, size=SIZE, segments=SEGMENTS)
    checkpoint = make_checkpoint(bundle.training, recipe, list(bundle.labels), {})
    checkpoint |= {"quantized": quantized_state(bundle.int8), **changes}
    save_checkpoint(path, {key: value for key, value in checkpoint.items() if value is not None})
    return path


class FakeRuntime:
    """A backend: what it computes, how often it was asked, and by whom."""

    def __init__(self, compute: Compute, runtime: str = "Fake 1.0") -> None:
        self.compute, self.runtime = compute, runtime
        self.load_seconds = 0.0
        self.calls = 0

    def run(self, tensor: np.ndarray) -> np.ndarray:
        self.calls += 1
        return self.compute(tensor)


class FakeStream:
    """A backend of a stream in int8 or float: each state remembers a mix of the input and of what it was before.

    Args:
        contract: of one frame, with states.
    """

    def __init__(self, contract: Contract, runtime: str = "Fake 1.0") -> None:
        self.contract, self.runtime = contract, runtime
        self.load_seconds = 0.0

    def run(self, tensor: np.ndarray) -> np.ndarray:
        raise AssertionError("a stream is asked for steps")

    def step(self, inputs: dict[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        frame = inputs[self.contract.input.name].astype(np.float64)
        found, total = {}, frame.mean()
        for number, state in enumerate(self.contract.states):
            before = inputs[state.input].astype(np.float64)
            after = 0.5 * before + 0.5 * np.resize(np.roll(frame.ravel(), 7 * number), before.shape)
            found[state.output] = after.astype(state.dtype)
            total += found[state.output].mean()
        output = self.contract.output
        found[output.name] = (total * np.linspace(-1, 1, output.shape[-1]))[None].astype(output.dtype)
        return {name: found[name] for name in outputs}


def contract_of(bundle: Bundle, precision: str = "int8", runtime: str = "litert") -> Contract:
    quantized = precision == "int8"
    return bundle.contract(runtime, precision, layout="THWC", quantized_input=quantized, quantized_output=quantized)


def write_artefact(path: Path, contract: Contract, content: bytes = b"an artefact") -> Path:
    """An artefact of no runtime, with a contract beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    contract.save(contract_path(path))
    return path


def faithful(bundle: Bundle, precision: str = "int8") -> Compute:
    """What a perfect runtime computes from the artefact's input tensor, (T, S, S, 3) int8 or normalised float."""

    @torch.no_grad()
    def compute(tensor_THWC: np.ndarray) -> np.ndarray:
        scale = np.float32(1 / 128 if tensor_THWC.dtype == np.int8 else 1)
        x_TCHW = torch.from_numpy(tensor_THWC * scale).permute(0, 3, 1, 2)
        return bundle.network(precision)(x_TCHW)[0].numpy()

    return compute


def install(monkeypatch: pytest.MonkeyPatch, backends: Mapping[str, FakeRuntime | FakeStream]) -> None:
    """Artefacts open as these backends, by file name."""
    monkeypatch.setattr(runtimes, "_open", lambda path, threads: backends[path.name])
