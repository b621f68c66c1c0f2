"""Errors for people: one clear line on standard error and a non-zero exit status."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType


class UserError(Exception):
    """Bad input that a person can mend.

    The message is one line that names the file or the value, what was expected and what to do.
    """


def missing_extra(package: str, extra: str) -> UserError:
    """The error for a package of an optional extra that is not installed."""
    return UserError(f"{package} is not installed; install the extra that brings it: pip install -e '.[{extra}]'")


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised where Ctrl-C would be."""


def _stop_at_sigterm() -> None:
    """Raise ``Terminated`` at SIGTERM in this process; its forked workers end as they would without this."""
    if threading.current_thread() is not threading.main_thread():
        return
    owner = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            os._exit(128 + number)
        raise Terminated

    signal.signal(signal.SIGTERM, stop)


def run_cli(main: Callable[[], int | None]) -> None:
    """Run ``main`` and leave the process: 0, its own status, 1 after an error for people, 130 after Ctrl-C.

    SIGTERM ends ``main`` as Ctrl-C does, so that it closes what it was writing; the status is 143.
    """
    _stop_at_sigterm()
    try:
        status = main() or 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt as stop:
        print("stopped by the user; files written so far are whole", file=sys.stderr)
        status = 143 if isinstance(stop, Terminated) else 130
    except BrokenPipeError:
        _close_output()
        status = 141
    except OSError as error:  # a full disk, a folder without permission
        print(f"error: {error.filename or 'input or output'}: {error.strerror or error}", file=sys.stderr)
        status = 1
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _close_output()
    sys.exit(status)


def _close_output() -> None:
    """Nobody reads standard output any more: what is still in its buffer must not fail when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
