"""Golden events: sequences of logits with times, and exactly what ``EventDetector`` makes of them.

Axes: F frame, K class.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobile.apps.golden.files import MANIFEST, GoldenFolder, GoldenWriter
from mobile.events.detector import Event, EventDetector, exponential, gestures_of
from mobile.events.settings import Thresholds
from training.common.errors import UserError

_SEED = 1802
_POINTS = 50


@dataclass(frozen=True)
class Stream:
    """Logits as a network might give them.

    Attributes:
        times_ms: growing.
        logits_FK: float32 (F, K).
    """

    name: str
    times_ms: tuple[int, ...]
    logits_FK: np.ndarray


def bits(value: float) -> str:
    """The 64 bits of a float, most significant first, as 16 hexadecimal digits."""
    return struct.pack(">d", value).hex()


def from_bits(digits: str) -> float:
    """The float of ``bits``."""
    return struct.unpack(">d", bytes.fromhex(digits))[0]


def sequences(thresholds: Thresholds, labels: Sequence[str], rate: float, seed: int) -> list[Stream]:
    """One sequence at the network's rate with two stalls, and three at other rates.

    Args:
        rate: frames a second that the network wants.

    Raises:
        UserError: as ``gestures_of``.
    """
    rng = np.random.default_rng([_SEED, seed])
    stalls = (thresholds.gap_ms + 1, thresholds.gap_ms + 2500)
    steady, fast, slow = ([1000 / r] * math.ceil(s * r) for r, s in ((rate, 180), (3 * rate, 40), (0.6 * rate, 40)))
    uneven = rng.uniform(0.4, 1.9, math.ceil(60 * rate)) * 1000 / rate
    return [
        _sequence("steady_with_stalls", steady, stalls, thresholds, labels, rng),
        _sequence("fast", fast, (), thresholds, labels, rng),
        _sequence("slow", slow, (), thresholds, labels, rng),
        _sequence("uneven", uneven.tolist(), (), thresholds, labels, rng),
    ]


def _sequence(
    name: str, intervals: Sequence[float], stalls: Sequence[int], thresholds: Thresholds, labels: Sequence[str],
    rng: np.random.Generator,
) -> Stream:  # fmt: skip
    """Noise, background and gestures of all strengths, every third one again; a stall falls into a gesture.

    The last gesture lasts to the end.
    """
    gestures = gestures_of(thresholds, labels)
    idle = [index for index in range(len(labels)) if index not in gestures]
    times_F = np.floor(np.cumsum(intervals) + 0.5).astype(np.int64)
    logits_FK = rng.normal(0, 1, (len(times_F), len(labels)))
    shown_F, height_F = np.full(len(times_F), -1), np.full(len(times_F), 9.0)
    now, end, count, label = int(times_F[0]) + 1500, int(times_F[-1]), 0, gestures[0]
    cuts: list[int] = []
    while now < end:
        label = label if count % 3 == 2 else int(rng.choice(gestures))
        length = thresholds.hold_ms + int(rng.integers(1200, 3000))
        during = (times_F >= now) & (times_F < now + length)
        shown_F[during], height_F[during] = label, rng.uniform(6, 14)
        if len(cuts) < len(stalls) and count in (3, 7):
            cuts.append(int(np.flatnonzero(during)[-2:][0]))
        now, count = now + length + thresholds.repeat_ms + int(rng.integers(1200, 4000)), count + 1
    last = times_F >= end - 3000 - thresholds.hold_ms
    shown_F[last], height_F[last] = label, 12.0
    for index in np.flatnonzero(shown_F < 0):
        if idle:
            shown_F[index] = idle[int(times_F[index]) // 7000 % len(idle)]
    seen_F = np.flatnonzero(shown_F >= 0)
    logits_FK[seen_F, shown_F[seen_F]] += height_F[seen_F]
    for cut, stall in zip(cuts, stalls, strict=False):
        times_F[cut:] += stall
    return Stream(name, tuple(times_F.tolist()), logits_FK.astype(np.float32))


def add_events(
    writer: GoldenWriter, thresholds: Thresholds, labels: Sequence[str], rate: float, seed: int
) -> list[dict[str, Any]]:
    """Write all sequences; the manifest's part about them.

    Raises:
        UserError: as ``gestures_of``, or these thresholds let nothing through.
    """
    made = []
    for sequence in sequences(thresholds, labels, rate, seed):
        folder, times = f"events/{sequence.name}", np.array(sequence.times_ms, np.int32)
        about = {
            "name": sequence.name,
            "times_ms": writer.add(f"{folder}/times_ms.bin", times, "F"),
            "logits": writer.add(f"{folder}/logits.bin", sequence.logits_FK, "FK"),
        }
        made.append({**about, **_detect(sequence.logits_FK, sequence.times_ms, thresholds, labels)})
    if not made[0]["events"]:
        raise UserError("these thresholds let no gesture of the golden streams through; give others with --thresholds")
    return made


def check_events(folder: GoldenFolder, thresholds: Thresholds, labels: Sequence[str]) -> int:
    """Detect all events again, and compute the exponentials; how many sequences there are.

    Raises:
        UserError: they are not those of the manifest.
    """
    for about in folder.manifest["events"]:
        logits_FK, times_F = folder.array(about["logits"]), folder.array(about["times_ms"])
        try:
            found = _detect(logits_FK, times_F.tolist(), thresholds, labels)
        except ValueError as error:
            raise UserError(f"{folder.folder / MANIFEST}: events of {about['name']}: {error}") from error
        for name, value in found.items():
            if about[name] != value:
                raise UserError(f"{folder.folder / MANIFEST}: {name} of {about['name']} are not what the code detects")
    for point in folder.manifest["exponential"]:
        if bits(exponential(from_bits(point["x_bits"]))) != point["y_bits"]:
            raise UserError(f"{folder.folder / MANIFEST}: exponential({point['x']}) is not what the code computes")
    return len(folder.manifest["events"])


def _detect(
    logits_FK: np.ndarray, times_ms: Sequence[int], thresholds: Thresholds, labels: Sequence[str]
) -> dict[str, Any]:
    """Events of all frames, those of a reset after them, and whether the detector then warns of the frame rate."""
    detector = EventDetector(thresholds, labels)
    events: list[Event] = []
    for logits_K, time_ms in zip(logits_FK.tolist(), times_ms, strict=True):
        events += detector.step(logits_K, time_ms)
    warns = detector.warning is not None
    return {
        "events": [_written(event) for event in events],
        "events_at_reset": [_written(event) for event in detector.reset()],
        "rate_warning": warns,
    }


def _written(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "label": event.label,
        "time_ms": event.time_ms,
        "confidence": event.confidence,
        "confidence_bits": bits(event.confidence),
    }


def exponential_points() -> list[dict[str, Any]]:
    """``mobile.events.detector.exponential`` at 50 points from 0 to below -64, as bits."""
    curve = [-66.0 * (i / (_POINTS - 3)) ** 3 for i in range(_POINTS - 2)]
    points = [*curve, -64.0, math.nextafter(-64.0, -100.0)]
    return [{"x": x, "x_bits": bits(x), "y": exponential(x), "y_bits": bits(exponential(x))} for x in points]
