"""Runs a command as its process would."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from training.common.errors import run_cli


def run_command(monkeypatch: pytest.MonkeyPatch, main: Callable[[], int | None], *arguments: object) -> int:
    """Exit status of a command's ``main`` with these words after its name."""
    monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        run_cli(main)
    assert isinstance(left.value.code, int)
    return left.value.code
