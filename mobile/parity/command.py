"""The parity ladder: ``sth parity [--clips DATA] [ARTEFACT ...]``, one row per hop."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from mobile.bundle import SHIPPED, Bundle, open_bundle
from mobile.parity.ladder import run_ladder
from mobile.runtimes import ArtefactRunner
from mobile.schemas.agreement import Agreement
from mobile.schemas.row import FAILED, NOT_RUN, PASSED, Row, titled
from training.common.command_line import command_parser
from training.common.errors import run_cli
from training.engine.provenance import CLIP_SOURCES, NETWORK_SOURCES, code_version, write_result
from training.formats import DATA_HELP, with_seed

SOURCES = (*CLIP_SOURCES, *NETWORK_SOURCES, "mobile/deploy", "mobile/quantization", "mobile/runtimes", "mobile/parity")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth parity                                            the ladder of the shipped checkpoint
  sth parity build/artefacts/*.tflite build/artefacts/*.pte
  sth parity --clips DIR --split validation --json parity.json ARTEFACT
  sth parity --checkpoint CAUSAL.pt --clips rendered_stream:216    hop 4 over the frames of streams
"""


def show(rows: list[Row], console: Console) -> None:
    """Print the ladder, readable at 80 columns."""
    table = Table(
        "hop", Column("row", ratio=3), Column("status", no_wrap=True), Column("agreement", ratio=2), expand=True
    )
    colours = {PASSED: "green", FAILED: "red", NOT_RUN: "yellow"}
    for row in rows:
        below = [row.artefact or "", row.note if row.status != PASSED else ""]
        name = "\n".join([escape(titled(row.name, row.cpu)), *(f"[dim]{escape(line)}[/dim]" for line in below if line)])
        status = f"[{colours[row.status]}]{row.status}[/]"
        table.add_row(str(row.hop), name, status, "\n".join(in_words(row.agreement)))
    console.print(table)


def in_words(a: Agreement | None) -> list[str]:
    """Statistics for the screen, a few short lines."""
    if a is None:
        return []
    lines = [f"{a.clips} clips", f"max {a.largest:.2g}", f"SQNR {a.sqnr_db:.1f} dB", f"same top-1 {a.same_top1:.2f} %"]
    if not math.isnan(a.left_top1):
        lines.append(f"top-1 {a.left_top1:.2f} / {a.right_top1:.2f} %")
    if not math.isnan(a.within_two_steps):
        lines.append(f"in 2 steps {a.within_two_steps:.2f} %")
    return lines


def result_of(bundle: Bundle, data: str, rows: list[Row]) -> dict[str, Any]:
    """The result file of a run (``mobile.schemas.Parity``)."""
    return {
        "kind": "parity",
        "code_version": code_version(),
        "checkpoint": Path(bundle.source).name,
        "data": data,
        "rows": [row.to_json() for row in rows],
    }


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth parity", __doc__, EXAMPLES)
    parser.add_argument("artefacts", nargs="*", type=Path, metavar="ARTEFACT", help=".tflite, .pte or .mlpackage")
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED, help="what the artefacts were made of")
    parser.add_argument("--clips", default="rendered:216", metavar="DATA", help=DATA_HELP + "; default rendered:216")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N clips only")
    parser.add_argument("--seed", type=int, default=9, help="seed of rendered clips without one")
    parser.add_argument("--apps", nargs="*", type=Path, default=[], metavar="FILE",
                        help="results of the apps' tests, such as build/golden/kotlin.json")  # fmt: skip
    parser.add_argument("--arm64", nargs="*", type=Path, default=[], metavar="FILE",
                        help="results of sth arm64")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    return parser.parse_args(arguments)


def main() -> int:
    arguments = parse(sys.argv[1:])
    first = ArtefactRunner(arguments.artefacts[0]).contract.frames.size if arguments.artefacts else None
    bundle = open_bundle(arguments.checkpoint, size=first)
    data = with_seed(arguments.clips, arguments.seed)
    rows = run_ladder(
        bundle, data, arguments.split, arguments.artefacts, limit=arguments.limit, apps=arguments.apps,
        arm64=arguments.arm64,
    )  # fmt: skip
    show(rows, Console())
    if arguments.json:
        measured = [arguments.checkpoint, *arguments.artefacts]
        write_result(arguments.json, result_of(bundle, data, rows), sources=SOURCES, measured=measured)
    failed = [row.name for row in rows if row.status == FAILED]
    if failed:
        print(f"error: the ladder fails at: {'; '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    run_cli(main)
