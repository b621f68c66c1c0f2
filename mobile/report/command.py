"""Tables and the page of results: ``sth report [--results DIR] [--html FILE] [--readme FILE] [--check]``.

Reads result files only (``mobile.schemas``): a figure that no command wrote cannot get into a table.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mobile.latency.table import box_plot
from mobile.report import layers as report_layers
from mobile.report.pictures import Picture, frontier, picture, plot_frontier
from mobile.report.readme import agreement_cells, fill_tables, host_line, latency_caption, latency_cells, pieces
from mobile.schemas import (
    Accuracy,
    Artefact,
    Latency,
    Parity,
    ParityRow,
    Prediction,
    Predictions,
    Result,
    Steps,
    load_results,
)
from mobile.schemas.latency import LatencyRow
from mobile.schemas.layers import Profile, QuantDebug
from mobile.schemas.row import FAILED, NOT_RUN, PASSED, titled
from training.common.command_line import command_parser
from training.common.errors import UserError
from training.common.files import atomic_path
from training.engine.metrics import plot_confusion
from training.engine.provenance import code_version

EXAMPLES = """examples:
  sth report                                          the tables of README.md from mobile/results
  sth report --check                                  status 1 when README.md says something else
  sth report --results build/demo/results --html report.html
"""
_ROOT = Path(__file__).parents[2]
RESULTS = (_ROOT / "mobile" / "results", _ROOT / "training" / "results")
_TEMPLATES = Path(__file__).parent / "templates"
_LADDER_HEADER = ["clips", "max", "mean", "SQNR dB", "same top-1 %", "top-1 % left / right", "within 2 steps %"]
T = TypeVar("T")


def render_page(results: Mapping[str, Result], title: str = "STH on the phone: what was measured") -> str:
    """One page of HTML that needs nothing but itself: pictures and styles are inside.

    Raises:
        UserError: there are no results.
    """
    if not results:
        raise UserError("there are no result files to report; commands write them with --json")
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(page_values(results, title))


def page_values(results: Mapping[str, Result], title: str) -> dict[str, Any]:
    """What the template shows."""
    ladders, timings = _all(results, Parity), _all(results, Latency)
    accuracies, artefacts, steps = _all(results, Accuracy), _all(results, Artefact), _all(results, Steps)
    hosts = [*(found.device.line() for found in timings), *(host_line(run.host) for run in steps)]
    return {
        "title": title,
        "made": datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        "code_version": code_version(),
        "facts": facts(ladders, timings, accuracies, artefacts),
        "steps": [{"steps": [_step(step) for step in run.steps]} for run in steps],
        "ladders": [_ladder(found) for found in ladders],
        "frontier": _frontier(accuracies, timings),
        "timings": [_timing(found) for found in timings],
        "profiles": report_layers.profiles(_all(results, Profile)),
        "noises": report_layers.noises(_all(results, QuantDebug)),
        "artefacts": [_artefact(found) for found in artefacts],
        "outside": report_layers.outside(artefacts),
        "accuracies": _accuracies(accuracies),
        "classes": report_layers.per_class(accuracies),
        "confusion": _confusion(accuracies),
        "sheets": [_sheet(found) for found in _all(results, Predictions)],
        "host": hosts[0] if hosts else "not recorded",
        "tools": _tools(artefacts),
    }


def _all(results: Mapping[str, Result], kind: type[T]) -> list[T]:
    return [result for result in results.values() if isinstance(result, kind)]


def count(rows: Sequence[ParityRow], status: str) -> int:
    """Rows of a ladder with this status."""
    return sum(row.status == status for row in rows)


def facts(
    ladders: Sequence[Parity],
    timings: Sequence[Latency],
    accuracies: Sequence[Accuracy],
    artefacts: Sequence[Artefact],
) -> list[tuple[str, str]]:
    """The figures of the summary; what was not measured is absent."""
    shown = []
    rows = [row for ladder in ladders for row in ladder.rows]
    if rows:
        ran = len(rows) - count(rows, NOT_RUN)
        shown.append(("parity rows passed, of those that ran", f"{count(rows, PASSED)} of {ran}"))
        shown.append(("parity rows not run", str(count(rows, NOT_RUN))))
    floating = next((found for found in accuracies if found.precision == "float"), None)
    if floating:
        shown.append(("top-1, float", f"{floating.top1:.2f} %"))
    shown += [
        (f"top-1, int8, {found.runtime}", f"{found.top1:.2f} %") for found in accuracies if found.precision == "int8"
    ]
    for found in timings:
        subjects = [row for row in found.rows if row.ratio_to] or found.rows  # their rivals stand in the table below
        shown += [
            (f"median, {_title(row)}, {row.precision}, {row.runtime}", f"{row.median_ms:.1f} ms") for row in subjects
        ]
    shown += [(f"size, {found.precision}, {found.runtime}", f"{found.bytes / 1e6:.2f} MB") for found in artefacts]
    return shown


def _title(row: LatencyRow) -> str:
    return f"{row.network}, stream" if row.mode == "stream" else row.network


def _kind(status: str) -> str:
    """The style of a status; a step that is done looks like a row that passed."""
    return {PASSED: "passed", "done": "passed", FAILED: "failed"}.get(status, "not-run")


def _step(step: Any) -> dict[str, Any]:
    return {"name": step.name, "status": step.status, "kind": _kind(step.status), "seconds": step.seconds,
            "note": step.note}  # fmt: skip


def _ladder(ladder: Parity) -> dict[str, Any]:
    titles = {PASSED: "condition", FAILED: "condition", NOT_RUN: "reason"}
    rows = [
        {"hop": row.hop, "name": titled(row.name, row.cpu), "status": row.status, "kind": _kind(row.status),
         "note": row.note, "note_title": titles[row.status], "artefact": row.artefact, "cells": agreement_cells(row)}
        for row in ladder.rows
    ]  # fmt: skip
    counts = {name: count(ladder.rows, status) for name, status in
              (("passed", PASSED), ("failed", FAILED), ("not_run", NOT_RUN))}  # fmt: skip
    return {"checkpoint": ladder.checkpoint, "data": ladder.data, "header": _LADDER_HEADER, "rows": rows, **counts}


def _timing(found: Latency) -> dict[str, Any]:
    header, rows = latency_cells(found)
    names = [f"{_title(row)}\n{row.runtime}\n{row.precision}" for row in found.rows]
    alt = f"Box plots of the samples of {len(found.rows)} artefacts, in ms of one inference"
    plot = picture(lambda target: box_plot(names, [row.samples_ms for row in found.rows], target), alt)
    size = found.rows[0].input if found.rows else ""
    return {"input": size, "header": header, "rows": rows, "caption": latency_caption(found), "note": found.note,
            "plot": plot}  # fmt: skip


def _artefact(found: Artefact) -> dict[str, Any]:
    operators = [[kind, dtype, number] for kind, types in found.operators.items() for dtype, number in types.items()]
    return {"name": found.artefact, "runtime": found.runtime, "precision": found.precision, "sha256": found.sha256,
            "megabytes": found.bytes / 1e6, "delegate": pieces(found), "operators": operators}  # fmt: skip


def _accuracies(found: Sequence[Accuracy]) -> list[dict[str, Any]]:
    """Each beside the float network that saw the same clips."""
    floating = {(a.network, a.data, a.split): a.top1 for a in found if a.precision == "float"}
    rows = []
    for a in found:
        reference = floating.get((a.network, a.data, a.split))
        known = a.precision != "float" and reference is not None
        rows.append({
            "model": a.model, "runtime": a.runtime, "precision": a.precision, "data": f"{a.data} ({a.split})",
            "clips": a.clips, "top1": a.top1, "top5": a.top5, "skipped": len(a.skipped),
            "difference": f"{a.top1 - reference:+.2f}" if known and reference is not None else "",
        })  # fmt: skip
    return rows


def _frontier(accuracies: Sequence[Accuracy], timings: Sequence[Latency]) -> dict[str, Any] | None:
    """Accuracy against latency, of the artefacts that have both."""
    points = frontier(accuracies, timings)
    if not points:
        return None
    rows = [[p.name, p.runtime, p.precision, f"{p.milliseconds:.1f}", f"{p.top1:.2f}"] for p in points]
    alt = "Top-1 against the median time of one inference: " + "; ".join(", ".join(row[1:]) for row in rows)
    return {"rows": rows, "plot": picture(lambda target: plot_frontier(points, target), alt)}


def _confusion(found: Sequence[Accuracy]) -> dict[str, Any] | None:
    """The matrix of the first int8 model, or of the first of all."""
    chosen = next((a for a in found if a.precision == "int8"), found[0] if found else None)
    if chosen is None:
        return None
    title = f"{chosen.model}, {chosen.runtime}, {chosen.precision}, {chosen.clips} clips, top-1 {chosen.top1:.2f} %"
    matrix, labels = [list(row) for row in chosen.confusion], list(chosen.labels)
    drawn: Picture = picture(lambda target: plot_confusion(matrix, labels, target, ""), f"Confusion matrix of {title}")
    return {"title": title, "picture": drawn}


def _sheet(found: Predictions) -> dict[str, Any]:
    return {"data": found.data, "clips": [_clip(clip) for clip in found.clips]}


def _clip(clip: Prediction) -> dict[str, Any]:
    def kind(predicted: str) -> str:
        return "" if clip.label is None else "right" if predicted == clip.label else "wrong"

    sides = [{"name": name, "predicted": label, "kind": kind(label)} for name, label in clip.predicted.items()]
    picture = f"data:image/jpeg;base64,{clip.strip_jpeg}"
    return {"name": clip.name, "label": clip.label, "picture": picture, "sides": sides}


def _tools(artefacts: Sequence[Artefact]) -> list[tuple[str, str]]:
    versions = {"python": platform.python_version()} if artefacts else {}
    for artefact in artefacts:
        versions |= artefact.tools
    return sorted(versions.items())


def write_page(results: Mapping[str, Result], target: Path) -> None:
    """Write the page of ``render_page`` atomically."""
    page = render_page(results)
    with atomic_path(target) as temporary:
        temporary.write_text(page, encoding="utf-8")


def update_readme(readme: Path, results: Sequence[Path], *, check: bool) -> bool:
    """Fill the tables of a Markdown file, or with ``check`` only say whether they are what the results give.

    Raises:
        UserError: no such file, a broken marker, or a result file that is missing or bad.
    """
    try:
        text = readme.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {readme}: {error}") from error
    filled = fill_tables(text, *results)
    if not check and filled != text:
        with atomic_path(readme) as temporary:
            temporary.write_text(filled, encoding="utf-8")
    return filled == text


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth report", __doc__, EXAMPLES)
    parser.add_argument("--results", type=Path, nargs="+", default=RESULTS, metavar="DIR",
                        help="default: mobile/results and training/results")  # fmt: skip
    parser.add_argument("--artefacts", type=Path, metavar="DIR", help="for the page: the exporters' *.report.json")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the page here")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="default, without --html: README.md")
    parser.add_argument("--check", action="store_true", help="change nothing; status 1 if the tables would change")
    return parser.parse_args(arguments)


def load_tree(folder: Path) -> dict[str, Result]:
    """The result files of a folder and of the folders in it."""
    found = load_results(folder)
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        found |= {f"{inner.name}/{name}": result for name, result in load_results(inner).items()}
    return found


def load_reports(folder: Path) -> dict[str, Result]:
    """The exporters' reports in a folder of artefacts."""
    loaded = load_results(folder, pattern="*.report.json")
    if not loaded:
        raise UserError(f"{folder} holds no *.report.json; export with converters/ first")
    return loaded


def main() -> int:
    arguments = parse(sys.argv[1:])
    readme = arguments.readme or (None if arguments.html else Path("README.md"))
    if arguments.html and not arguments.check:
        results = {name: found for folder in arguments.results for name, found in load_tree(folder).items()}
        if arguments.artefacts:
            results |= load_reports(arguments.artefacts)
        write_page(results, arguments.html)
        print(f"wrote {arguments.html}")
    if readme is None:
        return 0
    same = update_readme(readme, arguments.results, check=arguments.check)
    if arguments.check and not same:
        folders = " ".join(map(str, arguments.results))
        remedy = f"sth report --results {folders} --readme {readme}"
        print(f"error: the tables of {readme} are not what {folders} gives; run `{remedy}`", file=sys.stderr)
        return 1
    print(f"{readme}: {'the tables are up to date' if same else 'wrote the tables'}")
    return 0
