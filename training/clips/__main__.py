"""Counts the clips of a data set by label and finds those that are missing, empty, broken or too short."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.clips.check import SplitCheck, check_clips, warnings_of
from training.clips.opening import DATA_HELP, is_rendered, open_data, splits_of
from training.clips.source import UNLABELLED
from training.errors import UserError, run_cli
from training.files import write_json

EXAMPLES = """examples:
  python -m training.clips ~/jester
  python -m training.clips ~/jester --split validation --segments 16
  python -m training.clips ~/jester-csvs::/disk/20bn-jester-v1 --json check.json

The exit status is 1 if a clip cannot be used."""


def main(arguments: list[str] | None = None) -> int:
    """Prints the tables; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.clips",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", metavar="PATH", help=DATA_HELP)
    parser.add_argument("--split", help="only this split (all of them by default)")
    parser.add_argument("--segments", type=int, default=8, metavar="T", help="frames that a clip needs (default: 8)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings there too")
    given = parser.parse_args(arguments)
    if given.segments < 1:
        parser.error(f"--segments is {given.segments}, expected at least 1")

    checks: dict[str, SplitCheck] = {}
    labels: list[str] = []
    for split in [given.split] if given.split else _splits(given.data):
        source = open_data(given.data, split)
        labels = source.labels
        checks[split] = check_clips(source, given.segments, title=split)
    console = Console()
    console.print(_table(labels, checks))
    for split, check in checks.items():
        for name, reason in check.problems.items():
            console.print(f"[red]{split}[/red] {escape(name)}: {escape(reason)}", soft_wrap=True)
    notes = warnings_of(labels, checks)
    for note in notes:
        console.print(f"[yellow]note[/yellow] {escape(note)}", soft_wrap=True)
    if given.json:
        write_json(given.json, _as_json(labels, checks, notes))
    bad = sum(len(check.problems) for check in checks.values())
    console.print(f"{bad} of {sum(check.clips for check in checks.values())} clips cannot be used")
    return 1 if bad else 0


def _splits(data: str) -> list[str]:
    if is_rendered(data):
        return ["rendered"]
    splits = splits_of(Path(data.partition("::")[0]))
    if not splits:
        raise UserError(f"{data} has labels but no split: expected jester-v1-train.csv and the like")
    return splits


def _table(labels: list[str], checks: Mapping[str, SplitCheck]) -> Table:
    table = Table("label", title="clips", show_footer=False)
    for split in checks:
        table.add_column(split, justify="right")
    rows = list(enumerate(labels))
    if any(check.per_label[UNLABELLED] for check in checks.values()):
        rows.append((UNLABELLED, "(no label)"))
    for position, label in rows:
        table.add_row(escape(label), *(str(check.per_label[position]) for check in checks.values()))
    table.add_section()
    table.add_row("all", *(str(check.clips) for check in checks.values()))
    table.add_row("cannot be used", *(str(len(check.problems)) for check in checks.values()))
    table.add_row("frames: least, median, most", *(_lengths(check) for check in checks.values()))
    return table


def _lengths(check: SplitCheck) -> str:
    counts = check.frame_counts
    return f"{min(counts)}, {median(counts):g}, {max(counts)}" if counts else "-"


def _as_json(labels: list[str], checks: Mapping[str, SplitCheck], notes: list[str]) -> dict[str, object]:
    return {
        "notes": notes,
        "splits": {
            split: {
                "clips": check.clips,
                "per_label": {label: check.per_label[position] for position, label in enumerate(labels)},
                "problems": check.problems,
                "subjects": sorted(check.subjects),
            }
            for split, check in checks.items()
        },
    }


if __name__ == "__main__":
    run_cli(main)
