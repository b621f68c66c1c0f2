"""An iPhone or iPad over Apple's ``devicectl`` (Xcode 15 or later). Written by its manual; not run: there was no Mac.

``devicectl`` writes JSON into the file after --json-output, the only output whose form Apple promises.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mobile.latency.devices.device import COOL_POLL_S, Device, DeviceError, Thermal, short_id
from mobile.latency.devices.process import Ended, run_program
from mobile.schemas.latency import DeviceFacts
from training.common.files import atomic_path

BUNDLE = "org.sthmobile.gesture"
INSTALL = "Xcode 15 or later brings it; iOS devices can be used from a Mac only"
QUICK_S = 60.0
REST_S = 180.0

_FAULTS = (
    (r"(?i)could not be, unlocked|device is locked|reason: Locked|passcode", "asleep",
     "{name} is locked: unlock it, keep its screen on, run this again"),
    (r"(?i)not paired|pairing|trust", "unauthorized", "{name} does not trust this Mac: unlock it and tap Trust"),
    (r"(?i)developer mode", "unauthorized", "{name} is not in developer mode: Settings, Privacy & Security"),
    (r"(?i)no space left|not enough space|disk full", "full",
     "there is no space left on {name}: delete something there"),
    (r"(?i)application .* (is )?not installed|unable to find .*application|not installed on", "tool",
     "the app is not on {name}: see ios_demo/README.md"),
    (r"(?i)disconnected|connection was (interrupted|lost|invalidated)|not connected|device was not found|unreachable",
     "lost", "{name} is gone: plug it in again"),
)  # fmt: skip


def devicectl(*words: str, timeout: float = QUICK_S, name: str = "the device") -> tuple[Ended, dict[str, Any]]:
    """A command of ``devicectl``, and the JSON that it wrote (empty where it wrote none).

    Raises:
        DeviceError: what its message means, "slow", or "failed" with the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "answer.json"
        # before the other options: what follows a program's name may be taken for words of that program
        options = next((number for number, word in enumerate(words) if word.startswith("-")), len(words))
        command = ["xcrun", "devicectl", *words[:options], "--json-output", str(target), *words[options:]]
        ended = run_program(command, timeout=timeout, install=INSTALL)
        answer = json.loads(target.read_text()) if target.is_file() and target.stat().st_size else {}
    if ended.status is None:
        raise DeviceError("slow", f"{name} did not answer in {timeout:.0f} s: is it plugged in and unlocked?")
    if ended.status:
        said = f"{ended.said}\n{json.dumps(answer.get('error', ''))}"
        raise fault(said, name) or DeviceError("failed", f"devicectl {words[0]} failed: {ended.said[-300:]}")
    return ended, answer


def fault(said: str, name: str) -> DeviceError | None:
    """What a message of devicectl means; None for one that is not known."""
    for pattern, reason, message in _FAULTS:
        if re.search(pattern, said):
            return DeviceError(reason, message.format(name=name))
    return None


def choose(serial: str | None) -> dict[str, Any]:
    """The device that is meant, as ``devicectl list devices`` lists it: by udid, identifier or name, or the only one.

    Raises:
        DeviceError: "tool", "absent", "several" (the message lists them), "unauthorized".
    """
    _, answer = devicectl("list", "devices")
    found = [device for device in answer.get("result", {}).get("devices", []) if _is_phone(device)]
    if serial:
        chosen = [device for device in found if serial in _names(device)]
        if not chosen:
            raise DeviceError("absent", f"there is no iOS device {serial}; this Mac sees {_listing(found) or 'none'}")
    else:
        chosen = [device for device in found if _is_there(device)]
    if not chosen:
        raise DeviceError(
            "absent", "there is no iOS device: plug one in, unlock it, and see `xcrun devicectl list devices`"
        )
    if len(chosen) > 1:
        raise DeviceError(
            "several", f"there are {len(chosen)} iOS devices; say --serial with one of {_listing(chosen)}"
        )
    device, name = chosen[0], _names(chosen[0])[2]
    if device.get("connectionProperties", {}).get("pairingState") != "paired":
        raise DeviceError("unauthorized", f"{name} does not trust this Mac: unlock it and tap Trust")
    if device.get("deviceProperties", {}).get("developerModeStatus") == "disabled":
        raise DeviceError("unauthorized", f"{name} is not in developer mode: Settings, Privacy & Security")
    return device


class IosDevice(Device):
    """The device that ``choose`` chose. Files go into and come out of the app's own folder; the app is what runs.

    Raises:
        DeviceError: as ``choose``.
    """

    kind = "ios"

    def __init__(self, serial: str | None = None) -> None:
        self._about = choose(serial)
        self.udid, self.identifier, self.name = _names(self._about)
        self.heat = Thermal()
        """As the app said last: no tool of Apple's tells it from outside."""

    def describe(self) -> DeviceFacts:
        """What it is, as devicectl lists it."""
        about = self._about
        hardware, system = about.get("hardwareProperties", {}), about.get("deviceProperties", {})
        return DeviceFacts(
            kind="ios",
            name=f"Apple {hardware.get('marketingName') or hardware.get('productType') or 'unknown device'}",
            system=f"{hardware.get('platform', 'iOS')} {system.get('osVersionNumber', '?')}",
            machine=hardware.get("cpuType", {}).get("name"),
            soc=None,
            int8_dot_product=None,
            emulated=hardware.get("reality") == "simulated",
            id=short_id(self.udid),
        )

    def push(self, local: Path, remote: str) -> None:
        """Copy a file into the app's folder; devicectl itself fails where it does not arrive."""
        self._copy("to", "--source", str(local), "--destination", remote, size=local.stat().st_size)

    def run(self, command: Sequence[str], *, timeout: float) -> str:
        """Launch the app with these arguments and wait for its end; what it wrote on its console."""
        words = (
            "device",
            "process",
            "launch",
            "--console",
            "--terminate-existing",
            "--device",
            self.identifier,
            BUNDLE,
        )
        ended, _ = devicectl(*words, "--", *command, timeout=timeout, name=self.name)
        return ended.out

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file out of the app's folder."""
        with atomic_path(local) as temporary:
            self._copy("from", "--source", remote, "--destination", str(temporary))
            if not temporary.is_file():
                raise DeviceError("failed", f"there is no {remote} in the app's folder on {self.name}")

    def thermal(self) -> Thermal:
        """As the app's last report said."""
        return self.heat

    def cool_down(
        self,
        *,
        limit: float = REST_S,
        poll: float = COOL_POLL_S,
        say: Callable[[str], None] = print,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Thermal:
        """After a hot row a rest of ``limit`` seconds: whether it helped, only the next row's report can say."""
        if self.heat.is_hot:
            say(f"{self.name} is hot ({self.heat}): a rest of {limit:.0f} s")
            sleep(limit)
            self.heat = Thermal()
        return self.heat

    def wake(self) -> None:
        """See that it is unlocked; nothing but a finger can unlock it.

        Raises:
            DeviceError: "asleep".
        """
        _, answer = devicectl("device", "info", "lockState", "--device", self.identifier, name=self.name)
        if answer.get("result", {}).get("passcodeRequired"):
            raise DeviceError("asleep", f"{self.name} is locked: unlock it, keep its screen on, run this again")

    def _copy(self, way: str, *words: str, size: int = 0) -> None:
        domain = ("--domain-type", "appDataContainer", "--domain-identifier", BUNDLE)
        devicectl(
            "device", "copy", way, "--device", self.identifier, *domain, *words,
            timeout=QUICK_S + size / 1e6, name=self.name,
        )  # fmt: skip


def _is_phone(device: dict[str, Any]) -> bool:
    return device.get("hardwareProperties", {}).get("platform") in ("iOS", "iPadOS")


def _is_there(device: dict[str, Any]) -> bool:
    """Devices that were paired once stay in the list."""
    return device.get("connectionProperties", {}).get("tunnelState") != "unavailable"


def _names(device: dict[str, Any]) -> tuple[str, str, str]:
    """Udid, devicectl's own identifier, and the name that its owner gave it."""
    identifier = str(device.get("identifier"))
    udid = device.get("hardwareProperties", {}).get("udid")
    return str(udid or identifier), identifier, str(device.get("deviceProperties", {}).get("name", identifier))


def _listing(devices: Sequence[dict[str, Any]]) -> str:
    return ", ".join(f"{_names(device)[0]} ({_names(device)[2]})" for device in devices)
