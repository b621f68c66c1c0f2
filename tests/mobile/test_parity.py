"""The parity ladder: what it must let through, what it must not, and that it never claims what it did not try."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_artefacts import Compute, FakeRuntime, contract_of, faithful, install, tiny_bundle, write_artefact
from rich.console import Console

from mobile import pass_marks
from mobile.bundle import Bundle
from mobile.interface.contract import contract_path
from mobile.parity import command as parity
from mobile.parity import ladder as ladders
from mobile.parity.judge import judge
from mobile.parity.ladder import Ladder
from mobile.parity.sides import Clips, read_clips, torch_predictor
from mobile.runtimes import ArtefactRunner
from mobile.schemas import Parity, load_result
from mobile.schemas.agreement import compare
from mobile.schemas.row import FAILED, NOT_RUN, PASSED, Row
from training.common.errors import UserError
from training.rendered import jester_labels

CLIPS = "rendered:3:5"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs ``sth parity`` over the tiny bundle; gives the status and the JSON."""
    sides()  # before the command's own reader is replaced
    monkeypatch.setattr(parity, "open_bundle", lambda path, size=None: tiny_bundle())
    monkeypatch.setattr(ladders, "read_clips", lambda data, *_: clips() if data == CLIPS else pytest.fail(data))
    monkeypatch.setattr(ladders, "Ladder", lambda bundle, _: ladder(bundle))

    def run(*words: object) -> tuple[int, dict[str, Any]]:
        target = tmp_path / "parity.json"
        line = ["parity", "--clips", CLIPS, "--json", str(target), *map(str, words)]
        monkeypatch.setattr(sys, "argv", line)
        status = parity.main()
        assert isinstance(load_result(target), Parity)
        return status, json.loads(target.read_text())

    return run


@functools.cache
def clips() -> Clips:
    return read_clips(CLIPS, "validation", tiny_bundle().spec, jester_labels())


@functools.cache
def sides() -> dict[str, np.ndarray]:
    """What PyTorch computes, once for all tests: exporting and running exported programs takes seconds."""
    made = Ladder(tiny_bundle(), clips())
    return {
        name: made.side(name)
        for name in ("training", "float", "int8", "float exported", "int8 simulated", "int8 exported")
    }


def ladder(bundle: Bundle | None = None, *, known: bool = True) -> Ladder:
    labels = clips().labels if known else np.full(len(clips()), -1)
    made = Ladder(bundle or tiny_bundle(), dataclasses.replace(clips(), labels=labels))
    made._sides = dict(sides())
    return made


def artefact(monkeypatch: pytest.MonkeyPatch, folder: Path, compute: Compute, precision: str = "int8") -> Path:
    path = write_artefact(folder / f"tiny_{precision}.tflite", contract_of(tiny_bundle(), precision))
    install(monkeypatch, {path.name: FakeRuntime(compute)})
    return path


def hop5(content: dict[str, Any]) -> dict[str, Any]:
    (row,) = [row for row in content["rows"] if row["hop"] == 5]
    return row


@pytest.mark.minutes
def test_a_runtime_that_computes_the_same_passes(monkeypatch, tmp_path, command) -> None:
    path = artefact(monkeypatch, tmp_path, faithful(tiny_bundle()))
    status, content = command(path)
    row = hop5(content)
    assert status == 0
    assert (row["status"], row["artefact"]) == (PASSED, path.name)
    assert row["agreement"]["largest"] == 0
    assert row["agreement"]["sqnr_db"] == "infinite"
    assert [r["status"] for r in content["rows"] if r["hop"] in (1, 3)] == [PASSED] * 3


def _shifted(tensor: np.ndarray) -> np.ndarray:
    step = tiny_bundle().network("int8").classifier.out.scale
    return faithful(tiny_bundle())(tensor) + np.float32(3 * step)


WRONG: dict[str, Compute] = {
    "frames in reverse order": lambda tensor: faithful(tiny_bundle())(tensor[::-1].copy()),
    "blue first": lambda tensor: faithful(tiny_bundle())(tensor[..., ::-1].copy()),
    "three steps more": _shifted,
    "not finite": lambda tensor: np.full(27, np.nan, np.float32),
    "another number of classes": lambda tensor: np.zeros(5, np.float32),
}


@pytest.mark.parametrize("compute", WRONG.values(), ids=WRONG)
def test_a_runtime_that_computes_something_else_fails(monkeypatch, tmp_path, command, capsys, compute) -> None:
    status, content = command(artefact(monkeypatch, tmp_path, compute))
    assert status == 1
    assert hop5(content)["status"] == FAILED
    assert capsys.readouterr().err.splitlines()[-1] == "error: the ladder fails at: quantized program = Fake 1.0"


def test_one_step_of_rounding_passes(monkeypatch, tmp_path) -> None:
    """Adding the same to every logit changes no top-1: what may differ by two steps may differ by one."""
    step = tiny_bundle().network("int8").classifier.out.scale
    path = artefact(monkeypatch, tmp_path, lambda tensor: faithful(tiny_bundle())(tensor) + np.float32(step))
    row = ladder().artefact_row(ArtefactRunner(path))
    assert row.status == PASSED
    assert row.agreement is not None
    assert row.agreement.differing == 100


@pytest.mark.parametrize(("excess", "expected"), [(0.9, PASSED), (1.1, FAILED)])
def test_fp32_is_held_to_its_relative_difference(monkeypatch, tmp_path, excess: float, expected: str) -> None:
    right = ladder().side("float")
    shift = np.float32(excess * pass_marks.FLOAT_RUNTIME_RELATIVE * np.abs(right).max())
    compute = faithful(tiny_bundle(), "fp32")
    path = artefact(monkeypatch, tmp_path, lambda tensor: compute(tensor) + shift, "fp32")
    row = ladder().artefact_row(ArtefactRunner(path))
    assert (row.status, row.name) == (expected, "PyTorch = Fake 1.0, fp32")


def test_pass_marks_come_from_thresholds(monkeypatch, tmp_path) -> None:
    path = artefact(monkeypatch, tmp_path, _shifted)
    assert ladder().artefact_row(ArtefactRunner(path)).status == FAILED
    monkeypatch.setattr(pass_marks, "INT8_WITHIN_TWO_STEPS", 0.0)
    row = ladder().artefact_row(ArtefactRunner(path))
    assert (row.status, row.note) == (
        PASSED,
        "same top-1 for 99.5 % of clips (1 may differ), 0.0 % of logits within 2 steps",
    )
    monkeypatch.setattr(pass_marks, "TRAINING_DEPLOY_RELATIVE", -1.0)
    monkeypatch.setattr(pass_marks, "EXPORTED_RELATIVE", -1.0)
    assert [row.status for row in ladder().rows()[:3:2]] == [FAILED, FAILED]


def test_rows_that_were_not_run_say_why_and_never_pass(monkeypatch, tmp_path, command, capsys) -> None:
    status, content = command()
    waiting = {row["name"]: row for row in content["rows"] if row["status"] == NOT_RUN}
    assert status == 0
    assert set(waiting) == {
        "clip = stream", "float ~ int8", "x86 = arm64", "x86 = phone",
        "Python preprocessing, states and events = Kotlin",
        "Python preprocessing, states and events = Swift",
        "Python's golden stream = Core ML in the iOS app",
    }  # fmt: skip
    assert all(row["note"] for row in waiting.values())
    assert waiting["float ~ int8"]["note"] == "3 clips cannot show 0.5 points; give 200 or more"
    passed = [row["name"] for row in content["rows"] if row["status"] == PASSED]
    assert passed == ["training form = deploy form", "eager = exported, float", "eager = exported, int8"]


def test_the_screen_shows_the_reason_of_a_row_that_was_not_run() -> None:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    numbers = compare(np.eye(3), np.eye(3))
    parity.show([Row(4, "float ~ int8", NOT_RUN, "too few clips", numbers), Row(2, "a [b]", FAILED, "no")], console)
    text = console.export_text()
    assert "too few clips" in text
    assert "a [b]" in text


def _float_to_int8(right_of_200: int) -> Row:
    """Row 4 where float has all of 200 clips right, int8 the first so many."""
    labels = np.arange(200) % 27
    made = Ladder(tiny_bundle(), Clips(np.zeros((200, 1)), labels))
    other = np.where(np.arange(200) < right_of_200, labels, (labels + 1) % 27)
    made._sides = {"training": np.eye(27)[labels], "int8": np.eye(27)[other]}
    return made._quantization()


def test_int8_may_lose_half_a_point_of_top1() -> None:
    """200 clips: one of them is 0.5 points."""
    assert [_float_to_int8(right).status for right in (200, 199, 198)] == [PASSED, PASSED, FAILED]


def test_windows_of_streams_are_judged_by_their_labelled_frames() -> None:
    """200 of 400 frames have a label; the others are wrong in int8, and that is nobody's business."""
    frames = np.arange(400).reshape(50, 8) % 27
    labels = np.where(np.arange(400).reshape(50, 8) % 2, frames, -1)
    int8 = np.where(labels < 0, (frames + 1) % 27, frames)
    int8[0, 1] += 1  # a labelled frame of 200
    made = Ladder(tiny_bundle(), Clips(np.zeros((50, 8)), np.full(50, -1), (), labels))
    made._rows = {"float": np.eye(27)[frames], "int8": np.eye(27)[int8]}
    row = made._quantization()
    assert (row.name, row.status) == ("float ~ int8, frames of streams", PASSED)
    assert row.agreement is not None
    assert (row.agreement.clips, row.agreement.left_top1, row.agreement.right_top1) == (200, 100.0, 99.5)
    int8[0, 3] += 1
    made._rows["int8"] = np.eye(27)[int8]
    assert made._quantization().status == FAILED


def test_windows_of_streams_are_read_with_a_label_per_frame() -> None:
    windows = read_clips("rendered_stream:2:5", "validation", tiny_bundle().spec, jester_labels())
    assert windows.known_labels is None
    assert windows.frame_labels is not None
    assert windows.frame_labels.shape == windows.frames.shape[:2]
    assert (windows.frame_labels >= 0).any()
    with pytest.raises(UserError, match=r"has a label per frame, and .* an answer per clip; give it clips"):
        ladders.run_ladder(tiny_bundle(), "rendered_stream:2:5", "validation", [])


def test_clips_with_other_labels_compare_logits_only() -> None:
    other = tuple(f"class {number}" for number in range(27))
    assert read_clips("rendered:2:5", "validation", tiny_bundle().spec, other).known_labels is None
    rows = {row.hop: row for row in ladder(known=False).rows()}
    assert rows[1].status == PASSED
    assert rows[1].agreement is not None
    assert math.isnan(rows[1].agreement.left_top1)
    assert (rows[4].status, rows[4].note) == (NOT_RUN, "the clips have other labels: no top-1 to compare")


def test_a_checkpoint_without_int8_has_no_int8_row() -> None:
    bundle = dataclasses.replace(tiny_bundle(), int8=None)
    rows = [row for row in ladder(bundle).rows() if row.hop == 4]
    assert [(row.status, row.note) for row in rows] == [(NOT_RUN, "the checkpoint holds no int8 network")]


def test_clips_are_read_in_order_and_limited() -> None:
    spec = tiny_bundle().spec
    read = read_clips("rendered:5:7", "validation", spec, jester_labels(), 2)
    assert read.frames.shape == (2, spec.segments, spec.size, spec.size, 3)
    assert read.names == ("rendered-7-000000", "rendered-7-000001")


def _without_contract(path: Path) -> None:
    contract_path(path).unlink()


def _of(**changes: Any) -> Any:
    def change(path: Path) -> None:
        dataclasses.replace(contract_of(tiny_bundle()), **changes).save(contract_path(path))

    return change


def _json(text: str) -> Any:
    return lambda path: contract_path(path).write_text(text)


BAD = {
    "no artefact": (Path.unlink, "there is no artefact"),
    "no contract": (_without_contract, "has no contract"),
    "contract that is no JSON": (_json("{"), "not valid JSON"),
    "contract of another version": (_json('{"version": 99}'), "version 99"),
    "contract without fields": (_json('{"version": 2}'), "no whole contract"),
    "another network": (_of(network="tsm_mobilenet_v2"), "the network is not that of"),
    "another label list": (_of(labels=("a", "b")), "the label list is not that of"),
    "another input": (
        _of(frames=dataclasses.replace(tiny_bundle().spec, crop_fraction=0.5)),
        "the input is not that of",
    ),
}


@pytest.mark.parametrize(("spoil", "expected"), BAD.values(), ids=BAD)
def test_bad_artefacts_give_one_clear_line(monkeypatch, tmp_path, command, spoil, expected) -> None:
    path = artefact(monkeypatch, tmp_path, faithful(tiny_bundle()))
    spoil(path)
    with pytest.raises(UserError, match=expected) as caught:
        command(path)
    assert "\n" not in str(caught.value)
    assert path.stem in str(caught.value)
    assert not (tmp_path / "parity.json").exists()


@pytest.mark.minutes
@pytest.mark.parametrize("suffix", [".tflite", ".pte", ".mlpackage", ".onnx"])
def test_files_that_no_runtime_reads(tmp_path: Path, suffix: str) -> None:
    """The real runtimes, on bytes that are no model."""
    path = write_artefact(tmp_path / f"broken{suffix}", contract_of(tiny_bundle()), b"no model")
    with pytest.raises(UserError, match="broken") as caught:
        ArtefactRunner(path)
    assert "\n" not in str(caught.value)


def test_statistics_by_hand() -> None:
    left = np.array([[4.0, 0.0], [0.0, 3.0]])
    right = np.array([[4.0, 1.0], [2.0, 1.0]])  # differences 0, 1, 2, 2
    found = compare(left, right, np.array([0, 0]), step=0.9)
    assert (found.clips, found.largest, found.mean, found.relative) == (2, 2.0, 1.25, 0.5)
    assert found.sqnr_db == pytest.approx(10 * math.log10(25 / 9))
    assert (found.same_top1, found.left_top1, found.right_top1) == (50.0, 50.0, 100.0)
    assert (found.within_two_steps, found.differing) == (100.0, 75.0)  # 2.5 steps are 2.25
    assert compare(left, right, step=0.7).within_two_steps == 50.0  # 2.5 steps are 1.75
    equal = compare(left, left)
    assert (equal.largest, equal.sqnr_db, equal.same_top1) == (0.0, math.inf, 100.0)
    assert math.isnan(equal.left_top1)
    assert math.isnan(equal.within_two_steps)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (np.zeros((2, 3)), np.zeros((1, 3))),
        (np.zeros((2, 3)), np.zeros(3)),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (np.zeros((1, 2)), np.array([[0.0, np.inf]])),
    ],
    ids=["broadcast over clips", "a single clip", "no clips", "not finite"],
)
def test_what_cannot_be_compared_is_refused(left: np.ndarray, right: np.ndarray) -> None:
    with pytest.raises(ValueError, match="logits"):
        compare(left, right)


def test_numbers_that_are_no_json() -> None:
    row = Row(1, "a", PASSED, "b", compare(np.eye(2), np.eye(2)))
    agreement = json.loads(json.dumps(row.to_json(), allow_nan=False))["agreement"]
    assert (agreement["sqnr_db"], agreement["left_top1"], agreement["largest"]) == ("infinite", None, 0.0)


@pytest.mark.parametrize(
    ("clips", "differ", "expected"),
    [(3, 1, True), (3, 2, False), (399, 1, True), (399, 2, False), (2000, 10, True), (2000, 11, False)],
)
def test_one_clip_of_a_small_set_may_turn_its_top1(clips: int, differ: int, expected: bool) -> None:
    """Every logit within one step of 0.1, two classes that tie."""
    left, right = np.zeros((clips, 3)), np.zeros((clips, 3))
    right[:differ, 1] = 0.1
    assert judge("int8", compare(left, right, step=0.1))[0] == expected


def test_the_tiny_network_tells_clips_and_their_order_apart() -> None:
    """Else no row could fail: a network whose biases drown its input computes the same for every clip."""
    step = tiny_bundle().network("int8").classifier.out.scale
    there = sides()["int8"]
    predict = torch_predictor(tiny_bundle().network("int8"), tiny_bundle().spec, folded=True)
    back = np.stack([predict(frames[::-1].copy()) for frames in clips().frames])
    assert np.abs(there[0] - there[1]).max() > 5 * step
    assert np.abs(there - back).max() > 5 * step
