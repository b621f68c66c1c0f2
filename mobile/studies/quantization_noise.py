"""Where int8 loses against float: ``sth noise [--checkpoint C] [--clips DATA]``.

Signal over noise after each layer, what each layer costs when it alone computes in int8, what is won when it alone does
not, and which ranges clip and how often.

Axes: M clips, N clip, T frame, S height and width, C colour.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Column, Table
from tqdm import tqdm

from mobile.bundle import SHIPPED, Bundle, open_bundle
from mobile.parity.sides import Clips, read_clips
from mobile.report.noise_plot import plot_noise
from mobile.schemas.layers import LayerNoise, QuantDebug
from mobile.studies.layer_noise import Comparison, OneByOne, compare_layers
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.pictures import check_picture
from training.engine.provenance import CLIP_SOURCES, code_version, write_result
from training.formats import DATA_HELP, with_seed

SOURCES = (*CLIP_SOURCES, "mobile/deploy", "mobile/quantization", "mobile/studies")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth noise                                           the shipped checkpoint
  sth noise --checkpoint runs/mine_qat/quantized.pt --clips DIR --json noise.json --plot noise.png
  sth noise --one-by-one 0                            without the passes layer by layer
"""
_CLIPPED = 0.01  # per cent of values that make a range worth a line


def debug(bundle: Bundle, clips: Clips, data: str, *, one_by_one: int) -> QuantDebug:
    """Compare the checkpoint's float network with its int8 one over clips.

    Args:
        one_by_one: clips for the passes with one layer rounded, and with all but one; 0 for none.

    Raises:
        UserError: the checkpoint holds no int8 network, or there are no clips.
    """
    int8 = bundle.network("int8")
    if not len(clips):
        raise UserError(f"{data} has no clips of this split")
    batches = [bundle.spec.to_network(torch.from_numpy(frames)[None])[0] for frames in clips.frames]
    bar = tqdm(batches, desc="layer by layer", unit="clip", leave=False, mininterval=2)
    found = compare_layers(bundle.floating, int8, bar)
    count = min(one_by_one, len(batches))
    singles = OneByOne(bundle.floating, int8, batches[:count])
    return QuantDebug(
        code_version=code_version(),
        checkpoint=Path(bundle.source).name,
        data=data,
        clips=found.clips,
        one_by_one_clips=count,
        logits_db=found.to_float["classifier"].db,
        rounding_db=found.rounding["classifier"].db,
        untrained_db=singles.db(frozenset(singles.names)) if count else None,
        same_top1=100 * found.same_top1 / found.clips,
        layers=_layers(found, singles, count),
        ranges=tuple(spread.to_result(name) for name, spread in found.spreads.items()),
    )


def _layers(found: Comparison, singles: OneByOne, count: int) -> tuple[LayerNoise, ...]:
    rows = []
    for name in tqdm(found.to_float, desc="one by one", unit="layer", leave=False, mininterval=2):
        rows.append(
            LayerNoise(
                layer=name,
                sqnr_db=found.to_float[name].db,
                rounding_db=found.rounding[name].db,
                weight_db=singles.weight_db(name),
                alone_db=singles.alone(name) if count else None,
                spared_db=singles.spared(name) if count else None,
            )
        )
    return tuple(rows)


def show(result: QuantDebug, console: Console) -> None:
    """Print the layers, the worst of them, and the ranges that clip; readable at 80 columns."""
    names = ("SQNR\ndB", "rounding\ndB", "weights\ndB", "alone\ndB", "all but\nit dB")
    columns = [Column(name, justify="right") for name in names]
    table = Table(Column("after layer", min_width=20), *columns, title=result.checkpoint, expand=True)
    for row in result.layers:
        figures = (row.sqnr_db, row.rounding_db, row.weight_db, row.alone_db, row.spared_db)
        table.add_row(row.layer, *("" if value is None else f"{value:.1f}" for value in figures))
    console.print(table)
    console.print(in_words(result), highlight=False, soft_wrap=True)
    clipping = sorted((row for row in result.ranges if row.clipped > _CLIPPED), key=lambda row: -row.clipped)
    if clipping:
        heads = [Column(name, justify="right") for name in ("range", "values", "clipped\n%", "steps\nused")]
        ranges = Table(Column("range of", min_width=20), *heads, title="ranges that clip", expand=True)
        for use in clipping:
            ranges.add_row(use.layer, f"{use.low:.2f} to {use.high:.2f}", f"{use.least:.2f} to {use.most:.2f}",
                           f"{use.clipped:.3f}", str(use.steps))  # fmt: skip
        console.print(ranges)
    else:
        console.print(f"No range clips more than {_CLIPPED} % of its values.")


def in_words(result: QuantDebug) -> str:
    """The totals, and the worst layers."""
    text = (
        f"Logits of {result.clips} clips of {result.data}: {result.logits_db:.1f} dB between float and int8, of which "
        f"rounding activations alone leaves {result.rounding_db:.1f} dB; same top-1 for {result.same_top1:.2f} %."
    )
    if result.untrained_db is None:
        return text
    worst = ", ".join(f"{row.layer} {row.alone_db:.1f} dB" for row in result.worst(5))
    return (
        f"{text} Without QAT, the float weights rounded as they are: {result.untrained_db:.1f} dB "
        f"({result.one_by_one_clips} clips). Worst alone: {worst}."
    )


def result_of(result: QuantDebug) -> dict[str, Any]:
    """The result file (``mobile.schemas.layers.QuantDebug``)."""
    return {"kind": "quant_debug", **dataclasses.asdict(result)}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = command_parser("sth noise", __doc__, EXAMPLES)
    parser.add_argument(
        "--checkpoint", type=Path, default=SHIPPED, help="one of mobile.quantization.qat; default: the shipped one"
    )
    parser.add_argument("--clips", default="rendered:54", metavar="DATA", help=DATA_HELP)
    parser.add_argument("--split", default="validation", help="of DATA")
    parser.add_argument("--count", type=int, metavar="N", help="the first N clips only")
    parser.add_argument("--one-by-one", type=int, default=8, metavar="N",
                        help="clips for the passes with one layer in int8; default 8, 0 for none")  # fmt: skip
    parser.add_argument("--seed", type=int, default=77, help="of rendered clips without one")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="SQNR layer by layer, .png or .svg")
    parsed = parser.parse_args(arguments)
    if parsed.one_by_one < 0 or (parsed.count is not None and parsed.count < 1):
        parser.error("--one-by-one is at least 0 and --count at least 1")
    return parsed


def main() -> None:
    arguments = parse(sys.argv[1:])
    if arguments.plot:
        check_picture(arguments.plot)
    bundle = open_bundle(arguments.checkpoint)
    bundle.network("int8")
    data = with_seed(arguments.clips, arguments.seed)
    clips = read_clips(data, arguments.split, bundle.spec, bundle.labels, arguments.count)
    result = debug(bundle, clips, data, one_by_one=arguments.one_by_one)
    show(result, Console())
    if arguments.json:
        write_result(arguments.json, result_of(result), sources=SOURCES, measured=[arguments.checkpoint])
    if arguments.plot:
        plot_noise(result, arguments.plot)


if __name__ == "__main__":
    run_cli(main)
