"""What a runtime must do to be run by ``mobile.runtimes.ArtefactRunner``.

Axes: K class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Backend(Protocol):
    """A runtime with a loaded artefact.

    Attributes:
        runtime: its name and version.
        load_seconds: time to load and prepare the artefact, without the import of the runtime's package.
    """

    runtime: str
    load_seconds: float

    def run(self, input_tensor: np.ndarray) -> np.ndarray:
        """One inference of a clip: the input tensor as the contract describes it -> logits float32 (rows, K)."""

    def step(self, inputs: dict[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """One step of a stream: all inputs and outputs by name, in the artefact's order and its own types."""


class StatefulBackend(Backend, Protocol):
    """A runtime whose artefact keeps the states of a stream (``contract.stateful``)."""

    def reset(self) -> None:
        """Forget what the stream has seen."""
