"""Read the models of an APK in the runtimes of that APK: ``python -m android_demo.tools.read_in_runtime``.

Each model runs over the same input tensors on both sides: by the host's runtime, which is that of the exporter, and by
the APK's own native library of x86_64 under the app's engines on the JVM. With ``--wheel`` ExecuTorch's programs run
a third time, by the Python package of the library's version. Every logit and state is compared.

Axes: M sequence, T frame, S height and width, K class, R row of logits.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from android_demo.tools.apk import APK
from android_demo.tools.apk_runtimes import ApkRuntimes
from android_demo.tools.wheel_runtime import run_in_wheel
from mobile.contract import Contract
from mobile.golden.stream import run_stream
from mobile.parity.sides import read_clips
from mobile.runners import ArtefactRunner, StreamRunner
from training.checkpoint import code_version
from training.errors import UserError, run_cli
from training.files import sha256_of, write_json

EXAMPLES = """examples:
  python -m android_demo.tools.read_in_runtime                        of build/android/gestures.apk
  python -m android_demo.tools.read_in_runtime --wheel --json runtimes.json
"""
SEQUENCES = 2
"""Rendered clips; each is also shown in reverse."""
IN_APK, IN_WHEEL = "library of the APK, x86_64", "Python package"


@dataclass(frozen=True)
class Reading:
    """A model of an APK in another runtime than the host's.

    Attributes:
        side: where that runtime came from.
        values, differing, largest: all logits and elements of states, how many are another number than the host's, and
            the largest difference, of logits as real numbers and of states as they are.
    """

    artefact: str
    sha256: str
    mode: str
    precision: str
    host_runtime: str
    runtime: str
    side: str
    inferences: int
    values: int
    differing: int
    largest: float


class Host:
    """A model over rendered gestures by the host's runtime: what goes in, and what came out.

    Attributes:
        tensors: input tensors (inferences, ...); ``steps`` of them are a sequence.
        logits: float32 (inferences, R * K).
        states: of each state, by the name of its output (inferences, ...).

    Raises:
        UserError: the model does not run here, or does not care in which order frames come.
    """

    def __init__(self, model: Path, seed: int) -> None:
        runner = ArtefactRunner(model)
        self.contract, self.runtime = runner.contract, runner.runtime
        clips = read_clips(f"rendered:27:{seed}", "validation", runner.contract.frames, runner.contract.labels, SEQUENCES)
        frames_MTSSC = np.concatenate([clips.frames, clips.frames[:, ::-1]])
        stream = runner.contract.mode == "stream"
        self.steps = frames_MTSSC.shape[1] if stream else 1
        tensors = [runner.input_tensor(frames_TSSC) for frames_TSSC in frames_MTSSC]
        self.states: dict[str, np.ndarray] = {}
        if stream:
            self.tensors = np.concatenate(tensors)[:, None]
            self._run_streams(StreamRunner(model))
        else:
            self.tensors = np.stack(tensors)
            self.logits = np.stack([np.asarray(runner.rows(frames)).reshape(-1) for frames in frames_MTSSC])
        last_MK = self.logits[self.steps - 1 :: self.steps]
        if np.array_equal(last_MK[:SEQUENCES], last_MK[SEQUENCES:]):
            raise UserError(f"{model.name} says the same of clips and of their reverse: it has no content to compare")

    def _run_streams(self, runner: StreamRunner) -> None:
        made = [run_stream(runner, inputs) for inputs in np.split(self.tensors, len(self.tensors) // self.steps)]
        self.logits = np.concatenate([logits for logits, _ in made])
        for state in self.contract.states:
            self.states[state.output] = np.concatenate([states[state.input] for _, states in made])


def compare(host: Host, raw: bytes) -> tuple[int, int, float]:
    """Raw results against the host's: how many values, how many differ, the largest difference.

    Raises:
        UserError: more or fewer results than the contract says.
    """
    record = _record(host.contract)
    if len(raw) != record.itemsize * len(host.tensors):
        raise UserError(f"{len(raw)} bytes of results; {record.itemsize * len(host.tensors)} were expected")
    found = np.frombuffer(raw, record)
    point, logits = host.contract.output.quantization, found[host.contract.output.name]
    real = (logits if point is None else point.to_real(logits)).astype(np.float32).reshape(host.logits.shape)
    pairs = [(host.logits, real), *((host.states[name], found[name]) for name in host.states)]
    differences = [np.abs(one.astype(np.float64) - other.reshape(one.shape)) for one, other in pairs]
    return (
        sum(part.size for part in differences),
        sum(int(np.count_nonzero(~(part == 0))) for part in differences),  # a NaN differs
        max(float(part.max()) for part in differences),
    )


def _record(contract: Contract) -> np.dtype:
    """The raw results of an inference."""
    states = [(state.output, np.dtype(state.dtype), state.shape) for state in contract.states]
    return np.dtype([(contract.output.name, np.dtype(contract.output.dtype), contract.output.shape), *states])


def read_all(apk: Path, seed: int, *, wheel: bool = False) -> Iterator[Reading]:
    """Every model of an APK in its runtime, and with ``wheel`` programs of ExecuTorch in the Python package too.

    Raises:
        UserError: as the parts do.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runtimes = ApkRuntimes(apk, folder / "apk")
        for model in runtimes.models:
            host = Host(model, seed)
            inputs = host.tensors.tobytes()
            yield _reading(model, host, IN_APK, *runtimes.run(model, inputs, host.steps, folder))
            if wheel and model.suffix == ".pte":
                yield _reading(model, host, IN_WHEEL, *run_in_wheel(model, inputs, host.steps, folder))


def _reading(model: Path, host: Host, side: str, runtime: str, raw: bytes) -> Reading:
    values, differing, largest = compare(host, raw)
    return Reading(
        artefact=model.name, sha256=sha256_of(model), mode=host.contract.mode, precision=host.contract.precision,
        host_runtime=host.runtime, runtime=runtime, side=side, inferences=len(host.tensors),
        values=values, differing=differing, largest=largest,
    )  # fmt: skip


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m android_demo.tools.read_in_runtime", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("apk", nargs="?", type=Path, default=APK)
    parser.add_argument("--wheel", action="store_true", help="also in the Python package: fetches 0.5 GB, once")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the rendered clips; default 0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here")
    return parser.parse_args(arguments)


def main() -> int:
    """The command; 1 where a value of an int8 program of ExecuTorch differs."""
    arguments = parse(sys.argv[1:])
    readings = list(read_all(arguments.apk, arguments.seed, wheel=arguments.wheel))
    if arguments.json:
        about = {"kind": "apk_runtimes", "code_version": code_version(), "seed": arguments.seed}
        write_json(arguments.json, {**about, "readings": [asdict(reading) for reading in readings]})
    _show(readings)
    return 1 if any(r.differing for r in readings if r.precision == "int8" and r.artefact.endswith(".pte")) else 0


def _show(readings: list[Reading]) -> None:
    table = Table("model", "host", "read by", "", "values", "differing", "largest")
    for r in readings:
        numbers = (str(r.values), str(r.differing), f"{r.largest:g}")
        table.add_row(f"{r.artefact}\n{r.sha256[:12]}", r.host_runtime, r.runtime, r.side, *numbers)
    Console().print(table)


if __name__ == "__main__":
    run_cli(main)
