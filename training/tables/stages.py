"""STH-Conv against the 2-D convolution in its place, at the four stages of ResNet-50, by every lowering.

Axes: N clip, T frame, C channel, H row, W column.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from rich.table import Column, Table
from torch import nn
from tqdm import tqdm

from training.checkpoint import code_version
from training.errors import UserError
from training.operators import ShiftedConv, STHConv
from training.operators import tap_conv as lists
from training.operators.lowerings import LOWERINGS
from training.tables.runtime import name_of

STAGES = ((64, 56), (128, 28), (256, 14), (512, 7))  # channels, height and width
PLAIN, RIVAL = "2d", "tsm"
DEFAULT = tuple(name for name in LOWERINGS if name != "compiled")
PASSES = ("forward", "forward and backward")


@dataclasses.dataclass(frozen=True)
class Stage:
    """Seconds by pass and operator; the samples of one index ran one after the other."""

    channels: int
    size: int
    samples: dict[str, dict[str, list[float]]]
    parts: dict[str, float] | None

    def ratio(self, which: str, name: str) -> float:
        """The median of the ratios to the 2-D convolution of the same round."""
        mine, plain = (np.array(self.samples[which][key]) for key in (name, PLAIN))
        return float(np.median(mine / plain))


def measure(
    lowerings: Sequence[str], *, batch: int, segments: int, rounds: int, warm_up: int, seed: int = 0
) -> list[Stage]:
    """Time all at every stage on the CPU, in turn, in a shuffled (seeded) order in each round.

    Raises:
        UserError: a number below 1, an unknown lowering, or taps where they do not run.
    """
    for name, value, least in (
        ("batch", batch, 1),
        ("frames", segments, 1),
        ("rounds", rounds, 1),
        ("warm-up", warm_up, 0),
    ):
        if value < least:
            raise UserError(f"{name} is {value}; expected at least {least}")
    if unknown := sorted(set(lowerings) - set(LOWERINGS)):
        raise UserError(f"no lowering is called {', '.join(unknown)}; there are {', '.join(LOWERINGS)}")
    if "taps" in lowerings and lists.library() is None:
        raise UserError("taps need AVX-512 and a C++ compiler, and STH_NATIVE may not be 0; name other --lowerings")
    bar = tqdm(total=len(STAGES) * len(PASSES) * (warm_up + rounds), desc="timing", unit="round", leave=False)
    with bar:
        return [_stage(*stage, lowerings, batch, segments, rounds, warm_up, seed, bar) for stage in STAGES]


def _stage(
    channels: int,
    size: int,
    lowerings: Sequence[str],
    batch: int,
    segments: int,
    rounds: int,
    warm_up: int,
    seed: int,
    bar: Any,
) -> Stage:
    generator = torch.Generator().manual_seed(seed)
    x_BCHW, gradient = (
        torch.randn(batch * segments, channels, size, size, generator=generator).to(memory_format=torch.channels_last)
        for _ in range(2)
    )
    plain: nn.Module = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    rival: nn.Module = ShiftedConv(channels, channels, segments=segments)
    operator = STHConv(channels, channels, segments=segments)
    for module in (plain, rival, operator):
        module.to(memory_format=torch.channels_last)
    calls: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {PLAIN: plain, RIVAL: rival}
    for name in lowerings:
        calls[name] = lambda x, lowering=LOWERINGS[name]: lowering(operator, x)  # type: ignore[misc]
    rng, samples = np.random.default_rng(seed), {which: {name: [] for name in calls} for which in PASSES}  # type: ignore[var-annotated]
    for which in PASSES:
        for number in range(-warm_up, rounds):
            for index in rng.permutation(len(calls)):
                name = list(calls)[index]
                spent = _timed(calls[name], x_BCHW, gradient if which == PASSES[1] else None)
                if number >= 0:
                    samples[which][name].append(spent)
            bar.update()
    parts = _parts(operator, x_BCHW, rounds) if "taps" in lowerings else None
    return Stage(channels, size, samples, parts)


def _timed(call: Callable[[torch.Tensor], torch.Tensor], x_BCHW: torch.Tensor, gradient: torch.Tensor | None) -> float:
    x_BCHW = x_BCHW.detach().requires_grad_(gradient is not None)
    with torch.set_grad_enabled(gradient is not None):
        started = time.perf_counter()
        y_BCHW = call(x_BCHW)
        if gradient is not None:
            y_BCHW.backward(gradient)
        return time.perf_counter() - started


def _parts(operator: STHConv, x_BCHW: torch.Tensor, rounds: int) -> dict[str, float]:
    """Where the forward pass of taps spends its seconds: medians."""
    with torch.no_grad():
        found = [
            lists.seconds_of_parts(operator.hybrid, x_BCHW, operator.spatial, operator.temporal) for _ in range(rounds)
        ]
    return {name: float(np.median([one[name] for one in found])) for name in found[0]}


def table_of(stages: Sequence[Stage]) -> Table:
    """For the terminal: time relative to the 2-D convolution."""
    names = [name for name in stages[0].samples[PASSES[0]] if name != PLAIN]
    columns = [Column(name, justify="right", no_wrap=True) for name in ("2d, ms", *names)]
    table = Table("stage", "pass", *columns, title="time relative to the 2-D convolution in the same round")
    for stage in stages:
        for which in PASSES:
            plain = 1e3 * float(np.median(stage.samples[which][PLAIN]))
            ratios = [f"{stage.ratio(which, name):.2f}" for name in names]
            table.add_row(f"{stage.channels} x {stage.size}", which, f"{plain:.1f}", *ratios)
    return table


def result_of(stages: Sequence[Stage], *, batch: int, segments: int) -> dict[str, Any]:
    """The result file."""
    return {
        "kind": "stages",
        "code_version": code_version(),
        "batch": batch,
        "segments": segments,
        "device": name_of(torch.device("cpu")),
        "torch": torch.__version__,
        "rounds": len(stages[0].samples[PASSES[0]][PLAIN]),
        "rows": [
            {
                "channels": stage.channels,
                "size": stage.size,
                "backward": which == PASSES[1],
                "ratios": {name: stage.ratio(which, name) for name in samples if name != PLAIN},
                "samples_s": samples,
                "seconds_of_parts": stage.parts if which == PASSES[0] else None,
            }
            for stage in stages
            for which, samples in stage.samples.items()
        ],
    }
