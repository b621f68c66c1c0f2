"""What native libraries write to standard error, kept off the screen."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def native_log() -> Iterator[Callable[[], str]]:
    """Keep what native code writes to standard error off the screen; yields a function that reads it."""
    sys.stderr.flush()
    _flush()
    with tempfile.TemporaryFile() as sink:
        screen = os.dup(2)
        os.dup2(sink.fileno(), 2)

        def read() -> str:
            sink.seek(0)
            return sink.read().decode(errors="replace")

        try:
            yield read
        finally:
            _flush()  # what a library holds back would come out later, on the screen
            os.dup2(screen, 2)
            os.close(screen)


def _flush() -> None:
    """Empty the buffers of C's streams, where there is such a library to ask."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)


@functools.cache
def mute_at_exit() -> None:
    """From the end of the program on, when nothing of ours can be said any more, native libraries are not heard."""
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))
