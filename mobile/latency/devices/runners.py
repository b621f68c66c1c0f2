"""Which bare runners a device can run."""

from __future__ import annotations

from pathlib import Path

from mobile.latency.devices.bare_runner import Runner, litert_in_python, native
from mobile.latency.devices.device import Device, DeviceError
from training.common.errors import UserError

_BIONIC = "/system/bin/linker64"
_GLIBC = ("ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libdl.so.2",
          "libpthread.so.0", "librt.so.1")  # fmt: skip
"""What ``pte_runner`` needs of a Linux whose C library is glibc. Android's is another one: there they go along."""


def runners_for(device: Device) -> list[Runner]:
    """By the device's ``uname -m``, by its C library, and by what its Python can import.

    Raises:
        DeviceError: there is none; the message says why.
    """
    found, reason = [], ""
    try:
        found.append(_native(device))
    except UserError as error:
        if isinstance(error, DeviceError):
            raise
        reason = str(error)
    if _has(device, "python3", "-c", "import ai_edge_litert, numpy"):
        found.append(litert_in_python())
    if not found:
        raise DeviceError(
            "tool", f"the app is not installed (android_demo/README.md), and there is no bare runner: {reason}"
        )
    return found


def _native(device: Device) -> Runner:
    """``pte_runner`` for the device's machine, built if need be; to a phone glibc's loader and libraries go along.

    So they ran on an emulated arm64 and on x86_64. On a phone: not run.
    """
    try:
        from mobile.runtimes.arm64.build_runner import pte_runner
        from mobile.runtimes.arm64.places import ROOT
    except ImportError as error:
        raise UserError("this project has no mobile.runtimes.arm64") from error
    machine = device.run(["uname", "-m"], timeout=20).strip()
    also: list[Path] = []
    if _has(device, "test", "-e", _BIONIC):
        libraries = ROOT / "usr" / "lib" / f"{machine}-linux-gnu"
        also = [libraries / name for name in _GLIBC if (libraries / name).exists()]
    return native(pte_runner(machine), also)


def _has(device: Device, *command: str) -> bool:
    try:
        device.run(command, timeout=60)
    except DeviceError as error:
        if error.reason != "failed":
            raise
        return False
    return True
