"""The streaming form: one frame in, one row of logits out, the states in between; the same function as the clip form.

It is the modules of a causal deploy form called in another order, so there is one set of weights, ranges and
operators. What a block keeps of earlier frames (``mobile.deploy.blocks.Memory``) is a state: of STH the last KT - 1
rows that its temporal kernels saw, of TSM the channels that move into the next frame.

Axes: B frames of one step, T frame, R rows of a state, C channel, H row, W column, P = H * W, K class.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from mobile.deploy.blocks import Block, Memory
from mobile.deploy.network import DeployNetwork


@dataclass(frozen=True)
class State:
    """What one block remembers.

    Attributes:
        block: its number.
        shape: (1, C, R, P).
        scale, zero_point: of its int8 values; a stream begins with the zero point, which is the real number 0.
    """

    block: int
    shape: tuple[int, int, int, int]
    scale: float
    zero_point: int

    @property
    def name(self) -> str:
        return f"state_{self.block}"

    @property
    def elements(self) -> int:
        """Values, each one byte in int8."""
        _, channels, rows, pixels = self.shape
        return channels * rows * pixels


class FrameLogits(nn.Module):
    """A causal deploy form as its clip artefacts have it: (T, 3, S, S) -> the logits of each frame, (T, K).

    Args:
        network: shared, not copied.
    """

    def __init__(self, network: DeployNetwork) -> None:
        super().__init__()
        # the children keep their names, by which converters tell layers
        self.input, self.stem, self.blocks = network.input, network.stem, network.blocks
        self.head, self.mean, self.classifier = network.head, network.mean, network.classifier
        self._network = (network,)

    @property
    def network(self) -> DeployNetwork:
        return self._network[0]

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return self.network.frame_logits(x_BCHW)


class StreamNetwork(FrameLogits):
    """Streaming form of a causal deploy form, in the number system that this is in.

    Shape: frames (B, 3, S, S) and one state (1, C, R, P) per block that has a memory -> logits (B, K), and the states
    after these frames. B is any number of frames: one for a live stream.

    Args:
        network: shared, not copied.
        size: S, pixels.

    Raises:
        ValueError: the network is not causal, or sees each frame alone.
    """

    def __init__(self, network: DeployNetwork, size: int) -> None:
        super().__init__(network)
        blocks = temporal_blocks(network)
        memories = {number: block.memory for number, block in blocks.items() if block.memory is not None}
        if not blocks or len(memories) < len(blocks):
            raise ValueError("only a causal STH or TSM network can run as a stream; train one with options.causal=true")
        self.states = tuple(_state(number, memories[number], side) for number, side in _sides(network, size).items())

    def forward(self, x_BCHW: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:  # type: ignore[override]
        network = self.network
        h_BCHW, past, future = network.entry(x_BCHW), iter(states), []
        for _, block in network.numbered_blocks():
            if block.memory is not None:
                h_BCHW, after = block.step(h_BCHW, block.memory.point(next(past)))
                future.append(after)
            else:
                h_BCHW = block(h_BCHW)
        return network.classify(network.head(h_BCHW)), *future

    def reset(self) -> tuple[torch.Tensor, ...]:
        """The states before the first frame: zeros, as the clip form pads."""
        return tuple(torch.zeros(state.shape) for state in self.states)


class StatefulStream(StreamNetwork):
    """Streaming form that keeps its states in buffers, for runtimes that have such things.

    Shape: frames (B, 3, S, S) -> logits (B, K). The buffers are ``state_1``, ...; each step overwrites them.

    Args and errors: as ``StreamNetwork``.
    """

    def __init__(self, network: DeployNetwork, size: int) -> None:
        super().__init__(network, size)
        for state in self.states:
            self.register_buffer(state.name, torch.zeros(state.shape))

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        kept = [self.get_buffer(state.name) for state in self.states]
        logits_BK, *future = super().forward(x_BCHW, *kept)
        for past, after in zip(kept, future, strict=True):
            past.copy_(after)
        return logits_BK


def temporal_blocks(network: DeployNetwork) -> dict[int, Block]:
    """The blocks that see more than one frame, by their numbers."""
    return {number: block for number, block in network.numbered_blocks() if block.sees_other_frames}


def _sides(network: DeployNetwork, size: int) -> dict[int, int]:
    """Height (and width) in pixels of what each block with a memory keeps."""
    sides: dict[int, int] = {}
    side: int = size // network.stem.stride if network.stem is not None else size
    for number, block in network.numbered_blocks():
        if block.memory is not None:
            sides[number] = side // block.memory.stride
        side //= block.stride
    return sides


def _state(number: int, memory: Memory, side: int) -> State:
    shape = (1, memory.channels, memory.reach, side * side)
    return State(number, shape, memory.point.scale, memory.point.zero_point)
