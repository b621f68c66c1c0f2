"""Streams of logits without a network: hand-written curves, and noisy streams with a network's usual faults."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mobile.events.detector import Event, EventDetector
from mobile.events.recordings import Recording
from mobile.events.scores import TrueEvent

LABELS = ("Swiping Left", "Swiping Right", "Thumb Up", "No gesture", "Doing other things")
LEFT, RIGHT, THUMB, NOTHING, OTHER = range(5)
SURE = 8.0


def frame(label: int, height: float = SURE) -> list[float]:
    """Logits (K,) of a frame that shows this class."""
    return [height if index == label else 0.0 for index in range(len(LABELS))]


def curve(parts: Sequence[tuple[int, int, int]], time_ms: float, ramp_ms: int = 300) -> list[float]:
    """Logits (K,) at a time: parts (label, begin, end) that rise and fall in straight lines, background elsewhere."""
    logits = [0.0] * len(LABELS)
    for label, begin, end in parts:
        share = min(time_ms - begin, end - time_ms) / ramp_ms
        logits[label] = max(logits[label], SURE * min(max(share, 0.0), 1.0))
    logits[NOTHING] = SURE - max(logits[:NOTHING] + logits[OTHER:])
    return logits


def events_of(detector: EventDetector, frames: Sequence[Sequence[float]], interval_ms: int = 250) -> list[Event]:
    """What a detector says of frames at equal intervals, from time 0 on."""
    return [event for index, logits in enumerate(frames) for event in detector.step(logits, index * interval_ms)]


def said(events: Sequence[Event]) -> list[tuple[str, int, int]]:
    """Events without their confidence."""
    return [(event.kind, event.label, event.time_ms) for event in events]


def noisy_stream(seed: int, seconds: int = 60, rate: int = 4, noise: float = 1.0) -> Recording:
    """Gestures with pauses, sometimes the same twice in a row, as an imperfect network sees them.

    It sees them 250 ms late, takes their first frames for a neighbour, loses some in the middle for a frame, takes the
    hand's way back for the opposite gesture, and rarely sees one where there is none.
    """
    rng = np.random.default_rng([seed, 71])
    count = seconds * rate
    times = [index * 1000 // rate for index in range(count)]
    logits_FK = rng.normal(0, noise, (count, len(LABELS)))
    background_F = np.where(np.arange(count) // (10 * rate) % 2, NOTHING, OTHER)
    seen_F, truth, now, label = background_F.copy(), [], 1500, LEFT
    while now < 1000 * seconds - 4000:
        label = label if rng.random() < 0.3 else int(rng.integers(3))
        begin, end = now, now + int(rng.integers(1000, 2000))
        truth.append(TrueEvent(label, begin, end))
        frames = [index for index, time in enumerate(times) if begin + 250 <= time <= end + 250]
        seen_F[frames] = label
        if rng.random() < 0.5:
            seen_F[frames[0]] = (label + 1) % 3
        if rng.random() < 0.3:
            seen_F[frames[len(frames) // 2]] = OTHER
        if rng.random() < 0.3:
            seen_F[frames[-1] + 1] = {LEFT: RIGHT, RIGHT: LEFT}.get(label, label)
        now = end + int(rng.integers(1200, 4000))
    blips = rng.random(count) < 0.02
    seen_F[blips] = rng.integers(0, len(LABELS), blips.sum())
    logits_FK[np.arange(count), seen_F] += 5.0
    return Recording(logits_FK, tuple(times), tuple(truth), seconds / 60)
