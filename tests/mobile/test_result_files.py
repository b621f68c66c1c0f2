"""Result files: all kinds are read, and what is not whole is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from result_samples import (
    ABLATION,
    ALL,
    ARM64,
    ATTENTION,
    LATENCY,
    NOISE,
    PARITY,
    PROFILE,
    STAGES,
    STEPS,
    accuracy,
    write,
)

from mobile.schemas import KINDS, load_result, load_results
from training.common.errors import UserError

BAD = {
    "no JSON": ("{", "not valid JSON"),
    "a list": ("[]", "its kind is None"),
    "unknown kind": ('{"kind": "magic"}', "its kind is 'magic'; expected one of accuracy"),
    "missing field": (json.dumps({**LATENCY, "rounds": None} | {"rows": []}), "latency.rounds is None; expected int"),
    "missing key": (json.dumps({key: PARITY[key] for key in ("kind", "rows")}), "parity.code_version is missing"),
    "a status of its own": (json.dumps(PARITY).replace('"failed"', '"good"'), "status is 'good'"),
    "not run without reason": (json.dumps(PARITY).replace("there is no <streaming> form yet", ""), "does not say why"),
    "median of other samples": (json.dumps(LATENCY).replace("12.0, 14.5", "12.5, 14.5"), "its samples have 12.5"),
    "top-1 of another matrix": (json.dumps(accuracy(top1=95.0)), "its confusion matrix says 90.0"),
    "matrix of other clips": (json.dumps(accuracy(clips=11)), "over 10 of 11 clips"),
    "a number as text": (json.dumps(accuracy(top5="100")), "accuracy.top5 is '100'; expected float"),
    "true as a number": (json.dumps(accuracy(clips=True)), "accuracy.clips is True; expected int"),
    "noise of other logits": (json.dumps(NOISE | {"logits_db": 25.0}), "the classifier's layer says 18.04"),
    "a profile of nothing": (json.dumps(PROFILE).replace("100000000000.0", "0.0"), "a peak of 0.0"),
    "logits that differ by nothing": (
        json.dumps(ARM64).replace('"differing": 0', '"differing": 3'), "the largest by 0.0 steps"
    ),
    "a ratio that its samples do not have": (
        json.dumps(STAGES).replace('"taps": 0.75', '"taps": 0.5'), "is 0.5; its samples say 0.75"
    ),
    "runs without seeds": (
        json.dumps(ABLATION).replace("[40.0, 45.0]", "[40.0, 45.0, 50.0]"), "p = 0 has 3 results of 2 seeds"
    ),
    "a layer without its mean": (
        json.dumps(ATTENTION).replace('["one", "two"]', '["one"]'), "1 layers and 2 means of sth_resnet18"
    ),
    "a failed step without reason": (json.dumps(STEPS).replace("coremltools is not installed", ""), "the reason"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD)
def test_bad_result_files_are_refused(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        load_result(tmp_path / "bad.json")
    assert "bad.json" in str(caught.value)


def test_every_kind_is_tried_here(tmp_path: Path) -> None:
    found = load_results(write(tmp_path, **ALL))
    assert {type(result) for result in found.values()} == set(KINDS.values())
