"""Core ML streams that keep their states: the same logits as with states as inputs, int8 throughout, and resets.

Axes: S height and width, C colour, K class.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from short_bundles import SIZE, STATES, pictures, short_bundle

from converters.coreml.inspect_mlpackage import _survives_float16, read_numbers, read_points, require_int8
from converters.export_coreml import target_of
from converters.int8_numbers import require_same_numbers
from converters.shared import export
from mobile.bundle import Bundle
from mobile.interface.contract import contract_path, load_contract, report_path
from mobile.parity.ladder import Ladder
from mobile.parity.sides import Clips
from mobile.runtimes import ArtefactRunner, StreamRunner
from mobile.runtimes.coremltools_import import load_coremltools
from mobile.runtimes.mil_program import MilOp, MilProgram, MilValue, read_mil_program
from training.common.errors import UserError

pytestmark = pytest.mark.minutes  # several conversions of a few seconds each
FRAMES = 8


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return short_bundle()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


def made(bundle: Bundle, folder: Path, precision: str, *, stateful: bool, compute: str | None = None) -> Path:
    folder = folder / (compute or "exact")
    return export(bundle, target_of(compute, stateful=stateful), precision, folder, clips=0, mode="stream")


@pytest.fixture(scope="module")
def kept(bundle: Bundle, folder: Path) -> Path:
    return made(bundle, folder, "int8", stateful=True)


@pytest.fixture(scope="module")
def passed(bundle: Bundle, folder: Path) -> Path:
    return made(bundle, folder, "int8", stateful=False)


def stepped(runner: StreamRunner, seed: int) -> np.ndarray:
    """Logits (FRAMES, K), frame by frame; the states stay."""
    return np.stack([runner.step(frame_SSC) for frame_SSC in pictures(FRAMES, seed)])


def test_logits_are_those_of_states_as_inputs(kept: Path, passed: Path) -> None:
    """To the bit after every frame, although the states are float16 in one and float32 in the other."""
    inside, outside = StreamRunner(kept), StreamRunner(passed)
    for seed in (1, 2, 3):
        if seed == 3:  # 1 and 2 are one stream, 3 is a new one
            inside.reset()
            outside.reset()
        rows = stepped(inside, seed)
        np.testing.assert_array_equal(rows, stepped(outside, seed))
        assert len(np.unique(rows, axis=0)) > FRAMES // 2
    after = stepped(inside, 1)
    inside.reset()
    assert not np.array_equal(after, stepped(inside, 1))


def test_states_for_the_neural_engine(bundle: Bundle, folder: Path) -> None:
    """With scales in float16 too, both kinds of stream still give the same."""
    paths = [made(bundle, folder, "int8", stateful=stateful, compute="float16") for stateful in (True, False)]
    inside, outside = (stepped(StreamRunner(path), 4) for path in paths)
    np.testing.assert_array_equal(inside, outside)


def test_name_contract_and_report(kept: Path, passed: Path, bundle: Bundle) -> None:
    assert kept.name == "sth_mobilenet_v2_causal_stream_64_int8_stateful.mlpackage"
    assert passed.name == "sth_mobilenet_v2_causal_stream_64_int8.mlpackage"
    inside, outside = load_contract(kept), load_contract(passed)
    assert (inside.mode, inside.stateful, inside.states) == ("stream", True, ())
    assert (outside.stateful, len(outside.states)) == (False, STATES)
    assert dataclasses.replace(inside, states=outside.states, stateful=False) == outside
    reports = [json.loads(report_path(path).read_text()) for path in (kept, passed)]
    assert [(report["stateful"], report["opset"]) for report in reports] == [(True, "CoreML8"), (False, "CoreML7")]
    assert 2 * reports[0]["state_bytes"] == reports[1]["state_bytes"]  # float16 against float32
    assert reports[0]["operators"]["read_state"] == reports[0]["operators"]["write_state"] == {"fp16": STATES}
    wanted = [(state.name, state.shape, "fp16") for state in bundle.form("int8", "stream").states]
    assert [(state.name, state.shape, state.dtype) for state in read_mil_program(kept).states] == wanted


def test_a_contract_of_before_is_read(passed: Path, tmp_path: Path) -> None:
    content = json.loads(contract_path(passed).read_text())
    del content["stateful"]
    contract_path(tmp_path / "old.mlpackage").write_text(json.dumps(content))
    assert load_contract(tmp_path / "old.mlpackage") == load_contract(passed)


def test_every_number_is_the_quantized_programs(kept: Path, passed: Path, bundle: Bundle) -> None:
    network = bundle.network("int8")
    for path in (kept, passed):
        require_same_numbers(read_numbers(path), network, path.name)
    points = read_points(kept)
    assert points == read_points(passed)
    states = bundle.form("int8", "stream").states
    assert [points[state.name] for state in states] == [(state.scale, state.zero_point) for state in states]


def replaced(program: MilProgram, kind: str, change: Callable[[MilOp], MilOp]) -> MilProgram:
    at = next(number for number, op in enumerate(program.operations) if op.type == kind)
    operations = list(program.operations)
    operations[at] = change(operations[at])
    return dataclasses.replace(program, operations=operations)


def test_a_state_in_float_is_no_int8(kept: Path) -> None:
    program = read_mil_program(kept)
    require_int8(program)
    written = replaced(program, "write_state", lambda op: MilOp(op.type, {**op.inputs, "data": ["frames"]}, []))
    with pytest.raises(UserError, match=r"write_state \(state_1\) is in float, the input"):
        require_int8(written)
    state = next(op for op in program.operations if op.type == "read_state").output
    reader = MilOp("sigmoid", {"x": [state.name]}, [MilValue("y", state.shape, "fp16")])
    read = dataclasses.replace(program, operations=[*program.operations, reader])
    with pytest.raises(UserError, match=r"read_state .*is in float, MIL op sigmoid"):
        require_int8(read)


def test_which_scales_survive_float16() -> None:
    assert all(_survives_float16(scale, zero) for scale in (6 / 255, 1e-3, 1e-6, 100) for zero in (-128, 0, 127))
    assert not _survives_float16(1e-8, -128)
    assert not _survives_float16(300, -128)


def test_what_cannot_keep_states(bundle: Bundle, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(UserError, match="states in float16 only"):
        made(bundle, folder, "fp32", stateful=True)
    with pytest.raises(UserError, match="only a stream has states to keep"):
        export(bundle, target_of(stateful=True), "int8", folder / "exact", clips=0)
    assert sorted(folder.rglob("*")) == before


def test_fp16_keeps_states_too(bundle: Bundle, folder: Path) -> None:
    inside = stepped(StreamRunner(made(bundle, folder, "fp16", stateful=True)), 5)
    outside = stepped(StreamRunner(made(bundle, folder, "fp16", stateful=False)), 5)
    np.testing.assert_array_equal(inside, outside)


def test_parity_takes_both_kinds_of_stream(kept: Path, passed: Path, bundle: Bundle, folder: Path) -> None:
    clip = export(bundle, target_of(), "int8", folder / "exact", clips=0)
    frames = np.stack([pictures(FRAMES, seed) for seed in (6, 7)])
    ladder = Ladder(bundle, Clips(frames, np.full(2, -1)))
    for path in (clip, kept, passed):
        assert ladder.artefact_row(ArtefactRunner(path)).status == "passed"
    rows = ladder.stream_rows()
    assert [(row.artefact, row.status) for row in rows] == [(kept.name, "passed"), (passed.name, "passed")]


def test_wrong_states_and_frames(kept: Path) -> None:
    runner = StreamRunner(kept)
    assert runner.states == {}
    with pytest.raises(UserError, match="keeps its states, which cannot be set"):
        runner.states = {"state_1": np.zeros(3, np.float32)}
    with pytest.raises(UserError, match=r"takes frames of uint8 \(64, 64, 3\), not float32"):
        runner.step(np.zeros((SIZE, SIZE, 3), np.float32))


def test_a_mac_makes_states(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for MLModel: its state counts the frames."""

    class Model:
        def __init__(self, path: str, compute_units: Any) -> None:
            assert path == str(kept)

        def make_state(self) -> list[int]:
            return []

        def predict(self, feeds: dict[str, np.ndarray], state: list[int]) -> dict[str, np.ndarray]:
            state.append(len(feeds))
            return {"logits": np.full((1, 5), len(state), np.float32)}

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("platform.mac_ver", lambda: ("15.1", ("", "", ""), "arm64"))
    monkeypatch.setattr(load_coremltools().models, "MLModel", Model)
    runner, frame_SSC = StreamRunner(kept), pictures(1, 0)[0]
    assert [runner.step(frame_SSC)[0] for _ in range(3)] == [1, 2, 3]
    runner.reset()
    assert runner.step(frame_SSC)[0] == 1

    def old(self: Any) -> None:
        raise RuntimeError("no such call")

    monkeypatch.setattr(Model, "make_state", old)
    with pytest.raises(UserError, match=r"needs macOS 15 or iOS 18 \(no such call\)"):
        runner.reset()
