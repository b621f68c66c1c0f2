"""The event detector and its rivals on sequences that can be worked by hand."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from logit_streams import LABELS, LEFT, NOTHING, OTHER, RIGHT, THUMB, curve, events_of, frame, said

from mobile.events.baselines import ArgmaxRule, TSMRule
from mobile.events.detector import EventDetector, Gate, RateWatch, Smoother, exponential
from mobile.events.settings import BACKGROUND, Thresholds, load_thresholds, thresholds_path
from training.common.errors import UserError

PLAIN = Thresholds(
    tau_ms=0, on=0.6, off=0.3, hold_ms=250, release_ms=250, refractory_ms=0, repeat_ms=0, gap_ms=1000
)  # fmt: skip


def detector(**changes: Any) -> EventDetector:
    return EventDetector(dataclasses.replace(PLAIN, **changes), LABELS)


def gate(*scores: float, other: dict[int, float] | None = None, interval_ms: int = 250, **changes: Any) -> list[Any]:
    """Events of a gate that sees these scores of LEFT, and of RIGHT where ``other`` names a frame."""
    made = Gate(dataclasses.replace(PLAIN, **changes), (LEFT, RIGHT))
    rows = [[score, (other or {}).get(index, 0.0)] for index, score in enumerate(scores)]
    return said([event for index, row in enumerate(rows) for event in made.step(row, index * interval_ms)])


def test_a_gesture_begins_once_and_ends_once() -> None:
    frames = [frame(NOTHING)] * 2 + [frame(LEFT)] * 6 + [frame(NOTHING)] * 4
    events = events_of(detector(), frames)
    # frames 2 to 7 show it: held for 250 ms at frame 3; low at frame 8, for 250 ms at frame 9
    assert said(events) == [("begin", LEFT, 750), ("end", LEFT, 2250)]
    share = 1 / (1 + 4 * math.exp(-8))
    assert events[0].confidence == pytest.approx(share, abs=1e-12)
    assert events[1].confidence == pytest.approx(math.exp(-8) * share, abs=1e-12)


def test_the_same_gesture_twice_in_a_row_is_said_twice() -> None:
    frames = ([frame(LEFT)] * 4 + [frame(NOTHING)] * 3) * 2
    assert [event[:2] for event in said(events_of(detector(), frames))] == [("begin", LEFT), ("end", LEFT)] * 2


def test_one_gesture_after_another_without_a_pause() -> None:
    """The second one is held while the first is released; both happen at one frame."""
    frames = [frame(LEFT)] * 4 + [frame(RIGHT)] * 4
    expected = [("begin", LEFT, 250), ("end", LEFT, 1250), ("begin", RIGHT, 1250)]
    assert said(events_of(detector(), frames)) == expected


def test_background_is_silent() -> None:
    frames = [frame(NOTHING)] * 40 + [frame(OTHER)] * 40
    assert events_of(detector(hold_ms=0, release_ms=0), frames) == []


@pytest.mark.parametrize("dip", [0.29, 0.0])
def test_a_dip_in_the_middle_makes_no_second_event(dip: float) -> None:
    """One frame below ``off`` is shorter than ``release_ms``; between ``off`` and ``on`` nothing ends at all."""
    assert gate(0.9, 0.9, dip, 0.9, 0.9) == [("begin", 0, 250)]
    assert gate(0.9, 0.9, 0.3, 0.31, 0.59, 0.3, 0.9) == [("begin", 0, 250)]


def test_hysteresis() -> None:
    assert gate(0.59, 0.59, 0.59, 0.59) == []
    assert gate(0.6, 0.6, 0.3, 0.3, 0.3) == [("begin", 0, 250)]  # both limits belong to the gesture
    assert gate(0.6, 0.6, 0.299, 0.299) == [("begin", 0, 250), ("end", 0, 750)]


def test_the_hold_is_a_time_and_no_number_of_frames() -> None:
    assert gate(0.9, 0.9, 0.0, 0.9, hold_ms=251) == []
    assert gate(0.9, 0.9, 0.9, hold_ms=251) == [("begin", 0, 500)]
    assert gate(*[0.9] * 6, hold_ms=251, interval_ms=60) == [("begin", 0, 300)]
    assert gate(0.9, hold_ms=0) == [("begin", 0, 0)]


def test_another_best_gesture_begins_the_hold_anew() -> None:
    assert gate(0.7, 0.7, 0.7, other={1: 0.8}, hold_ms=250) == []
    assert gate(0.7, 0.7, 0.7, 0.7, other={1: 0.8}, hold_ms=250) == [("begin", 0, 750)]
    assert gate(0.7, 0.7, other={0: 0.7, 1: 0.7}) == [("begin", 0, 250)]  # of two equal ones the first


def test_times_after_an_end() -> None:
    left_right = {index: 0.9 for index in range(4, 12)}
    scores = [0.9, 0.9, 0.0, 0.0] + [0.0] * 8
    ends = [("begin", 0, 250), ("end", 0, 750)]
    assert gate(*scores, other=left_right, repeat_ms=9000) == [*ends, ("begin", 1, 1250)]
    assert gate(*scores, other=left_right, refractory_ms=751) == [*ends, ("begin", 1, 1750)]
    again = [0.9, 0.9, 0.0, 0.0, *[0.9] * 6]
    assert gate(*again) == [*ends, ("begin", 0, 1250)]
    assert gate(*again, repeat_ms=1000) == [*ends, ("begin", 0, 1750)]


def test_the_same_gesture_waits_even_when_another_one_came_between() -> None:
    scores = [0.9, 0.9, 0.0, 0.0, 0.0, 0.0, 0.9, 0.9, 0.9, 0.9, 0.9]
    events = gate(*scores, other={2: 0.9, 3: 0.9}, repeat_ms=1500)
    assert events == [("begin", 0, 250), ("end", 0, 750), ("begin", 1, 750), ("end", 1, 1250), ("begin", 0, 2250)]


def test_the_frame_rate_changes_nothing_but_the_grid_of_times() -> None:
    parts = [(LEFT, 1000, 2600), (LEFT, 3900, 5500), (THUMB, 7000, 9000), (OTHER, 9500, 11000)]
    rule = dataclasses.replace(PLAIN, tau_ms=250, hold_ms=300, release_ms=300)
    found = {}
    for rate in (3, 4, 6):
        times = [index * 1000 // rate for index in range(12 * rate)]
        made = EventDetector(rule, LABELS)
        found[rate] = [event for time in times for event in made.step(curve(parts, time), time)]
    expected = [(kind, label) for label in (LEFT, LEFT, THUMB) for kind in ("begin", "end")]
    for rate, events in found.items():
        assert [(event.kind, event.label) for event in events] == expected
        apart = [abs(a.time_ms - b.time_ms) for a, b in zip(events, found[6], strict=True)]
        assert max(apart) <= 1000 / rate


def test_smoothing_by_hand() -> None:
    smoother = Smoother(temperature=2.0, tau_ms=100)
    first = smoother.step([2.0, 0.0], 0)
    assert first == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))], abs=1e-12)
    a = 1 - math.exp(-2.5)
    expected = first[0] + a * (0.5 - first[0])
    assert smoother.step([7.0, 7.0], 250)[0] == pytest.approx(expected, abs=1e-12)
    # two steps of 125 ms with equal logits are one of 250 ms
    halves = Smoother(2.0, 100)
    halves.step([2.0, 0.0], 0)
    halves.step([7.0, 7.0], 125)
    assert halves.step([7.0, 7.0], 125)[0] == pytest.approx(expected, abs=1e-12)


def test_the_exponential_is_exact_enough() -> None:
    points = np.linspace(-64, 0, 4001)
    ours = np.array([exponential(float(x)) for x in points])
    assert np.abs(ours / np.exp(points) - 1).max() < 1e-12
    assert (exponential(0.0), exponential(-64.1), exponential(-1e300)) == (1.0, 0.0, 0.0)


def test_the_bits_that_other_languages_must_reach() -> None:
    """Fixed figures, in hexadecimal: a change of the order of operations changes them."""
    assert exponential(-0.7).hex() == "0x1.fc80db9dd5784p-2"
    smoother = Smoother(1.5, 300)
    smoother.step([0.3, -1.2, 2.5], 0)
    expected = ["0x1.56dc0a242ec10p-2", "0x1.cf15c03335afep-3", "0x1.c19915c236670p-2"]
    assert [score.hex() for score in smoother.step([1.1, 0.7, -0.2], 250)] == expected


def test_a_stall_ends_what_was_active() -> None:
    made = detector(tau_ms=2000)
    events = events_of(made, [frame(LEFT)] * 3)
    events += made.step(frame(LEFT), 500 + 1001)
    assert said(events) == [("begin", LEFT, 250), ("end", LEFT, 500)]
    assert said(made.step(frame(LEFT), 1751)) == [("begin", LEFT, 1751)]  # held anew for 250 ms
    fresh = detector(tau_ms=2000, hold_ms=0)
    fresh.step(frame(NOTHING), 0)
    assert fresh.step(frame(LEFT), 1000) == []  # smoothing still counts
    assert [event.kind for event in fresh.step(frame(LEFT), 2001)] == ["begin"]  # and here no more


def test_reset_forgets_the_stream_and_its_times() -> None:
    made = detector(repeat_ms=5000)
    frames = [frame(LEFT)] * 3
    first = events_of(made, frames)
    assert said(made.reset()) == [("end", LEFT, 500)]
    assert made.reset() == []
    assert events_of(made, frames) == first


@pytest.mark.parametrize(
    ("logits", "time", "expected"),
    [
        (frame(LEFT), 250, "at 250 ms after one at 250 ms; expected times that grow"),
        (frame(LEFT), 249, "expected times that grow"),
        ([0.0] * 4, 500, "4 logits"),
        ([0.0] * 4 + [math.nan], 500, "not be finite"),
        ([0.0] * 4 + [math.inf], 500, "not be finite"),
    ],
)
def test_frames_that_cannot_be(logits: list[float], time: int, expected: str) -> None:
    made = detector()
    made.step(frame(LEFT), 250)
    with pytest.raises(ValueError, match=expected):
        made.step(logits, time)
    assert said(made.step(frame(LEFT), 500)) == [("begin", LEFT, 500)]  # the bad frame left no trace


def test_float32_logits_of_a_runner() -> None:
    frames = [np.float32(frame(LEFT))] * 2
    assert said(events_of(detector(), frames)) == [("begin", LEFT, 250)]


@pytest.mark.parametrize(("interval", "warns"), [(250, False), (200, False), (312, False), (313, True), (199, True)])
def test_a_frame_rate_that_was_not_fitted_for_gives_a_warning(interval: int, warns: bool) -> None:
    made = detector(frames_per_second=(3.2, 5.0))
    for index in range(9):
        made.step(frame(NOTHING), index * interval)
    assert made.warning is None  # eight intervals are not enough
    made.step(frame(NOTHING), 9 * interval)
    assert (made.warning is not None) == warns
    if made.warning:
        assert f"{1000 / interval:.1f} frames a second; the detector was fitted for 3.2 to 5" in made.warning


def test_one_stall_is_no_frame_rate() -> None:
    watch = RateWatch((3.2, 5.0))
    for interval in [250] * 8 + [60_000]:
        watch.step(interval)
    assert watch.warning is None
    for _ in range(5):
        watch.step(500)
    assert watch.warning is not None


def test_labels_that_do_not_fit() -> None:
    with pytest.raises(UserError, match="background label 'Nothing'"):
        detector(background=("Nothing",))
    with pytest.raises(UserError, match="all 2 labels are background"):
        EventDetector(PLAIN, BACKGROUND)


def test_thresholds_come_back_from_their_file(tmp_path: Path) -> None:
    path = thresholds_path(tmp_path / "model.tflite")
    assert path.name == "model.tflite.events.json"
    thresholds = dataclasses.replace(PLAIN, fitted={"streams": "rendered:60:5"}, background=("No gesture",))
    thresholds.save(path)
    assert load_thresholds(path) == thresholds


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "off above on": ({"off": 0.7}, "off is 0.7 and on is 0.6"),
    "on of 1": ({"on": 1.0}, "0 < off < on < 1"),
    "text": ({"on": "high"}, "on is 'high'"),
    "half a millisecond": ({"hold_ms": 0.5}, "hold_ms is 0.5; expected whole milliseconds"),
    "negative time": ({"tau_ms": -1}, "tau_ms is -1"),
    "truth value": ({"release_ms": True}, "release_ms is True"),
    "no temperature": ({"temperature": 0}, "temperature is 0"),
    "no gap": ({"gap_ms": 0}, "gap_ms is 0"),
    "one rate": ({"frames_per_second": [4.0]}, "frames_per_second is"),
    "rates in the wrong order": ({"frames_per_second": [5, 4]}, "least and the greatest"),
    "background of numbers": ({"background": [3]}, "names of labels"),
    "background that is no list": ({"background": "No gesture"}, "expected a list"),
    "unknown": ({"hold": 3}, "hold is no threshold"),
    "another version": ({"version": 9}, "of version 9"),
    "fitted that is no object": ({"fitted": "yes"}, "fitted is 'yes'"),
}


@pytest.mark.parametrize(("changes", "expected"), BAD.values(), ids=BAD)
def test_bad_thresholds_give_one_clear_line(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps(PLAIN.to_json() | changes))
    with pytest.raises(UserError, match=expected) as caught:
        load_thresholds(path)
    assert "\n" not in str(caught.value)
    assert "events.json" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [("[]", "no file of event thresholds"), ("{", "not valid JSON"), ('{"version": 1}', "background is missing")],
)
def test_files_that_are_no_thresholds(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "events.json"
    path.write_text(content)
    with pytest.raises(UserError, match=expected):
        load_thresholds(path)


def test_the_plain_argmax_says_every_change() -> None:
    rule = ArgmaxRule(LABELS, BACKGROUND)
    shown = [NOTHING, LEFT, LEFT, RIGHT, OTHER, NOTHING, LEFT]
    expected = [
        ("begin", LEFT, 250), ("end", LEFT, 750), ("begin", RIGHT, 750), ("end", RIGHT, 1000), ("begin", LEFT, 1500),
    ]  # fmt: skip
    assert said(events_of(rule, [frame(label) for label in shown])) == expected
    assert said(rule.reset()) == [("end", LEFT, 1500)]
    assert said(events_of(ArgmaxRule(LABELS, BACKGROUND), [[1.0, 1.0, 1.0, 1.0, 1.0]])) == [("begin", LEFT, 0)]


def test_tsm_adds_up_twelve_frames() -> None:
    """12 frames of nothing weigh 12: the gesture leads from the 7th of its frames on, and 12 remain of it later."""
    frames = [frame(NOTHING)] * 12 + [frame(LEFT)] * 20 + [frame(NOTHING)] * 20
    events = said(events_of(TSMRule(LABELS, BACKGROUND), frames))
    # after 6 frames both sums are equal, and LEFT comes first in the list; on the way back NOTHING needs 7
    assert events == [("begin", LEFT, (12 + 5) * 250), ("end", LEFT, (32 + 6) * 250)]


def test_tsm_changes_only_after_two_equal_outputs() -> None:
    """Ever greater logits, so that each frame outweighs the sum of the others."""
    rule = TSMRule(LABELS, BACKGROUND)
    shown = [NOTHING, LEFT, RIGHT, RIGHT, THUMB, NOTHING]
    frames = [frame(label, 100.0 * 10**index) for index, label in enumerate(shown)]
    # outputs: -, LEFT, LEFT (the two before differ), RIGHT, RIGHT (they differ), background
    expected = [("begin", LEFT, 250), ("end", LEFT, 750), ("begin", RIGHT, 750), ("end", RIGHT, 1250)]
    assert said(events_of(rule, frames)) == expected
