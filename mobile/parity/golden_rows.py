"""Hop 7 of the ladder: what the tests of the apps found over golden vectors (``mobile.apps.golden``), a row a side.

The cores of both apps are tested anywhere; the iOS app's own Core ML only on a Mac (``ios_demo/check_on_mac.sh``).

The tests of an app write one JSON: ``{"kind": "golden", "side": "Kotlin", "made_of": {..., "sha256": ...}, "rows":
[{"name": ..., "values": N, "differing": N, "largest": X}]}``. It counts for the artefact that the vectors were made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mobile.schemas.row import FAILED, NOT_RUN, PASSED, Row
from training.common.errors import UserError
from training.common.files import read_json, sha256_of

COREML = "Core ML"
SIDES = ("Kotlin", "Swift", COREML)


def app_rows(files: Sequence[Path], artefacts: Sequence[Path]) -> list[Row]:
    """One row for each side; "not run" for one without a result.

    Args:
        files: results of the apps' tests.
        artefacts: those of this ladder; a result of another one is refused.

    Raises:
        UserError: a file that is missing, or no such result, or of another artefact.
    """
    digests = {sha256_of(path): path.name for path in artefacts} if files else {}
    found: dict[str, Row] = {}
    for file in files:
        row = _row(file, digests)
        found[row.name] = row
    return [found.get(_name(side), Row(7, _name(side), NOT_RUN, _absent(side))) for side in SIDES]


def _name(side: str) -> str:
    if side == COREML:
        return "Python's golden stream = Core ML in the iOS app"
    return f"Python preprocessing, states and events = {side}"


def _absent(side: str) -> str:
    if side == COREML:
        return "only Apple's systems have Core ML; on a Mac, ios_demo/check_on_mac.sh writes build/golden/coreml.json"
    return f"no result of the {side} tests was given; --apps build/golden/{side.lower()}.json"


def _row(file: Path, digests: dict[str, str]) -> Row:
    content: Any = read_json(file, "result of an app's tests")
    try:
        side, digest = content["side"], content["made_of"]["sha256"]
        values = sum(row["values"] for row in content["rows"])
        differing = [row for row in content["rows"] if row["differing"]]
    except (KeyError, TypeError) as error:
        raise UserError(f"{file} is no result of an app's tests over golden vectors: it lacks {error}") from error
    if content.get("kind") != "golden" or side not in SIDES or not values:
        raise UserError(f"{file} is no result of an app's tests over golden vectors")
    if digest not in digests:
        name = content["made_of"].get("artefact")
        raise UserError(f"{file} is of {name}, sha256 {digest[:12]}; none of the artefacts is that")
    if differing:
        worst = max(differing, key=lambda row: row["largest"])
        note = (
            f"{len(differing)} of {len(content['rows'])} vectors differ, most {worst['name']} by {worst['largest']:g}"
        )
        return Row(7, _name(side), FAILED, note, None, digests[digest], digest)
    alike = "within two steps" if side == COREML else "identical"  # it computes in real numbers between quantizations
    note = f"{alike}: {values} values in {len(content['rows'])} golden vectors"
    return Row(7, _name(side), PASSED, note, None, digests[digest], digest)
