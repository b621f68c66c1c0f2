"""Score a checkpoint in float and int8 and write its model card: ``sth card CHECKPOINT``.

Writes three files beside each other: the card (Markdown), its figures (JSON) and the confusion matrix (PNG).

Axes: M clips, K class.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mobile.bundle import SHIPPED, Bundle, open_bundle
from mobile.parity.ladder import Ladder
from mobile.parity.sides import read_clips
from mobile.schemas.agreement import compare
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import atomic_path, sha256_of, size_of
from training.engine.metrics import plot_confusion, scores
from training.engine.provenance import CLIP_SOURCES, NETWORK_SOURCES, write_result
from training.formats import DATA_HELP, is_rendered, with_seed
from training.networks import option_text

SOURCES = (*CLIP_SOURCES, *NETWORK_SOURCES, "mobile/deploy", "mobile/quantization")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth card runs/rendered_sth-seed0_qat/quantized.pt --data rendered:2025:77
"""

_CARD = """# {name}

| | |
| --- | --- |
| file | `{file}`, {megabytes:.1f} MB, sha256 `{sha256}` |
| network | {network}, {options}, {parameters:,} parameters |
| input | {segments} frames of {size} x {size}, RGB, see `contract.json` of its artefacts |
| training data | `{train_data}`{fresh} |
| recipe | `{recipe}`, seed {seed}, {epochs} epochs, code {code_version} |
| QAT | {qat} |
| initial weights | {weights} |
| scored on | `{data}`: {clips} clips that training never saw |
| top-1 float | {float_top1:.2f} % |
| top-1 int8 | {int8_top1:.2f} % |
| same top-1, float and int8 | {same:.2f} % |

{limits}

![confusion matrix]({picture})
"""

_RENDERED = (
    "These weights know **rendered hands**: a generator drew every clip that they saw. They show that the pipeline "
    "keeps a network's accuracy all the way to the artefacts; they are not a recogniser of real gestures. Train on "
    "Jester itself for that: `sth train jester_sth --set train_data=DIR validation_data=DIR`, then "
    "`sth qat`. Left and right, clockwise and counterclockwise are those of the picture."
)
_STREAM = (
    "This causal network was taught **frame by frame**, to run as a stream: while a gesture has only begun it says "
    '"No gesture", so the mean over a whole clip is not its measure. Its gesture events over an hour of streams are in '
    "the README."
)


def score(bundle: Bundle, data: str, split: str) -> dict[str, Any]:
    """Float (training form) and int8 (quantized program) scores over one data set.

    Raises:
        UserError: the checkpoint has no int8 network, or the clips have no labels.
    """
    ladder = Ladder(bundle, read_clips(data, split, bundle.spec, bundle.labels))
    labels = ladder.clips.known_labels
    if labels is None:
        raise UserError(f"{data} ({split}) has other labels than the checkpoint, or none: nothing to score")
    bundle.network("int8")
    floating, int8 = ladder.side("training"), ladder.side("int8")
    return {
        "float": scores(floating, labels),
        "int8": scores(int8, labels),
        "agreement": compare(floating, int8, labels, step=ladder.step).same_top1,
    }


def write_card(bundle: Bundle, data: str, split: str, target: Path) -> dict[str, Any]:
    """Score and write ``target`` (.md) with its .json and .png; returns the figures."""
    result = score(bundle, data, split)
    recipe, checkpoint = bundle.checkpoint["recipe"], bundle.checkpoint
    picture = target.with_suffix(".png")
    title = f"{bundle.name} int8, top-1 {result['int8']['top1']:.2f} %"
    plot_confusion(result["int8"]["confusion"], list(bundle.labels), picture, title)
    figures = {
        "kind": "model card",
        "checkpoint": Path(bundle.source).name,
        "sha256": sha256_of(bundle.source),
        "code_version": checkpoint["code_version"],
        "recipe": {**recipe, "out": ""},  # where it ran is nobody's business
        "data": data,
        "split": split,
        **result,
    }
    write_result(target.with_suffix(".json"), figures, sources=SOURCES, measured=[bundle.source])
    card = _CARD.format(
        name=bundle.name,
        file=Path(bundle.source).name,
        megabytes=size_of(bundle.source) / 1e6,
        sha256=figures["sha256"],
        network=bundle.name,
        options=", ".join(f"{key} {option_text(value)}" for key, value in bundle.options.items()),
        parameters=sum(p.numel() for p in bundle.training.parameters()),
        segments=bundle.spec.segments,
        size=bundle.spec.size,
        train_data=recipe["train_data"],
        fresh=", new clips in every epoch" if recipe["fresh_each_epoch"] else "",
        recipe=recipe["name"],
        seed=recipe["seed"],
        epochs=recipe["epochs"],
        qat=_qat_line(checkpoint),
        code_version=checkpoint["code_version"],
        weights=_initial(recipe),
        data=data,
        clips=result["float"]["clips"],
        float_top1=result["float"]["top1"],
        int8_top1=result["int8"]["top1"],
        same=result["agreement"],
        limits="\n\n".join(_limits_of(recipe)),
        picture=picture.name,
    )
    with atomic_path(target) as temporary:
        temporary.write_text(card, encoding="utf-8")
    return figures


def _initial(recipe: dict[str, Any]) -> str:
    if recipe.get("init"):
        return f"`{recipe['init']}`, this project's own"
    return recipe["weights"] or "none (trained from scratch)"


def _limits_of(recipe: dict[str, Any]) -> list[str]:
    """What a reader must know of these weights."""
    rendered = [_RENDERED] if is_rendered(recipe["train_data"]) else []
    return [*rendered, *([_STREAM] if recipe.get("supervision") == "frame" else [])]


def _qat_line(checkpoint: dict[str, Any]) -> str:
    qat = checkpoint.get("qat")
    if qat is None:
        return "not recorded"
    recipe = qat["recipe"]
    return f"{recipe['epochs']} epoch(s) of `{recipe['train_data']}`, seed {recipe['seed']}, code {qat['code_version']}"


def main() -> None:
    parser = command_parser("sth card", __doc__, EXAMPLES)
    parser.add_argument("checkpoint", type=Path, nargs="?", default=SHIPPED)
    parser.add_argument("--data", default="rendered:2025", help=DATA_HELP)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--seed", type=int, default=77, help="seed of rendered clips without one")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the card; default: beside the checkpoint, .md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    arguments = parser.parse_args(sys.argv[1:])
    bundle = open_bundle(arguments.checkpoint)
    target = arguments.out or arguments.checkpoint.with_suffix(".md")
    figures = write_card(bundle, with_seed(arguments.data, arguments.seed), arguments.split, target)
    if arguments.json:
        write_result(arguments.json, figures, sources=SOURCES, measured=[bundle.source])
    print(f"top-1 float {figures['float']['top1']:.2f} %, int8 {figures['int8']['top1']:.2f} %; wrote {target}")


if __name__ == "__main__":
    run_cli(main)
