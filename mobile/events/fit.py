"""Fit the thresholds of the event detector: ``sth fit-events --model ARTEFACT [--streams STREAMS]``.

Axes: F frames of a stream, K class.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mobile.events.detector import Event, Gate, Smoother, gestures_of
from mobile.events.recordings import STREAMS_HELP, Recording, open_runner, open_streams, parse_streams, record
from mobile.events.scores import EventScores, Performance, score
from mobile.events.settings import Thresholds, thresholds_path
from mobile.pass_marks import EVENT_TOLERANCE_MS
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import sha256_of
from training.engine.provenance import code_version

EXAMPLES = """examples:
  sth fit-events --model build/artefacts/sth_mobilenet_v2_96_int8.tflite
  sth fit-events --model MODEL.tflite --streams rendered:60:5 --rates 3 4 6 --out events.json
"""
FALSE_PENALTY = 10.0
"""Points of Levenshtein accuracy that one false activation a minute weighs."""
DELAY_PENALTY = 1.0
"""Points that a second of mean delay weighs: of two detectors as good, the faster one."""
RATE_MARGIN = 1.25
"""A frame rate may lie outside of the fitted ones by this factor."""

# Durations stand between whole numbers of frames of 250 ms: a frame that comes a little early or late changes nothing.
# One frame alone neither begins nor ends a gesture.
GRID: dict[str, tuple[Any, ...]] = {
    "temperature": (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0),
    "tau_ms": (0, 125, 250, 375, 500, 750),
    "on": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
    "off": (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
    "hold_ms": (125, 375, 625, 875, 1125, 1375),
    "release_ms": (125, 375, 625, 875, 1125),
    "refractory_ms": (0, 125, 375, 625, 875, 1125),
    "repeat_ms": (0, 125, 375, 625, 875, 1125, 1625, 2125),
}


def objective(scores: EventScores) -> float:
    """What fitting makes large: Levenshtein accuracy less the penalties above."""
    delay = 0.0 if scores.delay_ms is None else scores.delay_ms
    return scores.levenshtein - FALSE_PENALTY * scores.false_per_minute - DELAY_PENALTY * delay / 1000


class Trials:
    """Scores of thresholds over recordings without stalls. What was smoothed or scored once is kept."""

    def __init__(self, recordings: Sequence[Recording], labels: Sequence[str], tolerance_ms: int) -> None:
        self._recordings, self._labels, self._tolerance = recordings, labels, tolerance_ms
        self._scores: dict[Thresholds, EventScores] = {}
        self._smoothed = functools.lru_cache(maxsize=64)(self._smooth)

    def __len__(self) -> int:
        return len(self._scores)

    def __call__(self, thresholds: Thresholds) -> EventScores:
        """The scores that ``mobile.events.detector.EventDetector`` reaches."""
        if thresholds not in self._scores:
            smoothed = self._smoothed(thresholds.temperature, thresholds.tau_ms)
            performances = [self._perform(thresholds, *pair) for pair in zip(self._recordings, smoothed, strict=True)]
            self._scores[thresholds] = score(performances, self._tolerance)
        return self._scores[thresholds]

    def _smooth(self, temperature: float, tau_ms: int) -> list[np.ndarray]:
        """Scores (F, K) of each recording."""
        return [_smooth(recording, Smoother(temperature, tau_ms)) for recording in self._recordings]

    def _perform(self, thresholds: Thresholds, recording: Recording, scores_FK: np.ndarray) -> Performance:
        gate, events = Gate(thresholds, gestures_of(thresholds, self._labels)), list[Event]()
        for scores_K, time_ms in zip(scores_FK.tolist(), recording.times_ms, strict=True):
            events += gate.step(scores_K, time_ms)
        truth = recording.gestures(self._labels, thresholds.background)
        return Performance(tuple(events), truth, recording.minutes)


def _smooth(recording: Recording, smoother: Smoother) -> np.ndarray:
    intervals = [0, *(b - a for a, b in zip(recording.times_ms, recording.times_ms[1:], strict=False))]
    rows = [smoother.step(row, dt) for row, dt in zip(recording.logits_FK.tolist(), intervals, strict=True)]
    return np.asarray(rows)


def search(quality: Callable[[Thresholds], float], start: Thresholds, *, trials: int, seed: int) -> Thresholds:
    """The best of ``trials`` thresholds from ``GRID``; of several, the one that was found first.

    A quarter is drawn at random. From the best, one threshold after the other tries all of its values, as long as
    that helps. What is left of the trials changes one to three thresholds of the best at random.
    """
    rng = random.Random(seed)
    with tqdm(total=trials, desc="fitting", unit="trial", mininterval=1, leave=False) as bar:
        climb = _Climb(quality, start, trials, bar)
        for _ in range(trials // 4):
            climb.attempt({name: rng.choice(values) for name, values in GRID.items()})
        improved = True
        while improved and climb.left:
            before = climb.best
            for name in rng.sample(sorted(GRID), len(GRID)):
                for value in GRID[name]:
                    climb.attempt({name: value})
            improved = climb.best != before
        while climb.left:
            names = rng.sample(sorted(GRID), rng.randint(1, 3))
            climb.attempt({name: rng.choice(GRID[name]) for name in names})
    return climb.best


class _Climb:
    """Keeps the best of what was attempted."""

    def __init__(self, quality: Callable[[Thresholds], float], start: Thresholds, trials: int, bar: tqdm) -> None:
        self._quality, self._bar, self.left = quality, bar, trials
        self.best, self._reached = start, quality(start)

    def attempt(self, changes: dict[str, Any]) -> None:
        """Try the best with these changes. One that is no detector (``off`` above ``on``) counts as a trial too."""
        if not self.left:
            return
        self.left -= 1
        self._bar.update()
        values = dataclasses.asdict(self.best) | changes
        if values["off"] >= values["on"]:
            return
        reached = self._quality(candidate := dataclasses.replace(self.best, **changes))
        if reached > self._reached:
            self.best, self._reached = candidate, reached
            self._bar.set_postfix_str(f"objective {reached:.2f}")


def fit(
    recordings: Sequence[Recording],
    labels: Sequence[str],
    *,
    rates: Sequence[float],
    trials: int,
    seed: int,
    tolerance_ms: int = EVENT_TOLERANCE_MS,
) -> tuple[Thresholds, EventScores]:
    """Thresholds fitted on recordings at these frame rates, and the scores that they reach there.

    Raises:
        UserError: the recordings hold no gesture, or so few frames a second that every interval is a stall.
    """
    start = Thresholds(frames_per_second=(min(rates) / RATE_MARGIN, max(rates) * RATE_MARGIN))
    if not any(recording.gestures(labels, start.background) for recording in recordings):
        raise UserError("the streams hold no gesture to fit on; give longer ones")
    if 1000 > start.gap_ms * start.frames_per_second[0]:
        raise UserError(f"{min(rates):g} frames a second are too few: times above {start.gap_ms} ms count as stalls")
    evaluate = Trials(recordings, labels, tolerance_ms)
    best = search(lambda candidate: objective(evaluate(candidate)), start, trials=trials, seed=seed)
    return best, evaluate(best)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth fit-events", __doc__, EXAMPLES)
    parser.add_argument("--model", type=Path, required=True, metavar="ARTEFACT", help="a streaming artefact")
    parser.add_argument("--streams", default="rendered:60:5", help=STREAMS_HELP + "; default rendered:60:5")
    parser.add_argument("--rates", type=float, nargs="+", metavar="N",
                        help="frames a second to fit for; default: those of the artefact's contract")  # fmt: skip
    parser.add_argument("--trials", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the search")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: ARTEFACT.events.json")
    return parser.parse_args(arguments)


def main() -> None:
    arguments = parse(sys.argv[1:])
    if arguments.trials < 1:
        raise UserError(f"--trials is {arguments.trials}; expected at least 1")
    wanted, runner = parse_streams(arguments.streams), open_runner(arguments.model)
    rates = arguments.rates or [runner.contract.frames_per_second]
    streams = open_streams(wanted)
    recordings = [recording for rate in rates for recording in record(runner, streams, rate)]
    thresholds, scores = fit(
        recordings, runner.contract.labels, rates=rates, trials=arguments.trials, seed=arguments.seed
    )
    fitted = {
        "code_version": code_version(),
        "model": arguments.model.name,
        "sha256": sha256_of(arguments.model),
        "streams": arguments.streams,
        "rates": rates,
        "trials": arguments.trials,
        "seed": arguments.seed,
        "tolerance_ms": EVENT_TOLERANCE_MS,
        "objective": objective(scores),
        "scores": dataclasses.asdict(scores),
    }
    target = arguments.out or thresholds_path(arguments.model)
    dataclasses.replace(thresholds, fitted=fitted).save(target)
    print(f"{target}: Levenshtein accuracy {scores.levenshtein:.1f} %, {scores.false_per_minute:.2f} false a minute")


if __name__ == "__main__":
    run_cli(main)
