"""Fitting and scoring event detectors on streams of logits, and both commands over an invented network."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from logit_streams import LABELS, LEFT, NOTHING, RIGHT, frame, noisy_stream

from mobile.events import fit as fit_events
from mobile.events import score as score_events
from mobile.events.detector import EventDetector
from mobile.events.fit import FALSE_PENALTY, GRID, Trials, fit, objective, search
from mobile.events.recordings import Recording, Streams, frame_indices, parse_streams, perform, record
from mobile.events.score import DETECTOR, check_unseen, missed_limits, perform_all
from mobile.events.scores import TrueEvent, score
from mobile.events.settings import BACKGROUND, Thresholds, load_thresholds
from mobile.report.readme import events_tables
from mobile.schemas import Events, load_result
from training.clips.input_spec import InputSpec
from training.common.errors import UserError

SPEC = InputSpec(segments=1, size=32, crop_fraction=1.0)


def scores_of(thresholds: Thresholds, recordings: list[Recording]) -> Any:
    detector = EventDetector(thresholds, LABELS)
    return score([perform(detector, one, LABELS, thresholds.background) for one in recordings], 1000)


@pytest.fixture(scope="module")
def fitted() -> tuple[Thresholds, Any, list[Recording]]:
    recordings = [noisy_stream(seed) for seed in range(4)]
    return *fit(recordings, LABELS, rates=[4.0], trials=250, seed=0), recordings


def test_the_trials_score_what_the_detector_does(fitted) -> None:
    thresholds, reached, recordings = fitted
    assert scores_of(thresholds, recordings) == reached
    other = Thresholds(temperature=2.0, tau_ms=0, on=0.3, off=0.1, hold_ms=0, release_ms=0, refractory_ms=500)
    assert Trials(recordings, LABELS, 1000)(other) == scores_of(other, recordings)


def test_fitting_improves_on_streams_that_it_did_not_see(fitted) -> None:
    thresholds, _, seen = fitted
    unseen = [noisy_stream(seed) for seed in range(100, 106)]
    for recordings in (seen, unseen):
        assert objective(scores_of(thresholds, recordings)) > objective(scores_of(Thresholds(), recordings)) + 5
    found = {name: score(made, 1000) for name, made in perform_all(unseen, thresholds, LABELS).items()}
    assert max(found, key=lambda name: found[name].levenshtein) == DETECTOR
    assert found[DETECTOR].levenshtein > 85


def test_fitting_is_the_same_for_the_same_seed(fitted) -> None:
    recordings = fitted[2][:1]
    first, again, other = (fit(recordings, LABELS, rates=[4.0], trials=60, seed=seed)[0] for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_the_fitted_rates_have_a_margin(fitted) -> None:
    assert fitted[0].frames_per_second == (3.2, 5.0)
    thresholds, _ = fit(fitted[2][:1], LABELS, rates=[6.0, 3.0], trials=1, seed=0)
    assert thresholds.frames_per_second == (2.4, 7.5)


def test_the_search_finds_a_lone_peak_and_keeps_the_trials_it_was_given() -> None:
    tried = []

    def quality(candidate: Thresholds) -> float:
        tried.append(candidate)
        return -abs(candidate.hold_ms - 625) - abs(candidate.tau_ms - 500) - abs(candidate.on - 0.8)

    best = search(quality, Thresholds(), trials=120, seed=1)
    assert (best.hold_ms, best.tau_ms, best.on) == (625, 500, 0.8)
    assert len(tried) <= 121
    assert all(getattr(one, name) in GRID[name] for one in tried[1:31] for name in GRID)
    assert search(quality, Thresholds(), trials=0, seed=1) == Thresholds()


def test_the_objective_weighs_false_activations_and_delay() -> None:
    found = scores_of(Thresholds(), [noisy_stream(0)])
    worse = dataclasses.replace(found, false_per_minute=found.false_per_minute + 1, delay_ms=found.delay_ms + 500)
    assert objective(found) - objective(worse) == pytest.approx(FALSE_PENALTY + 0.5)
    assert objective(dataclasses.replace(found, delay_ms=None)) > objective(found)


def test_nothing_to_fit_on() -> None:
    empty = Recording(np.zeros((4, 5)), (0, 250, 500, 750), (TrueEvent(NOTHING, 0, 500),), 1 / 60)
    with pytest.raises(UserError, match="no gesture to fit on"):
        fit([empty], LABELS, rates=[4.0], trials=1, seed=0)
    with pytest.raises(UserError, match=r"1 frames a second are too few"):
        fit([noisy_stream(0)], LABELS, rates=[1.0], trials=1, seed=0)


@pytest.mark.parametrize(
    "text",
    ["rendered", "rendered:5", "rendered:0:1", "folder:5:1", "rendered:x:1", "rendered:5:-1", "rendered:nan:1",
     "rendered:inf:1", "rendered:5:1:2"],
)  # fmt: skip
def test_streams_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UserError, match="expected rendered:MINUTES:SEED"):
        parse_streams(text)
    assert parse_streams("rendered:0.5:7") == Streams(0.5, 7)


@pytest.mark.parametrize(
    ("count", "rate", "expected"),
    [(10, 4.0, [0, 3, 6, 9]), (9, 4.0, [0, 3, 6]), (7, 6.0, [0, 2, 4, 6]), (12, 5.0, [0, 2, 5, 7, 10]),
     (3, 12.0, [0, 1, 2])],
)  # fmt: skip
def test_frames_that_a_slower_camera_shows(count: int, rate: float, expected: list[int]) -> None:
    assert frame_indices(count, 12.0, rate) == expected


def test_a_camera_cannot_show_more_than_there_is() -> None:
    with pytest.raises(UserError, match="15 frames a second; the streams have 12"):
        frame_indices(10, 12.0, 15.0)


class FakeStream:
    """Shows a gesture's id as a grey level: 2 s of nothing, 2 s of LEFT, 2 s of nothing, 1 s of RIGHT, and again."""

    frames_per_second = 12.0

    def __init__(self, seconds: int = 14) -> None:
        self.labels = list(LABELS)
        self.frame_count = 12 * seconds
        parts = [(LEFT, 2.0, 4.0), (RIGHT, 6.0, 7.0), (LEFT, 9.0, 11.0), (RIGHT, 13.0, 14.0)]
        self.events = tuple(SimpleNamespace(label=label, begin=begin, end=end) for label, begin, end in parts)

    def frames(self, indices: list[int]) -> np.ndarray:
        assert list(indices) == sorted(indices)
        shown = [next((e.label for e in self.events if e.begin <= i / 12 < e.end), NOTHING) for i in indices]
        return np.stack([np.full((40, 60, 3), label, np.uint8) for label in shown])


class FakeRunner:
    """Reads the grey level."""

    def __init__(self, labels: tuple[str, ...] = LABELS) -> None:
        self.contract = SimpleNamespace(frames=SPEC, labels=labels, frames_per_second=4.0)
        self.resets, self.steps = 0, 0

    def reset(self) -> None:
        self.resets += 1

    def step(self, frame_SSC: np.ndarray) -> np.ndarray:
        assert frame_SSC.shape == (32, 32, 3)
        self.steps += 1
        return np.float32(frame(int(frame_SSC[0, 0, 0])))


def test_recording_runs_at_the_contracts_rate_from_empty_states() -> None:
    runner = FakeRunner()
    first, second = record(runner, [FakeStream(), FakeStream()])
    assert (runner.resets, runner.steps) == (2, 2 * 56)
    assert first.logits_FK.shape == (56, 5) and first.logits_FK.dtype == np.float64
    assert first.times_ms == tuple(range(0, 14000, 250)) == second.times_ms
    assert first.truth[0] == TrueEvent(LEFT, 2000, 4000)
    assert first.minutes == pytest.approx(14 / 60)
    assert first.logits_FK[:, LEFT].argmax() == 8  # the frame at 2000 ms
    (slower,) = record(FakeRunner(), [FakeStream()], rate=3.0)
    assert slower.times_ms[:4] == (0, 333, 667, 1000)
    with pytest.raises(UserError, match="other labels"):
        record(FakeRunner(labels=("a", "b")), [FakeStream()])


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs one of the two commands over the invented network and streams; gives its status."""
    model = tmp_path / "tiny.tflite"
    model.write_bytes(b"a model")
    for module in (fit_events, score_events):
        monkeypatch.setattr(module, "open_runner", lambda path: FakeRunner())
        monkeypatch.setattr(module, "open_streams", lambda wanted: [FakeStream()] * round(wanted.minutes))

    def run(module: Any, *words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["events", "--model", str(model), *map(str, words)])
        return module.main() or 0

    return run


def test_fit_then_score(commands, tmp_path: Path, capsys) -> None:
    assert commands(fit_events, "--streams", "rendered:2:5", "--trials", 80, "--rates", 4, 6) == 0
    thresholds = load_thresholds(tmp_path / "tiny.tflite.events.json")
    about = thresholds.fitted
    assert about is not None
    assert (about["model"], about["streams"], about["rates"]) == ("tiny.tflite", "rendered:2:5", [4.0, 6.0])
    assert about["scores"]["levenshtein"] == 100.0
    assert thresholds.frames_per_second == (3.2, 7.5)
    capsys.readouterr()

    target, picture = tmp_path / "scores.json", tmp_path / "scores.svg"
    assert commands(score_events, "--streams", "rendered:3:6", "--json", target, "--plot", picture) == 0
    assert "warning" not in capsys.readouterr().err
    assert picture.stat().st_size > 0
    found = load_result(target)
    assert isinstance(found, Events)
    assert [row.rule for row in found.rows] == ["detector", "argmax of each frame", "TSM's rule"]
    assert (found.rows[0].levenshtein, found.rows[0].false_per_minute, found.fitted_on) == (100.0, 0.0, "rendered:2:5")
    assert "| detector | 100.0 | 100.0 | 100.0 | 0.00 |" in events_tables([found])

    with pytest.raises(UserError, match="fitted on rendered:2:5; score on another seed than 5"):
        commands(score_events, "--streams", "rendered:3:5")


def test_a_result_that_contradicts_its_counts_is_refused(commands, tmp_path: Path) -> None:
    target = tmp_path / "scores.json"
    commands(score_events, "--streams", "rendered:1:6", "--json", target)
    content = json.loads(target.read_text())
    content["rows"][0]["levenshtein"] = 99.9
    target.write_text(json.dumps(content))
    with pytest.raises(UserError, match="contradict its counts"):
        load_result(target)


def test_scores_say_what_they_are_not(commands, tmp_path: Path, capsys) -> None:
    commands(score_events, "--streams", "rendered:1:6", "--rate", 6)
    warnings = capsys.readouterr().err.splitlines()[:2]
    assert warnings[0].startswith("warning: these thresholds were not fitted")
    assert warnings[1] == "warning: 6 frames a second; the detector was fitted for 3.2 to 5"
    other = tmp_path / "other.json"
    Thresholds(fitted={"streams": "rendered:1:5", "sha256": "00"}).save(other)
    commands(score_events, "--streams", "rendered:1:6", "--thresholds", other)
    assert capsys.readouterr().err.splitlines()[0] == "warning: the thresholds were fitted on another artefact"


def test_an_hour_must_reach_the_limits() -> None:
    found = dataclasses.replace(
        scores_of(Thresholds(), [noisy_stream(0)]), minutes=60.0, levenshtein=95.0, false_per_minute=0.2
    )
    assert missed_limits(found) == []
    worse = dataclasses.replace(found, levenshtein=94.9, false_per_minute=0.21)
    assert [miss.split(";")[0] for miss in missed_limits(worse)] == [
        "Levenshtein accuracy is 94.9 %", "0.21 false activations a minute",
    ]  # fmt: skip
    assert missed_limits(dataclasses.replace(worse, minutes=59.0)) == []


@pytest.mark.parametrize(
    ("module", "words", "expected"),
    [
        (fit_events, ["--trials", 0], "--trials is 0"),
        (fit_events, ["--streams", "rendered:5"], "expected rendered:MINUTES:SEED"),
        (score_events, ["--plot", "scores.jpg"], "expected a name ending in .png or .svg"),
        (score_events, ["--thresholds", "missing.json"], "cannot read file of event thresholds missing.json"),
    ],
)
def test_bad_words_give_one_clear_line(commands, module: Any, words: list[object], expected: str) -> None:
    with pytest.raises(UserError, match=expected) as caught:
        commands(module, *words)
    assert "\n" not in str(caught.value)


def test_unfitted_thresholds_may_be_scored_on_anything() -> None:
    check_unseen(Thresholds(), Streams(60, 9))
    assert Thresholds().background == BACKGROUND
