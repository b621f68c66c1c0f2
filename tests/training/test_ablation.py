"""The ablation on runs of seconds: what is trained, what is not trained twice, and what is refused."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from commands import run_command

from training.common.files import read_json, write_json
from training.tables import __main__ as command
from training.tables import ablation
from training.tables.paper import ROWS

TINY = ["--seeds", "3", "--set", "network=sth_resnet18", "size=32", "segments=2", "epochs=1", "batch=4", "workers=0",
        "train_data=rendered:4:1", "validation_data=rendered:4:2"]  # fmt: skip


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return run_command(monkeypatch, command.main, "ablation", *arguments)


@pytest.mark.minutes
def test_every_row_is_trained_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, out = tmp_path / "runs", tmp_path / "out.json"
    assert run(monkeypatch, *TINY, "--runs", str(runs), "--json", str(out), "--plot", str(tmp_path / "out.png")) == 0
    result = read_json(out, "ablation")
    assert len(list(runs.iterdir())) == len({row.key for row in ROWS}) == 9
    assert all(len(row["top1"]) == 1 and row["seeds"] == [3] and len(row["devices"]) == 1 for row in result["rows"])
    same = {row["row"]: row["top1"] for row in result["rows"]}
    assert same["p = 1/4"] == same["hybrid"] and same["fixed"] == same["hybrid, attention"]
    assert (tmp_path / "out.png").stat().st_size > 5000
    with mock.patch.object(ablation, "train", side_effect=AssertionError("trained again")):
        assert run(monkeypatch, *TINY, "--runs", str(runs)) == 0
    capsys.readouterr()
    assert run(monkeypatch, *TINY, "epochs=2", "--runs", str(runs)) == 1
    assert "is of another recipe" in capsys.readouterr().err


@pytest.mark.minutes
def test_several_runs_at_a_time_reach_what_single_ones_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two networks in two processes, which draw each picture once."""
    monkeypatch.setattr(ablation, "ROWS", [row for row in ROWS if row.name in ("p = 0", "p = 1/2")])
    frames, out, alone = tmp_path / "frames", tmp_path / "out.json", tmp_path / "alone.json"
    both = [*TINY, f"frame_cache={frames}", "--jobs", "2", "--runs", str(tmp_path / "both"), "--json", str(out)]
    assert run(monkeypatch, *both) == 0
    assert run(monkeypatch, *TINY, "--runs", str(tmp_path / "alone"), "--json", str(alone)) == 0
    found, expected = read_json(out, "ablation"), read_json(alone, "ablation")
    assert [row["top1"] for row in found["rows"]] == [row["top1"] for row in expected["rows"]]
    losses = [
        [
            read_json(folder / name / "result.json", "result")["history"][0]["loss"]
            for name in ("p-0-seed3", "p-0.5-seed3")
        ]
        for folder in (tmp_path / "both", tmp_path / "alone")
    ]
    assert losses[0] == losses[1] and losses[0][0] != losses[0][1]
    assert len(list(frames.rglob("*.npy"))) == 8  # four clips of training and four of validation, for both networks
    assert "epoch 1/1" in (tmp_path / "both" / "p-0-seed3" / "log.txt").read_text()
    capsys.readouterr()
    assert run(monkeypatch, *TINY, "--jobs", "0") == 1
    assert "--jobs is 0" in capsys.readouterr().err
    assert run(monkeypatch, *TINY, "--plot", "out.pdf", "--runs", str(tmp_path / "alone")) == 1
    assert "cannot draw out.pdf" in capsys.readouterr().err


def test_rows_without_a_run_have_no_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert run(monkeypatch, *TINY, "--collect", "--runs", str(tmp_path), "--json", str(out)) == 0
    assert all(row["top1"] == [] for row in read_json(out, "ablation")["rows"])
    assert "not run" in capsys.readouterr().out
    (tmp_path / "p-0-seed3").mkdir()
    write_json(tmp_path / "p-0-seed3" / "result.json", {"recipe": {"name": "other"}, "validation": {"top1": 1.0}})
    assert run(monkeypatch, *TINY, "--collect", "--runs", str(tmp_path)) == 1
