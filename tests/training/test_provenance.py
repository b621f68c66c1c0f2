"""Where a result comes from: the version of the code that made it."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from training.engine import provenance


def test_an_installed_package_inside_somebodys_repository_has_its_own_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("STH_CODE_VERSION", raising=False)
    commit = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "theirs"]
    for words in (["init", "-q"], commit):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    installed = tmp_path / "site-packages"
    installed.mkdir()
    monkeypatch.setattr(provenance, "ROOT", installed)
    assert provenance.code_version.__wrapped__() == metadata.version("sth-mobile")


def test_a_checkout_has_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STH_CODE_VERSION", raising=False)
    if not (provenance.ROOT / ".git").exists():
        pytest.skip("these tests do not run in a checkout")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=provenance.ROOT, capture_output=True, text=True, check=True)
    assert head.stdout.startswith(provenance.code_version.__wrapped__().rstrip("+"))
