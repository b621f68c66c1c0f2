"""What the scores of events mean, by cases that are counted by hand."""

from __future__ import annotations

import math

import pytest
from logit_streams import LEFT, RIGHT, THUMB

from mobile.events.detector import Event
from mobile.events.scores import Performance, TrueEvent, levenshtein, match, score

TRUTH = (TrueEvent(LEFT, 1000, 2000), TrueEvent(LEFT, 4000, 5000), TrueEvent(THUMB, 8000, 9000))


def begins(*pairs: tuple[int, int]) -> tuple[Event, ...]:
    return tuple(Event("begin", label, time, 0.9) for label, time in pairs)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ([], [], 0), ([1, 2], [], 2), ([], [1], 1), ([1, 2, 3], [1, 2, 3], 0), ([1, 3], [1, 2, 3], 1),
        ([1, 1, 2], [1, 2], 1), ([1, 2], [2, 1], 2), ([1, 2, 3, 4], [0, 2, 4], 2),
    ],
)  # fmt: skip
def test_levenshtein_distances(left: list[int], right: list[int], distance: int) -> None:
    assert levenshtein(left, right) == levenshtein(right, left) == distance


@pytest.mark.parametrize(
    ("time", "is_true"), [(999, False), (1000, True), (2000, True), (2500, True), (2501, False)]
)  # fmt: skip
def test_a_detection_is_true_from_the_begin_to_the_tolerance_after_the_end(time: int, is_true: bool) -> None:
    pairs, false = match(begins((LEFT, time)), TRUTH, 500)
    assert (len(pairs), len(false)) == (is_true, not is_true)


def test_a_true_event_is_matched_once() -> None:
    pairs, false = match(begins((LEFT, 1100), (LEFT, 1500)), TRUTH, 500)
    assert [(found.time_ms, event.begin_ms) for found, event in pairs] == [(1100, 1000)]
    assert [found.time_ms for found in false] == [1500]


def test_where_two_events_fit_the_first_one_left_is_taken() -> None:
    """With a tolerance of 3 seconds the first event is in time until after the second one's begin."""
    pairs, false = match(begins((LEFT, 4100), (LEFT, 4900)), TRUTH, 3000)
    assert [event.begin_ms for _, event in pairs] == [1000, 4000]
    assert false == []


def test_scores_by_hand() -> None:
    events = (
        *begins((RIGHT, 500), (LEFT, 1250), (RIGHT, 4250), (THUMB, 9400), (LEFT, 12000)),
        Event("end", LEFT, 2000, 0.1),
    )
    found = score([Performance(events, TRUTH, 0.5), Performance((), TRUTH[:1], 1.5)], 500)
    # said R L R T L, made L L T: R is too much, R for L, L is too much; of the second stream one is missing
    assert (found.events, found.detections, found.true_detections, found.distance) == (4, 5, 2, 4)
    assert found.spurious == 2  # at 500 and at 12000; the one at 4250 only has the wrong label
    assert (found.precision, found.recall, found.levenshtein) == (40.0, 50.0, 0.0)
    assert (found.minutes, found.false_per_minute, found.spurious_per_minute) == (2.0, 1.5, 1.0)
    assert (found.delay_ms, found.median_delay_ms) == ((250 + 1400) / 2, (250 + 1400) / 2)
    assert (found.delay_from_end_ms, found.median_delay_from_end_ms) == ((-750 + 400) / 2, (-750 + 400) / 2)


def test_one_gesture_said_twice_costs_one() -> None:
    found = score([Performance(begins((LEFT, 1100), (LEFT, 1900), (LEFT, 4100), (THUMB, 8100)), TRUTH, 1.0)], 500)
    assert (found.distance, found.false_per_minute, found.recall) == (1, 1.0, 100.0)
    assert found.levenshtein == pytest.approx(100 * 2 / 3)
    assert (found.delay_ms, found.median_delay_ms) == (100.0, 100.0)


def test_silence_has_no_precision_and_no_delay() -> None:
    found = score([Performance((), TRUTH, 1.0)], 500)
    assert (found.precision, found.delay_ms, found.median_delay_from_end_ms) == (None, None, None)
    assert (found.recall, found.levenshtein, found.false_per_minute) == (0.0, 0.0, 0.0)


def test_much_too_much_falls_below_nothing() -> None:
    found = score([Performance(begins(*((RIGHT, 100 * index) for index in range(9))), TRUTH[:1], 1.0)], 500)
    assert found.levenshtein == -800.0
    assert not math.isnan(found.recall)


@pytest.mark.parametrize("performances", [[], [Performance((), (), 1.0)], [Performance((), TRUTH, 0.0)]])
def test_nothing_to_score(performances: list[Performance]) -> None:
    with pytest.raises(ValueError, match="do not make a score"):
        score(performances, 500)
