"""Numbered steps that say how long is left, and of which one may fail without ending the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape

from mobile.schemas.row import FAILED, NOT_RUN
from training.common.errors import UserError

T = TypeVar("T")
DONE = "done"


class NotRun(Exception):
    """Raised by a step that cannot be tried here; the message is the reason."""


def duration(seconds: float) -> str:
    """For people: "40 s", "3 min"."""
    return f"{max(5, 5 * round(seconds / 5))} s" if seconds < 100 else f"{round(seconds / 60)} min"


class StepRunner:
    """Runs steps one after the other.

    Args:
        seconds: what each step is expected to take; the pace of the steps that are done corrects what is left.
    """

    def __init__(self, seconds: Sequence[float], console: Console) -> None:
        self._seconds, self._console = list(seconds), console
        self._expected_so_far = self._taken_so_far = 0.0
        self.steps: list[dict[str, Any]] = []

    @property
    def seconds_left(self) -> float:
        """Expected seconds of the steps that have not begun."""
        pace = self._taken_so_far / self._expected_so_far if self._expected_so_far else 1.0
        return pace * sum(self._seconds[len(self.steps) :])

    @property
    def failed(self) -> list[str]:
        """Names of the steps that failed."""
        return [step["name"] for step in self.steps if step["status"] == FAILED]

    def run(self, title: str, action: Callable[[], T]) -> T | None:
        """Do one step; None where it failed or could not be tried, after one line that says why."""
        number, left = len(self.steps), duration(self.seconds_left)
        heading = f"[bold]{number + 1} of {len(self._seconds)}[/]: {escape(title)}"
        self._console.print(f"{heading} [dim](about {left} left in all)[/]")
        status, note, result, started = DONE, "", None, time.perf_counter()
        try:
            result = action()
        except UserError as error:
            status, note = FAILED, str(error)
        except OSError as error:
            status, note = FAILED, f"{error.filename or 'input or output'}: {error.strerror or error}"
        except NotRun as reason:
            status, note = NOT_RUN, str(reason)
        taken = time.perf_counter() - started
        if status == DONE:
            self._taken_so_far += taken
            self._expected_so_far += self._seconds[number]
        else:
            colour = "red" if status == FAILED else "yellow"
            self._console.print(f"   [{colour}]{status}[/]: {escape(note)}", highlight=False)
        self.steps.append({"name": title, "status": status, "seconds": taken, "note": note})
        return result
