"""Hop 6: results of emulated arm64 CPUs become rows of the artefacts that they are of."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_artefacts import contract_of, tiny_bundle, write_artefact

from mobile.parity.arm64.rows import arm64_rows
from mobile.schemas import load_result
from mobile.schemas.agreement import compare
from mobile.schemas.row import FAILED, NOT_RUN, PASSED, finite
from training.common.errors import UserError
from training.common.files import sha256_of

STEP = 0.25


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    return write_artefact(tmp_path / "clip.tflite", contract_of(tiny_bundle()))


def entry(artefact: Path, cpu: str = "cortex-a53", changed: tuple[int, ...] = (), by: int = 1, **fields: Any) -> dict:
    """A row of 40 clips of 27 logits in whole steps, some of which differ on arm64."""
    left = STEP * np.random.default_rng(3).permutation(40 * 27).reshape(40, 27).astype(np.float32)
    right = left.copy()
    right.ravel()[list(changed)] += by * STEP
    agreement = dataclasses.asdict(compare(left, right, step=STEP))
    return {
        "artefact": artefact.name, "sha256": sha256_of(artefact), "mode": "clip", "precision": "int8", "cpu": cpu,
        "machine": "aarch64", "runtime": "Fake 1.0", "x86_runtime": "Fake 1.0", "threads": 1, "frames_sha256": "f",
        "clips": 40, "logits": left.size, "differing": len(changed), "largest_steps": float(by if changed else 0),
        "agreement": {key: finite(value) for key, value in agreement.items()}, **fields,
    }  # fmt: skip


def write(artefact: Path, *rows: dict[str, Any], **changes: Any) -> Path:
    content = {"kind": "arm64", "code_version": "c", "checkpoint": "c.pt", "data": "rendered:40:7", "emulator": "qemu",
               "host": {}, "rows": list(rows), **changes}  # fmt: skip
    file = artefact.parent / "arm64.json"
    file.write_text(json.dumps(content))
    return file


def test_without_a_result_the_hop_is_not_run(artefact: Path) -> None:
    (row,) = arm64_rows([], [artefact])
    assert row.status == NOT_RUN and "sth arm64" in row.note


def test_identical_logits_pass_on_each_cpu(artefact: Path) -> None:
    file = write(artefact, entry(artefact), entry(artefact, "max"))
    rows = arm64_rows([file], [artefact])
    assert [row.status for row in rows] == [PASSED, PASSED]
    assert [(row.name, row.cpu) for row in rows] == [("x86 = arm64, Fake 1.0", cpu) for cpu in ("cortex-a53", "max")]
    assert rows[0].note == "identical: 1080 logits, 40 clips of `rendered:40:7`"
    assert (
        rows[0].agreement is not None and np.isinf(rows[0].agreement.sqnr_db) and np.isnan(rows[0].agreement.left_top1)
    )


def test_logits_that_differ_are_counted_in_steps(artefact: Path) -> None:
    (row,) = arm64_rows([write(artefact, entry(artefact, changed=(3, 500), by=2))], [artefact])
    assert row.status == PASSED and row.agreement is not None
    assert row.note.startswith("2 of 1080 logits differ, the largest by 2 steps")


def test_more_than_the_limit_fails(artefact: Path) -> None:
    (row,) = arm64_rows([write(artefact, entry(artefact, changed=tuple(range(11)), by=3))], [artefact])
    assert row.status == FAILED and row.note.startswith("11 of 1080")


def test_an_artefact_that_was_made_anew_is_not_run(artefact: Path) -> None:
    file = write(artefact, entry(artefact))
    artefact.write_bytes(b"another one")
    (row,) = arm64_rows([file], [artefact])
    assert (row.status, row.sha256) == (NOT_RUN, sha256_of(artefact)) and file.name in row.note


def test_float_and_core_ml_have_no_row(artefact: Path, tmp_path: Path) -> None:
    file = write(artefact, entry(artefact))
    fp32 = write_artefact(tmp_path / "fp32.tflite", contract_of(tiny_bundle(), "fp32"))
    core_ml = write_artefact(tmp_path / "clip.mlpackage", contract_of(tiny_bundle(), runtime="coreml"))
    assert len(arm64_rows([file], [artefact, fp32, core_ml])) == 1


@pytest.mark.parametrize(
    "fields",
    [{"machine": "x86_64"}, {"differing": 1}, {"largest_steps": 2.0}, {"differing": 2000, "largest_steps": 1.0}],
)
def test_a_row_that_contradicts_itself_is_refused(artefact: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="no whole arm64 file"):
        arm64_rows([write(artefact, entry(artefact, **fields))], [artefact])


def test_another_kind_of_result_is_refused(artefact: Path) -> None:
    file = write(artefact, kind="parity")
    assert load_result(file)
    with pytest.raises(UserError, match="is no result of sth arm64"):
        arm64_rows([file], [artefact])
