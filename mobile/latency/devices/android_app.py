"""Timing by the benchmark mode of the Android app (``BenchmarkActivity``)."""

from __future__ import annotations

import secrets
import shlex
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mobile.interface.contract import contract_path, load_contract
from mobile.latency.devices.android import AndroidDevice
from mobile.latency.devices.device import DeviceError
from mobile.latency.devices.plan import Plan, read_report
from mobile.schemas.latency import LatencyRow

PACKAGE = "org.sthmobile.gesture"
ACTIVITY = f"{PACKAGE}/.benchmark.BenchmarkActivity"
FILES = f"/sdcard/Android/data/{PACKAGE}/files"
POLL_S = 1.0


def is_installed(device: AndroidDevice) -> bool:
    """Whether the phone has the app."""
    return device.adb.shell(f"pm path {PACKAGE} 2>/dev/null", check=False).strip().startswith("package:")


class AndroidApp:
    """Pushes an artefact into the app's folder of models, starts its benchmark, and reads the file that it writes."""

    name = "benchmark mode of the app"
    chooses_threads = True

    def __init__(
        self,
        device: AndroidDevice,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.device, self._sleep, self._clock = device, sleep, clock

    def measure(self, artefact: Path, plan: Plan) -> LatencyRow:
        """Push, run, read.

        Raises:
            DeviceError: as ``Device``, or "failed": the app says why, or was closed.
        """
        self.device.wake()
        for file in (contract_path(artefact), artefact):
            self.device.push(file, f"{FILES}/models/{file.name}")
        run = f"lab-{secrets.token_hex(6)}"
        report = f"{FILES}/benchmark/{run}.json"
        self._start(artefact, plan, run)
        self._wait(report, artefact, plan.limit_s)
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "report.json"
            self.device.pull(report, local)
            text = local.read_text(encoding="utf-8")
        self.device.adb.shell(f"rm -f {report}", check=False)
        return read_report(text, artefact, run, plan)

    def _start(self, artefact: Path, plan: Plan, run: str) -> None:
        numbers = {
            "threads": plan.threads, "rounds": plan.rounds, "warm_up": plan.warm_up, "cool_down_ms": plan.cool_down_ms
        }  # fmt: skip
        words = ["am", "start", "-W", "-n", ACTIVITY, "--es", "model", artefact.name, "--es", "run", run]
        words += ["--es", "runtime", load_contract(artefact).runtime]
        words += [word for name, value in numbers.items() for word in ("--ei", name, str(value))]
        said = self.device.adb.shell(f"am force-stop {PACKAGE}; {shlex.join(words)} 2>&1", timeout=60, check=False)
        if "Error" in said:
            reason = next(line for line in said.splitlines() if "Error" in line).strip()
            raise DeviceError(
                "failed", f"the app does not start ({reason}); install it again: see android_demo/README.md"
            )

    def _wait(self, report: str, artefact: Path, limit: float) -> None:
        """Until the app has written its file, which it does in one step."""
        end = self._clock() + limit
        while True:
            said = self.device.adb.shell(f"[ -f {report} ] && echo written; pidof {PACKAGE}", check=False).split()
            if "written" in said:
                return
            if not said:
                raise DeviceError(
                    "failed", f"the app was closed before {artefact.name} was measured; `adb logcat` says why"
                )
            if self._clock() > end:
                raise DeviceError("slow", f"the app did not measure {artefact.name} in {limit:.0f} s: fewer --rounds?")
            self._sleep(POLL_S)
