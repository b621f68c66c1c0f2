"""The timing of STH-Conv's lowerings: on a clock of its own, cut off and gone on with, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from commands import run_command
from torch import nn

from mobile.schemas import load_result
from mobile.schemas.training import Stages
from training.common.errors import UserError
from training.common.files import read_json
from training.operators import STHConv
from training.operators import tap_conv as lists
from training.tables import __main__ as command
from training.tables import stages
from training.tables.stages import PASSES, PLAIN, RIVAL, Plan

SMALL = ((16, 5), (32, 3))


class Clock:
    """Stands in for ``time``: each call of a lowering takes what the test says, forward and backward alike."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Small stages; ``masked`` takes 3, 4, 5, ... seconds, the 2-D convolution 2, all others nothing."""
    clock, spent = Clock(), iter(range(3, 1000))

    def masked(operator: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
        clock.now += next(spent)
        return torch.add(*operator.torch_components(x_BCHW))

    class Plain(nn.Conv2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            clock.now += 2
            return super().forward(x)

    monkeypatch.setattr(stages, "time", clock)
    monkeypatch.setattr(stages, "STAGES", SMALL)
    monkeypatch.setattr(stages.nn, "Conv2d", Plain)
    monkeypatch.setitem(stages.LOWERINGS, "masked", masked)
    monkeypatch.setattr(stages, "ShiftedConv", lambda *_, segments: nn.Identity())
    return clock


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return run_command(monkeypatch, command.main, "stages", *arguments)


@pytest.mark.usefixtures("clock")
def test_ratios_are_medians_of_those_of_each_round() -> None:
    first, second = stages.measure(Plan(("masked",), segments=2, rounds=3, warm_up=1))
    assert (first.channels, first.size, second.channels, second.size) == (16, 5, 32, 3)
    assert first.samples == {
        PASSES[0]: {PLAIN: [2.0] * 3, RIVAL: [0.0] * 3, "masked": [4.0, 5.0, 6.0]},  # 3 was the warm-up
        PASSES[1]: {PLAIN: [2.0] * 3, RIVAL: [0.0] * 3, "masked": [8.0, 9.0, 10.0]},
    }
    assert (first.ratio(PASSES[0], "masked"), first.ratio(PASSES[1], "masked")) == (2.5, 4.5)
    assert second.ratio(PASSES[0], "masked") == 6.5
    assert first.parts is None


def test_a_table_that_was_cut_off_goes_on(clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan, keep, timed = Plan(("masked",), segments=2, rounds=1, warm_up=0), tmp_path / "stages.part.json", stages._timed
    left = iter(range(6))

    def cut_off(*arguments: Any) -> float:
        if next(left, None) is None:  # in the second of the two stages
            raise KeyboardInterrupt
        return timed(*arguments)

    monkeypatch.setattr(stages, "_timed", cut_off)
    with pytest.raises(KeyboardInterrupt):
        stages.measure(plan, keep=keep)
    monkeypatch.setattr(stages, "_timed", timed)
    [kept] = read_json(keep, "stages")["stages"]
    before = clock.now
    found = stages.measure(plan, keep=keep)
    assert clock.now - before == 2 + 2 + 5 + 6  # of the second stage only
    assert found[0].samples == kept["samples"] and len(found) == 2
    assert stages.measure(plan, keep=keep) == found  # nothing is missing
    other = stages.measure(Plan(("masked",), segments=2, rounds=2, warm_up=0), keep=keep)
    assert [len(stage.samples[PASSES[0]][PLAIN]) for stage in other] == [2, 2]  # another plan begins anew


def test_the_command_writes_a_result_that_tables_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By the real clock and all lowerings that run here."""
    monkeypatch.setattr(stages, "STAGES", SMALL)
    names = [name for name in stages.DEFAULT["cpu"] if name != "taps" or lists.library() is not None]
    result = tmp_path / "stages.json"
    small = ["--frames", "2", "--rounds", "2", "--warm-up", "0", "--json", str(result)]
    assert run(monkeypatch, "--lowerings", *(name for name in names if name != "taps"), *small) == 0
    found = load_result(result)
    assert isinstance(found, Stages)
    assert [(row.channels, row.size, row.backward) for row in found.rows] == [
        (16, 5, False), (16, 5, True), (32, 3, False), (32, 3, True),
    ]  # fmt: skip
    for row in found.rows:
        assert row.ratios.keys() == {RIVAL, *names} - {"taps"}
        assert all(len(samples) == 2 and min(samples) > 0 for samples in row.samples_s.values())
    assert [path.name for path in tmp_path.iterdir()] == ["stages.json"]
    assert "32 x 3" in capsys.readouterr().out


@pytest.mark.skipif(lists.library() is None, reason="no AVX-512 or no C++ compiler here: the lists of taps do not run")
def test_the_profile_of_taps_is_within_its_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "STAGES", ((64, 7),))
    [stage] = stages.measure(Plan(("taps",), segments=2, rounds=3, warm_up=0))
    assert stage.parts is not None and stage.parts.keys() == {"weights", "blocks", "all"}
    assert min(stage.parts.values()) > 0
    assert {*stages.WIDER, "taps"} <= stage.samples[PASSES[0]].keys()
    pixels = 2 * 7 * 7
    assert stage.multiply_adds == {
        PLAIN: 9 * 64 * 64 * pixels, RIVAL: 9 * 64 * 64 * pixels,
        "taps": 64 * (48 * 9 + 16 * 3) * pixels, "taps, p = 1/2": 64 * (32 * 9 + 32 * 3) * pixels,
        "taps, merge": 64 * (48 * 9 + 16 * 3) * pixels,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--rounds", "0"], "rounds is 0"),
        (["--batch", "0"], "batch is 0"),
        (["--frames", "0"], "frames is 0"),
        (["--warm-up", "-1"], "warm-up is -1"),
        (["--threads", "0"], "threads is 0"),
        (["--lowerings", "taps", "im2row"], "no lowering is called im2row"),
        (["--lowerings", "taps"], "taps need AVX-512"),
        (["--device", "cuda"], "no CUDA device"),
    ],
)
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    monkeypatch.setattr(lists, "library", lambda: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run(monkeypatch, *arguments) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ") and reason in lines[0], lines


def test_taps_on_a_gpu_are_refused_before_anything_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(UserError, match="taps run on CPUs only"):
        Plan(("masked", "taps"), device="cuda").check()


def test_a_file_of_something_else_is_not_written_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    keep = tmp_path / "stages.part.json"
    keep.write_text('{"plan": 1}')
    monkeypatch.setattr(stages.Plan, "on_this_machine", lambda plan: 1)
    assert run(monkeypatch, "--lowerings", "masked", "--json", str(tmp_path / "stages.json")) == 1
    assert "is no file of timed stages" in capsys.readouterr().err
    assert keep.read_text() == '{"plan": 1}'
