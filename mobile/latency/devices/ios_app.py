"""Timing by the benchmark mode of the iOS app (``BenchmarkScreen``). Not run: there was no Mac."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from mobile.interface.contract import load_contract
from mobile.latency.devices.device import DeviceError, Thermal
from mobile.latency.devices.ios import IosDevice
from mobile.latency.devices.plan import Plan, read_report
from mobile.schemas.latency import LatencyRow

FAILED = "sth-benchmark: failed"


class IosApp:
    """Launches the app's benchmark over a model that was built into it, and reads the file that it writes.

    A model cannot be handed over from outside: ``sth install --ios`` and a build put it in. Its
    sha256, which the app reports, says whether it is the one that is meant.
    """

    name = "benchmark mode of the app"
    chooses_threads = False

    def __init__(self, device: IosDevice) -> None:
        self.device = device

    def measure(self, artefact: Path, plan: Plan) -> LatencyRow:
        """Launch, wait, read.

        Raises:
            DeviceError: as ``Device``, or "failed": the app says why.
        """
        self.device.wake()
        run = f"lab-{secrets.token_hex(6)}"
        options = {
            "model": artefact.name, "runtime": load_contract(artefact).runtime, "threads": plan.threads,
            "rounds": plan.rounds, "warm-up": plan.warm_up, "cool-down-ms": plan.cool_down_ms, "run": run,
        }  # fmt: skip
        words = ["--benchmark", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
        said = self.device.run(words, timeout=plan.limit_s)
        failed = next((line for line in said.splitlines() if line.startswith(FAILED)), None)
        if failed is not None:
            raise DeviceError("failed", f"{artefact.name} did not run: {failed.removeprefix(f'{FAILED} {run} ')}")
        # the file counts, not the line: it exists only once the run has ended, and a console may lose its last line
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "report.json"
            self.device.pull(f"Documents/benchmark/{run}.json", local)
            row = read_report(local.read_text(encoding="utf-8"), artefact, run, plan)
        self.device.heat = Thermal(row.thermal_after)
        return row
