"""The lab: a device by its name, the way to measure on it, and a run that loses nothing.

The result file is written after each row and always says what is still missing, so that a run that was broken off,
by whatever, goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

from mobile.latency.devices.android import FOLDER, AndroidDevice
from mobile.latency.devices.android_app import AndroidApp, is_installed
from mobile.latency.devices.bare_runner import BareRunner
from mobile.latency.devices.device import Device, DeviceError
from mobile.latency.devices.ios import IosDevice
from mobile.latency.devices.ios_app import IosApp
from mobile.latency.devices.plan import Plan
from mobile.latency.devices.runners import runners_for
from mobile.latency.rivals import EXPORT_SOURCES, Field
from mobile.latency.table import note_on_int8
from mobile.schemas import load_result
from mobile.schemas.latency import DeviceFacts, Latency, LatencyRow, NotTimed
from training.common.errors import UserError
from training.common.files import sha256_of
from training.engine.provenance import code_version, write_result

BROKEN_OFF = "the run was broken off before; the same command goes on"


class Method(Protocol):
    """A way to time an artefact on a device."""

    name: str
    chooses_threads: bool

    @property
    def device(self) -> Device:
        """What it measures on."""

    def measure(self, artefact: Path, plan: Plan) -> LatencyRow:
        """The row of one artefact, without ratios."""


def open_method(kind: str, serial: str | None) -> Method:
    """The phone, and how to measure on it: its app's benchmark mode, or for Android without the app a bare runner.

    Raises:
        DeviceError: no phone, or more than one that is meant.
    """
    if kind == "ios":
        return IosApp(IosDevice(serial))
    device = AndroidDevice(serial)
    if is_installed(device):
        return AndroidApp(device)
    return BareRunner(device, runners_for(device), FOLDER)


def measure(field: Field, method: Method, plan: Plan, target: Path, say: Callable[[str], None] = print) -> Latency:
    """Time what is not in ``target`` yet, row after row.

    Args:
        target: the result file; a run of the same device and plan that was broken off there is gone on with, a complete
            one is replaced.

    Raises:
        DeviceError: the device cannot go on; ``target`` holds all rows so far.
        UserError: ``target`` holds a run of another device or plan that was broken off.
    """
    facts = method.device.describe()
    if facts.emulated:
        raise DeviceError("no time", f"{facts.name} is emulated, and times of an emulator mean nothing")
    book = Book(field, method, facts, plan, target)
    if book.rows:
        say(f"{len(book.rows)} of {len(field.artefacts)} rows are in {target} already")
    waiting = [artefact for artefact in field.artefacts if sha256_of(artefact) not in book.rows]
    for artefact in tqdm(waiting, desc=facts.name, unit="artefact", leave=False):
        try:
            method.device.cool_down(say=say)
            book.add(method.measure(artefact, plan))
        except DeviceError as error:
            book.miss(artefact, str(error))
            if error.reason != "failed":
                kept = f"{len(book.rows)} of {len(field.artefacts)} rows are in {target}; the same command goes on"
                raise DeviceError(error.reason, f"{error} ({kept})") from error
    return book.result()


class Book:
    """The rows of one run, and its file."""

    def __init__(self, field: Field, method: Method, facts: DeviceFacts, plan: Plan, target: Path) -> None:
        self._field, self._method, self._facts, self._plan, self._target = field, method.name, facts, plan, target
        self._threads = plan.threads if method.chooses_threads else None
        self._digests = [sha256_of(path) for path in field.artefacts]
        self.rows: dict[str, LatencyRow] = {row.sha256: row for row in self._kept() if row.sha256 in self._digests}
        self._reasons: dict[str, str] = {}

    def add(self, row: LatencyRow) -> None:
        """Keep a row, on the disk as well."""
        self.rows[row.sha256] = row
        write_result(self._target, self.result().to_json(), sources=EXPORT_SOURCES)

    def miss(self, artefact: Path, reason: str) -> None:
        """Keep why there is no row, where there are others to keep."""
        self._reasons[sha256_of(artefact)] = reason
        if self.rows:
            write_result(self._target, self.result().to_json(), sources=EXPORT_SOURCES)

    def result(self) -> Latency:
        """The run so far."""
        rows = tuple(
            self._with_ratios(number) for number in range(len(self._digests)) if self._digests[number] in self.rows
        )
        missing = tuple(
            NotTimed(path.name, self._reasons.get(digest, BROKEN_OFF))
            for path, digest in zip(self._field.artefacts, self._digests, strict=True) if digest not in self.rows
        )  # fmt: skip
        return Latency(
            code_version=code_version(), device=self._facts, method=self._method, threads=self._threads,
            rounds=self._plan.rounds, warm_up=self._plan.warm_up, note=note_on_int8(rows, self._facts.int8_dot_product),
            rows=rows, not_run=missing,
        )  # fmt: skip

    def _with_ratios(self, number: int) -> LatencyRow:
        row = self.rows[self._digests[number]]
        rivals = {
            short: self.rows[self._digests[rival]]
            for short, rival in self._field.rivals.get(number, {}).items() if self._digests[rival] in self.rows
        }  # fmt: skip
        return dataclasses.replace(
            row, ratio_to={short: row.median_ms / rival.median_ms for short, rival in rivals.items()}
        )

    def _kept(self) -> Sequence[LatencyRow]:
        if not self._target.is_file():
            return ()
        found = load_result(self._target)
        if not isinstance(found, Latency):
            raise UserError(f"{self._target} is no latency file; choose another --json")
        if not found.not_run:
            return ()
        plan, there = self._plan, (found.threads, found.rounds, found.warm_up, found.method)
        if found.device != self._facts or there != (self._threads, plan.rounds, plan.warm_up, self._method):
            raise UserError(
                f"{self._target} holds a run of {found.device.name} ({found.threads_line}, {found.rounds} rounds) "
                "that was broken off; go on with the same device and options, or choose another --json"
            )
        return found.rows
