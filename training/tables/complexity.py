"""Parameters and multiply-adds of Tables 6, 7 and 8, computed and beside what the paper prints."""

from __future__ import annotations

from typing import Any

from rich.table import Column, Table
from tqdm import tqdm

from training.engine.provenance import code_version
from training.tables.counting import Count, count
from training.tables.paper import ROWS, Row

NETWORK, CLASSES, SEGMENTS, SIZE = "sth_resnet50", 174, 8, 224  # Something-Something, Section 4.5
NOTES = {
    "a": "The paper's FLOPs hold batch norm and ReLU too: with 2 operations for each output of a batch norm and 1 for"
    " each of a ReLU (0.25 G) the computed figure is the printed one to its last digit.",
    "b": "Multiply-adds fall in a straight line with p, by 1.23 G for each 1/8 (9 spatial taps become 3 temporal ones);"
    " the printed ones fall by 1.1, 1.7 and twice 1.0 G, so no network of this kind has all four. The row of p = 1/4,"
    " which Tables 7 and 8 repeat, agrees; the others are higher by 0.3 to 0.5 G even with batch norm and ReLU.",
    "c": "Parameters fall in a straight line too, by 0.94 M for each 1/8; the printed ones fall by 1.3, 1.1 and twice"
    " 0.85 M. With 174 classes ResNet-50 has 23.86 M, where Table 6 prints 24.4. (The 24.3 of Tables 2 and 9 is"
    " ResNet-50 with the 400 classes of Kinetics, 24.33 M.)",
    "d": "Attention adds a Co x Co layer to each block, sum Co^2 = 1.26 M, and dilation nothing.",
}


def count_rows() -> list[tuple[Row, Count]]:
    """Every row with what its network holds."""
    counts: dict[str, Count] = {}
    for row in tqdm(ROWS, desc="counting", unit="network", leave=False):
        if repr(row.options) not in counts:
            fixed: dict[str, Any] = {"num_classes": CLASSES, "segments": SEGMENTS, "size": SIZE}
            counts[repr(row.options)] = count(NETWORK, **fixed, **row.options)
    return [(row, counts[repr(row.options)]) for row in ROWS]


def table_of(counted: list[tuple[Row, Count]]) -> Table:
    """For the terminal."""
    headings = ("M param.", "paper", "off %", "G mul-adds", "+ BN, ReLU", "paper", "off %")
    table = Table("table, row", *(Column(text, justify="right", no_wrap=True) for text in headings), "notes",
                  title=f"STH-ResNet-50, {SEGMENTS} frames at {SIZE} x {SIZE}, {CLASSES} classes",
                  padding=(0, 0))  # fmt: skip
    before = counted[0][0].table
    for row, found in counted:
        if row.table != before:
            table.add_section()
        before = row.table
        values = as_json(row, found)
        table.add_row(
            f"{row.table} {row.name}",
            f"{found.parameters / 1e6:.2f}",
            f"{row.paper_parameters:.1f}",
            f"{values['parameters_off_percent']:+.1f}",
            f"{found.multiply_adds / 1e9:.2f}",
            f"{(found.multiply_adds + found.pointwise) / 1e9:.2f}",
            f"{row.paper_flops:.1f}",
            f"{values['multiply_adds_off_percent']:+.1f}",
            row.notes,
        )
    return table


def as_json(row: Row, found: Count) -> dict[str, Any]:
    """One row of the result file; ``off`` is computed against printed, in per cent of printed."""
    return {
        "table": row.table,
        "row": row.name,
        "options": row.options,
        "parameters": found.parameters,
        "paper_parameters": row.paper_parameters * 1e6,
        "parameters_off_percent": 100 * (found.parameters / (row.paper_parameters * 1e6) - 1),
        "multiply_adds": found.multiply_adds,
        "pointwise": found.pointwise,
        "paper_flops": row.paper_flops * 1e9,
        "multiply_adds_off_percent": 100 * (found.multiply_adds / (row.paper_flops * 1e9) - 1),
        "notes": list(row.notes),
    }


def result_of(counted: list[tuple[Row, Count]]) -> dict[str, Any]:
    """The result file."""
    return {
        "kind": "complexity",
        "code_version": code_version(),
        "network": NETWORK,
        "input": f"{SEGMENTS} x {SIZE} x {SIZE}",
        "classes": CLASSES,
        "rows": [as_json(row, found) for row, found in counted],
        "notes": NOTES,
    }
