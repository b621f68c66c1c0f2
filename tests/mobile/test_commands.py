"""The ``sth`` command: its words, and running them with their output in a file."""

from __future__ import annotations

import importlib.util
import subprocess
import types
from pathlib import Path
from typing import Any

import pytest

from mobile import __main__ as sth
from mobile import commands
from mobile.commands import COMMANDS, run_logged
from training.common.errors import UserError


def test_every_word_has_its_module() -> None:
    assert [word for word, command in COMMANDS.items() if importlib.util.find_spec(command.module) is None] == []
    assert all(word in sth.help_text() for word in COMMANDS)
    assert len(sth.help_text().splitlines()) <= 40  # one screen


def test_an_unknown_word_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["sth", "trian"])
    assert sth.main() == 2
    assert "'trian'" in capsys.readouterr().err


def test_output_is_in_the_log_while_the_command_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "runs" / "log.txt"

    def train(command: list[str], *, stdout: Any, **_: Any) -> types.SimpleNamespace:
        stdout.write(b"epoch 1\n")
        stdout.flush()
        assert log.read_text().endswith("epoch 1\n")
        return types.SimpleNamespace(returncode=0)

    monkeypatch.setattr(commands, "subprocess", types.SimpleNamespace(run=train, STDOUT=subprocess.STDOUT))
    run_logged(["train", "tiny"], log)
    run_logged(["qat", "tiny"], log)
    assert log.read_text() == "epoch 1\nepoch 1\n"


def test_a_failed_command_gives_its_own_last_line(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("error: of a run before\n")
    with pytest.raises(UserError, match="no word 'trian'") as failed:
        run_logged(["trian"], log)
    assert "of a run before" not in str(failed.value) and not str(failed.value).startswith("error:")
    assert log.read_text().startswith("error: of a run before\n")
