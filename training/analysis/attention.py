"""What attentive STH-Convs weigh: ``sth attention CHECKPOINT[@DATA] ...`` (supplement, Figs. 5 to 8).

Per layer, the attention coefficient aT of the temporal component (Eq. 3), averaged over output channels and over the
clips of a split; that of the spatial component is 1 - aT. Several checkpoints make one picture: layers (Fig. 5),
proportions p (Fig. 6), data sets (Fig. 7), modalities (Fig. 8). Checkpoints that differ in their seed only make one
group: its spread says which differences between groups mean anything.

Axes: M clips, N batch of clips, T frame, Co output channel, L attentive layer, R run.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Column, Table
from torch import nn
from tqdm import tqdm

from training.clips import ClipDataset, ClipLoader, as_modality
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.pictures import check_picture, drawing
from training.engine.checkpoint import input_spec_of, load_checkpoint, network_of
from training.engine.distributed import device_named
from training.engine.metrics import spread
from training.engine.provenance import TRAINING_SOURCES, code_version, write_result
from training.formats import DATA_HELP, open_data
from training.networks import option_text, title_of
from training.operators import STHConv

SOURCES = (*TRAINING_SOURCES, "training/analysis/attention.py", "training/recipes/ablation.py")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth attention final.pt --data DIR --plot layers.png               Fig. 5
  sth attention p2.pt p4.pt p8.pt --data DIR --plot proportions.png  Fig. 6
  sth attention a.pt@SOMETHING b.pt@KINETICS --plot data.png         Fig. 7
  sth attention rgb.pt flow.pt --data DIR --plot modalities.png      Fig. 8
"""


def attentive_layers(network: nn.Module) -> dict[str, STHConv]:
    """STH-Convs with attention by name, in the order of the data."""
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, STHConv) and module.attend is not None
    }


class TemporalCoefficients:
    """Within ``with``, collects aT of every attentive layer, averaged over output channels: one value a clip."""

    def __init__(self, network: nn.Module) -> None:
        self.layers = attentive_layers(network)
        self._found: dict[str, list[torch.Tensor]] = {name: [] for name in self.layers}
        self._hooks: list[Any] = []

    def __enter__(self) -> TemporalCoefficients:
        for name, layer in self.layers.items():
            assert layer.attend is not None
            self._hooks.append(layer.attend.register_forward_hook(self._collector(name)))
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _collector(self, name: str) -> Any:
        def collect(_: nn.Module, __: Any, scores_2NC: torch.Tensor) -> None:
            # row 0 is the temporal component, as in STHConv.attention
            self._found[name].append(scores_2NC.softmax(dim=0)[0].mean(dim=1).detach())

        return collect

    def per_clip(self) -> np.ndarray:
        """(L, M)."""
        return np.stack([torch.cat(rows).float().cpu().numpy() for rows in self._found.values()])


def measure(
    path: str, data: str, *, split: str, batch: int = 8, workers: int = 0, device: str = "auto"
) -> dict[str, Any]:
    """Mean and standard deviation over the clips of aT, per layer.

    Raises:
        UserError: a network without attention, data that cannot be read, or no such device.
    """
    checkpoint, place = load_checkpoint(path), device_named(device)
    network, spec, recipe = network_of(checkpoint, path), input_spec_of(checkpoint, path), checkpoint["recipe"]
    if not attentive_layers(network):
        raise UserError(f"{path}: {checkpoint['network']} has no attention; train one with options.attention=true")
    modality = recipe.get("modality", "rgb")
    source = as_modality(
        open_data(data, split, checkpoint["labels"]), modality, frame_size=recipe.get("frame_size", ()),
        flow_cache=recipe.get("flow_cache", ""),
    )  # fmt: skip
    loader = ClipLoader(ClipDataset(source, spec, training=False), batch, workers=workers, on_error="stop")
    with torch.no_grad(), TemporalCoefficients(network.to(place)) as coefficients:
        for clips in tqdm(loader, desc=Path(path).name, unit="batch", mininterval=2):
            network(spec.to_network(clips.frames_NTHWC.to(place)))
    found_LM = coefficients.per_clip()
    return {
        "checkpoint": path,
        "network": title_of(checkpoint["network"], checkpoint["options"]),
        "options": checkpoint["options"],
        "seed": recipe["seed"],
        "top1": checkpoint.get("metrics", {}).get("top1"),
        "data": data,
        "split": split,
        "modality": modality,
        "clips": found_LM.shape[1],
        "layers": list(coefficients.layers),
        "temporal_mean": found_LM.mean(axis=1).tolist(),
        "temporal_std": found_LM.std(axis=1).tolist(),
    }


def name_of(run: dict[str, Any]) -> str:
    """A run in a picture: what the supplement tells apart."""
    return f"p {option_text(run['options'].get('p', 0.25))}, {run['modality']}, {Path(run['data']).name}"


def groups_of(runs: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Runs by their name: those of one group differ in their seed; groups of one name tell all that they are of."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in runs:
        options = [f"{key} {option_text(value)}" for key, value in sorted(run["options"].items())]
        whole = ", ".join([run["network"], *options, run["modality"], run["data"], run["split"]])
        groups.setdefault((name_of(run), whole), []).append(run)
    names = Counter(name for name, _ in groups)
    return {name if names[name] == 1 else whole: group for (name, whole), group in groups.items()}


def coefficient_rows(groups: Sequence[Sequence[dict[str, Any]]], digits: int) -> list[list[str]]:
    """A row for each layer: its name, and of each group the mean coefficient with its spread over the seeds."""
    layers = max((group[0]["layers"] for group in groups), key=len)
    return [
        [layer, *(
            spread([run["temporal_mean"][place] for run in group], digits) if place < len(group[0]["layers"]) else ""
            for group in groups
        )]
        for place, layer in enumerate(layers)
    ]  # fmt: skip


def table_of(runs: list[dict[str, Any]]) -> Table:
    """For the terminal: aT per layer, a column for each group of seeds."""
    groups = groups_of(runs)
    columns = [Column(name, justify="right") for name in groups]
    table = Table("layer", *columns, title="attention coefficient of the temporal component")
    for cells in coefficient_rows(list(groups.values()), digits=3):
        table.add_row(*cells)
    return table


def plot(runs: list[dict[str, Any]], target: Path) -> None:
    """aT over the layers: a colour for each group, a thin line for each seed and a thick one for their mean; a run
    without others has a band of one standard deviation over the clips."""
    with drawing(target, inches=(7, 4)) as (_, axes):
        for number, (name, group) in enumerate(groups_of(runs).items()):
            mean_RL = np.array([run["temporal_mean"] for run in group])
            mean_L, places = mean_RL.mean(axis=0), np.arange(1, mean_RL.shape[1] + 1)
            colour = f"C{number}"
            axes.plot(places, mean_L, "o-", color=colour, label=name)
            if len(group) == 1:
                std_L = np.array(group[0]["temporal_std"])
                axes.fill_between(places, mean_L - std_L, mean_L + std_L, color=colour, alpha=0.2)
            else:
                axes.plot(places, mean_RL.T, "-", color=colour, linewidth=0.7, alpha=0.5)
        axes.axhline(0.5, color="grey", linewidth=0.8, linestyle=":")
        axes.set(xlabel="attentive layer", ylabel="mean coefficient of the temporal component")
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)


def main() -> None:
    parser = command_parser("sth attention", __doc__, EXAMPLES)
    parser.add_argument("runs", nargs="+", metavar="CHECKPOINT[@DATA]")
    parser.add_argument("--data", default="rendered:135:9", help=f"of checkpoints without @DATA: {DATA_HELP}")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="picture, .png or .svg")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args(sys.argv[1:])
    if arguments.plot:
        check_picture(arguments.plot)
    runs = []
    for word in arguments.runs:
        path, _, data = word.partition("@")
        runs.append(
            measure(
                path, data or arguments.data, split=arguments.split, workers=arguments.workers, device=arguments.device
            )
        )
    Console().print(table_of(runs))
    if arguments.plot:
        plot(runs, arguments.plot)
    if arguments.json:
        content = {"kind": "attention", "code_version": code_version(), "runs": runs}
        measured = [word.partition("@")[0] for word in arguments.runs]
        write_result(arguments.json, content, sources=SOURCES, measured=measured)


if __name__ == "__main__":
    run_cli(main)
