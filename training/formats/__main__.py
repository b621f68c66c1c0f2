"""Counts the clips of a data set by label and finds those that are missing, empty, broken or too short."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import write_json
from training.formats.check import SplitCheck, check_clips, warnings_of
from training.formats.opening import DATA_HELP, is_rendered, open_data, parse_data, splits_of
from training.formats.report import as_json, print_checks

EXAMPLES = """examples:
  sth clips ~/jester
  sth clips ~/jester --split validation --segments 16
  sth clips ~/jester-csvs::/disk/20bn-jester-v1 --json check.json

The exit status is 1 if a clip cannot be used."""


def main(arguments: list[str] | None = None) -> int:
    """Prints the tables; returns the exit status."""
    parser = command_parser("sth clips", __doc__, EXAMPLES)
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
    notes = warnings_of(labels, checks)
    bad = print_checks(Console(), labels, checks, notes)
    if given.json:
        write_json(given.json, as_json(labels, checks, notes))
    return 1 if bad else 0


def _splits(data: str) -> list[str]:
    if is_rendered(data):
        return ["rendered"]
    path, number, _ = parse_data(data)
    splits = [split for split in splits_of(path) if split.endswith(number)]
    if not splits:
        raise UserError(f"{data} has labels but no split: expected jester-v1-train.csv and the like")
    return [split.removesuffix(number) for split in splits]


if __name__ == "__main__":
    run_cli(main)
