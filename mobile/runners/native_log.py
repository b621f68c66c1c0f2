"""What native libraries write to standard error, kept off the screen."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def native_log() -> Iterator[Callable[[], str]]:
    """Keep what native code writes to standard error off the screen; yields a function that reads it."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as sink:
        screen = os.dup(2)
        os.dup2(sink.fileno(), 2)

        def read() -> str:
            sink.seek(0)
            return sink.read().decode(errors="replace")

        try:
            yield read
        finally:
            os.dup2(screen, 2)
            os.close(screen)
