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
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from android_demo.tools.apk import APK
from android_demo.tools.apk_runtimes import ApkRuntimes
from android_demo.tools.wheel_runtime import run_in_wheel
from mobile.apps.golden.stream import run_stream
from mobile.interface.contract import Contract
from mobile.parity.sides import read_clips
from mobile.runtimes import ArtefactRunner, StreamRunner
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import sha256_of, write_json
from training.engine.provenance import code_version

EXAMPLES = """examples:
  python -m android_demo.tools.read_in_runtime                        of build/android/gestures.apk
  python -m android_demo.tools.read_in_runtime --wheel --json runtimes.json
"""
SEQUENCES = 2
"""Rendered clips; each is also shown in reverse."""
IN_APK, IN_WHEEL = "APK (x86_64)", "Python package"


@dataclass(frozen=True)
class Difference:
    """How many of ``values`` are another number than the host's, and by how much at most.

    Logits are compared as real numbers, states as they are stored.
    """

    values: int
    differing: int
    largest: float


@dataclass(frozen=True)
class Reading:
    """A model of an APK in another runtime than the host's.

    Attributes:
        side: where that runtime came from.
        rows, same_class: rows of logits, and in how many of them the first class is the host's.
        states: values after each inference; none of a clip.
    """

    artefact: str
    sha256: str
    mode: str
    precision: str
    host_runtime: str
    runtime: str
    side: str
    rows: int
    same_class: int
    logits: Difference
    states: Difference

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return self.logits.differing == self.states.differing == 0


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
        clips = read_clips(
            f"rendered:27:{seed}", "validation", runner.contract.frames, runner.contract.labels, SEQUENCES
        )
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


def results(host: Host, raw: bytes) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Raw results as ``host.logits`` and ``host.states``.

    Raises:
        UserError: more or fewer results than the contract says.
    """
    record = _record(host.contract)
    if len(raw) != record.itemsize * len(host.tensors):
        raise UserError(f"{len(raw)} bytes of results; {record.itemsize * len(host.tensors)} were expected")
    found = np.frombuffer(raw, record)
    point, logits = host.contract.output.quantization, found[host.contract.output.name]
    real = (logits if point is None else point.to_real(logits)).astype(np.float32)
    return real.reshape(host.logits.shape), {name: found[name].reshape(host.states[name].shape) for name in host.states}


def difference(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> Difference:
    """Of arrays in pairs; a number that is none differs."""
    parts = [np.abs(a.astype(np.float64) - b.astype(np.float64)) for a, b in zip(one, other, strict=True)]
    return Difference(
        values=sum(part.size for part in parts),
        differing=sum(int(np.count_nonzero(~(part == 0))) for part in parts),
        largest=max((float(part.max()) for part in parts), default=0.0),
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
    logits, states = results(host, raw)
    classes = len(host.contract.labels)
    firsts = [each.reshape(-1, classes).argmax(axis=1) for each in (host.logits, logits)]
    return Reading(
        artefact=model.name, sha256=sha256_of(model), mode=host.contract.mode, precision=host.contract.precision,
        host_runtime=host.runtime, runtime=runtime, side=side,
        rows=len(firsts[0]), same_class=int((firsts[0] == firsts[1]).sum()),
        logits=difference([host.logits], [logits]),
        states=difference(list(host.states.values()), [states[name] for name in host.states]),
    )  # fmt: skip


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("python -m android_demo.tools.read_in_runtime", __doc__, EXAMPLES)
    parser.add_argument("apk", nargs="?", type=Path, default=APK)
    parser.add_argument("--wheel", action="store_true", help="also in the Python package: fetches 0.5 GB, once")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the rendered clips; default 0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here")
    return parser.parse_args(arguments)


def main() -> int:
    """The command; 1 where a model is read otherwise that must not be."""
    arguments = parse(sys.argv[1:])
    readings = list(read_all(arguments.apk, arguments.seed, wheel=arguments.wheel))
    if arguments.json:
        about = {"kind": "apk_runtimes", "code_version": code_version(), "seed": arguments.seed}
        write_json(arguments.json, {**about, "readings": [asdict(reading) for reading in readings]})
    for reading in readings:
        print(line_of(reading))
    return 0 if all(reading.identical for reading in readings if must_be_identical(reading)) else 1


def must_be_identical(reading: Reading) -> bool:
    """ExecuTorch's int8 programs: both versions compute them by the same rules, in whole numbers."""
    return reading.precision == "int8" and reading.artefact.endswith(".pte")


def line_of(reading: Reading) -> str:
    """What the command says of a reading."""
    logits = f"logits {_words(reading.logits)}"
    states = f", states {_words(reading.states)}" if reading.states.values else ""
    return (
        f"{reading.artefact} (sha256 {reading.sha256[:16]}), {reading.host_runtime} here, in {reading.runtime} of the "
        f"{reading.side}: {logits}{states}; the same class in {reading.same_class} of {reading.rows} rows"
    )


def _words(found: Difference) -> str:
    if not found.differing:
        return f"identical ({found.values})"
    return f"differ in {found.differing} of {found.values}, by {found.largest:.3g} at most"


if __name__ == "__main__":
    run_cli(main)
