"""Latency on this computer: all artefacts in one process, in interleaved rounds (``mobile.latency.timing``)."""

from __future__ import annotations

from mobile.latency.devices.host import HostDevice
from mobile.latency.devices.plan import Plan, row_of
from mobile.latency.rivals import Field
from mobile.latency.timing import interleaved, peak_memory_mb
from mobile.runtimes import ArtefactRunner
from mobile.schemas.latency import LatencyRow
from training.common.errors import UserError

METHOD = "interleaved rounds"


def measure(field: Field, plan: Plan) -> list[LatencyRow]:
    """Time artefacts and their rivals together; rows without ratios.

    Raises:
        UserError: an artefact that does not load, or one whose runtime cannot be timed here.
    """
    runners = [ArtefactRunner(path, threads=plan.threads) for path in field.artefacts]
    for runner in runners:
        if "interpreter" in runner.runtime:
            raise UserError(f"{runner.path} cannot be timed here: Core ML exists on Apple's systems only")
    device = HostDevice()
    before = device.thermal().state
    timings = interleaved(runners, rounds=plan.rounds, warm_up=plan.warm_up, seed=plan.seed)
    after = device.thermal().state
    return [
        row_of(
            runner.path,
            list(timing.samples),
            runtime=runner.runtime,
            load_ms=1000 * runner.load_seconds,
            peak_mb=peak_memory_mb(runner.path, plan.threads),
            thermal_before=before,
            thermal_after=after,
        )
        for runner, timing in zip(runners, timings, strict=True)
    ]
