"""STH-Conv against the 2-D convolution in its place, at the four stages of ResNet-50, by every lowering.

Axes: N clip, T frame, C channel, H row, W column.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.table import Column, Table
from torch import nn
from tqdm import tqdm

from training.common.errors import UserError
from training.common.files import read_json, write_json
from training.engine.provenance import code_version
from training.operators import ShiftedConv, STHConv
from training.operators import tap_conv as lists
from training.operators.lowerings import LOWERINGS
from training.tables.runtime import PRECISIONS, name_of, use_fastest_convolutions

STAGES = ((64, 56), (128, 28), (256, 14), (512, 7))  # channels, height and width
PLAIN, RIVAL = "2d", "tsm"
DEFAULT = {"cpu": ("taps", "masked", "gathered"), "cuda": ("masked", "gathered")}
PASSES = ("forward", "forward and backward")
# Beside taps: its kernel where more outputs share a list of taps, so that each pixel it loads serves more products
WIDER: dict[str, dict[str, Any]] = {"taps, p = 1/2": {"p": Fraction(1, 2)}, "taps, merge": {"variant": "merge"}}


@dataclasses.dataclass(frozen=True)
class Stage:
    """Seconds by pass and operator; the samples of one index ran one after the other.

    Attributes:
        multiply_adds: of a forward pass, by operator.
    """

    channels: int
    size: int
    samples: dict[str, dict[str, list[float]]]
    parts: dict[str, float] | None
    multiply_adds: dict[str, int]

    def ratio(self, which: str, name: str) -> float:
        """The median of the ratios to the 2-D convolution of the same round."""
        mine, plain = (np.array(self.samples[which][key]) for key in (name, PLAIN))
        return float(np.median(mine / plain))


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is timed, how often, and from which seed the order of each round is drawn."""

    lowerings: tuple[str, ...] = DEFAULT["cpu"]
    batch: int = 1
    segments: int = 8
    rounds: int = 15
    warm_up: int = 2
    seed: int = 0
    device: str = "cpu"
    precision: str = "fp32"

    def check(self) -> None:
        """Raises UserError: a number below 1, an unknown lowering, or one that does not run on the device."""
        for name, value, least in (
            ("batch", self.batch, 1),
            ("frames", self.segments, 1),
            ("rounds", self.rounds, 1),
            ("warm-up", self.warm_up, 0),
        ):
            if value < least:
                raise UserError(f"{name} is {value}; expected at least {least}")
        if unknown := sorted(set(self.lowerings) - set(LOWERINGS)):
            raise UserError(f"no lowering is called {', '.join(unknown)}; there are {', '.join(LOWERINGS)}")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise UserError("device is cuda, and PyTorch sees no CUDA device; use --device cpu")
        if self.device == "cuda" and "taps" in self.lowerings:
            raise UserError("taps run on CPUs only; name other --lowerings")
        if "taps" in self.lowerings and lists.library() is None:
            raise UserError("taps need AVX-512 and a C++ compiler, and STH_NATIVE may not be 0; name other --lowerings")

    def device_in_words(self) -> str:
        """The device and the precision of all tensors there."""
        return name_of(torch.device(self.device), self.precision)

    def on_this_machine(self) -> dict[str, Any]:
        """All that finished stages must share with those that follow."""
        return {
            **dataclasses.asdict(self), "lowerings": list(self.lowerings), "threads": torch.get_num_threads(),
            "device": self.device_in_words(), "torch": torch.__version__, "code_version": code_version(),
        }  # fmt: skip


def measure(plan: Plan, *, keep: Path | None = None) -> list[Stage]:
    """Time all at every stage, in turn, in a shuffled (seeded) order in each round.

    Args:
        keep: a file that holds the finished stages after each of them, and those of the same plan, code and machine
            from before; another's is written over.

    Raises:
        UserError: a plan that cannot be timed, or ``keep`` is no such file.
    """
    plan.check()
    use_fastest_convolutions(torch.device(plan.device))
    found = [] if keep is None else _kept(keep, plan)
    missing = STAGES[len(found) :]
    with tqdm(total=len(missing) * len(PASSES) * (plan.warm_up + plan.rounds), desc="timing", unit="round") as bar:
        for channels, size in missing:
            found.append(_stage(channels, size, plan, bar))
            if keep is not None:
                content = {"plan": plan.on_this_machine(), "stages": [dataclasses.asdict(stage) for stage in found]}
                write_json(keep, content)
    return found


def _kept(keep: Path, plan: Plan) -> list[Stage]:
    if not keep.exists():
        return []
    content = read_json(keep, "file of timed stages")
    try:
        if content["plan"] != plan.on_this_machine():
            return []
        found = [Stage(**row) for row in content["stages"]]
    except (KeyError, TypeError) as error:
        raise UserError(f"{keep} is no file of timed stages ({error}); delete it, or choose another --json") from error
    return found


def _stage(channels: int, size: int, plan: Plan, bar: Any) -> Stage:
    generator, segments = torch.Generator().manual_seed(plan.seed), plan.segments
    shape, dtype = (plan.batch * segments, channels, size, size), PRECISIONS[plan.precision]
    x_BCHW, gradient = (
        torch.randn(shape, generator=generator).to(plan.device, dtype, memory_format=torch.channels_last)
        for _ in range(2)
    )
    plain: nn.Module = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    rival: nn.Module = ShiftedConv(channels, channels, segments=segments)
    operator = STHConv(channels, channels, segments=segments)
    ways = {name: (name, operator) for name in plan.lowerings}
    if "taps" in ways:
        ways |= {name: ("taps", STHConv(channels, channels, segments=segments, **how)) for name, how in WIDER.items()}
    for module in (plain, rival, *(operator for _, operator in ways.values())):
        module.to(plan.device, dtype).to(memory_format=torch.channels_last)
    calls: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {PLAIN: plain, RIVAL: rival}
    calls |= {name: functools.partial(LOWERINGS[lowering], one) for name, (lowering, one) in ways.items()}
    pixels = shape[0] * size * size
    multiply_adds = dict.fromkeys(calls, 9 * channels * channels * pixels)
    multiply_adds |= {name: _kernel_numbers(one) * pixels for name, (_, one) in ways.items()}
    rng = np.random.default_rng(plan.seed)
    samples: dict[str, dict[str, list[float]]] = {which: {name: [] for name in calls} for which in PASSES}
    for which in PASSES:
        for number in range(-plan.warm_up, plan.rounds):
            for index in rng.permutation(len(calls)):
                name = list(calls)[index]
                spent = _timed(calls[name], x_BCHW, gradient if which == PASSES[1] else None)
                if number >= 0:
                    samples[which][name].append(spent)
            bar.update()
    parts = _parts(operator, x_BCHW, plan.rounds) if "taps" in plan.lowerings else None
    return Stage(channels, size, samples, parts, multiply_adds)


def _kernel_numbers(operator: STHConv) -> int:
    """Products of Eq. 2 for one pixel of the output."""
    return operator.spatial.numel() + operator.temporal.numel()


def _timed(call: Callable[[torch.Tensor], torch.Tensor], x_BCHW: torch.Tensor, gradient: torch.Tensor | None) -> float:
    x_BCHW = x_BCHW.detach().requires_grad_(gradient is not None)
    with torch.set_grad_enabled(gradient is not None):
        _wait(x_BCHW)
        started = time.perf_counter()
        y_BCHW = call(x_BCHW)
        if gradient is not None:
            y_BCHW.backward(gradient)
        _wait(x_BCHW)
        return time.perf_counter() - started


def _wait(x_BCHW: torch.Tensor) -> None:
    if x_BCHW.is_cuda:
        torch.cuda.synchronize(x_BCHW.device)


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


def result_of(stages: Sequence[Stage], plan: Plan) -> dict[str, Any]:
    """The result file."""
    return {
        "kind": "stages",
        "code_version": code_version(),
        "batch": plan.batch,
        "segments": plan.segments,
        "device": plan.device_in_words(),
        "torch": torch.__version__,
        "rounds": plan.rounds,
        "rows": [
            {
                "channels": stage.channels,
                "size": stage.size,
                "backward": which == PASSES[1],
                "ratios": {name: stage.ratio(which, name) for name in samples if name != PLAIN},
                "multiply_adds": stage.multiply_adds,
                "samples_s": samples,
                "seconds_of_parts": stage.parts if which == PASSES[0] else None,
            }
            for stage in stages
            for which, samples in stage.samples.items()
        ],
    }
