"""Videos per second of STH-Conv and its rivals (Table 9), timed in turn on one device.

Axes: N clip, T frame, S height and width.
"""

from __future__ import annotations

import dataclasses
import platform
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from rich.table import Column, Table
from torch import nn
from tqdm import tqdm

from training.common.errors import UserError
from training.engine.provenance import code_version
from training.networks import build_network
from training.networks.frame_network import to_channels_last
from training.tables.counting import Count, count

OPERATORS = ("2d", "tsm", "hybrid", "hybrid+attention", "merge", "2plus1d_sequential", "2plus1d_parallel", "gst", "3d")
RIVAL = "tsm"
CLASSES = 174
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Table 9, batches of 16 on a GTX 1080 Ti: videos per second by operator and frames (STH has attention there, 23.2 M).
PAPER = {("tsm", 8): 80.4, ("tsm", 16): 39.5, ("hybrid+attention", 8): 68.8, ("hybrid+attention", 16): 35.2}


@dataclasses.dataclass(frozen=True)
class Speed:
    """Seconds of single batches, in the order in which they ran."""

    operator: str
    size: Count
    batch: int
    samples: tuple[float, ...]

    @property
    def videos_per_second(self) -> float:
        return self.batch / float(np.median(self.samples))


def options_of(operator: str) -> dict[str, Any]:
    """Network options of a word such as "tsm", "hybrid+attention" or "merge+attention+dilation"."""
    variant, *switches = operator.split("+")
    if unknown := sorted(set(switches) - {"attention", "dilation"}):
        raise UserError(f"{operator!r}: no switch is called {', '.join(unknown)}; there are attention and dilation")
    return {"variant": variant, **dict.fromkeys(switches, True)}


def measure(
    operators: Sequence[str],
    *,
    network: str,
    batch: int,
    segments: int,
    size: int,
    rounds: int,
    warm_up: int,
    device: torch.device,
    precision: str = "fp32",
    seed: int = 0,
) -> list[Speed]:
    """Time the networks in turn, round after round in a shuffled (seeded) order, so that all meet the same minutes.

    Weights and clips are random: time does not depend on them. All networks stay in memory.

    Raises:
        UserError: a number below 1, an unknown network or operator, or too little memory.
    """
    for name, value, least in (
        ("batch", batch, 1),
        ("frames", segments, 1),
        ("rounds", rounds, 1),
        ("warm-up", warm_up, 0),
    ):
        if value < least:
            raise UserError(f"{name} is {value}; expected at least {least}")
    fixed: dict[str, Any] = {"num_classes": CLASSES, "segments": segments}
    try:
        sizes = [count(network, **fixed, size=size, **options_of(operator)) for operator in operators]
        networks = [build_network(network, **fixed, **options_of(operator)).to(device).eval() for operator in operators]
        use_fastest_convolutions(device)
        with torch.autocast(device.type, PRECISIONS[precision], enabled=precision != "fp32"):
            samples = _interleaved(networks, (batch, segments, 3, size, size), rounds, warm_up, device, seed)
    except ValueError as error:
        raise UserError(str(error)) from error
    except torch.OutOfMemoryError as error:
        raise UserError(f"{device} has too little memory for batches of {batch}; use a smaller --batch") from error
    return [Speed(*row) for row in zip(operators, sizes, [batch] * len(networks), samples, strict=True)]


@torch.inference_mode()
def _interleaved(
    networks: Sequence[nn.Module],
    shape: tuple[int, ...],
    rounds: int,
    warm_up: int,
    device: torch.device,
    seed: int,
) -> list[tuple[float, ...]]:
    x_NTCHW = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)
    for network in networks:
        to_channels_last(network)
    rng, samples = np.random.default_rng(seed), [[] for _ in networks]  # type: ignore[var-annotated]
    for number in tqdm(range(-warm_up, rounds), desc="timing", unit="round", leave=False):
        for index in rng.permutation(len(networks)):
            _wait(device)
            started = time.perf_counter()
            networks[index](x_NTCHW)
            _wait(device)
            if number >= 0:
                samples[index].append(time.perf_counter() - started)
    return [tuple(row) for row in samples]


def use_fastest_convolutions(device: torch.device) -> None:
    """cuDNN takes the fastest of its ways at the first call of each shape, in the warm-up, as training has it."""
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def ratio(speeds: Sequence[Speed], operator: str) -> float | None:
    """Videos per second of an operator over TSM's; None where TSM was not timed."""
    by_name = {speed.operator: speed.videos_per_second for speed in speeds}
    return by_name[operator] / by_name[RIVAL] if RIVAL in by_name else None


def paper_ratio(operator: str, segments: int) -> float | None:
    """The same of Table 9, where it has the row."""
    theirs, tsm = PAPER.get((operator, segments)), PAPER.get((RIVAL, segments))
    return theirs / tsm if theirs and tsm else None


def table_of(speeds: Sequence[Speed], *, network: str, segments: int, size: int, device: str) -> Table:
    """For the terminal."""
    headings = ("M param.", "G mul-adds", "videos/s", "/ tsm", "in the paper")
    title = f"{network}, batches of {speeds[0].batch} x {segments} x {size} x {size}, {device}"
    columns = [Column(text, justify="right", no_wrap=True) for text in headings]
    table = Table(Column("operator", no_wrap=True), *columns, title=title, padding=(0, 0))
    for speed in speeds:
        ratios = (ratio(speeds, speed.operator), paper_ratio(speed.operator, segments))
        cells = [f"{value:.2f}" if value is not None else "" for value in ratios]
        table.add_row(
            speed.operator,
            f"{speed.size.parameters / 1e6:.2f}",
            f"{speed.size.multiply_adds / 1e9:.2f}",
            f"{speed.videos_per_second:.2f}",
            *cells,
        )
    return table


def name_of(device: torch.device, precision: str) -> str:
    """The device and its arithmetic in words."""
    if device.type == "cuda":
        rounded = " (products in TF32)" if precision == "fp32" and torch.backends.cudnn.allow_tf32 else ""
        return f"{torch.cuda.get_device_name(device)}, {precision}{rounded}"
    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} thread(s), {precision}"


def result_of(speeds: Sequence[Speed], *, network: str, segments: int, size: int, device: str) -> dict[str, Any]:
    """The result file."""
    return {
        "kind": "runtime",
        "code_version": code_version(),
        "network": network,
        "input": f"{speeds[0].batch} x {segments} x {size} x {size}",
        "device": device,
        "torch": torch.__version__,
        "rounds": len(speeds[0].samples),
        "rows": [
            {
                "operator": speed.operator,
                "parameters": speed.size.parameters,
                "multiply_adds": speed.size.multiply_adds,
                "videos_per_second": speed.videos_per_second,
                "ratio_to_tsm": ratio(speeds, speed.operator),
                "paper_ratio_to_tsm": paper_ratio(speed.operator, segments),
                "samples_s": list(speed.samples),
            }
            for speed in speeds
        ],
    }
