"""What a converter exports: a module over the deploy form, with named inputs and outputs.

Two modes: "clip" (T frames in; logits of the clip out, or of each frame where the network is causal) and "stream" (one
frame and the states in; its logits and the new states out). A stateful stream keeps the states itself.

Axes: B frames, C channel, S height and width, P = H * W, K class.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from mobile.deploy.network import DeployNetwork
from mobile.deploy.number_systems import Point
from mobile.deploy.stream import FrameLogits, State, StatefulStream, StreamNetwork, temporal_blocks

MODES = ("clip", "stream")
FRAMES, LOGITS = "frames", "logits"


def next_name(state: str) -> str:
    """Name of the output that takes a state's place in the next step."""
    return f"{state}_next"


@dataclass(frozen=True)
class Form:
    """A module to export.

    Attributes:
        module: (B, 3, S, S) and the states -> logits and the new states; shares the network's modules.
        frames: B.
        states: among inputs and outputs; none in clip mode, and none of a stateful stream.
    """

    network: DeployNetwork
    module: nn.Module
    size: int
    frames: int
    states: tuple[State, ...] = ()

    @property
    def input_names(self) -> list[str]:
        """In the order of ``module``'s arguments."""
        return [FRAMES, *(state.name for state in self.states)]

    @property
    def output_names(self) -> list[str]:
        """In the order of ``module``'s results."""
        return [LOGITS, *(next_name(state.name) for state in self.states)]

    @property
    def rows(self) -> int:
        """Rows of logits that it gives."""
        return self.frames if self.network.per_frame else 1

    def examples(self, seed: int = 0) -> tuple[torch.Tensor, ...]:
        """Random inputs of the right shapes: frames in [-1, 1), states in [0, 3), which any state may hold."""
        generator = torch.Generator().manual_seed(seed)
        frames_BCSS = torch.rand((self.frames, 3, self.size, self.size), generator=generator) * 2 - 1
        return frames_BCSS, *(3 * torch.rand(state.shape, generator=generator) for state in self.states)

    def input_points(self) -> list[Point]:
        """The quantization of each input, in the order of ``input_names``."""
        return [self.network.input, *(self._past(state) for state in self.states)]

    def output_points(self) -> list[Point]:
        """The quantization of each output, in the order of ``output_names``."""
        return [self.network.classifier.out, *(self._past(state) for state in self.states)]

    def _past(self, state: State) -> Point:
        memory = temporal_blocks(self.network)[state.block].memory
        assert memory is not None
        return memory.point

    def export(self) -> torch.export.ExportedProgram:
        """``torch.export`` in the number system that the network is in."""
        self.module.eval()
        return torch.export.export(self.module, self.examples())


def form_of(network: DeployNetwork, size: int, mode: str = "clip", *, stateful: bool = False, chunk: int = 1) -> Form:
    """The form of one mode for frames of ``size`` x ``size``.

    Args:
        stateful: the stream keeps its states, in buffers.
        chunk: frames of one step of a stream whose states are inputs and outputs.

    Raises:
        ValueError: an unknown mode, states in a clip, or a network that cannot run as a stream.
    """
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; expected one of {', '.join(MODES)}")
    if stateful:
        if mode != "stream":
            raise ValueError("only a stream has states to keep; choose --mode stream")
        return Form(network, StatefulStream(network, size), size, 1)
    if mode == "stream":
        stream = StreamNetwork(network, size)
        return Form(network, stream, size, chunk, stream.states)
    module = FrameLogits(network) if network.per_frame else network
    return Form(network, module, size, network.segments)
