"""What each state of a stream costs and earns: ``sth state-cost CHECKPOINT [--data DATA]``.

A temporal kernel whose past taps are zero needs no state. So the command zeroes them, in one block at a time and in
all blocks up to one, and scores what is left of the network, without training it again: an upper bound of the loss.

Axes: M clips, T frame, C colour, H row, W column, K class.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from mobile.bundle import SHIPPED_CAUSAL, Bundle, open_bundle
from mobile.deploy.exported import form_of
from mobile.parity.sides import Clips, read_clips
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.engine.provenance import CLIP_SOURCES, NETWORK_SOURCES, code_version, write_result
from training.formats import DATA_HELP, with_seed
from training.networks import FrameNetwork
from training.operators import DepthwiseSTH

SOURCES = (*CLIP_SOURCES, *NETWORK_SOURCES, "mobile/deploy", "mobile/studies/state_cost.py")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth state-cost                                   the shipped causal network
  sth state-cost runs/mine/final.pt --data DIR --json states.json
"""
PHONE_SIZE = 224


def hybrids_of(network: FrameNetwork) -> list[DepthwiseSTH]:
    """The hybrid layers with temporal kernels, in the order of the data."""
    return [m for m in network.modules() if isinstance(m, DepthwiseSTH) and m.temporal is not None]


def without_past(network: FrameNetwork, layers: Sequence[int]) -> FrameNetwork:
    """A copy whose temporal kernels see the present only, in the hybrid layers of these numbers."""
    changed = copy.deepcopy(network)
    for number in layers:
        temporal = hybrids_of(changed)[number].temporal
        assert temporal is not None
        temporal.data[:, :, :-1] = 0
    return changed


@torch.no_grad()
def top1(network: FrameNetwork, bundle: Bundle, clips: Clips, batch: int = 16) -> float:
    """Top-1 in per cent."""
    predicted = []
    for start in range(0, len(clips), batch):
        x_NTCHW = bundle.spec.to_network(torch.from_numpy(clips.frames[start : start + batch]))
        predicted.append(network(x_NTCHW).argmax(1).numpy())
    return 100.0 * float((np.concatenate(predicted) == clips.labels).mean())


def cost(bundle: Bundle, clips: Clips) -> dict[str, Any]:
    """State bytes in int8 at 224, and top-1 without each block's past, and without the past of all up to it.

    Raises:
        UserError: the network cannot run as a stream, has states of another kind than STH's, or the clips have other
            labels.
    """
    if clips.known_labels is None:
        raise UserError("the clips have other labels than the network: nothing to score")
    try:
        states = form_of(bundle.floating, PHONE_SIZE, "stream").states
    except ValueError as error:
        raise UserError(f"{bundle.source}: {error}") from error
    if len(hybrids_of(bundle.training)) != len(states):
        raise UserError(f"{bundle.source}: {bundle.name} has no temporal kernels; this asks what those of STH earn")
    whole = top1(bundle.training, bundle, clips)
    rows = []
    for number, state in enumerate(tqdm(states, desc="scoring", unit="state", mininterval=2)):
        alone = top1(without_past(bundle.training, [number]), bundle, clips)
        upto = top1(without_past(bundle.training, range(number + 1)), bundle, clips)
        rows.append(
            {"state": state.name, "bytes": state.elements, "top1_without": alone, "top1_without_all_up_to": upto}
        )
    return {"top1": whole, "bytes": sum(state.elements for state in states), "size": PHONE_SIZE, "states": rows}


def show(result: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table("state", "bytes at 224", "share %", "top-1 without", "without all up to it")
    for row in result["states"]:
        share = 100 * row["bytes"] / result["bytes"]
        table.add_row(row["state"], f"{row['bytes']:,}", f"{share:.1f}", f"{row['top1_without']:.2f}",
                      f"{row['top1_without_all_up_to']:.2f}")  # fmt: skip
    table.add_section()
    table.add_row("all", f"{result['bytes']:,}", "100.0", f"with all: {result['top1']:.2f}", "")
    console.print(table)


def main() -> None:
    parser = command_parser("sth state-cost", __doc__, EXAMPLES)
    parser.add_argument("checkpoint", type=Path, nargs="?", default=SHIPPED_CAUSAL)
    parser.add_argument("--data", default="rendered:270", help=DATA_HELP)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--seed", type=int, default=77, help="of rendered clips without one")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args(sys.argv[1:])
    bundle = open_bundle(arguments.checkpoint)
    data = with_seed(arguments.data, arguments.seed)
    clips = read_clips(data, arguments.split, bundle.spec, bundle.labels)
    result = cost(bundle, clips)
    show(result, Console())
    if arguments.json:
        name = Path(bundle.source).name
        content = {"kind": "states", "code_version": code_version(), "checkpoint": name, "data": data,
                   "clips": len(clips), **result}  # fmt: skip
        write_result(arguments.json, content, sources=SOURCES, measured=[arguments.checkpoint])


if __name__ == "__main__":
    run_cli(main)
