"""``adb`` as this project uses it: one device, bounded waits, and nothing believed that was not checked.

``adb shell`` returns 0 with half of the output when the device goes away, so each command ends with a marker of its
own. ``adb push`` of a file that was cut off leaves a file, so each file is compared by its sha256.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobile.latency.devices.device import DeviceError
from mobile.latency.devices.process import Ended, run_program
from training.common.files import atomic_path, sha256_of

PROGRAM = "adb"
INSTALL = "Android's platform tools bring it (Debian: apt-get install adb)"
QUICK_S = 20.0
SLOWEST_BYTES_PER_S = 1e6
"""A file may take so long, and ``QUICK_S`` on top."""

_FAULTS = (
    # what adb or the device says, the reason, and what to do
    (r"unauthorized", "unauthorized", "{serial} does not trust this computer: unlock it and allow USB debugging"),
    (r"no permissions", "unauthorized", "this user may not open {serial}: install udev rules for Android (Debian: "
     "android-sdk-platform-tools-common) and plug it in again"),
    (r"more than one device", "several", "there is more than one device; say --serial"),
    (r"No space left on device", "full", "there is no space left on {serial}: delete something there"),
    (r"device offline", "lost", "{serial} is offline: plug it in again"),
    (r"no devices/emulators found|device '.*' not found", "lost", "{serial} is gone: plug it in again"),
    (r"device still", "lost", "{serial} is not ready yet: wait until it has started"),
    (r"error: closed|protocol fault|Connection reset|failed to read copy response|connection (was )?closed", "lost",
     "the connection to {serial} broke: plug it in again"),
    (r"cannot connect to daemon", "tool", "adb's server does not start here: `adb start-server` says why"),
)  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """A line of ``adb devices -l``."""

    serial: str
    state: str
    about: str

    def __str__(self) -> str:
        model = re.search(r"\bmodel:(\S+)", self.about)
        return f"{self.serial} ({model[1].replace('_', ' ') if model else self.state})"


def list_devices() -> list[Listed]:
    """All that adb sees.

    Raises:
        DeviceError: "tool" or "slow".
    """
    ended = run_program([PROGRAM, "devices", "-l"], timeout=QUICK_S, install=INSTALL)
    if ended.status is None:
        raise DeviceError("slow", f"`adb devices` did not answer in {QUICK_S:.0f} s; `adb kill-server` helps")
    if ended.status:
        raise DeviceError("tool", f"`adb devices` failed: {_last(ended)}")
    rows = [line.split(maxsplit=2) for line in ended.out.splitlines()[1:] if line.strip() and line[0] != "*"]
    return [_listed(row) for row in rows if len(row) > 1]


def _listed(row: list[str]) -> Listed:
    serial, state, about = (*row, "")[:3]
    if state == "no":  # "no permissions (...)" is the one state of two words
        state = "no permissions"
    return Listed(serial, state, about)


def choose(serial: str | None) -> str:
    """The serial of the one device that is meant: named, in $ANDROID_SERIAL, or the only one.

    A name with a port (``192.168.1.7:5555``) is connected to first.

    Raises:
        DeviceError: "absent", "several" (the message lists them), "unauthorized", "lost".
    """
    wanted = serial or os.environ.get("ANDROID_SERIAL")
    found = list_devices()
    if wanted and re.search(r":\d+$", wanted) and wanted not in [d.serial for d in found if d.state == "device"]:
        if any(listed.serial == wanted for listed in found):
            # what is offline is not connected again by itself
            run_program([PROGRAM, "disconnect", wanted], timeout=QUICK_S, install=INSTALL)
        run_program([PROGRAM, "connect", wanted], timeout=QUICK_S, install=INSTALL)
        found = list_devices()
    names = ", ".join(map(str, found))
    if wanted:
        chosen = next((listed for listed in found if listed.serial == wanted), None)
        if chosen is None:
            raise DeviceError("absent", f"there is no Android device {wanted}; adb sees {names or 'none'}")
    elif not found:
        raise DeviceError(
            "absent", "there is no Android device: plug a phone in, allow USB debugging, and see `adb devices`"
        )
    elif len(found) > 1:
        raise DeviceError("several", f"there are {len(found)} Android devices; say --serial with one of {names}")
    else:
        chosen = found[0]
    if chosen.state != "device":
        raise _fault(chosen.state if chosen.state != "offline" else "device offline", chosen.serial) or DeviceError(
            "lost", f"{chosen.serial} is in the state {chosen.state}; start Android on it"
        )
    return chosen.serial


class Adb:
    """One device over adb."""

    def __init__(self, serial: str) -> None:
        self.serial = serial

    def call(self, *words: str, timeout: float = QUICK_S) -> Ended:
        """An adb command for this device.

        Raises:
            DeviceError: what is wrong with the connection, or "slow".
        """
        environment = {"ANDROID_SERIAL": self.serial, "LC_ALL": "C"}
        ended = run_program([PROGRAM, *words], timeout=timeout, environment=environment, install=INSTALL)
        if ended.status is None:
            raise DeviceError(
                "slow",
                f"{self.serial} did not end `{' '.join(words)[:60]}` in {timeout:.0f} s: is it still plugged in?",
            )
        return ended

    def shell(self, command: str, *, timeout: float = QUICK_S, check: bool = True) -> str:
        """What a shell command writes on standard output, all of it.

        Args:
            check: fail for another exit status than 0.

        Raises:
            DeviceError: "failed"; "lost": the end is missing, whatever adb's exit status says.
        """
        marker = f"end-{secrets.token_hex(8)}"
        ended = self.call("shell", _marked(command, marker), timeout=timeout)
        text, found, status = ended.out.replace("\r\n", "\n").rpartition(f"\n{marker}:")
        if not found:
            raise _fault(ended.said, self.serial) or DeviceError(
                "lost", f"{self.serial} went away in the middle of `{command[:60]}`: plug it in and run this again"
            )
        if check and status.strip() != "0":
            said = f"{text.strip()} {ended.err.strip()}".strip()
            raise _fault(said, self.serial, only=("full",)) or DeviceError(
                "failed", f"`{command[:80]}` failed on {self.serial} with status {status.strip()}: {said[-300:]}"
            )
        return text

    def push(self, local: Path, remote: str) -> None:
        """Copy a file under a name that only a whole file gets; nothing is sent where it is there already."""
        wanted = sha256_of(local)
        if self.sha256(remote) == wanted:
            return
        folder, part = remote.rpartition("/")[0], f"{remote}.part"
        quoted = shlex.quote(part)
        self.shell(f"mkdir -p {shlex.quote(folder)} && rm -f {quoted} {shlex.quote(remote)}")
        size = local.stat().st_size
        self._check_space(folder, size)
        try:
            ended = self.call("push", str(local), part, timeout=self._patience(size))
            if ended.status:
                raise _fault(ended.said, self.serial) or DeviceError(
                    "failed", f"cannot copy {local.name} to {self.serial}: {_last(ended)}"
                )
            found = self.sha256(part)
            if found != wanted:
                raise DeviceError(
                    "truncated", f"{local.name} did not arrive whole on {self.serial} (sha256 {str(found)[:12]}, not "
                    f"{wanted[:12]}): use another cable or port"
                )  # fmt: skip
            self.shell(f"mv {quoted} {shlex.quote(remote)}")
        except DeviceError as error:
            if error.reason not in ("lost", "slow"):
                self.shell(f"rm -f {quoted}", check=False)
            raise

    def pull(self, remote: str, local: Path) -> None:
        """Copy a file from the device; ``local`` is only replaced by a whole one."""
        wanted, size = self.sha256(remote), self.size(remote)
        if wanted is None:
            raise DeviceError("failed", f"there is no {remote} on {self.serial}")
        with atomic_path(local) as temporary:
            ended = self.call("pull", remote, str(temporary), timeout=self._patience(size))
            if ended.status:
                raise _fault(ended.said, self.serial) or DeviceError(
                    "failed", f"cannot copy {remote} from {self.serial}: {_last(ended)}"
                )
            if not temporary.is_file() or sha256_of(temporary) != wanted:
                raise DeviceError("truncated", f"{remote} did not arrive whole from {self.serial}: run this again")

    def sha256(self, remote: str) -> str | None:
        """The device's own digest of a file; None where there is none."""
        said = self.shell(f"sha256sum {shlex.quote(remote)} 2>/dev/null", timeout=60, check=False).split()
        return said[0] if said and re.fullmatch("[0-9a-f]{64}", said[0]) else None

    def size(self, remote: str) -> int:
        """Bytes of a file there; 0 where there is none."""
        said = self.shell(f"wc -c < {shlex.quote(remote)} 2>/dev/null", check=False).strip()
        return int(said) if said.isdigit() else 0

    def _check_space(self, folder: str, size: int) -> None:
        fields = self.shell(f"df -k {shlex.quote(folder)}").splitlines()[-1].split()
        numbers = [int(field) for field in fields if field.isdigit()]
        if len(numbers) >= 3 and numbers[2] * 1024 < size:
            raise DeviceError(
                "full", f"{self.serial} has {numbers[2] / 1024:.0f} MB left in {folder}, {size / 2**20:.0f} MB are "
                "needed: delete something there"
            )  # fmt: skip

    @staticmethod
    def _patience(size: int) -> float:
        return QUICK_S + size / SLOWEST_BYTES_PER_S


def _marked(command: str, marker: str) -> str:
    return f"({command}\n); s=$?; echo; echo {marker}:$s"


def _fault(said: str, serial: str, only: Sequence[str] = ()) -> DeviceError | None:
    """What a text of adb means, of the reasons in ``only`` where given; None for one that is not known."""
    for pattern, reason, message in _FAULTS:
        if re.search(pattern, said) and (not only or reason in only):
            return DeviceError(reason, message.format(serial=serial))
    return None


def _last(ended: Ended) -> str:
    lines = [line for line in ended.said.splitlines() if line.strip()]
    return lines[-1] if lines else f"status {ended.status}, no message"
