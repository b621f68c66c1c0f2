"""What converters wrote, and the steps of a demo."""

from __future__ import annotations

import dataclasses
from typing import Any

from mobile.schemas.row import FAILED, NOT_RUN


@dataclasses.dataclass(frozen=True)
class Artefact:
    """An exporter's report; ``delegate`` is None for Core ML, which plans on the phone."""

    artefact: str
    checkpoint: str
    code_version: str
    runtime: str
    precision: str
    sha256: str
    bytes: int
    tools: dict[str, str]
    operators: dict[str, dict[str, int]]
    delegate: str | None = None
    delegate_pieces: int | None = None
    operators_outside: Any = None  # {operator: count}, or a list of names


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of a run of several: "done", "failed" or "not run" with the reason in ``note``."""

    name: str
    status: str
    seconds: float
    note: str

    def __post_init__(self) -> None:
        if self.status not in ("done", FAILED, NOT_RUN) or (self.status != "done" and not self.note):
            raise ValueError(f"step {self.name!r} is {self.status!r} with the reason {self.note!r}")


@dataclasses.dataclass(frozen=True)
class Steps:
    """The steps of ``sth demo`` and the machine that ran them."""

    host: dict[str, Any]
    steps: tuple[Step, ...]
