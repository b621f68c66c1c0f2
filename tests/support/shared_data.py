"""Real clips for tests: `../shared/data` beside the repository, or the folder that STH_DATA names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("STH_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


def shared_data(name: str) -> Path:
    """A folder of the real data ("gestures", "jester", "videos"); skips the test where it is absent."""
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is absent; STH_DATA=FOLDER names another place")
    return folder
