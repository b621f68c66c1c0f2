"""Markdown tables, and figures as they stand in them."""

from __future__ import annotations

import math
from collections.abc import Sequence

Cells = Sequence[str]


def markdown(header: Cells, rows: Sequence[Cells]) -> str:
    """A Markdown table; columns of figures stand to the right."""
    right = [bool(rows) and all(_is_figure(row[index]) for row in rows) for index in range(len(header))]
    rule = ["---:" if figure else "---" for figure in right]
    lines = [[cell.replace("|", "\\|") for cell in row] for row in [header, rule, *rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def joined(rows: Sequence[Cells], column: int) -> list[list[str]]:
    """Rows that differ in one column only as one row, in which its cells stand one after the other."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        found.setdefault((*row[:column], *row[column + 1 :]), []).append(row[column])
    return [[*rest[:column], ", ".join(dict.fromkeys(cells)), *rest[column:]] for rest, cells in found.items()]


def _is_figure(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell[0] in "-∞"


def number(value: float, form: str) -> str:
    """A figure, or nothing where there is none."""
    return "" if math.isnan(value) else "∞" if math.isinf(value) else format(value, form)


def known(value: float | None, form: str = ".0f") -> str:
    """A figure, or nothing for None."""
    return number(math.nan if value is None else value, form)
