"""The parity ladder and emulated arm64."""

from __future__ import annotations

import dataclasses
from typing import Any

from mobile.schemas.row import FAILED, NOT_RUN, PASSED, restored

Number = float | str | None
"""A statistic: "infinite" and None (not known) where JSON has no number."""


@dataclasses.dataclass(frozen=True)
class ParityRow:
    """A row of the ladder, see ``mobile.schemas.row.Row``."""

    hop: int
    name: str
    status: str
    note: str
    agreement: dict[str, Number] | None
    artefact: str | None
    sha256: str | None
    cpu: str | None = None

    def __post_init__(self) -> None:
        if self.status not in (PASSED, FAILED, NOT_RUN):
            raise ValueError(f"status is {self.status!r}; expected {PASSED!r}, {FAILED!r} or {NOT_RUN!r}")
        if self.status == NOT_RUN and not self.note:
            raise ValueError(f"row {self.name!r} was not run and does not say why")

    def number(self, key: str) -> float:
        """A statistic; NaN where there is none."""
        return restored((self.agreement or {}).get(key))


@dataclasses.dataclass(frozen=True)
class Parity:
    """A parity ladder (``sth parity``)."""

    code_version: str
    checkpoint: str
    data: str
    rows: tuple[ParityRow, ...]


@dataclasses.dataclass(frozen=True)
class Arm64Row:
    """An int8 artefact on this machine and on an emulated arm64 CPU, over the same input tensors.

    Attributes:
        frames_sha256: of those tensors.
        differing, largest_steps: how many of ``logits`` are not equal, and the largest difference in int8 steps.
        agreement: see ``mobile.schemas.agreement``, each row of logits counted as a clip.
    """

    artefact: str
    sha256: str
    mode: str
    precision: str
    cpu: str
    machine: str
    runtime: str
    x86_runtime: str
    threads: int
    frames_sha256: str
    clips: int
    logits: int
    differing: int
    largest_steps: float
    agreement: dict[str, Number]

    def __post_init__(self) -> None:
        if self.machine != "aarch64":
            raise ValueError(f"the row of {self.cpu} was computed on {self.machine}")
        if not 0 <= self.differing <= self.logits or (self.differing == 0) != (self.largest_steps == 0):
            raise ValueError(
                f"{self.differing} of {self.logits} logits differ, the largest by {self.largest_steps} steps"
            )


@dataclasses.dataclass(frozen=True)
class Arm64:
    """Artefacts on emulated arm64 CPUs (``sth arm64``); an emulated CPU has no times."""

    code_version: str
    checkpoint: str
    data: str
    emulator: str
    host: dict[str, Any]
    rows: tuple[Arm64Row, ...]
