"""How a runtime keeps the states of a stream from one frame to the next.

Axes: B frames of one step, K class.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mobile.interface.contract import Contract
from mobile.runtimes.backend import Backend


class Stream(Protocol):
    """An artefact of a stream with its states in the runtime's own memory."""

    def step(self, tensor: np.ndarray) -> np.ndarray:
        """The input tensor of the next frames -> logits (B, K), in the artefact's own type."""

    def read(self) -> dict[str, np.ndarray]:
        """Copies of the states by the names of their inputs; none where the artefact keeps them inside."""

    def write(self, states: dict[str, np.ndarray]) -> None:
        """Copy these states in: the next step goes on from them."""


def reset_states(contract: Contract) -> dict[str, np.ndarray]:
    """What the states are before the first frame, by the names of their inputs."""
    return {state.input: np.full(state.shape, state.reset, np.dtype(state.dtype)) for state in contract.states}


class CopiedStream:
    """A stream in a runtime that knows single calls only: the states go in and out as arrays."""

    def __init__(self, backend: Backend, contract: Contract) -> None:
        self._backend, self._contract = backend, contract
        self._states = reset_states(contract)

    def step(self, tensor: np.ndarray) -> np.ndarray:
        contract = self._contract
        outputs = [contract.output.name, *(state.output for state in contract.states)]
        found = self._backend.step({contract.input.name: tensor, **self._states}, outputs)
        self._states = {state.input: found[state.output] for state in contract.states}
        return found[contract.output.name]

    def read(self) -> dict[str, np.ndarray]:
        return {name: state.copy() for name, state in self._states.items()}

    def write(self, states: dict[str, np.ndarray]) -> None:
        self._states = dict(states)
