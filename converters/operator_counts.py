"""The operators of an artefact as its report has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def count_types(operators: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Types of operators with the data types that they compute in -> ``{"conv": {"int8": 85}, ...}``, by name."""
    counted: dict[str, Counter[str]] = {}
    for kind, dtype in operators:
        counted.setdefault(kind, Counter())[dtype] += 1
    return {kind: dict(types) for kind, types in sorted(counted.items())}
