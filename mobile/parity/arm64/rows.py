"""Hop 6 of the ladder: what ``sth arm64`` found, a row for each artefact and emulated CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mobile.interface.contract import load_contract
from mobile.parity.judge import judge, status
from mobile.schemas import Arm64, Arm64Row, load_result
from mobile.schemas.agreement import Agreement
from mobile.schemas.row import NOT_RUN, PASSED, Row, restored
from training.common.errors import UserError
from training.common.files import sha256_of

_NAME = "x86 = arm64"


def arm64_rows(files: Sequence[Path], artefacts: Sequence[Path]) -> list[Row]:
    """Rows of the int8 artefacts of this ladder that run on arm64 Linux; "not run" for one without a result.

    Args:
        files: results of ``sth arm64``; rows of other artefacts in them are left out.
        artefacts: those of this ladder.

    Raises:
        UserError: a file that is missing, or no such result.
    """
    if not files:
        return [Row(6, _NAME, NOT_RUN, "no result of arm64 CPUs was given; --arm64 FILE of sth arm64")]
    found: dict[str, list[Row]] = {}
    for file in files:
        result = load_result(file)
        if not isinstance(result, Arm64):
            raise UserError(f"{file} is no result of sth arm64")
        for entry in result.rows:
            found.setdefault(entry.sha256, []).append(row_of(entry, result.data))
    rows = []
    for path in artefacts:
        if path.suffix in (".tflite", ".pte") and load_contract(path).precision == "int8":
            digest = sha256_of(path)
            absent = f"{', '.join(file.name for file in files)} knows no artefact of its sha256; sth arm64"
            rows += found.get(digest, [Row(6, _NAME, NOT_RUN, absent, None, path.name, digest)])
    return rows


def row_of(entry: Arm64Row, data: str) -> Row:
    """A comparison as a row of the ladder: identical, or how many logits differ and by how many steps."""
    numbers = {key: restored(value) for key, value in entry.agreement.items()}
    agreement = Agreement(clips=round(numbers.pop("clips")), **numbers)
    name, whose = f"{_NAME}, {entry.runtime}", (entry.artefact, entry.sha256, entry.cpu)
    clips = f"{entry.clips} clips of `{data}`"
    if entry.differing == 0:
        note = f"identical: {entry.logits} logits, {clips}"
        return Row(6, name, PASSED, note, agreement, *whose)
    passed, limits = judge("int8", agreement)
    note = (
        f"{entry.differing} of {entry.logits} logits differ, the largest by {entry.largest_steps:.3g} steps, {clips}; "
        f"{limits}"
    )
    return Row(6, name, status(passed), note, agreement, *whose)
