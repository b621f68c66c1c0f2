"""How well detected events tell the gestures that were made.

A *detection* is the begin of an event. It is *true* when it has the label of a true event, and its
time lies from the begin of that event's nucleus (the stroke) to the nucleus's end plus a tolerance, both inclusive;
each true event has at most one detection. Detections are taken in the order of time, and of several true events that
fit, the first one that is left. All other detections are *false activations*, whether no gesture was made (*spurious*)
or another one.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence

from mobile.events.detector import BEGIN, Event


@dataclasses.dataclass(frozen=True)
class TrueEvent:
    """A gesture that was made: class id, and when its nucleus begins and ends in milliseconds of the stream."""

    label: int
    begin_ms: int
    end_ms: int


@dataclasses.dataclass(frozen=True)
class Performance:
    """What was detected over one stream, and what was true."""

    events: tuple[Event, ...]
    truth: tuple[TrueEvent, ...]
    minutes: float

    @property
    def detections(self) -> list[Event]:
        """The begins, in the order of time."""
        return sorted((event for event in self.events if event.kind == BEGIN), key=lambda event: event.time_ms)


@dataclasses.dataclass(frozen=True)
class EventScores:
    """Scores over streams, see ``score``.

    Attributes:
        minutes: of all streams.
        events: gestures that were made.
        detections: begins that were detected.
        true_detections: of them.
        spurious: detections within the time of no gesture, whatever its label.
        distance: Levenshtein distance of the sequences of labels, the sum over the streams.
        precision: true detections in per cent of all detections; None without detections.
        recall: true detections in per cent of the events.
        levenshtein: 100 * (1 - distance / events), in per cent; below 0 when much more was detected than made.
        false_per_minute: false activations a minute.
        spurious_per_minute: those of them within the time of no gesture.
        delay_ms: mean delay of the true detections from the begin of the nucleus; None without any.
        median_delay_ms: the median of the same.
        delay_from_end_ms: mean delay from the end of the nucleus; below 0 while the gesture still goes on.
        median_delay_from_end_ms: the median of the same.
    """

    minutes: float
    events: int
    detections: int
    true_detections: int
    spurious: int
    distance: int
    precision: float | None
    recall: float
    levenshtein: float
    false_per_minute: float
    spurious_per_minute: float
    delay_ms: float | None
    median_delay_ms: float | None
    delay_from_end_ms: float | None
    median_delay_from_end_ms: float | None


def match(
    detections: Iterable[Event], truth: Sequence[TrueEvent], tolerance_ms: int
) -> tuple[list[tuple[Event, TrueEvent]], list[Event]]:
    """Pairs of true detections and their events, and the false activations (see the module)."""
    left = sorted(truth, key=lambda event: event.begin_ms)
    pairs, false = [], []
    for detection in detections:
        fits = [event for event in left if event.label == detection.label and _within(detection, event, tolerance_ms)]
        if fits:
            left.remove(fits[0])
            pairs.append((detection, fits[0]))
        else:
            false.append(detection)
    return pairs, false


def _within(detection: Event, event: TrueEvent, tolerance_ms: int) -> bool:
    return event.begin_ms <= detection.time_ms <= event.end_ms + tolerance_ms


def levenshtein(left: Sequence[int], right: Sequence[int]) -> int:
    """Least number of insertions, deletions and substitutions that make one sequence the other."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def score(performances: Sequence[Performance], tolerance_ms: int) -> EventScores:
    """Scores over streams.

    The Levenshtein accuracy compares, stream by stream, the labels of the detections with those of the true events,
    both in the order of time: each gesture must be said once, when it is made.

    Raises:
        ValueError: the streams hold no gesture, or last no time.
    """
    events, minutes = sum(len(one.truth) for one in performances), sum(one.minutes for one in performances)
    if not events or minutes <= 0:
        raise ValueError(f"{events} gestures in {minutes} minutes do not make a score")
    found, true, spurious, distance = 0, 0, 0, 0
    from_begin, from_end = [], []
    for one in performances:
        pairs, false = match(one.detections, one.truth, tolerance_ms)
        found, true = found + len(one.detections), true + len(pairs)
        spurious += sum(not any(_within(each, event, tolerance_ms) for event in one.truth) for each in false)
        made = [event.label for event in sorted(one.truth, key=lambda event: event.begin_ms)]
        distance += levenshtein([each.label for each in one.detections], made)
        from_begin += [each.time_ms - event.begin_ms for each, event in pairs]
        from_end += [each.time_ms - event.end_ms for each, event in pairs]
    return EventScores(
        minutes=minutes,
        events=events,
        detections=found,
        true_detections=true,
        spurious=spurious,
        distance=distance,
        precision=100 * true / found if found else None,
        recall=100 * true / events,
        levenshtein=100 * (1 - distance / events),
        false_per_minute=(found - true) / minutes,
        spurious_per_minute=spurious / minutes,
        delay_ms=statistics.fmean(from_begin) if from_begin else None,
        median_delay_ms=float(statistics.median(from_begin)) if from_begin else None,
        delay_from_end_ms=statistics.fmean(from_end) if from_end else None,
        median_delay_from_end_ms=float(statistics.median(from_end)) if from_end else None,
    )
