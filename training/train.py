"""Train a network by a recipe: ``sth train RECIPE [--set key=value ...]``."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import write_json
from training.engine import distributed
from training.engine.batches import open_loader
from training.engine.checkpoint import load_checkpoint, make_checkpoint, network_of
from training.engine.distributed import Ranks
from training.engine.loop import FINAL, LAST, RESULT, Trainer
from training.engine.recipe import Recipe, check, differences, override
from training.formats.opening import is_rendered, open_data
from training.networks import FrameNetwork, build_network, complete_options
from training.networks.fewer_states import drop_states
from training.networks.imagenet import load_imagenet
from training.networks.recalibrate import is_folded, recalibrate, spatial_twin, take_batch_norms
from training.recipes import RECIPES, recipe

EXAMPLES = """examples:
  sth train rendered_sth                     the shipped checkpoint, float
  sth train rendered_sth --set epochs=2 size=64 out=runs/try
  sth train rendered_sth --resume            go on after a stop
  sth train jester_sth --set train_data=DIR validation_data=DIR workers=8
  torchrun --nproc-per-node 8 -m training.train something_sth --set train_data=DIR validation_data=DIR
  sth train ucf101_sth --finetune KINETICS.pt --set train_data=DIR#1 validation_data=DIR#1
"""


def build(chosen: Recipe, labels: list[str]) -> FrameNetwork:
    """The recipe's network with its initial weights, seeded.

    Raises:
        UserError: an unknown network or option, or weights or an ``init`` that do not fit.
    """
    torch.manual_seed(chosen.seed)
    options: dict[str, Any] = {"dropout": chosen.dropout, **chosen.network_options()}
    try:
        network = build_network(chosen.network, num_classes=len(labels), segments=chosen.frames(), **options)
    except ValueError as error:
        raise UserError(str(error)) from error
    if chosen.weights:
        random = load_imagenet(network, chosen.weights, chosen.input_spec())
        _say(f"ImageNet weights from {chosen.weights}; random: {len(random)} tensors and the temporal kernels")
        if is_folded(network):
            _recalibrate(network, chosen, labels)
    if chosen.init:
        _start_from(network, chosen, labels)
    return network


def _say(line: str) -> None:
    """One of several processes speaks."""
    if distributed.started().rank == 0:
        print(line)


def _start_from(network: FrameNetwork, chosen: Recipe, labels: list[str]) -> None:
    """Copy the weights of a checkpoint of the same network; its number of segments may be another one, and a causal
    network may have fewer temporal blocks (``drop_states``).

    With ``finetune`` its labels may be others too, and the classifier stays random.

    Raises:
        UserError: says what differs.
    """
    checkpoint = load_checkpoint(chosen.init)
    _check_fits(checkpoint, chosen, labels)
    try:
        weights = dict(checkpoint["model"])
        if chosen.options.get("temporal_blocks") is not None:
            weights = drop_states(weights, network_of(checkpoint), network)
        if chosen.finetune:
            weights |= {f"classifier.{name}": value for name, value in network.classifier.state_dict().items()}
            _say(f"weights from {chosen.init}; its classifier of {len(checkpoint['labels'])} classes stays behind")
        network.load_state_dict(weights)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"init {chosen.init} does not fit {chosen.network}: {reason}") from error


def _check_fits(checkpoint: dict[str, Any], chosen: Recipe, labels: list[str]) -> None:
    refused = f"init {chosen.init} does not fit: its"
    if checkpoint["network"] != chosen.network:
        raise UserError(f"{refused} network: {checkpoint['network']}; this recipe's: {chosen.network}")
    given = (checkpoint["options"], chosen.network_options())
    theirs, ours = (complete_options(chosen.network, options) for options in given)
    if ours.get("temporal_blocks") is not None:
        theirs, ours = ({k: v for k, v in options.items() if k != "temporal_blocks"} for options in (theirs, ours))
    if found := differences(theirs, ours):
        raise UserError(f"{refused} options: {', '.join(found)}; give the same with --set options.KEY=VALUE")
    if not chosen.finetune and list(checkpoint["labels"]) != labels:
        differing = _other_labels(checkpoint["labels"], labels)
        raise UserError(f"{refused} labels: {differing}; --finetune CHECKPOINT replaces the classifier")


def _other_labels(theirs: Sequence[str], ours: Sequence[str]) -> str:
    if len(theirs) != len(ours):
        return f"{len(theirs)} in the checkpoint and {len(ours)} in the data"
    number = next(number for number, (a, b) in enumerate(zip(theirs, ours, strict=True)) if a != b)
    return f"number {number} is {theirs[number]!r} in the checkpoint and {ours[number]!r} in the data"


def _recalibrate(network: FrameNetwork, chosen: Recipe, labels: list[str]) -> None:
    """Unfold the batch norm of the weights that were loaded, by the first batches of training clips."""
    _say("the weights have their batch norm folded: taking its statistics from training clips")
    loader = open_loader(chosen, training=True, size=chosen.size, labels=labels, whole=True)
    batches = []
    for batch in loader:
        batches.append(loader.dataset.spec.to_network(batch.frames_NTHWC))
        if len(batches) == 4:
            break
    twin = spatial_twin(network)
    if twin is None:
        recalibrate(network, batches)
        return
    load_imagenet(twin, chosen.weights, chosen.input_spec())
    recalibrate(twin, batches)
    take_batch_norms(network, twin, batches)


def folder_of(chosen: Recipe) -> Path:
    """Where a run writes: ``out``, or ``runs/NAME-seedN``."""
    return Path(chosen.out or f"runs/{chosen.name}-seed{chosen.seed}")


def train(chosen: Recipe, *, resume: bool = False) -> dict[str, Any]:
    """Train by a recipe; returns the final validation scores.

    Raises:
        UserError: bad data, weights or options, or a folder that holds another run.
    """
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    with distributed.joined(chosen.device) as here:
        folder = folder_of(chosen)
        last = folder / LAST
        with distributed.one_error():
            if last.exists() and not resume:
                raise UserError(
                    f"{last} exists; go on from it with --resume, or choose another folder with --set out=DIR"
                )
            _check_apart(chosen)
            labels = list(open_data(chosen.train_data, "train").labels)
            open_data(chosen.validation_data, "validation", labels)  # what is wrong with it shows now
        if len({*distributed.gather(last.exists())}) > 1:
            raise distributed.shared_error(f"{last} is not there on all machines; out must be a folder that they share")
        network = _build_together(chosen, labels, here)

        def pack(metrics: dict[str, Any]) -> dict[str, Any]:
            return make_checkpoint(network, chosen, labels, metrics)

        trainer = Trainer(network, chosen, folder, pack=pack, labels=labels, frame_forward=network.frame_logits)
        if resume and last.exists():
            trainer.resume(load_checkpoint(last))
            _say(f"resumed {last} at epoch {trainer.progress.epoch + 1}, batch {trainer.progress.batch}")
        return trainer.run()


def _build_together(chosen: Recipe, labels: list[str], here: Ranks) -> FrameNetwork:
    """The same network in every process; one of each machine goes first, so that weights are downloaded once."""
    network: FrameNetwork | None = None
    for first in (True, False) if here.size > 1 else (True,):
        with distributed.one_error():
            if (here.local_rank == 0) == first:
                network = build(chosen, labels)
    assert network is not None
    return network


def _check_apart(chosen: Recipe) -> None:
    """Rendered data are told apart by their seed only: the same one would validate on training clips."""
    training, validation = (data.split(":") for data in (chosen.train_data, chosen.validation_data))
    if is_rendered(chosen.train_data) and training[0] == validation[0] and training[-1] == validation[-1]:
        raise UserError(f"train_data and validation_data both have the seed {training[-1]}; give them different seeds")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth train", __doc__, EXAMPLES)
    parser.add_argument("recipe", help=f"one of {', '.join(sorted(RECIPES))}")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", action="extend", help="change the recipe")
    parser.add_argument("--weights", help="ImageNet weights: a file, or 'imagenet' to download torchvision's")
    parser.add_argument("--finetune", metavar="CHECKPOINT", help="start from it, with a new classifier")
    parser.add_argument("--seed", type=int, help="the same as --set seed=N")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the final scores here too")
    return parser.parse_args(arguments)


def main() -> None:
    arguments = parse(sys.argv[1:])
    chosen = override(recipe(arguments.recipe), arguments.set)
    if arguments.weights is not None:
        chosen = dataclasses.replace(chosen, weights=arguments.weights)
    if arguments.finetune is not None:
        chosen = dataclasses.replace(chosen, init=arguments.finetune, finetune=True, weights="")
    if arguments.seed is not None:
        chosen = dataclasses.replace(chosen, seed=arguments.seed)
    check(chosen)
    final = train(chosen, resume=arguments.resume)
    if not distributed.started().first:
        return
    folder = folder_of(chosen)
    scored = f"{final['frames']} frames of {final['clips']} windows" if "frames" in final else f"{final['clips']} clips"
    print(f"top-1 {final['top1']:.2f} % on {scored}; wrote {folder / FINAL} and {folder / RESULT}")
    if arguments.json:
        write_json(arguments.json, {key: value for key, value in final.items()})


if __name__ == "__main__":
    run_cli(main)
