"""``Device``: what the lab can do with a machine, and what can go wrong with it."""

from __future__ import annotations

import abc
import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mobile.schemas.latency import THERMAL, DeviceFacts
from training.common.errors import UserError

COOL_WAIT_S = 600.0
COOL_POLL_S = 10.0
HOT_BATTERY_C = 40.0
"""Where a phone has no thermal state: too hot to measure."""


class DeviceError(UserError):
    """Something is wrong with the device, not with the project: mend it and run the command again.

    Attributes:
        reason: "absent", "lost", "several", "unauthorized", "asleep", "hot", "full", "truncated", "slow", "failed",
            "tool" (a program of this computer is missing), or "no time" (an emulator).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Thermal:
    """How hot a device is.

    Attributes:
        state: one of ``mobile.schemas.latency.THERMAL``.
        battery_c: the battery in degrees Celsius, where it is told.
    """

    state: str = "unknown"
    battery_c: float | None = None

    @property
    def is_hot(self) -> bool:
        """Whether a measurement must wait."""
        if self.state != "unknown":
            return THERMAL.index(self.state) > 0
        return self.battery_c is not None and self.battery_c >= HOT_BATTERY_C

    def __str__(self) -> str:
        battery = "" if self.battery_c is None else f", battery {self.battery_c:.0f} degrees"
        return f"thermal state {self.state}{battery}"


class Device(abc.ABC):
    """A machine that files are pushed to and commands run on. Every wait is bounded.

    All methods raise ``DeviceError``: what is wrong, and what to do.
    """

    kind: str

    @abc.abstractmethod
    def describe(self) -> DeviceFacts:
        """What it is."""

    @abc.abstractmethod
    def push(self, local: Path, remote: str) -> None:
        """Copy a file to it; afterwards the whole file is there, by its sha256, or nothing of that name."""

    @abc.abstractmethod
    def run(self, command: Sequence[str], *, timeout: float) -> str:
        """The standard output of a command, to its end.

        Raises:
            DeviceError: "failed" for another exit status than 0, "lost" where the output was cut off, "slow" after
                ``timeout`` seconds.
        """

    @abc.abstractmethod
    def pull(self, remote: str, local: Path) -> None:
        """Copy a file from it; ``local`` is whole or as it was before."""

    @abc.abstractmethod
    def thermal(self) -> Thermal:
        """How hot it is now."""

    def wake(self) -> None:  # noqa: B027 (most devices never sleep)
        """See that it is awake."""

    def cool_down(
        self,
        *,
        limit: float = COOL_WAIT_S,
        poll: float = COOL_POLL_S,
        say: Callable[[str], None] = print,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Thermal:
        """Wait until the device is cool, at most ``limit`` seconds.

        Raises:
            DeviceError: "hot": it does not cool down.
        """
        waited = 0.0
        while (now := self.thermal()).is_hot:
            if waited >= limit:
                raise DeviceError(
                    "hot", f"the device is too hot ({now}) after {limit:.0f} s of rest; cool it, then run this again"
                )
            if not waited:
                say(f"the device is hot ({now}): waiting until it has cooled down, at most {limit:.0f} s")
            sleep(poll)
            waited += poll
        return now


def short_id(serial: str) -> str:
    """What stands in result files in place of a serial number."""
    return hashlib.sha256(serial.encode()).hexdigest()[:12]
