"""The result file of a latency run: one device, its artefacts, raw samples, and what the heat was before and after.

Files of schema 1, which ``mobile.latency`` wrote when it knew no device but the host, are read as what they were.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np

SCHEMA = 2
KINDS = ("host", "android", "ios", "arm64")
THERMAL = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown", "unknown")
"""Android's words, in their order; both apps write them."""


@dataclasses.dataclass(frozen=True)
class DeviceFacts:
    """What ran.

    Attributes:
        kind: one of ``KINDS``.
        name: manufacturer and model of a phone, processor of a host.
        soc: the chip as the system names it.
        system: name and version.
        machine: instruction set or ABI.
        emulated: a simulator or an emulator: its times mean nothing.
        id: first 12 digits of the serial number's sha256, so that no serial number is published.
    """

    kind: str
    name: str
    system: str
    machine: str | None = None
    soc: str | None = None
    cores: int | None = None
    memory_gb: float | None = None
    int8_dot_product: bool | None = None
    emulated: bool = False
    id: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"the device's kind is {self.kind!r}; expected one of {', '.join(KINDS)}")
        if not self.name or not self.system:
            raise ValueError("a device without name or system")

    def line(self) -> str:
        """The device in one line."""
        dot = {True: "with int8 dot product", False: "without int8 dot product", None: ""}[self.int8_dot_product]
        cores = f"{self.cores} cores" if self.cores else ""
        soc = self.soc if self.soc not in (None, self.name) else ""
        parts = [self.name, soc, cores, self.system, self.machine, dot, "emulated" if self.emulated else ""]
        return ", ".join(part for part in parts if part)


@dataclasses.dataclass(frozen=True)
class LatencyRow:
    """A timed artefact.

    Attributes:
        sha256: of what ran, as the device itself computed or read it.
        runtime: name and version.
        runtime_version: the version alone, where the device's app says it.
        delegate: what computes, and in how many pieces, by the exporter's report.
        ratio_to: median over the median of a rival of the same run.
        samples_ms: single inferences in their order.
        thermal_before, thermal_after: one of ``THERMAL``.
        first_ms: the first inference, which also allocates.
        measured_at: end of the row, ISO 8601, UTC.
    """

    artefact: str
    sha256: str
    bytes: int
    network: str
    precision: str
    input: str
    runtime: str
    delegate: str
    median_ms: float
    p90_ms: float
    load_ms: float
    peak_mb: float | None
    ratio_to: dict[str, float]
    samples_ms: tuple[float, ...]
    mode: str = "clip"
    state_bytes: int = 0
    thermal_before: str = "unknown"
    thermal_after: str = "unknown"
    first_ms: float | None = None
    measured_at: str | None = None
    runtime_version: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"the sha256 of {self.artefact} is {self.sha256!r}; expected 64 hexadecimal digits")
        if not self.samples_ms or not min(self.samples_ms) > 0:
            raise ValueError(f"{self.artefact} has no samples, or one of no time at all")
        for name, said, percent in (("median", self.median_ms, 50), ("p90", self.p90_ms, 90)):
            found = float(np.percentile(self.samples_ms, percent))
            if abs(said - found) > 1e-6:
                raise ValueError(f"the {name} of {self.artefact} is {said}; its samples have {found}")
        for state in (self.thermal_before, self.thermal_after):
            if state not in THERMAL:
                raise ValueError(f"the thermal state of {self.artefact} is {state!r}; expected {', '.join(THERMAL)}")

    @property
    def heat(self) -> str:
        """What a table must say of the heat: nothing where the device was and stayed cool, or does not tell."""
        states = {self.thermal_before, self.thermal_after}
        if states <= {"none", "unknown"}:
            return ""
        if len(states) == 1:
            return f"thermal state {self.thermal_before}"
        return f"thermal state changed: {self.thermal_before} to {self.thermal_after}"


@dataclasses.dataclass(frozen=True)
class NotTimed:
    """An artefact that was asked for and has no row, and why."""

    artefact: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError(f"{self.artefact} was not run and does not say why")


@dataclasses.dataclass(frozen=True)
class Latency:
    """Artefacts timed on one device (``sth latency``).

    Attributes:
        code_version: the commit of the command.
        threads: None where the app cannot choose, as on iOS.
        method: how the device was driven.
        rounds, warm_up: counted and uncounted inferences of each artefact.
        not_run: what is missing; a rerun goes on with these.
    """

    code_version: str
    device: DeviceFacts
    threads: int | None
    rounds: int
    note: str | None
    rows: tuple[LatencyRow, ...]
    method: str = "interleaved rounds"
    warm_up: int | None = None
    not_run: tuple[NotTimed, ...] = ()
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"its schema is {self.schema}; this program reads {SCHEMA}")
        if self.device.emulated and self.rows:
            raise ValueError(f"{self.device.name} is emulated, and times of an emulator mean nothing")

    @property
    def threads_line(self) -> str:
        """The number of threads in words."""
        return "threads by the runtime's choice" if self.threads is None else f"{self.threads} thread(s)"

    def to_json(self) -> dict[str, Any]:
        """What goes into the file."""
        return {"kind": "latency", **dataclasses.asdict(self)}


def upgrade(content: dict[str, Any]) -> dict[str, Any]:
    """A latency file of any schema in today's words."""
    if "schema" in content or not isinstance(content.get("host"), dict):
        return content
    host = content["host"]
    return {**{key: value for key, value in content.items() if key != "host"}, "device": facts_of_host(host)}


def facts_of_host(host: dict[str, Any]) -> dict[str, Any]:
    """``DeviceFacts`` in JSON of what ``mobile.latency.timing.describe_host`` says."""
    same = ("system", "machine", "cores", "memory_gb", "int8_dot_product")
    return {"kind": "host", "name": host.get("processor"), **{key: host[key] for key in same if key in host}}
