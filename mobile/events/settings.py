"""Every threshold of the event detector, in one JSON file that ``sth fit-events`` writes."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from training.common.errors import UserError
from training.common.files import read_json, write_json

VERSION = 1
BACKGROUND = ("No gesture", "Doing other things")


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """What ``mobile.events.detector.EventDetector`` decides by; durations are whole milliseconds.

    Attributes:
        temperature: logits are divided by it before the softmax.
        tau_ms: time constant of the exponential smoothing of the scores; 0 smooths nothing.
        on: a gesture may begin while its score is at least this.
        off: and ends when its score stays below this; less than ``on``.
        hold_ms: how long a gesture must be the best one, at least at ``on``, before it begins.
        release_ms: how long its score must stay below ``off`` before it ends.
        refractory_ms: after an end, no gesture begins for so long.
        repeat_ms: after its end, the same gesture does not begin for so long.
        gap_ms: a longer time between two frames is a stall: what was before does not count on.
        background: labels that are no gestures.
        frames_per_second: least and greatest frame rate that the thresholds were fitted for.
        fitted: how the values were found; None where nobody fitted them.

    Raises:
        ValueError: a value out of its range.
    """

    temperature: float = 1.0
    tau_ms: int = 300
    on: float = 0.6
    off: float = 0.35
    hold_ms: int = 375
    release_ms: int = 375
    refractory_ms: int = 375
    repeat_ms: int = 375
    gap_ms: int = 1000
    background: tuple[str, ...] = BACKGROUND
    frames_per_second: tuple[float, float] = (3.2, 5.0)
    fitted: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_ms") and (type(value) is not int or value < 0):
                raise ValueError(f"{field.name} is {value!r}; expected whole milliseconds, 0 or more")
        if not _positive(self.temperature):
            raise ValueError(f"temperature is {self.temperature!r}; expected a number above 0")
        if not (_positive(self.off) and _positive(self.on) and self.off < self.on < 1):
            raise ValueError(f"off is {self.off!r} and on is {self.on!r}; expected 0 < off < on < 1")
        if self.gap_ms == 0:
            raise ValueError("gap_ms is 0; expected at least 1")
        if not all(isinstance(name, str) for name in self.background):
            raise ValueError(f"background is {self.background!r}; expected names of labels")
        rates = self.frames_per_second
        if len(rates) != 2 or not all(map(_positive, rates)) or rates[0] > rates[1]:
            raise ValueError(f"frames_per_second is {rates!r}; expected the least and the greatest rate")
        if self.fitted is not None and not isinstance(self.fitted, dict):
            raise ValueError(f"fitted is {self.fitted!r}; expected an object or null")

    def to_json(self) -> dict[str, Any]:
        """The file's content."""
        return {"version": VERSION, **dataclasses.asdict(self)}

    def save(self, path: Path | str) -> None:
        """Write the file atomically."""
        write_json(path, self.to_json())


def _positive(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value > 0


def thresholds_path(artefact: Path | str) -> Path:
    """The thresholds beside an artefact: ``model.tflite`` -> ``model.tflite.events.json``."""
    artefact = Path(artefact)
    return artefact.with_name(f"{artefact.name}.events.json")


def load_thresholds(path: Path | str) -> Thresholds:
    """Read what ``Thresholds.save`` wrote; every threshold must be there, and nothing else.

    Raises:
        UserError: no such file, another version, or a field that is missing, unknown or out of its range.
    """
    content = read_json(path, "file of event thresholds")
    if not isinstance(content, dict) or "version" not in content:
        raise UserError(f"{path} is no file of event thresholds; write one with sth fit-events")
    values = dict(content)
    if values.pop("version") != VERSION:
        raise UserError(f"{path} is of version {content['version']}; this program reads {VERSION}")
    names = {field.name for field in dataclasses.fields(Thresholds)}
    for name in sorted(names ^ set(values)):
        raise UserError(f"{path}: {name} is {'missing' if name in names else 'no threshold'}; fit the thresholds again")
    try:
        for name in ("background", "frames_per_second"):
            if not isinstance(values[name], list):
                raise ValueError(f"{name} is {values[name]!r}; expected a list")
            values[name] = tuple(values[name])
        return Thresholds(**values)
    except ValueError as error:
        raise UserError(f"{path}: {error}; fit the thresholds again") from error
