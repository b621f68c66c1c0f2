"""Hop 7: results of the apps' tests become rows, and those of another artefact are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mobile.parity.golden_rows import app_rows
from mobile.schemas.row import FAILED, NOT_RUN, PASSED
from training.common.errors import UserError
from training.common.files import sha256_of


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    path = tmp_path / "stream.tflite"
    path.write_bytes(b"an artefact")
    return path


def write(folder: Path, artefact: Path, **changes: Any) -> Path:
    rows = [{"name": "camera/a/tensor", "values": 30, "differing": 0, "largest": 0},
            {"name": "stream/logits", "values": 12, "differing": 0, "largest": 0}]  # fmt: skip
    made_of = {"artefact": artefact.name, "sha256": sha256_of(artefact)}
    content = {"kind": "golden", "side": "Kotlin", "made_of": made_of, "rows": rows, **changes}
    file = folder / "result.json"
    file.write_text(json.dumps(content))
    return file


def test_an_app_without_a_result_is_not_run(artefact: Path) -> None:
    rows = app_rows([], [artefact])
    assert [row.status for row in rows] == [NOT_RUN, NOT_RUN, NOT_RUN]
    assert "build/golden/kotlin.json" in rows[0].note and "Swift" in rows[1].name
    assert "Core ML in the iOS app" in rows[2].name and "ios_demo/check_on_mac.sh" in rows[2].note


def test_identical_vectors_pass(tmp_path: Path, artefact: Path) -> None:
    kotlin, swift, coreml = app_rows([write(tmp_path, artefact)], [artefact])
    assert (kotlin.status, swift.status, coreml.status) == (PASSED, NOT_RUN, NOT_RUN)
    assert "42 values in 2 golden vectors" in kotlin.note and kotlin.sha256 == sha256_of(artefact)


def test_one_value_that_differs_fails(tmp_path: Path, artefact: Path) -> None:
    rows = [{"name": "stream/logits", "values": 12, "differing": 1, "largest": 3}]
    kotlin, *_ = app_rows([write(tmp_path, artefact, rows=rows)], [artefact])
    assert kotlin.status == FAILED and "stream/logits by 3" in kotlin.note


def test_what_a_mac_found_is_a_row_of_its_own(tmp_path: Path, artefact: Path) -> None:
    *_, coreml = app_rows([write(tmp_path, artefact, side="Core ML")], [artefact])
    assert coreml.status == PASSED and coreml.note.startswith("within two steps: 42 values")


@pytest.mark.parametrize("changes", [{"kind": "other"}, {"side": "Rust"}, {"rows": []}, {"made_of": {}}])
def test_other_files_are_refused(changes: dict[str, Any], tmp_path: Path, artefact: Path) -> None:
    with pytest.raises(UserError, match="no result of an app's tests"):
        app_rows([write(tmp_path, artefact, **changes)], [artefact])


def test_a_result_of_another_artefact_is_refused(tmp_path: Path, artefact: Path) -> None:
    file = write(tmp_path, artefact)
    artefact.write_bytes(b"another one")
    with pytest.raises(UserError, match="none of the artefacts is that"):
        app_rows([file], [artefact])
