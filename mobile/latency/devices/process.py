"""Programs of this computer with an end: at most so many seconds, and nothing of them is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mobile.latency.devices.device import DeviceError


@dataclass(frozen=True)
class Ended:
    """How a program ended; ``status`` is None where it was stopped for its time."""

    status: int | None
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that it said."""
        return f"{self.out}\n{self.err}".strip()


def run_program(
    words: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None, install: str = ""
) -> Ended:
    """Run a program without input; after ``timeout`` seconds it and its children are killed.

    Its output goes through files: a server that it leaves behind (adb's) would hold a pipe open for ever.

    Raises:
        DeviceError: "tool": there is no such program; ``install`` says what brings it.
    """
    if shutil.which(words[0]) is None:
        raise DeviceError("tool", f"there is no program {words[0]}" + (f"; {install}" if install else ""))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            list(words), stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        status: int | None = None
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    return Ended(status, *texts)
