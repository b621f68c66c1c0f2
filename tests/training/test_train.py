"""The command that trains: what it writes, and bad input as one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from clip_files import jester_folder
from commands import run_command
from training_runs import tiny_recipe

from training.common.errors import UserError
from training.common.files import read_json
from training.engine.checkpoint import load_checkpoint
from training.engine.loop import FINAL, LAST
from training.train import main, train


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit status of ``sth train``."""
    return run_command(monkeypatch, main, *arguments)


def a_file(path: Path) -> str:
    path.write_text("hello\n")
    return str(path)


BAD: dict[str, Callable[[Path], tuple[list[str], str]]] = {
    "recipe": lambda tmp: (["rendered"], "no recipe is called 'rendered'"),
    "key": lambda tmp: (["rendered_sth", "--set", "epoch=1"], "epoch"),
    "value": lambda tmp: (["rendered_sth", "--set", "epochs=many"], "many"),
    "no value": lambda tmp: (["rendered_sth", "--set", "epochs"], "key=value"),
    "seed": lambda tmp: (["rendered_sth", "--seed", "-1"], "seed is -1"),
    "network": lambda tmp: (["rendered_sth", "--set", "network=sth"], "no network is called 'sth'"),
    "option": lambda tmp: (["rendered_sth", "--set", "options.q=1"], "no option q"),
    "proportion": lambda tmp: (["rendered_sth", "--set", "options.p=0.3"], "1/G"),
    "data": lambda tmp: (["rendered_sth", "--set", f"train_data={tmp}/absent"], "there is no"),
    "no data": lambda tmp: (["jester_sth", "--set", f"train_data={a_file(tmp / 'x.txt')}"], "x.txt"),
    "validation": lambda tmp: (["rendered_sth", "--set", f"validation_data={tmp}/absent"], "absent"),
    "rendered": lambda tmp: (["rendered_sth", "--set", "train_data=rendered:0:1"], "rendered:0:1"),
    "labels": lambda tmp: (
        ["rendered_sth", "--set", f"validation_data={jester_folder(tmp / 'data', second='Waving')}"],
        "the label 'Waving'",
    ),
    "weights": lambda tmp: (["rendered_sth", "--weights", f"{tmp}/absent.pt"], "no weights file"),
    "weights kind": lambda tmp: (["rendered_sth", "--weights", a_file(tmp / "w.pt")], "no state_dict"),
    "size": lambda tmp: (["rendered_sth", "--set", "size=100"], "multiple of 32"),
    "fresh": lambda tmp: (
        ["rendered_sth", "--set", f"train_data={jester_folder(tmp / 'data')}", f"validation_data={tmp / 'data'}"],
        "fresh_each_epoch",
    ),
}


@pytest.mark.parametrize("what", list(BAD))
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, what: str
) -> None:
    arguments, reason = BAD[what](tmp_path)
    out = tmp_path / "run"
    small = ["options.width=0.35", "size=32", "segments=2", "early_epochs=0", "workers=0", f"out={out}"]
    recipe_name, *rest = arguments
    assert command(monkeypatch, recipe_name, "--set", *small, *rest) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert reason in lines[0]
    assert not (out / LAST).exists()


def test_an_output_folder_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    occupied = a_file(tmp_path / "occupied")
    small = ["options.width=0.35", "size=32", "segments=2", "early_epochs=0", "workers=0"]
    assert command(monkeypatch, "rendered_sth", "--set", *small, f"out={occupied}/run") == 1
    assert f"cannot write into {occupied}/run" in capsys.readouterr().err
    assert Path(occupied).read_text() == "hello\n"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_is_refused_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="device is cuda"):
        train(tiny_recipe(tmp_path, device="cuda"))


def test_the_command_trains_and_writes_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    small = ["options.width=0.35", "size=32", "segments=2", "early_epochs=0", "workers=0", "epochs=1", "batch=4"]
    data = ["train_data=rendered:4:1", "validation_data=rendered:4:2", f"out={tmp_path / 'run'}", "device=cpu"]
    status = command(
        monkeypatch, "rendered_tsn", "--seed", "3", "--set", *small, *data, "--json", str(tmp_path / "scores.json")
    )
    assert status == 0
    assert "top-1" in capsys.readouterr().out
    assert read_json(tmp_path / "scores.json", "scores")["clips"] == 4
    assert load_checkpoint(tmp_path / "run" / FINAL)["recipe"]["seed"] == 3
    assert command(monkeypatch, "rendered_tsn", "--set", *small, *data) == 1  # it is there already
