"""An Android phone over adb."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from mobile.latency.devices.adb import QUICK_S, Adb, choose
from mobile.latency.devices.android_facts import facts_of, is_awake, thermal_of
from mobile.latency.devices.device import Device, DeviceError, Thermal
from mobile.schemas.latency import DeviceFacts

FOLDER = "/data/local/tmp/sth"
"""Where a shell may put programs and run them."""


class AndroidDevice(Device):
    """The phone that ``adb.choose`` chose.

    Raises:
        DeviceError: as ``adb.choose``.
    """

    kind = "android"

    def __init__(self, serial: str | None = None) -> None:
        self.adb = Adb(choose(serial))

    def describe(self) -> DeviceFacts:
        """What it is, by its properties."""
        texts = [
            self.adb.shell(command, check=False)
            for command in ("getprop", "cat /proc/cpuinfo", "cat /proc/meminfo", "nproc")
        ]
        return facts_of(self.adb.serial, *texts)

    def push(self, local: Path, remote: str) -> None:
        """Copy a file to the phone."""
        self.adb.push(local, remote)

    def run(self, command: Sequence[str], *, timeout: float = QUICK_S) -> str:
        """Run a command in the phone's shell."""
        return self.adb.shell(shlex.join(command), timeout=timeout)

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file from the phone."""
        self.adb.pull(remote, local)

    def thermal(self) -> Thermal:
        """By the thermal service, or before Android 10 by the battery."""
        dumps = [self.adb.shell(f"dumpsys {name} 2>/dev/null", check=False) for name in ("thermalservice", "battery")]
        return thermal_of(*dumps)

    def wake(self) -> None:
        """Switch the screen on: an app behind a dark screen runs slowly or not at all.

        Raises:
            DeviceError: "asleep": it stays dark.
        """
        dump = "dumpsys power 2>/dev/null"
        if is_awake(self.adb.shell(dump, check=False)) is not False:
            return
        self.adb.shell("input keyevent KEYCODE_WAKEUP; sleep 1", check=False)
        if is_awake(self.adb.shell(dump, check=False)) is False:
            raise DeviceError("asleep", f"{self.adb.serial} is asleep: switch its screen on, unlock it, run this again")
