"""Score the event detector and its rivals: ``sth score-events --model ARTEFACT [--streams STREAMS]``."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from mobile import pass_marks as marks
from mobile.events.baselines import ArgmaxRule, TSMRule
from mobile.events.detector import EventDetector
from mobile.events.recordings import (
    STREAMS_HELP,
    Recording,
    Rule,
    Streams,
    open_runner,
    open_streams,
    parse_streams,
    perform,
    record,
)
from mobile.events.scores import EventScores, Performance, match, score
from mobile.events.settings import Thresholds, load_thresholds, thresholds_path
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import sha256_of
from training.common.pictures import check_picture, drawing
from training.engine.provenance import code_version, write_result

SOURCES = ("mobile/events", "training/rendered")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth score-events --model build/artefacts/sth_mobilenet_v2_96_int8.tflite
  sth score-events --model MODEL.tflite --streams rendered:60:9 --json events.json --plot events.png
"""
DETECTOR, ARGMAX, TSM = "detector", "argmax of each frame", "TSM's rule"


def perform_all(
    recordings: Sequence[Recording], thresholds: Thresholds, labels: Sequence[str]
) -> dict[str, list[Performance]]:
    """What the detector and its rivals detect over the same recordings."""
    background = thresholds.background
    rules: dict[str, Rule] = {
        DETECTOR: EventDetector(thresholds, labels),
        ARGMAX: ArgmaxRule(labels, background),
        TSM: TSMRule(labels, background),
    }
    return {
        name: [perform(rule, recording, labels, background) for recording in recordings] for name, rule in rules.items()
    }


def check_unseen(thresholds: Thresholds, streams: Streams) -> None:
    """Refuse streams that the thresholds were fitted on: a seed's streams begin alike, however long they are.

    Raises:
        UserError: the same seed.
    """
    fitted = (thresholds.fitted or {}).get("streams")
    if fitted and parse_streams(fitted).seed == streams.seed:
        raise UserError(f"the thresholds were fitted on {fitted}; score on another seed than {streams.seed}")


def warnings_of(thresholds: Thresholds, rate: float, digest: str) -> list[str]:
    """What a reader of the scores must know."""
    least, greatest = thresholds.frames_per_second
    warnings = []
    if thresholds.fitted is None:
        warnings.append("these thresholds were not fitted; run sth fit-events")
    elif thresholds.fitted.get("sha256") != digest:
        warnings.append("the thresholds were fitted on another artefact")
    if not least <= rate <= greatest:
        warnings.append(f"{rate:g} frames a second; the detector was fitted for {least:g} to {greatest:g}")
    return warnings


def missed_limits(scores: EventScores) -> list[str]:
    """Which limits of ``mobile.pass_marks`` the detector misses; short streams cannot show them."""
    if round(scores.minutes) < marks.EVENT_MINUTES:
        return []
    misses = []
    if scores.levenshtein < marks.EVENT_LEVENSHTEIN:
        misses.append(f"Levenshtein accuracy is {scores.levenshtein:.1f} %; at least {marks.EVENT_LEVENSHTEIN:g} asked")
    if scores.false_per_minute > marks.EVENT_FALSE_PER_MINUTE:
        most = marks.EVENT_FALSE_PER_MINUTE
        misses.append(f"{scores.false_per_minute:.2f} false activations a minute; at most {most:g} asked")
    return misses


def show(scores: Mapping[str, EventScores], console: Console) -> None:
    """Print the table, readable at 80 columns."""
    figures = ["Leven-\nshtein %", "preci-\nsion %", "recall\n%", "false\n/ min", "delay\nms", "median\nms",
               "from\nend ms"]  # fmt: skip
    any_row = next(iter(scores.values()))
    title = f"{any_row.events} gestures in {any_row.minutes:.1f} minutes"
    table = Table("rule", *(Column(name, justify="right") for name in figures), title=title)
    for name, row in scores.items():
        table.add_row(
            name, f"{row.levenshtein:.1f}", _figure(row.precision, ".1f"), f"{row.recall:.1f}",
            f"{row.false_per_minute:.2f}", _figure(row.delay_ms), _figure(row.median_delay_ms),
            _figure(row.delay_from_end_ms),
        )  # fmt: skip
    console.print(table)


def _figure(value: float | None, form: str = ".0f") -> str:
    return "" if value is None else format(value, form)


def plot(performances: Mapping[str, Sequence[Performance]], labels: Sequence[str], target: Path) -> None:
    """Draw the first stream: the strokes that were made, and each rule's detections, true or false.

    Raises:
        UserError: a name that ends neither in .png nor in .svg.
    """
    with drawing(target, inches=(14, 4.5)) as (_, axes):
        truth = next(iter(performances.values()))[0].truth
        for event in truth:
            axes.axvspan(event.begin_ms / 1000, event.end_ms / 1000, color="0.85")
            axes.text(event.begin_ms / 1000, -0.6, labels[event.label], fontsize=6, rotation=60, va="bottom")
        for row, streams in enumerate(performances.values()):
            pairs, false = match(streams[0].detections, truth, marks.EVENT_TOLERANCE_MS)
            for found, colour, mark in (([each for each, _ in pairs], "tab:green", "o"), (false, "tab:red", "x")):
                times = [each.time_ms / 1000 for each in found]
                axes.plot(times, [row] * len(times), mark, color=colour)
        axes.set_yticks(range(len(performances)), list(performances))
        axes.set(xlabel="seconds; grey: strokes, green: true detections, red: false ones", ylim=(len(performances), -3))


def result_of(
    model: Path, streams: str, rate: float, thresholds: Thresholds, scores: Mapping[str, EventScores]
) -> dict[str, Any]:
    """The result file of a run (``mobile.schemas.Events``)."""
    return {
        "kind": "events",
        "code_version": code_version(),
        "artefact": model.name,
        "sha256": sha256_of(model),
        "streams": streams,
        "fitted_on": (thresholds.fitted or {}).get("streams"),
        "frames_per_second": rate,
        "tolerance_ms": marks.EVENT_TOLERANCE_MS,
        "rows": [{"rule": name, **dataclasses.asdict(row)} for name, row in scores.items()],
    }


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth score-events", __doc__, EXAMPLES)
    parser.add_argument("--model", type=Path, required=True, metavar="ARTEFACT", help="a streaming artefact")
    parser.add_argument("--thresholds", type=Path, metavar="FILE", help="default: ARTEFACT.events.json, if it is there")
    parser.add_argument("--streams", default="rendered:60:9", help=STREAMS_HELP + "; default rendered:60:9")
    parser.add_argument("--rate", type=float, metavar="N", help="frames a second; default: the artefact's")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores here")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the first stream, .png or .svg")
    return parser.parse_args(arguments)


def read_thresholds(path: Path | None, model: Path) -> Thresholds:
    """The file that was named, or that beside the artefact, or thresholds that nobody fitted."""
    beside = thresholds_path(model)
    return load_thresholds(path or beside) if path or beside.is_file() else Thresholds()


def main() -> int:
    arguments = parse(sys.argv[1:])
    if arguments.plot:
        check_picture(arguments.plot)
    wanted, thresholds = parse_streams(arguments.streams), read_thresholds(arguments.thresholds, arguments.model)
    check_unseen(thresholds, wanted)
    runner = open_runner(arguments.model)
    labels, rate = runner.contract.labels, arguments.rate or runner.contract.frames_per_second
    for warning in warnings_of(thresholds, rate, sha256_of(arguments.model)):
        print(f"warning: {warning}", file=sys.stderr)
    recordings = record(runner, open_streams(wanted), rate)
    if not any(recording.gestures(labels, thresholds.background) for recording in recordings):
        raise UserError(f"the streams {arguments.streams} hold no gesture; give longer ones")
    performances = perform_all(recordings, thresholds, labels)
    scores = {name: score(found, marks.EVENT_TOLERANCE_MS) for name, found in performances.items()}
    show(scores, Console())
    if arguments.json:
        content = result_of(arguments.model, arguments.streams, rate, thresholds, scores)
        write_result(arguments.json, content, sources=SOURCES)
    if arguments.plot:
        plot(performances, labels, arguments.plot)
    misses = missed_limits(scores[DETECTOR])
    for miss in misses:
        print(f"error: {miss}", file=sys.stderr)
    return 1 if misses else 0


if __name__ == "__main__":
    run_cli(main)
