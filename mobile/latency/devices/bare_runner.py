"""Timing without the app: a runner is pushed to the device and run in its shell.

Each runner ends with one line of JSON that says what it ran, by its sha256, and each step's time; see the head of
``mobile/runtimes/arm64/runner/pte_runner.cpp``. Its exit status is not looked at.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mobile.interface.contract import Contract, contract_path, load_contract
from mobile.latency.devices.device import Device, DeviceError
from mobile.latency.devices.plan import Plan, row_of
from mobile.runtimes import input_tensor
from mobile.runtimes.state_keeping import reset_states
from mobile.schemas.latency import LatencyRow
from training.common.files import sha256_of

BARE = Path(__file__).parent / "bare"


@dataclasses.dataclass(frozen=True)
class Runner:
    """A program for a device.

    Attributes:
        runtime: whose artefacts it runs.
        files: what it consists of; they lie beside each other on the device.
        command: how to start it; ``{folder}`` is where its files lie.
    """

    runtime: str
    files: tuple[Path, ...]
    command: tuple[str, ...]


def litert_in_python(python: str = "python3") -> Runner:
    """For Linux devices with Python and ai-edge-litert; no phone has them."""
    return Runner("litert", (BARE / "litert_runner.py",), (python, "{folder}/litert_runner.py"))


def native(program: Path, also: Sequence[Path] = ()) -> Runner:
    """``pte_runner``, the libraries that lie beside it, and for a phone a loader and C library of its own.

    ``bare/run.sh`` starts it with those.
    """
    beside = tuple(sorted(path for path in program.parent.iterdir() if ".so" in path.name))
    return Runner("executorch", (BARE / "run.sh", *beside, *also, program), ("sh", "{folder}/run.sh", program.name))


class BareRunner:
    """Times artefacts on a device by its shell.

    Args:
        runners: what this device can run.
        folder: where its files may lie and be run.
    """

    name = "bare runner"
    chooses_threads = True

    def __init__(self, device: Device, runners: Sequence[Runner], folder: str) -> None:
        self.device, self.folder = device, folder
        self._runners = {runner.runtime: runner for runner in runners}

    def measure(self, artefact: Path, plan: Plan) -> LatencyRow:
        """Push, run, read.

        Raises:
            DeviceError: as ``Device``, or "failed": no runner for this runtime, or the run failed.
        """
        contract = load_contract(artefact)
        runner = self._runners.get(contract.runtime)
        if runner is None:
            known = " and ".join(self._runners) or "nothing"
            raise DeviceError("failed", f"without the app this device runs {known}, not {contract.runtime}")
        for file in (*runner.files, contract_path(artefact), artefact):
            self.device.push(file, f"{self.folder}/{file.name}")
        inputs = self._push_inputs(artefact, contract, plan)
        words = [word.replace("{folder}", self.folder) for word in runner.command]
        words += ["--model", f"{self.folder}/{artefact.name}", *inputs, "--threads", str(plan.threads)]
        words += ["--rounds", str(1 + plan.warm_up + plan.rounds)]
        if runner.runtime == "executorch":
            words += ["--logits", f"{self.folder}/logits.raw", "--time"]
        before = self.device.thermal().state
        said = self.device.run(["sh", "-c", '"$@" 2>&1 || true', "sh", *words], timeout=plan.limit_s)
        row = read_last_line(said, artefact, plan)
        return dataclasses.replace(row, thermal_before=before, thermal_after=self.device.thermal().state)

    def _push_inputs(self, artefact: Path, contract: Contract, plan: Plan) -> list[str]:
        """Noise for one inference and a stream's reset states, as options of the runner."""
        size = contract.frames.size
        shape = (contract.frames_per_inference, size, size, 3)
        frames = np.random.default_rng(plan.seed).integers(0, 256, shape, dtype=np.uint8)
        contents = {"frames": input_tensor(frames, contract).tobytes()}
        if contract.states:
            states = reset_states(contract)
            contents["states"] = b"".join(states[state.input].tobytes() for state in contract.states)
        options = []
        with tempfile.TemporaryDirectory() as folder:
            for name, content in contents.items():
                local, remote = Path(folder) / name, f"{self.folder}/{artefact.name}.{name}.raw"
                local.write_bytes(content)
                self.device.push(local, remote)
                options += [f"--{name}", remote]
        return options


def read_last_line(said: str, artefact: Path, plan: Plan) -> LatencyRow:
    """The row in the last line of a runner: first step, warm-up, then the samples.

    Raises:
        DeviceError: "failed": there is no such line, or it is of another artefact or has another number of steps.
    """
    line = (said.strip().splitlines() or [""])[-1]
    try:
        content = json.loads(line)
        ended, digest, steps = content["ended"], content["model_sha256"], [float(step) for step in content["step_ms"]]
        measured = {"runtime": str(content["runtime"]), "load_ms": float(content["load_ms"])}
        peak_mb = float(content["peak_kb"]) * 1024 / 1e6
    except (ValueError, TypeError, KeyError) as error:
        raise DeviceError(
            "failed", f"{artefact.name} did not run: {line[-300:] or 'the runner said nothing'}"
        ) from error
    if ended is not True or digest != sha256_of(artefact):
        raise DeviceError("failed", f"the device ran another file than {artefact}: its sha256 is {str(digest)[:12]}")
    skipped = 1 + plan.warm_up
    if len(steps) != skipped + plan.rounds:
        raise DeviceError("failed", f"{artefact.name}: {skipped + plan.rounds} steps were asked for, {len(steps)} ran")
    return row_of(artefact, steps[skipped:], first_ms=steps[0], peak_mb=peak_mb, **measured)
