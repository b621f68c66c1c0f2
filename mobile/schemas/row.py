"""A row of the parity ladder."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from mobile.schemas.agreement import Agreement

PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"


@dataclasses.dataclass(frozen=True)
class Row:
    """One hop of the ladder. ``status`` is "not run" with a reason in ``note`` where it could not be tried here.

    Attributes:
        cpu: the emulated one that the right side ran on; None for this machine's own.
    """

    hop: int
    name: str
    status: str
    note: str
    agreement: Agreement | None = None
    artefact: str | None = None
    sha256: str | None = None
    cpu: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The row for a report; numbers that are not finite become null or "infinite"."""
        fields = dataclasses.asdict(self)
        if fields["agreement"]:
            fields["agreement"] = {key: finite(value) for key, value in fields["agreement"].items()}
        return fields


def titled(name: str, cpus: str | None) -> str:
    """A row's name with the emulated CPUs that it is of."""
    return f"{name}, on {cpus} (emulated)" if cpus else name


def finite(value: float) -> float | str | None:
    """A statistic as JSON has it."""
    if math.isnan(value):
        return None
    return "infinite" if math.isinf(value) else value


def restored(value: float | str | None) -> float:
    """A statistic that JSON had."""
    return math.nan if value is None else math.inf if value == "infinite" else float(value)
