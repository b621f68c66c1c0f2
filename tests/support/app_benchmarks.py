"""The benchmark files of both apps: one schema, whose keys Kotlin's sources name and Swift's tests write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_KOTLIN = Path(__file__).resolve().parents[2] / "android_demo/app/src/main/kotlin/org/sthmobile/gesture/benchmark"

NUMBER = (int, float)
TYPES: dict[str, type | tuple[type, ...]] = {
    "kind": str, "schema": int, "status": str, "error": str, "run": str, "app_version": str, "device": dict,
    "artefact": str, "sha256": str, "bytes": int, "network": str, "precision": str, "mode": str, "input": str,
    "state_bytes": int, "runtime": str, "runtime_version": str, "runtime_key": str, "compute_units": str,
    "threads": int, "rounds": int, "warm_up": int, "cool_down_ms": int, "seed": int, "thermal_before": str,
    "thermal_after": str, "battery": dict, "load_ms": NUMBER, "first_ms": NUMBER, "median_ms": NUMBER,
    "p90_ms": NUMBER, "peak_mb": NUMBER, "samples_ms": list,
}  # fmt: skip
DEVICE: dict[str, type | tuple[type, ...]] = {
    "manufacturer": str, "model": str, "device": str, "soc": str, "abi": str, "cores": int, "memory_mb": NUMBER,
    "ios": str, "android": str, "api": int, "fingerprint": str, "emulator": bool,
}  # fmt: skip
BATTERY: dict[str, type | tuple[type, ...]] = {"percent": int, "charging": bool, "temperature_c": NUMBER}


NEW = frozenset({"runtime_version"})
"""Keys that a file may still lack."""


def kotlin_keys() -> tuple[set[str], set[str], set[str]]:
    """Keys of the Android app's file, of its device and of its battery, as its sources write them."""
    report, facts = ((_KOTLIN / f"{name}.kt").read_text() for name in ("BenchmarkReport", "DeviceFacts"))
    keys = re.search(r"val KEYS =\s+listOf\((.+?)\)", report, re.DOTALL)
    device, battery = facts.split("fun batteryFacts")
    assert keys
    return set(re.findall(r'"(\w+)"', keys[1])), _put(device), _put(battery)


def _put(source: str) -> set[str]:
    return set(re.findall(r'\.put\("(\w+)"', source))


def faults(content: dict[str, Any], types: dict[str, type | tuple[type, ...]], name: str = "") -> list[str]:
    """How a file differs from the schema; null is allowed everywhere, since what is not known stays null."""
    found = [f"{name}{key} is missing" for key in types.keys() - content.keys() - NEW]
    found += [f"{name}{key} is unknown" for key in content.keys() - types.keys()]
    for key in types.keys() & content.keys():
        value, wanted = content[key], types[key]
        is_wrong_bool = isinstance(value, bool) and wanted is not bool
        if value is not None and (is_wrong_bool or not isinstance(value, wanted)):
            found.append(f"{name}{key} is {value!r}")
    return sorted(found)
