"""Compare networks on real clips, with their spread: ``sth compare --data DIR --weights FILE``.

For each recipe and seed: float training, QAT, export to the three targets, top-1 of every artefact on the validation
split. What is there already is not done again, so a stopped study goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from mobile.bundle import open_bundle
from mobile.commands import run_logged
from mobile.parity.ladder import Ladder
from mobile.parity.sides import read_clips
from mobile.runtimes import SUFFIXES, ArtefactRunner
from training.common.command_line import command_parser
from training.common.errors import run_cli
from training.common.files import read_json, write_json
from training.engine.provenance import TRAINING_SOURCES, write_result

SOURCES = (*TRAINING_SOURCES, "training/recipes/gestures.py", "mobile/deploy", "mobile/quantization")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth compare --data DIR --weights mobilenet_v2.pt --json mobile/results/gestures.json
  sth compare --data DIR --weights imagenet --recipes gestures_sth --seeds 0 --set epochs=4
"""


def one_run(recipe: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train, quantize, export and score one network; returns its row."""
    folder = arguments.out / f"{recipe}-seed{seed}"
    quantized = folder.with_name(folder.name + "_qat") / "quantized.pt"
    result = folder / "row.json"
    if result.is_file():
        return dict(read_json(result, "row of a study"))
    log = folder / "log.txt"
    data = [f"train_data={arguments.data}", f"validation_data={arguments.data}"]
    of_qat = [word for word in arguments.set if word.startswith("qat_")]
    if not (folder / "final.pt").is_file():
        others = [word for word in arguments.set if word not in of_qat]
        sets = [*data, f"weights={arguments.weights}", f"out={folder}", f"seed={seed}", *others]
        run_logged(["train", recipe, "--resume", "--set", *sets], log)
    if not quantized.is_file():
        words = ["qat", str(folder / "final.pt"), "--resume", "--out", str(quantized.parent)]
        run_logged([*words, *(["--set", *of_qat] if of_qat else [])], log)
    out = folder / "artefacts"
    run_logged(["export", str(quantized), "--to", "all", "--out", str(out), "--parity-clips", "0"], log)
    artefacts = sorted(path for path in out.iterdir() if path.suffix in SUFFIXES)
    row = {"recipe": recipe, "seed": seed, **_score(quantized, artefacts, arguments.data)}
    write_json(result, row)
    return row


def _score(quantized: Path, artefacts: list[Path], data: str) -> dict[str, Any]:
    """Right clips of each side on the validation split."""
    bundle = open_bundle(quantized)
    ladder = Ladder(bundle, read_clips(data, "validation", bundle.spec, bundle.labels))
    labels = ladder.clips.labels
    right = {
        "float": int((ladder.side("training").argmax(1) == labels).sum()),
        "int8": int((ladder.side("int8").argmax(1) == labels).sum()),
    }
    for path in artefacts:
        agreement = ladder.artefact_row(ArtefactRunner(path)).agreement
        assert agreement is not None
        right[SUFFIXES[path.suffix]] = round(agreement.right_top1 * len(labels) / 100)
    return {"clips": len(labels), "right": right}


def summarize(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean, smallest and largest top-1 in per cent of each recipe and side."""
    summary: dict[str, Any] = {}
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        ours = [row for row in rows if row["recipe"] == recipe]
        summary[recipe] = {
            side: _spread([100 * row["right"][side] / row["clips"] for row in ours]) for side in ours[0]["right"]
        }
    return summary


def _spread(values: list[float]) -> dict[str, float]:
    return {"mean": statistics.fmean(values), "min": min(values), "max": max(values), "runs": len(values)}


def show(summary: dict[str, Any], console: Console) -> None:
    """Print top-1 in per cent: mean (smallest to largest) over the seeds."""
    sides = list(dict.fromkeys(side for row in summary.values() for side in row))
    table = Table("recipe", *sides, title="top-1 on unseen people, mean (min to max) over the seeds, %")
    for recipe, row in summary.items():
        cells = [
            f"{row[s]['mean']:.1f} ({row[s]['min']:.1f} to {row[s]['max']:.1f})" if s in row else "" for s in sides
        ]
        table.add_row(recipe, *cells)
    console.print(table)


def main() -> None:
    parser = command_parser("sth compare", __doc__, EXAMPLES)
    parser.add_argument("--data", required=True, help="a folder of videos with clips.csv, see training.clips")
    parser.add_argument("--weights", default="imagenet", help="ImageNet weights: a file, or 'imagenet' to download")
    parser.add_argument("--recipes", nargs="+", default=["gestures_sth", "gestures_tsn", "gestures_tsm"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", action="extend", help="change the recipes")
    parser.add_argument("--out", type=Path, default=Path("runs/study"), metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write rows and summary here")
    arguments = parser.parse_args(sys.argv[1:])
    rows = []
    # seeds outermost: a study that is stopped early has compared all networks at least once
    jobs = [(recipe, seed) for seed in arguments.seeds for recipe in arguments.recipes]
    for recipe, seed in tqdm(jobs, desc="study", unit="run"):
        rows.append(one_run(recipe, seed, arguments))
        tqdm.write(json.dumps(rows[-1]))
        if arguments.json:
            content = {"kind": "study", "data": Path(arguments.data).name, "set": arguments.set, "rows": rows}
            write_result(arguments.json, {**content, "summary": summarize(rows)}, sources=SOURCES)
    show(summarize(rows), Console())


if __name__ == "__main__":
    run_cli(main)
