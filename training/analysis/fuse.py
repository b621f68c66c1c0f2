"""Fuse the scores of several runs over the same clips: ``sth fuse RUN RUN ...``.

A run is a score file (``sth evaluate MODEL --scores FILE.npz``), or a folder that holds scores.npz.

Axes: M clips, K class.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Column, Table

from training.analysis.score_files import Scores, check_name, load_scores, save_scores
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import write_json
from training.engine.metrics import scores as scores_of
from training.engine.provenance import code_version

EXAMPLES = """examples:
  sth fuse rgb8.npz rgb16.npz                          the mean of both runs' softmax (STH_En, Table 2)
  sth fuse rgb.npz flow.npz --weights 1 1.5            RGB and flow
  sth fuse runs/a runs/b runs/c --average logits --json fused.json
"""
AVERAGES = ("softmax", "logits")


def fuse(
    runs: Sequence[Scores],
    *,
    weights: Sequence[float] | None = None,
    average: str = "softmax",
    common: bool = False,
    called: Sequence[str] = (),
) -> Scores:
    """The weighted mean of the runs' softmax or logits, clip by clip, in the order of the first run.

    Args:
        weights: one a run, none below 0; all alike if None.
        common: fuse the clips that all runs have; else they must have the same.
        called: the runs in messages, their files for example.

    Raises:
        UserError: fewer than two runs, weights that do not fit, or runs over other clips, labels or truths.
    """
    if len(runs) < 2:
        raise UserError(f"{len(runs)} run is given; fusion needs at least two")
    shares = _shares(weights, len(runs))
    if average not in AVERAGES:
        raise UserError(f"average is {average!r}; expected one of {', '.join(AVERAGES)}")
    shared = set.intersection(*(set(run.names) for run in runs))
    names = [name for name in runs[0].names if name in shared]
    called = called or [f"run {number}" for number in range(1, len(runs) + 1)]
    for run, name in zip(runs, called, strict=True):
        if sorted(run.labels) != sorted(runs[0].labels):
            raise UserError(f"{name} has {len(run.labels)} labels that are not those of {called[0]}; they do not fuse")
    aligned = [_aligned(run, runs[0].labels, names, name, common) for run, name in zip(runs, called, strict=True)]
    if not names:
        raise UserError("the runs have no clip in common; evaluate them on the same split of the same data")
    truths = aligned[0][1]
    for name, (_, others) in zip(called[1:], aligned[1:], strict=True):
        if different := [clip for clip, a, b in zip(names, truths, others, strict=True) if a != b]:
            raise UserError(f"{called[0]} and {name} disagree on the label of {different[0]}; they are over other data")
    values = [_softmax(logits) if average == "softmax" else logits for logits, _ in aligned]
    mean_MK = np.sum([share * value for share, value in zip(shares, values, strict=True)], axis=0)
    about = {"fused": [run.about for run in runs], "weights": shares, "average": average}
    return Scores(mean_MK, truths, names, runs[0].labels, about)


def _shares(weights: Sequence[float] | None, count: int) -> list[float]:
    weights = [1.0] * count if weights is None else list(weights)
    if len(weights) != count:
        raise UserError(f"{len(weights)} weights are given for {count} runs; give one for each")
    if not all(np.isfinite(weights)) or min(weights) < 0 or sum(weights) == 0:
        raise UserError(f"the weights are {weights}; expected none below 0 and one above")
    return [weight / sum(weights) for weight in weights]


def _aligned(
    run: Scores, labels: Sequence[str], names: Sequence[str], called: str, common: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Logits (M, K) and truths (M,) of a run in the order of the given clips and labels."""
    if len(run.names) != len(names) and not common:
        others = sorted(set(run.names) - set(names))
        raise UserError(
            f"{called} has {len(run.names)} clips, {len(names)} of them in all runs ({others[0]} is not);"
            " --common fuses those"
        )
    place = {name: position for position, name in enumerate(run.names)}
    rows = [place[name] for name in names]
    columns = [run.labels.index(label) for label in labels]
    id_of = np.argsort(columns)  # class id in the first run's list, by this run's
    return run.logits_MK[rows][:, columns], id_of[run.truths_M[rows]]


def _softmax(logits_MK: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits_MK - logits_MK.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth fuse", __doc__, EXAMPLES)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a score file .npz, or a folder with one")
    parser.add_argument("--weights", nargs="+", type=float, metavar="W", help="one a run (default: all alike)")
    parser.add_argument("--average", choices=AVERAGES, default="softmax", help="what is averaged (default: softmax)")
    parser.add_argument("--common", action="store_true", help="fuse the clips that all runs have, and leave out others")
    parser.add_argument("--scores", type=Path, metavar="FILE", help="write the fused scores there, .npz")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args(arguments)


def main() -> None:
    arguments = parse(sys.argv[1:])
    if arguments.scores:
        check_name(arguments.scores)
    runs = [load_scores(path) for path in arguments.runs]
    called = [str(path) for path in arguments.runs]
    fused = fuse(runs, weights=arguments.weights, average=arguments.average, common=arguments.common, called=called)
    rows: list[dict[str, Any]] = []
    table = Table("run", *(Column(text, justify="right") for text in ("weight", "clips", "top-1", "top-5")))
    for name, weight, run in zip([*called, "fused"], [*fused.about["weights"], None], [*runs, fused], strict=True):
        found = scores_of(run.logits_MK, run.truths_M)
        rows.append({"run": name, "weight": weight, "about": run.about, **found})
        share = f"{weight:.3f}" if weight is not None else ""
        table.add_row(name, share, str(found["clips"]), f"{found['top1']:.2f} %", f"{found['top5']:.2f} %")
    Console().print(table)
    if arguments.scores:
        save_scores(arguments.scores, fused)
    if arguments.json:
        head = {"kind": "fusion", "code_version": code_version(), "average": arguments.average, "labels": fused.labels}
        write_json(arguments.json, {**head, "runs": rows[:-1], "fused": rows[-1]})


if __name__ == "__main__":
    run_cli(main)
