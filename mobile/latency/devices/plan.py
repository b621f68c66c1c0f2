"""What a device is asked to measure, and the row that its answer makes.

Both apps answer with one JSON (schema 1 of ``BenchmarkReport.kt`` and ``BenchmarkReport.swift``), read here and nowhere
else.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np

from mobile.interface.contract import load_contract, report_path
from mobile.latency.devices.device import DeviceError
from mobile.schemas.latency import LatencyRow
from training.common.files import read_json, sha256_of, size_of
from training.networks import title_of

SCHEMA = 1
REPORTS = ("android_benchmark", "ios_benchmark")


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to measure each artefact.

    Attributes:
        rounds, warm_up: counted and uncounted inferences.
        cool_down_ms: rest before the first counted inference and before the heat is read again.
        limit_s: an artefact that takes longer is given up.
    """

    threads: int = 1
    rounds: int = 30
    warm_up: int = 3
    seed: int = 0
    cool_down_ms: int = 1000
    limit_s: float = 900.0


def about(artefact: Path) -> dict[str, Any]:
    """The part of a row that this computer knows: the artefact, its network and its delegate."""
    contract = load_contract(artefact)
    size = contract.frames.size
    return {
        "artefact": artefact.name,
        "sha256": sha256_of(artefact),
        "bytes": size_of(artefact),
        "network": title_of(contract.network, contract.options),
        "precision": contract.precision,
        "input": f"{contract.frames_per_inference} x {size} x {size}",
        "mode": contract.mode,
        "state_bytes": sum(state.bytes for state in contract.states),
        "delegate": delegate_of(artefact),
    }


def delegate_of(artefact: Path) -> str:
    """The delegate and its pieces as the artefact's report states them."""
    report = report_path(artefact)
    if not report.is_file():
        return "unknown (no report)"
    content = read_json(report, "report")
    if "delegate" not in content:
        return "none"
    return f"{content['delegate']} in {content['delegate_pieces']}"


def row_of(artefact: Path, samples_ms: list[float], **measured: Any) -> LatencyRow:
    """A row of raw samples; statistics are computed here."""
    return LatencyRow(
        **about(artefact),
        median_ms=float(np.median(samples_ms)),
        p90_ms=float(np.percentile(samples_ms, 90)),
        samples_ms=tuple(samples_ms),
        ratio_to={},
        measured_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        **measured,
    )


def read_report(text: str, artefact: Path, run: str, plan: Plan) -> LatencyRow:
    """The row in the JSON of an app.

    Raises:
        DeviceError: "truncated" for half a JSON, "failed" where the run failed, is another run, or is of another
            artefact.
    """
    content = _parse(text, artefact)
    if content.get("status") != "done":
        raise DeviceError(
            "failed", f"{artefact.name} did not run: {content.get('error') or 'the device does not say why'}"
        )
    if content.get("run") != run:
        raise DeviceError("failed", f"the device answered with run {content.get('run')!r} instead of {run!r}")
    wanted = sha256_of(artefact)
    if content.get("sha256") != wanted:
        raise DeviceError(
            "failed", f"the device ran another {artefact.name}: its sha256 is {str(content.get('sha256'))[:12]}, that "
            f"of {artefact} is {wanted[:12]}; install it again (sth install)"
        )  # fmt: skip
    samples = content.get("samples_ms")
    if not isinstance(samples, list) or len(samples) != plan.rounds:
        raise DeviceError(
            "failed", f"{artefact.name}: {plan.rounds} samples were asked for, the device gave {samples!r:.60}"
        )
    try:
        return row_of(
            artefact,
            [float(sample) for sample in samples],
            **_runtime(content),
            load_ms=float(content["load_ms"]),
            first_ms=None if content.get("first_ms") is None else float(content["first_ms"]),
            peak_mb=None if content.get("peak_mb") is None else float(content["peak_mb"]),
            thermal_before=content.get("thermal_before") or "unknown",
            thermal_after=content.get("thermal_after") or "unknown",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError("failed", f"the device's report of {artefact.name} is not whole: {error!r}") from error


def _runtime(content: dict[str, Any]) -> dict[str, str | None]:
    """Name and version, and the version alone; an older app does not say it."""
    name, version = str(content["runtime"]), content.get("runtime_version")
    if not isinstance(version, str | None):
        raise TypeError(f"runtime_version is {version!r}; expected a text or null")
    return {"runtime": name if version is None or version in name else f"{name} {version}", "runtime_version": version}


def _parse(text: str, artefact: Path) -> dict[str, Any]:
    lines = text.strip().splitlines()
    for candidate in (text, lines[-1] if lines else ""):
        try:
            content = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(content, dict) and content.get("kind") in REPORTS:
            if content.get("schema") != SCHEMA:
                raise DeviceError(
                    "failed", f"the report has schema {content.get('schema')!r}; this program reads {SCHEMA}"
                )
            return content
    raise DeviceError("truncated", f"the device's report of {artefact.name} is cut off, or none: {text[-80:]!r}")
