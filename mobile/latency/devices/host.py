"""This computer as a device."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from mobile.latency.devices.device import Device, DeviceError, Thermal
from mobile.latency.devices.process import run_program
from mobile.latency.timing import describe_host
from mobile.schemas.latency import DeviceFacts, facts_of_host
from training.common.files import atomic_path


class HostDevice(Device):
    """Files are copied to paths, commands run in processes."""

    kind = "host"

    def describe(self) -> DeviceFacts:
        """Processor, cores, memory, system."""
        return DeviceFacts(**facts_of_host(describe_host()))

    def push(self, local: Path, remote: str) -> None:
        """Copy a file."""
        with atomic_path(remote) as temporary:
            shutil.copyfile(local, temporary)

    def run(self, command: Sequence[str], *, timeout: float) -> str:
        """Run a program."""
        ended = run_program(command, timeout=timeout)
        if ended.status is None:
            raise DeviceError("slow", f"`{command[0]}` did not end in {timeout:.0f} s")
        if ended.status:
            raise DeviceError("failed", f"`{command[0]}` failed with status {ended.status}: {ended.said[-300:]}")
        return ended.out

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file."""
        if not Path(remote).is_file():
            raise DeviceError("failed", f"there is no {remote}")
        self.push(Path(remote), str(local))

    def thermal(self) -> Thermal:
        """By ``pmset`` on a Mac; other systems have no such state."""
        if platform.system() != "Darwin":
            return Thermal()
        said = run_program(["pmset", "-g", "therm"], timeout=10).out
        return Thermal("none" if "No thermal warning" in said else "unknown")
