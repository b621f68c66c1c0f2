"""Accuracy against the time of a frame, beside what a user would take instead: ``sth frontier``.

Trains the recipes ``frontier_*`` (four widths of the causal network, MoViNet-A0), builds every network with random
weights for LiteRT (time does not depend on them), and times all of one input size in one interleaved run. What is
trained or built already is not done again, so a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from mobile.commands import run_logged
from mobile.latency.devices.plan import row_of
from mobile.latency.rivals import EXPORT_SOURCES, build
from mobile.latency.timing import describe_host, interleaved
from mobile.report.frontier import plot, sentences, table_cells
from mobile.runtimes import ArtefactRunner
from mobile.schemas import Frontier, load_result
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import read_json
from training.common.pictures import check_picture
from training.engine.provenance import TRAINING_SOURCES, code_version, write_result
from training.recipes.frontier import WIDTHS, name_of
from training.tables.counting import count

SOURCES = (*TRAINING_SOURCES, "training/recipes/frontier.py", *EXPORT_SOURCES)
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth frontier --json mobile/results/frontier.json --plot mobile/results/frontier.png
  sth frontier --no-train --sizes 224 --rounds 60   time only, with the networks that are trained so far
  sth frontier --only "STH 0.5" MoViNet-A0 --set epochs=1 --out runs/try
"""
PRECISIONS = ("fp32", "int8")
SEGMENTS, CLASSES = 8, 27


@dataclasses.dataclass(frozen=True)
class Point:
    """A network of the comparison.

    Attributes:
        options: of ``build_network``.
        recipe: that trains it; None for one that is only timed.
        modes: "stream" (a frame, with states), "frame" (a frame alone) and "clip", as far as it has them.
        int8_options: options of further builds in int8; the fastest stands for the network.
    """

    name: str
    network: str
    options: dict[str, Any]
    recipe: str | None
    modes: tuple[str, ...]
    int8_options: tuple[dict[str, Any], ...] = ()


POINTS = (
    *(
        Point(f"STH {width:g}", "sth_mobilenet_v2", {"p": 0.25, "width": width, "causal": True}, name_of(width),
              ("stream", "clip") if width == 1 else ("stream",))
        for width in WIDTHS
    ),
    Point("MoViNet-A0", "movinet_a0", {}, "frontier_movinet_a0", ("stream", "clip"), ({"composed": True},)),
    Point("TSM", "tsm_mobilenet_v2", {"width": 1.0, "causal": True}, None, ("stream", "clip")),
    Point("MobileNetV2", "tsn_mobilenet_v2", {"width": 1.0}, None, ("frame", "clip")),
)  # fmt: skip
X3D_DEPTHWISE_CHANNELS = 24 + 3 * 54 + 5 * 108 + 11 * 216 + 7 * 432  # of X3D-XS: its stem, and its 26 blocks
ABSENT = {
    "X3D-XS": "its depthwise 3-D convolutions have no operator in TFLite: TensorFlow's converter stops "
    "(ERROR_NEEDS_FLEX_OPS), TensorFlow's own kernel, to which Flex would hand them, refuses (input and filter must "
    f"have the same depth), and onnx2tf makes one CONV_3D of each channel, {X3D_DEPTHWISE_CHANNELS:,} of them, none of "
    "which XNNPACK takes",
}


def train(point: Point, arguments: argparse.Namespace) -> None:
    """Train a network by its recipe, or go on, unless it is done.

    Raises:
        UserError: the training failed; with its last line.
    """
    folder = folder_of(point, arguments)
    if point.recipe is None or (folder / "result.json").is_file():
        return
    words = ["train", point.recipe, "--resume", "--seed", str(arguments.seed)]
    run_logged([*words, "--set", f"out={folder}", *arguments.set], folder / "log.txt")


def folder_of(point: Point, arguments: argparse.Namespace) -> Path:
    """Where the run of a network lies."""
    return Path(arguments.out) / f"{point.recipe}-seed{arguments.seed}"


def scored(point: Point, arguments: argparse.Namespace) -> dict[str, Any]:
    """A network's row: its size, its work for a frame at 224, and top-1 on unseen clips where it is trained."""
    counted = count(point.network, num_classes=CLASSES, segments=SEGMENTS, size=224, **point.options)
    row: dict[str, Any] = {"name": point.name, "network": point.network, "options": point.options,
           "recipe": point.recipe, "parameters": counted.parameters,
           "frame_multiply_adds": round(counted.multiply_adds / SEGMENTS)}  # fmt: skip
    result = folder_of(point, arguments) / "result.json"
    if point.recipe is None or not result.is_file():
        return row
    content = read_json(result, "result of a training")
    validation, chosen = content["validation"], content["recipe"]
    return row | {
        "top1": validation["top1"], "clips": validation["clips"], "size": chosen["size"], "epochs": chosen["epochs"],
        "trained_on": chosen["train_data"], "scored_on": chosen["validation_data"], "minutes": content["seconds"] / 60,
    }  # fmt: skip


def artefacts_of(point: Point, size: int, folder: Path) -> list[tuple[str, Path]]:
    """Mode and path of each artefact of a network, made where ``folder`` lacks it."""
    made = []
    for mode in point.modes:
        for precision in PRECISIONS:
            for further in ({}, *(point.int8_options if precision == "int8" else ())):
                path = build(
                    point.network, "litert", precision=precision, size=size,
                    segments=1 if mode == "frame" else SEGMENTS, classes=CLASSES, options={**point.options, **further},
                    folder=folder, mode="stream" if mode == "stream" else "clip",
                )  # fmt: skip
                made.append((mode, path))
    return made


def timed(points: Sequence[Point], size: int, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All artefacts of one input size, timed in turn."""
    jobs = [(point, *made) for point in points for made in artefacts_of(point, size, arguments.build)]
    runners = [ArtefactRunner(path, threads=1) for _, _, path in jobs]
    timings = interleaved(runners, rounds=arguments.rounds, warm_up=arguments.warm_up, seed=arguments.seed)
    return [
        {
            **dataclasses.asdict(
                row_of(path, list(timing.samples), runtime=runner.runtime, load_ms=1000 * runner.load_seconds,
                       peak_mb=None)
            ),
            "point": point.name, "mode": mode, "size": size,
        }
        for (point, mode, path), runner, timing in zip(jobs, runners, timings, strict=True)
    ]  # fmt: skip


def result_of(points: Sequence[Point], arguments: argparse.Namespace) -> dict[str, Any]:
    """The result file (``mobile.schemas.Frontier``)."""
    return {
        "kind": "frontier",
        "code_version": code_version(),
        "host": describe_host(),
        "threads": 1,
        "rounds": arguments.rounds,
        "seed": arguments.seed,
        "networks": [scored(point, arguments) for point in points],
        "rows": [row for size in arguments.sizes for row in timed(points, size, arguments)],
        "absent": ABSENT,
    }


def show(found: Frontier, console: Console) -> None:
    """Print the table and who leads."""
    header, rows = table_cells(found)
    table = Table(header[0], *(Column(name, justify="right") for name in header[1:]))
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for sentence in sentences(found):
        console.print(sentence)


def chosen_points(names: Sequence[str] | None) -> list[Point]:
    """The networks of these names, all without any.

    Raises:
        UserError: an unknown name.
    """
    known: Mapping[str, Point] = {point.name: point for point in POINTS}
    if unknown := [name for name in names or () if name not in known]:
        raise UserError(f"--only {unknown[0]!r}: the networks are {', '.join(known)}")
    return [known[name] for name in names or known]


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth frontier", __doc__, EXAMPLES)
    parser.add_argument("--only", nargs="+", metavar="NETWORK", help=f"of {', '.join(p.name for p in POINTS)}")
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 224], metavar="S", help="input sizes to time at")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--no-train", action="store_true", help="take the networks that are trained already")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", action="extend", help="change the recipes")
    parser.add_argument("--seed", type=int, default=0, help="of training, and of the order of the rounds")
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="where trainings are kept")
    parser.add_argument("--build", type=Path, default=Path("build/frontier"), help="where built networks are kept")
    parser.add_argument("--json", type=Path, default=Path("build/frontier/frontier.json"), metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="top-1 against the time of a frame, .png or .svg")
    return parser.parse_args(arguments)


def main() -> None:
    arguments = parse(sys.argv[1:])
    if arguments.plot:
        check_picture(arguments.plot)
    points = chosen_points(arguments.only)
    if not arguments.no_train:
        for point in points:
            train(point, arguments)
    write_result(arguments.json, result_of(points, arguments), sources=SOURCES)
    found = load_result(arguments.json)
    assert isinstance(found, Frontier)
    show(found, Console())
    if arguments.plot:
        plot(found, arguments.plot)


if __name__ == "__main__":
    run_cli(main)
