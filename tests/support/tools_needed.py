"""Tools that a newcomer's machine may lack: a test that needs one skips, saying so, or fails where it must be there."""

from __future__ import annotations

import os
import platform
import shutil

import pytest


def need(*programs: str, install: str, there: bool = True) -> None:
    """Skip the test unless all programs are on the path and ``there`` holds.

    Args:
        install: the command that brings what is missing.

    With STH_REQUIRE_TOOLS=1, as in CI, the test fails instead.
    """
    absent = [program for program in programs if shutil.which(program) is None]
    if not absent and there:
        return
    reason = f"there is no {absent[0] if absent else 'complete set of libraries'}; {install} brings it"
    if os.environ.get("STH_REQUIRE_TOOLS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def need_android_on_linux() -> None:
    """As ``need``, of what runs an APK's native libraries; another system or processor cannot run them and skips."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip(f"an APK's libraries of x86_64 do not run on {platform.system()} {platform.machine()}")
    need("java", "gcc", "nm", install="android_demo/install_tools.sh")
