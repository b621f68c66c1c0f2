"""An emulated arm64 Linux (``mobile.arm64``) as a device: its logits count, its time does not."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from mobile.devices.device import Device, DeviceError, Thermal
from mobile.devices.process import run_program
from mobile.result_files.latency import DeviceFacts
from training.errors import UserError
from training.files import atomic_path


class EmulatedArm64(Device):
    """Programs for arm64 on a CPU of qemu's, with the files of this computer.

    Args:
        cpu: as ``mobile.arm64.emulator.CPUS``.

    Raises:
        DeviceError: "tool": the emulated system was not set up.
    """

    kind = "arm64"
    measures_time = False

    def __init__(self, cpu: str = "cortex-a76") -> None:
        try:
            from mobile.arm64.emulator import Emulator

            self._emulator = Emulator(cpu)
        except (ImportError, UserError) as error:
            raise DeviceError("tool", str(error)) from error
        self.cpu = cpu

    def describe(self) -> DeviceFacts:
        """The CPU's model and the emulator."""
        from mobile.arm64.emulator import version

        return DeviceFacts("arm64", f"emulated {self.cpu}", version(), "aarch64", cores=1, emulated=True)

    def push(self, local: Path, remote: str) -> None:
        """Copy a file, with its permissions."""
        with atomic_path(remote) as temporary:
            shutil.copy(local, temporary)

    def run(self, command: Sequence[str], *, timeout: float) -> str:
        """Run a program for arm64; scripts and programs of this computer are not run."""
        program = Path(command[0])
        if not program.is_file() or program.read_bytes()[18:20] != b"\xb7\x00":  # ELF's e_machine
            raise DeviceError("failed", f"{program} is no program for arm64")
        ended = run_program(self._emulator.command(program, command[1:]), timeout=timeout)
        if ended.status is None:
            raise DeviceError("slow", f"{program.name} did not end in {timeout:.0f} s on an emulated {self.cpu}")
        if ended.status:
            raise DeviceError("failed", f"{program.name} failed with status {ended.status}: {ended.said[-300:]}")
        return ended.out

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file."""
        if not Path(remote).is_file():
            raise DeviceError("failed", f"there is no {remote}")
        self.push(Path(remote), str(local))

    def thermal(self) -> Thermal:
        """It has none."""
        return Thermal()
