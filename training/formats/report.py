"""What `check_clips` found, for the terminal and for a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.clips.source import UNLABELLED
from training.formats.check import SplitCheck


def print_checks(
    console: Console, labels: Sequence[str], checks: Mapping[str, SplitCheck], notes: Sequence[str]
) -> int:
    """Print the table, the clips that cannot be used and the notes; returns how many cannot be used."""
    console.print(_table(labels, checks))
    for split, check in checks.items():
        for name, reason in check.problems.items():
            console.print(f"[red]{split}[/red] {escape(name)}: {escape(reason)}", soft_wrap=True)
    for note in notes:
        console.print(f"[yellow]note[/yellow] {escape(note)}", soft_wrap=True)
    bad = sum(len(check.problems) for check in checks.values())
    console.print(f"{bad} of {sum(check.clips for check in checks.values())} clips cannot be used")
    return bad


def _table(labels: Sequence[str], checks: Mapping[str, SplitCheck]) -> Table:
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


def as_json(labels: Sequence[str], checks: Mapping[str, SplitCheck], notes: Sequence[str]) -> dict[str, object]:
    """The result file."""
    return {
        "notes": list(notes),
        "splits": {
            split: {
                "clips": check.clips,
                "decoded": len(check.frame_counts),
                "per_label": {label: check.per_label[position] for position, label in enumerate(labels)},
                "problems": check.problems,
                "subjects": sorted(check.subjects),
            }
            for split, check in checks.items()
        },
    }
