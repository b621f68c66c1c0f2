"""Time and memory of loaded artefacts on this machine."""

from __future__ import annotations

import dataclasses
import json
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from tqdm import tqdm

from mobile.runtimes import ArtefactRunner
from training.common.errors import UserError


@dataclasses.dataclass(frozen=True)
class Timing:
    """Milliseconds of single inferences, in the order in which they ran."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """Milliseconds."""
        return float(np.median(self.samples))

    @property
    def p90(self) -> float:
        """Milliseconds that nine of ten do not exceed."""
        return float(np.percentile(self.samples, 90))


def random_input(runner: ArtefactRunner, seed: int) -> np.ndarray:
    """Noise in the artefact's own layout and type: a clip, or one frame of a stream."""
    spec = runner.contract.frames
    shape = (runner.contract.frames_per_inference, spec.size, spec.size, 3)
    return runner.input_tensor(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def interleaved(
    runners: Sequence[ArtefactRunner],
    *,
    rounds: int,
    warm_up: int,
    seed: int = 0,
    cool_down: float = 0.0,
    quiet: bool = False,
) -> list[Timing]:
    """Time all artefacts in turn, round after round, so that a slow minute hits all of them alike.

    The order inside a round is shuffled (seeded): nobody always runs after the same neighbour. Where some take fewer
    frames than others (a frame of a stream beside a clip), their sample is the mean of so many inferences in a row that
    each sample covers the same number of frames; else every frame of theirs would find the caches full of a clip.

    Args:
        rounds, warm_up: counted and uncounted inferences of each artefact.
        cool_down: seconds of rest after each round.
        quiet: no progress bar, for who has one around it.

    Raises:
        UserError: fewer than one round.
    """
    if rounds < 1 or warm_up < 0:
        raise UserError(f"rounds is {rounds} and warm-up {warm_up}; expected at least 1 and 0")
    inputs = [random_input(runner, seed) for runner in runners]
    frames = [runner.contract.frames_per_inference for runner in runners]
    repeats = [max(1, max(frames) // count) for count in frames]
    samples: list[list[float]] = [[] for _ in runners]
    rng = np.random.default_rng(seed)
    for number in tqdm(range(-warm_up, rounds), desc="timing", unit="round", leave=False, disable=quiet):
        for index in rng.permutation(len(runners)):
            started = time.perf_counter_ns()
            for _ in range(repeats[index]):
                runners[index].run(inputs[index])
            elapsed = (time.perf_counter_ns() - started) / 1e6 / repeats[index]
            if number >= 0:
                samples[index].append(elapsed)
        time.sleep(cool_down)
    return [Timing(tuple(row)) for row in samples]


def peak_memory_mb(artefact: Path, threads: int) -> float:
    """Peak resident memory of loading and one inference, in MB above a process with the bare runtime.

    Measured in a process of its own; the bare runtime is what that process holds after importing it.

    Raises:
        UserError: the process failed.
    """
    command = [sys.executable, "-m", "mobile.latency.timing", str(artefact), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"cannot measure the memory of {artefact}: {(done.stderr.splitlines() or ['no message'])[-1]}")
    measured = json.loads(done.stdout.splitlines()[-1])
    return (measured["peak"] - measured["bare"]) / 1e6


def _measure_memory(artefact: str, threads: int) -> None:
    """The child of ``peak_memory_mb``: prints resident bytes after the import, and their peak after an inference."""
    suffix = Path(artefact).suffix
    if suffix == ".tflite":
        import ai_edge_litert.interpreter  # noqa: F401
    elif suffix == ".pte":
        from executorch.extension.pybindings import portable_lib  # noqa: F401
    bare = psutil.Process().memory_info().rss
    runner = ArtefactRunner(artefact, threads=threads)
    runner.run(random_input(runner, 0))
    print(json.dumps({"bare": bare, "peak": max(_high_water_mark(), psutil.Process().memory_info().rss)}))


def _high_water_mark() -> int:
    """Largest resident size of this process in bytes."""
    if sys.platform == "linux":
        # ru_maxrss of Linux survives exec: a child would report its parent's memory
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def describe_host() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "device": "host",
        "processor": _cpu_name(),
        "cores": psutil.cpu_count(logical=True),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "int8_dot_product": _has_int8_dot_product(_cpu_flags()),
        "python": platform.python_version(),
    }


def _has_int8_dot_product(flags: list[str]) -> bool | None:
    """None where the system does not say; every Apple processor of a Mac since 2020 has it."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(flag in flags for flag in ("avx512_vnni", "avx_vnni", "asimddp", "i8mm")) if flags else None


def _cpu_lines(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.lower().startswith(key)), "")


def _cpu_name() -> str:
    return _cpu_lines("model name") or platform.processor() or "unknown"


def _cpu_flags() -> list[str]:
    return (_cpu_lines("flags") or _cpu_lines("features")).split()


if __name__ == "__main__":
    _measure_memory(sys.argv[1], int(sys.argv[2]))
