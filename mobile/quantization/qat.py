"""Quantization-aware training of the deploy form: ``sth qat CHECKPOINT [--set key=value ...]``.

Batch norm is folded and the hybrid kernel split before it starts, so that what is trained is what the phone runs.
The result is one checkpoint with the float weights of the training form and the state of the quantized program.

Axes: N clip, T frame, C colour, H row, W column, K class.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from pathlib import Path
from typing import Any

import torch

from mobile.deploy.network import DeployNetwork, deploy_form
from mobile.quantization.bias_correction import correct_biases
from mobile.quantization.quantized_program import convert_to_int8, quantized_state
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import write_json
from training.engine import distributed
from training.engine.batches import open_loader
from training.engine.checkpoint import load_checkpoint, network_of, save_checkpoint
from training.engine.loop import LAST, Trainer
from training.engine.provenance import code_version
from training.engine.recipe import Recipe, check, override

EXAMPLES = """examples:
  sth qat runs/rendered_sth-seed0/final.pt
  sth qat runs/rendered_sth-seed0/final.pt --set qat_epochs=1 --out runs/short
"""


_BATCHES_FOR_BIASES = 8


def recipe_of(checkpoint: dict[str, Any]) -> Recipe:
    """The recipe that a checkpoint was trained with."""
    known = {field.name for field in dataclasses.fields(Recipe)}
    return Recipe(**{key: value for key, value in checkpoint["recipe"].items() if key in known})


def qat_recipe(recipe: Recipe) -> Recipe:
    """The fine-tuning run: ``qat_epochs`` at the final input size with a cosine from ``qat_lr``.

    Order and augmentation have another seed than training's; rendered clips are those of its first epochs.
    """
    return dataclasses.replace(
        recipe,
        name=f"{recipe.name}_qat",
        epochs=recipe.qat_epochs,
        lr=recipe.qat_lr,
        schedule="cosine",
        warmup_epochs=0.0,
        early_size=0,
        early_epochs=0,
        validate_every=1,
        amp="none",
        compile=False,
        seed=recipe.seed + 1000,
    )


def quantization_aware_training(
    checkpoint: dict[str, Any], recipe: Recipe, folder: Path, *, resume: bool = False
) -> tuple[DeployNetwork, dict[str, Any]]:
    """Train the deploy form with fake quantization, round it to int8 and score it on the validation clips.

    Returns:
        The network in "int8", and the scores of float before, and of int8.

    Raises:
        UserError: a network without a deploy form, one that cannot be rounded, or what ``Trainer`` raises.
    """
    torch.manual_seed(recipe.seed)
    try:
        network = deploy_form(network_of(checkpoint, segments=recipe.window or None))
    except ValueError as error:
        raise UserError(f"{checkpoint['network']}: {error}") from error
    labels = list(checkpoint["labels"])

    def pack(metrics: dict[str, Any]) -> dict[str, Any]:
        return {**checkpoint, "metrics": metrics}  # float weights: `trainer` holds the state of this run

    def freeze_ranges(epoch: int) -> None:
        # The ranges stop moving in the second part, so that the weights can settle on their grid.
        for point in network.points().values():
            point.observing = point is not network.input and epoch < recipe.qat_freeze * recipe.epochs

    trainer = Trainer(
        network, recipe, folder, pack=pack, labels=labels, final=None,
        to_input=lambda x_NTCHW: x_NTCHW.flatten(0, 1), on_epoch=freeze_ranges,
        frame_forward=network.frame_logits,
    )  # fmt: skip
    float_scores = trainer.validate(recipe.size)
    if recipe.qat_correct_bias:
        correct_biases(network, _first_batches(recipe, labels, trainer.device))
    network.set_system("qat")
    if resume and (folder / LAST).exists():
        trainer.resume(load_checkpoint(folder / LAST))
    trainer.run()
    network.cpu()
    try:
        convert_to_int8(network)
    except ValueError as error:
        raise UserError(f"cannot round the network to int8: {error}; lower qat_lr") from error
    trainer.device = torch.device("cpu")
    return network, {"float": float_scores, "int8": trainer.validate(recipe.size)}


def _first_batches(recipe: Recipe, labels: list[str], device: torch.device) -> list[torch.Tensor]:
    """Frames (B, 3, H, W) of a few training batches, to take means over."""
    loader = open_loader(recipe, training=True, size=recipe.size, labels=labels)
    batches = itertools.islice(loader, _BATCHES_FOR_BIASES)
    return [loader.dataset.spec.to_network(batch.frames_NTHWC.to(device)).flatten(0, 1) for batch in batches]


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth qat", __doc__, EXAMPLES)
    parser.add_argument("checkpoint", type=Path, help="a float checkpoint, final.pt of training.train")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", action="extend", help="change the recipe")
    parser.add_argument("--out", type=Path, help="folder (default: beside the checkpoint, with _qat)")
    parser.add_argument("--seed", type=int, help="seed of the order and the augmentation")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores here too")
    return parser.parse_args(arguments)


def main() -> None:
    distributed.refuse("mobile.quantization.qat")
    arguments = parse(sys.argv[1:])
    checkpoint = load_checkpoint(arguments.checkpoint)
    chosen = qat_recipe(override(recipe_of(checkpoint), arguments.set))
    if arguments.seed is not None:
        chosen = dataclasses.replace(chosen, seed=arguments.seed)
    check(chosen)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    beside = arguments.checkpoint.resolve().parent
    folder = arguments.out or beside.with_name(f"{beside.name}_qat")
    if (folder / LAST).exists() and not arguments.resume:
        raise UserError(f"{folder / LAST} exists; go on from it with --resume, or choose another folder with --out")
    network, results = quantization_aware_training(checkpoint, chosen, folder, resume=arguments.resume)
    metrics = {f"{name}_{key}": row[key] for name, row in results.items() for key in ("top1", "top5", "clips")}
    target = folder / "quantized.pt"
    finished = {key: value for key, value in checkpoint.items() if key != "trainer"}
    qat = {"recipe": dataclasses.asdict(chosen), "code_version": code_version()}
    save_checkpoint(target, {**finished, "metrics": metrics, "qat": qat, "quantized": quantized_state(network)})
    write_json(folder / "scores.json", results)
    if arguments.json:
        write_json(arguments.json, results)
    print(
        f"top-1 float {results['float']['top1']:.2f} %, int8 {results['int8']['top1']:.2f} %"
        f" on {results['int8']['clips']} clips; wrote {target}"
    )


if __name__ == "__main__":
    run_cli(main)
