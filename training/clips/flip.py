"""Which label a clip has after a horizontal flip. The pairs are data: `training/labels/flip_pairs.csv`."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from training.clips.index import numbered_lines
from training.common.errors import UserError

FLIP_PAIRS = Path(__file__).resolve().parent.parent / "labels" / "flip_pairs.csv"

# Whole words, also in camelCase and snake_case ("SwipeLeft", "swipe_left"), not in "bright" or "Leftover".
_SIDED = re.compile(r"(?<![A-Za-z])(?:left|right)(?![a-z])|(?:Left|Right)(?![a-z])|LEFT|RIGHT|(?i:clockwise)")


def read_flip_pairs(path: Path = FLIP_PAIRS) -> dict[str, str]:
    """Label -> label of the flipped clip, both ways. A label paired with itself stays what it is.

    Raises:
        UserError: names the file and the line that is not `label,flipped`, or a label that has two partners.
    """
    partner: dict[str, str] = {}
    for number, line in numbered_lines(path, "the labels that a horizontal flip swaps, 'label,flipped' a line"):
        fields = [field.strip() for field in next(csv.reader([line]))]
        if number == 1:
            if fields != ["label", "flipped"]:
                raise UserError(f"{path}:1: expected the header 'label,flipped', found {line[:80]!r}")
            continue
        if len(fields) != 2 or not all(fields):
            raise UserError(f"{path}:{number}: expected 'label,flipped', found {line[:80]!r}")
        for label, flipped in (fields, fields[::-1]):
            if partner.setdefault(label, flipped) != flipped:
                raise UserError(f"{path}:{number}: {label!r} has the partner {partner[label]!r} already")
    return partner


def flipped_ids(labels: Sequence[str], pairs: dict[str, str] | None = None) -> list[int | None]:
    """Class id after the flip for each class id; None where that gesture is no class: it must not flip.

    Raises:
        UserError: a label speaks of left, right or a turning direction, and the list of pairs does not know
            it: flipping would teach the network that left is right.
    """
    pairs = read_flip_pairs() if pairs is None else pairs
    ids = {label: position for position, label in enumerate(labels)}
    flipped: list[int | None] = []
    for label in labels:
        if label not in pairs and _SIDED.search(label):
            raise UserError(
                f"the label {label!r} names a side, and {FLIP_PAIRS.name} does not say what a horizontal flip"
                f" makes of it: add a line 'label,flipped' to {FLIP_PAIRS}, or train without the flip"
            )
        flipped.append(ids.get(pairs.get(label, label)))
    return flipped
