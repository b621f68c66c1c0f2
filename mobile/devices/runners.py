"""Which bare runners a device can run."""

from __future__ import annotations

from pathlib import Path

from mobile.devices.bare_runner import Runner, litert_in_python, native
from mobile.devices.device import Device, DeviceError

PROGRAM = "pte_runner"
FOLDER = Path("build/runners")
"""``FOLDER/MACHINE/pte_runner`` and its libraries; ``mobile.arm64`` builds them."""


def runners_for(device: Device, folder: Path = FOLDER) -> list[Runner]:
    """By the device's ``uname -m``, and by what its Python can import.

    Raises:
        DeviceError: there is none.
    """
    machine = device.run(["uname", "-m"], timeout=20).strip()
    found = []
    program = folder / machine / PROGRAM
    if program.is_file():
        found.append(native(program))
    try:
        device.run(["python3", "-c", "import ai_edge_litert, numpy"], timeout=60)
        found.append(litert_in_python())
    except DeviceError as error:
        if error.reason != "failed":
            raise
    if not found:
        raise DeviceError(
            "tool", f"the app is not installed, and there is no {program}: install the app (android_demo/README.md), or "
            "build the runner (python -m mobile.arm64 --help)"
        )  # fmt: skip
    return found
