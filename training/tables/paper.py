"""The rows of the paper's Tables 6, 7 and 8, with what it prints for Something-Something V1."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Row:
    """One row: FLOPs in G of 8 frames at 224, parameters in M, top-1 in per cent.

    Attributes:
        notes: keys of ``training.tables.complexity.NOTES``.
    """

    table: int
    name: str
    options: dict[str, Any]
    paper_flops: float
    paper_parameters: float
    paper_top1: float
    notes: str

    @property
    def key(self) -> str:
        """The network in one word: rows of the same network share it."""
        return "_".join(f"{key}-{value}" for key, value in sorted(self.options.items()))


_ATTENTIVE = {"p": 1 / 4, "attention": True}
ROWS = (
    Row(6, "p = 0", {"p": 0}, 33.3, 24.4, 19.7, "bc"),
    Row(6, "p = 1/8", {"p": 1 / 8}, 32.2, 23.1, 46.6, "bc"),
    Row(6, "p = 1/4", {"p": 1 / 4}, 30.5, 22.0, 46.8, "a"),
    Row(6, "p = 1/2", {"p": 1 / 2}, 28.5, 20.3, 45.1, "bc"),
    Row(7, "(2+1)D sequential", {"variant": "2plus1d_sequential"}, 37.9, 27.6, 42.7, "a"),
    Row(7, "(2+1)D parallel", {"variant": "2plus1d_parallel"}, 37.9, 27.6, 45.4, "a"),
    Row(7, "merge", {"p": 1 / 4, "variant": "merge"}, 30.5, 22.0, 45.9, "a"),
    Row(7, "hybrid", {"p": 1 / 4}, 30.5, 22.0, 46.8, "a"),
    Row(7, "hybrid, attention", _ATTENTIVE, 30.5, 23.2, 47.8, "ad"),
    Row(8, "fixed", _ATTENTIVE, 30.5, 23.2, 47.8, "ad"),
    Row(8, "dilated", {**_ATTENTIVE, "dilation": True}, 30.5, 23.2, 48.4, "ad"),
)
