"""Preprocessing on the JVM beside inference on this machine: ``python -m android_demo.tools.preprocess_speed``.

The app's own ``Preprocessor`` turns a 640 x 480 frame into the network's input; LiteRT here runs the int8 inference of
that frame. Both take turns, so that a slow minute hits both.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from android_demo.tools.kotlin import class_path, compile_kotlin, core, core_tests, require_java
from android_demo.tools.libraries import ROOT, paths
from mobile.interface.contract import contract_path
from mobile.latency.rivals import EXPORT_SOURCES, build
from mobile.latency.timing import Timing, describe_host, interleaved
from mobile.runtimes import ArtefactRunner
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import sha256_of
from training.engine.provenance import code_version, write_result

SOURCES = (*EXPORT_SOURCES, "android_demo/core")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  python -m android_demo.tools.preprocess_speed                    a stream of 224 x 224 with random weights
  python -m android_demo.tools.preprocess_speed --json mobile/results/android_preprocess.json
"""
CAMERA = (640, 480)
_MAIN = "org.sthmobile.gesture.core.benchmark.PreprocessSpeedKt"
_BURST = 5
"""Frames, and inferences, in a row."""


def phone_stream(folder: Path) -> Path:
    """One frame of the streaming network at 224 x 224, with random weights: made once, which takes a minute."""
    options = {"causal": True, "p": 0.25, "width": 1.0}
    return build(
        "sth_mobilenet_v2", "litert", precision="int8", size=224, segments=8, classes=27, options=options,
        folder=folder, mode="stream",
    )  # fmt: skip


class Preprocessing:
    """The JVM at work over one frame again and again."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._answer()

    def run(self, frames: int) -> list[float]:
        """Milliseconds of each of ``frames``."""
        assert self._process.stdin
        self._process.stdin.write(f"{frames}\n")
        self._process.stdin.flush()
        return [float(word) for word in self._answer().split()]

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            _, said = self._process.communicate()
            raise UserError(f"the benchmark on the JVM ended early:\n{said.strip()}")
        return line


@contextmanager
def preprocessing(contract: Path, *, seed: int, warm_up: int) -> Iterator[Preprocessing]:
    """Starts the JVM, warm; ends it.

    Raises:
        UserError: no Java or libraries, an error of the compiler, or the JVM ends early.
    """
    files = [compile_kotlin(core()), compile_kotlin(core_tests()), *paths("core", "platform", "test")]
    words = [str(contract), *map(str, CAMERA), str(seed), str(warm_up)]
    command = [require_java(), "-XX:+UseSerialGC", "-cp", class_path(files), _MAIN, *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Preprocessing(process)
        finally:
            process.kill()


def measure(model: Path, *, rounds: int, warm_up: int, seed: int) -> dict[str, Any]:
    """Both times, and the ratio preprocess / inference: the median of the ratios of single rounds.

    Raises:
        UserError: an artefact that does not load, or as ``preprocessing``.
    """
    runner = ArtefactRunner(model)
    ours: list[float] = []
    theirs: list[float] = []
    ratios: list[float] = []
    with preprocessing(contract_path(model), seed=seed, warm_up=warm_up) as jvm:
        interleaved([runner], rounds=1, warm_up=10, seed=seed, quiet=True)
        for _ in tqdm(range(rounds), desc="timing", unit="round", leave=False):
            frames = jvm.run(_BURST)
            inferences = interleaved([runner], rounds=_BURST, warm_up=0, seed=seed, quiet=True)[0].samples
            ours += frames
            theirs += inferences
            ratios.append(float(np.median(frames) / np.median(inferences)))
    preprocess, inference = Timing(tuple(ours)), Timing(tuple(theirs))
    return {
        "kind": "preprocess_speed",
        "code_version": code_version(),
        "artefact": model.name,
        "sha256": sha256_of(model),
        "frame": "{} x {}".format(*CAMERA),
        "input": f"{runner.contract.frames.size} x {runner.contract.frames.size}",
        "runtime": runner.runtime,
        "host": describe_host(),
        "rounds": rounds,
        "burst": _BURST,
        "seed": seed,
        "preprocess_ms": {"median": preprocess.median, "p90": preprocess.p90, "samples": ours},
        "inference_ms": {"median": inference.median, "p90": inference.p90, "samples": theirs},
        "ratio": float(np.median(ratios)),
    }


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("python -m android_demo.tools.preprocess_speed", __doc__, EXAMPLES)
    parser.add_argument("--model", type=Path, metavar="ARTEFACT", help="a .tflite; default: a stream of 224 x 224")
    parser.add_argument("--rounds", type=int, default=40, metavar="N", help=f"of {_BURST} frames each; default 40")
    parser.add_argument("--warm-up", type=int, default=500, metavar="N", help="frames; default 500")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the frame's noise; default 0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here")
    return parser.parse_args(arguments)


def main() -> int:
    """The command; 1 where preprocessing takes longer than inference."""
    arguments = parse(sys.argv[1:])
    model = arguments.model or phone_stream(ROOT / "build" / "latency")
    found = measure(model, rounds=arguments.rounds, warm_up=arguments.warm_up, seed=arguments.seed)
    if arguments.json:
        write_result(arguments.json, found, sources=SOURCES)
    preprocess, inference = found["preprocess_ms"]["median"], found["inference_ms"]["median"]
    print(
        f"preprocess {found['frame']} -> {found['input']} on the JVM: {preprocess:.2f} ms; "
        f"inference, {found['runtime']}, one thread: {inference:.2f} ms; ratio {found['ratio']:.2f}"
    )
    return 0 if found["ratio"] < 1 else 1


if __name__ == "__main__":
    run_cli(main)
