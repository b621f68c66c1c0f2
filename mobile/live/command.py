"""Gestures live: ``sth live [--source 0|VIDEO|rendered:SECONDS:SEED] [--model ARTEFACT]``."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mobile.events.detector import EventDetector
from mobile.events.recordings import open_runner
from mobile.events.score import warnings_of
from mobile.events.settings import Thresholds, load_thresholds, thresholds_path
from mobile.interface.contract import load_contract
from mobile.latency.timing import describe_host
from mobile.live.loop import INTERRUPTED, LOST, Live
from mobile.live.opening import SOURCE_HELP, open_source
from mobile.live.pipeline import Pipeline
from mobile.live.record import Screen, check_target, open_recorder
from mobile.live.source import Clock, Source
from mobile.live.stats import StageTimes
from mobile.live.window import Window
from mobile.runtimes import SUFFIXES
from training.common.command_line import command_parser
from training.common.errors import UserError
from training.common.files import sha256_of, write_json
from training.engine.provenance import code_version

EXAMPLES = """examples:
  sth live                                              camera 0 in a window; q or Escape ends it
  sth live --source gesture.mp4 --headless --json live.json
  sth live --source rendered:30:9 --headless --record live.gif --width 480
"""
ARTEFACTS = Path("build/artefacts")
HEADLESS_GIVE_UP = 10.0
"""Seconds that a camera may be away if nobody watches."""


def find_artefact(folder: Path) -> Path:
    """The stream artefact of a folder; of several, LiteRT's and int8 first.

    Raises:
        UserError: there is none.
    """
    found = []
    for path in folder.glob("*_stream_*"):
        with contextlib.suppress(UserError):
            if path.suffix in SUFFIXES and (contract := load_contract(path)).mode == "stream":
                found.append((list(SUFFIXES).index(path.suffix), contract.precision != "int8", path))
    if not found:
        raise UserError(
            f"there is no stream artefact in {folder}; make one with python converters/export_tflite.py --mode stream"
        )
    return min(found)[2]


def open_thresholds(artefact: Path, given: Path | None) -> Thresholds:
    """The thresholds of an artefact: those beside it, unless others are given.

    Raises:
        UserError: there are none, or they are broken.
    """
    path = given or thresholds_path(artefact)
    if given is None and not path.is_file():
        raise UserError(
            f"{artefact} has no thresholds {path.name} beside it; "
            f"run sth fit-events --model {artefact}, or give --thresholds FILE"
        )
    return load_thresholds(path)


def open_pipeline(artefact: Path, thresholds: Path | None, clock: Clock) -> Pipeline:
    """A loaded network, run once, and its event detector.

    Raises:
        UserError: no stream artefact, or no thresholds that fit it.
    """
    runner = open_runner(artefact)
    contract = runner.contract
    detector = EventDetector(open_thresholds(artefact, thresholds), contract.labels)
    size = contract.frames.size
    runner.step(np.zeros((size, size, 3), np.uint8))  # the first inference is slower, and no camera's
    return Pipeline(runner, detector, StageTimes(clock))


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth live", __doc__, EXAMPLES)
    parser.add_argument("--source", default="0", metavar="SOURCE", help=SOURCE_HELP + "; default 0")
    parser.add_argument("--model", type=Path, metavar="ARTEFACT",
                        help=f"a streaming artefact; default: one of {ARTEFACTS}")  # fmt: skip
    parser.add_argument("--thresholds", type=Path, metavar="FILE", help="default: ARTEFACT.events.json")
    parser.add_argument("--headless", action="store_true", help="no window; a file runs as fast as it can")
    parser.add_argument("--realtime", action="store_true", help="a file at its own pace, without a window too")
    parser.add_argument("--mirror", action="store_true",
                        help="flip what is shown, as a mirror does; the network sees the picture as it is")  # fmt: skip
    parser.add_argument("--record", type=Path, metavar="FILE", help="what is shown, as .mp4 or .gif")
    parser.add_argument("--width", type=int, default=480, metavar="N", help="pixels of a GIF; default 480")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write events, counts and times here")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after so long")
    parser.add_argument("--give-up", type=float, metavar="SECONDS",
                        help="end, with an error, when the camera is away for so long; "
                        f"default: never with a window, {HEADLESS_GIVE_UP:g} without")  # fmt: skip
    options = parser.parse_args(arguments)
    for name in ("seconds", "give_up"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise UserError(f"--{name.replace('_', '-')} is {value:g}; expected more than 0")
    if options.give_up is None and options.headless:
        options.give_up = HEADLESS_GIVE_UP
    if options.record:
        check_target(options.record, options.width)
    return options


def perform(options: argparse.Namespace, source: Source, pipeline: Pipeline, clock: Clock) -> tuple[Live, str]:
    """Run until it ends; the recording is whole then.

    Raises:
        UserError: no screen, or a recording that cannot be written.
    """
    with contextlib.ExitStack() as stack:
        screens: list[Screen] = []
        if not options.headless:
            window = Window()
            stack.callback(window.close)
            screens.append(window)
        if options.record:
            rate, width = source.frames_per_second, options.width
            screens.append(stack.enter_context(open_recorder(options.record, rate=rate, width=width)))
        live = Live(
            source, pipeline, clock, screens=screens, mirror=options.mirror, give_up=options.give_up,
            seconds=options.seconds,
        )  # fmt: skip
        return live, live.run()


def result_of(options: argparse.Namespace, artefact: Path, live: Live, outcome: str) -> dict[str, Any]:
    """The content of ``--json``."""
    runner = live.pipeline.runner
    about = {
        "source": options.source,
        "model": artefact.name,
        "sha256": sha256_of(artefact),
        "runtime": runner.runtime,
        "precision": runner.contract.precision,
        "network_frames_per_second": runner.contract.frames_per_second,
        "outcome": outcome,
        "code_version": code_version(),
        "host": describe_host(),
    }
    return about | live.to_json()


def summary(live: Live) -> str:
    """One line for people."""
    found = live.to_json()
    frames, times = found["frames"], found["milliseconds"]
    stages = ", ".join(f"{stage} {v['p50']:.2f} / {v['p90']:.2f}" for stage, v in times.items() if v["p50"] is not None)
    counts = f"{frames['captured']} frames, {frames['processed']} through the network, {frames['dropped']} dropped"
    return f"{counts}; p50 / p90 ms: {stages}" if stages else counts


def main() -> int:
    options, clock = parse(sys.argv[1:]), Clock()
    artefact = options.model or find_artefact(ARTEFACTS)
    pipeline = open_pipeline(artefact, options.thresholds, clock)
    rate = pipeline.runner.contract.frames_per_second
    warnings = warnings_of(pipeline.detector.thresholds, rate, sha256_of(artefact))
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    source = open_source(options.source, realtime=options.realtime or not options.headless, clock=clock)
    try:
        live, outcome = perform(options, source, pipeline, clock)
    finally:
        source.close()
    live.warnings[:0] = warnings
    if options.json:
        write_json(options.json, result_of(options, artefact, live, outcome))
    print(summary(live))
    if outcome == LOST:
        raise UserError(f"{source.name} was away for {options.give_up:g} s; connect it and start again")
    return 130 if outcome == INTERRUPTED else 0
