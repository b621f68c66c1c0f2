"""What an Android phone says of itself: ``getprop``, ``dumpsys thermalservice``, ``battery`` and ``power``, read.

Formats: AOSP's ThermalManagerService.dump, BatteryService.dump and PowerManagerService.dump.
"""

from __future__ import annotations

import re

from mobile.latency.devices.device import Thermal, short_id
from mobile.schemas.latency import THERMAL, DeviceFacts


def facts_of(serial: str, properties: str, cpuinfo: str, meminfo: str, cores: str) -> DeviceFacts:
    """From the texts of ``getprop``, /proc/cpuinfo, /proc/meminfo and ``nproc``."""
    said = dict(re.findall(r"^\[([^\]]+)\]: \[(.*)\]$", properties, re.MULTILINE))
    maker, model = said.get("ro.product.manufacturer", ""), said.get("ro.product.model", "")
    memory = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    flags = re.search(r"^(?:Features|flags)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    soc = f"{said.get('ro.soc.manufacturer', '')} {said.get('ro.soc.model', '')}".strip()
    return DeviceFacts(
        kind="android",
        name=f"{maker} {model}".strip() or "unknown Android device",
        soc=soc or said.get("ro.board.platform") or said.get("ro.hardware"),
        system=f"Android {said.get('ro.build.version.release', '?')} (API {said.get('ro.build.version.sdk', '?')})",
        machine=said.get("ro.product.cpu.abi"),
        cores=int(cores) if cores.strip().isdigit() else None,
        memory_gb=round(int(memory[1]) / 2**20, 1) if memory else None,
        int8_dot_product=bool({"asimddp", "i8mm"} & set(flags[1].split())) if flags else None,
        emulated=said.get("ro.hardware") in ("ranchu", "goldfish") or said.get("ro.boot.qemu") == "1",
        id=short_id(serial),
    )


def thermal_of(thermalservice: str, battery: str) -> Thermal:
    """From the dumps of ``thermalservice`` (Android 10 and later) and ``battery``."""
    status = re.search(r"^\s*Thermal Status:\s*(\d+)", thermalservice, re.MULTILINE)
    tenths = re.search(r"^\s*temperature:\s*(\d+)", battery, re.MULTILINE)
    number = int(status[1]) if status else -1
    state = THERMAL[number] if 0 <= number < THERMAL.index("unknown") else "unknown"
    return Thermal(state, int(tenths[1]) / 10 if tenths else None)


def is_awake(power: str) -> bool | None:
    """From the dump of ``power``; None where it does not say."""
    said = re.search(r"mWakefulness=(\w+)", power)
    return said[1] == "Awake" if said else None
