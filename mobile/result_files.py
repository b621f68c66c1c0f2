"""Result files: what evaluation, parity, latency and export wrote as JSON, checked when they are read.

The commands' own ``--json`` writes them; nobody types a figure. "kind" says which of the classes below a file holds.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any

import numpy as np

from mobile.events.scores import EventScores
from mobile.latency_result import Latency, LatencyRow, upgrade
from mobile.layer_results import Profile, QuantDebug
from mobile.parity.row import FAILED, NOT_RUN, PASSED, restored
from mobile.training_results import Ablation, Attention, Memory, Runtime, Stages
from training.errors import UserError
from training.files import read_json

Number = float | str | None
"""A statistic: "infinite" and None (not known) where JSON has no number."""


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Scores of one model over one split (``python -m training.evaluate``)."""

    model: str
    network: str
    runtime: str
    precision: str
    data: str
    split: str
    clips: int
    top1: float
    top5: float
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    skipped: dict[str, str]

    def __post_init__(self) -> None:
        counts = np.asarray(self.confusion)
        if counts.shape != (len(self.labels), len(self.labels)) or counts.sum() != self.clips:
            raise ValueError(f"a confusion matrix of {counts.shape} over {counts.sum()} of {self.clips} clips")
        if abs(100 * np.trace(counts) / self.clips - self.top1) > 1e-6:
            raise ValueError(f"top1 is {self.top1}; its confusion matrix says {100 * np.trace(counts) / self.clips}")


@dataclasses.dataclass(frozen=True)
class ParityRow:
    """A row of the ladder, see ``mobile.parity.row.Row``."""

    hop: int
    name: str
    status: str
    note: str
    agreement: dict[str, Number] | None
    artefact: str | None
    sha256: str | None

    def __post_init__(self) -> None:
        if self.status not in (PASSED, FAILED, NOT_RUN):
            raise ValueError(f"status is {self.status!r}; expected {PASSED!r}, {FAILED!r} or {NOT_RUN!r}")
        if self.status == NOT_RUN and not self.note:
            raise ValueError(f"row {self.name!r} was not run and does not say why")

    def number(self, key: str) -> float:
        """A statistic; NaN where there is none."""
        return restored((self.agreement or {}).get(key))


@dataclasses.dataclass(frozen=True)
class Parity:
    """A parity ladder (``python -m mobile.parity``)."""

    code_version: str
    checkpoint: str
    data: str
    rows: tuple[ParityRow, ...]


@dataclasses.dataclass(frozen=True)
class Arm64Row:
    """An int8 artefact on this machine and on an emulated arm64 CPU, over the same input tensors.

    Attributes:
        frames_sha256: of those tensors.
        differing, largest_steps: how many of ``logits`` are not equal, and the largest difference in int8 steps.
        agreement: see ``mobile.agreement``, each row of logits counted as a clip.
    """

    artefact: str
    sha256: str
    mode: str
    precision: str
    cpu: str
    machine: str
    runtime: str
    x86_runtime: str
    threads: int
    frames_sha256: str
    clips: int
    logits: int
    differing: int
    largest_steps: float
    agreement: dict[str, Number]

    def __post_init__(self) -> None:
        if self.machine != "aarch64":
            raise ValueError(f"the row of {self.cpu} was computed on {self.machine}")
        if not 0 <= self.differing <= self.logits or (self.differing == 0) != (self.largest_steps == 0):
            raise ValueError(
                f"{self.differing} of {self.logits} logits differ, the largest by {self.largest_steps} steps"
            )


@dataclasses.dataclass(frozen=True)
class Arm64:
    """Artefacts on emulated arm64 CPUs (``python -m mobile.arm64``); an emulated CPU has no times."""

    code_version: str
    checkpoint: str
    data: str
    emulator: str
    host: dict[str, Any]
    rows: tuple[Arm64Row, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrontierRow(LatencyRow):
    """A timed artefact of a network of the frontier; mode "frame" is a frame without states."""

    point: str
    size: int


@dataclasses.dataclass(frozen=True)
class FrontierNetwork:
    """A network of the frontier; what follows ``frame_multiply_adds`` (at 224) is known of a trained one only."""

    name: str
    network: str
    options: dict[str, Any]
    recipe: str | None
    parameters: int
    frame_multiply_adds: int
    top1: float | None = None
    clips: int = 0
    size: int = 0
    epochs: int = 0
    trained_on: str = ""
    scored_on: str = ""
    minutes: float = 0.0


@dataclasses.dataclass(frozen=True)
class Frontier:
    """Top-1 against the time of a frame (``python -m mobile.frontier``); ``absent`` says what has no row, and why."""

    code_version: str
    host: dict[str, Any]
    threads: int
    rounds: int
    seed: int
    networks: tuple[FrontierNetwork, ...]
    rows: tuple[FrontierRow, ...]
    absent: dict[str, str]

    def __post_init__(self) -> None:
        unknown = {row.point for row in self.rows} - {network.name for network in self.networks}
        if unknown or not self.rows:
            raise ValueError(f"{len(self.rows)} rows, of them of unknown networks: {', '.join(sorted(unknown))}")


@dataclasses.dataclass(frozen=True)
class Artefact:
    """An exporter's report; ``delegate`` is None for Core ML, which plans on the phone."""

    artefact: str
    checkpoint: str
    code_version: str
    runtime: str
    precision: str
    sha256: str
    bytes: int
    tools: dict[str, str]
    operators: dict[str, dict[str, int]]
    delegate: str | None = None
    delegate_pieces: int | None = None
    operators_outside: Any = None  # {operator: count}, or a list of names


@dataclasses.dataclass(frozen=True)
class Prediction:
    """One clip that was evaluated: a strip of its frames (JPEG, base64) and the first class by each side."""

    name: str
    label: str | None
    strip_jpeg: str
    predicted: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Some of the clips that were evaluated (``python -m mobile.demo``)."""

    data: str
    clips: tuple[Prediction, ...]


@dataclasses.dataclass(frozen=True)
class StudyRow:
    """One network of one seed: how many clips each side has right."""

    recipe: str
    seed: int
    clips: int
    right: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Study:
    """Recipes and seeds compared on one data set (``python -m mobile.study``)."""

    data: str
    rows: tuple[StudyRow, ...]


@dataclasses.dataclass(frozen=True)
class EventRow(EventScores):
    """Scores of the event detector or of a rival."""

    rule: str

    def __post_init__(self) -> None:
        said = (100 * (1 - self.distance / self.events), (self.detections - self.true_detections) / self.minutes)
        if not np.allclose(said, (self.levenshtein, self.false_per_minute)):
            raise ValueError(f"the figures of {self.rule!r} contradict its counts")


@dataclasses.dataclass(frozen=True)
class Events:
    """Gesture events over streams (``python -m mobile.score_events``)."""

    code_version: str
    artefact: str
    sha256: str
    streams: str
    fitted_on: str | None
    frames_per_second: float
    tolerance_ms: int
    rows: tuple[EventRow, ...]


@dataclasses.dataclass(frozen=True)
class StateRow:
    """A state of a stream, and top-1 of the network without it (``mobile.state_cost``)."""

    state: str
    bytes: int
    top1_without: float
    top1_without_all_up_to: float


@dataclasses.dataclass(frozen=True)
class States:
    """What each state costs and earns (``python -m mobile.state_cost``)."""

    code_version: str
    checkpoint: str
    data: str
    clips: int
    size: int
    bytes: int
    top1: float
    states: tuple[StateRow, ...]

    def __post_init__(self) -> None:
        if sum(row.bytes for row in self.states) != self.bytes:
            raise ValueError(f"bytes is {self.bytes}; the states have {sum(row.bytes for row in self.states)}")


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of a run of several: "done", "failed" or "not run" with the reason in ``note``."""

    name: str
    status: str
    seconds: float
    note: str

    def __post_init__(self) -> None:
        if self.status not in ("done", FAILED, NOT_RUN) or (self.status != "done" and not self.note):
            raise ValueError(f"step {self.name!r} is {self.status!r} with the reason {self.note!r}")


@dataclasses.dataclass(frozen=True)
class Steps:
    """The steps of ``python -m mobile.demo`` and the machine that ran them."""

    host: dict[str, Any]
    steps: tuple[Step, ...]


@dataclasses.dataclass(frozen=True)
class Stage:
    """Milliseconds of one stage, in the order in which they ran."""

    median: float
    p90: float
    samples: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class PreprocessSpeed:
    """The Android app's preprocessing beside inference (``python -m android_demo.tools.preprocess_speed``).

    Attributes:
        rounds, burst: rounds of so many frames, and then so many inferences, in a row.
        ratio: preprocessing over inference, the median of the ratios of single rounds.
    """

    code_version: str
    artefact: str
    sha256: str
    frame: str
    input: str
    runtime: str
    host: dict[str, Any]
    rounds: int
    burst: int
    seed: int
    preprocess_ms: Stage
    inference_ms: Stage
    ratio: float

    def __post_init__(self) -> None:
        ours, theirs = (
            np.median(np.reshape(stage.samples, (self.rounds, self.burst)), axis=1)
            for stage in (self.preprocess_ms, self.inference_ms)
        )
        found = float(np.median(ours / theirs))
        if abs(found - self.ratio) > 1e-6:
            raise ValueError(f"the ratio is {self.ratio}; its samples say {found}")


KINDS: dict[str, type] = {
    "accuracy": Accuracy,
    "parity": Parity,
    "arm64": Arm64,
    "latency": Latency,
    "artefact": Artefact,
    "predictions": Predictions,
    "steps": Steps,
    "study": Study,
    "events": Events,
    "states": States,
    "profile": Profile,
    "quant_debug": QuantDebug,
    "memory": Memory,
    "runtime": Runtime,
    "stages": Stages,
    "ablation": Ablation,
    "attention": Attention,
    "frontier": Frontier,
    "preprocess_speed": PreprocessSpeed,
}
Result = (
    Accuracy
    | Parity
    | Arm64
    | Latency
    | Artefact
    | Predictions
    | Steps
    | Study
    | Events
    | States
    | Profile
    | QuantDebug
    | Memory
    | Runtime
    | Stages
    | Ablation
    | Attention
    | Frontier
    | PreprocessSpeed
)


def load_result(path: Path) -> Result:
    """Read and check one result file.

    Raises:
        UserError: it is no JSON, of no known kind, or a field is missing, of a wrong type or contradicts another.
    """
    content = read_json(path, "result file")
    kind = content.get("kind") if isinstance(content, dict) else None
    if kind not in KINDS:
        raise UserError(f"{path} is no result file: its kind is {kind!r}; expected one of {', '.join(KINDS)}")
    if kind == "latency":
        content = upgrade(content)
    try:
        return _build(KINDS[kind], content, kind)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is no whole {kind} file: {error}; measure again with --json") from error


def load_results(folder: Path, pattern: str = "*.json") -> dict[str, Result]:
    """All result files directly in a folder, by the name of the file without its ending.

    Raises:
        UserError: there is no such folder, or a bad file.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; commands write result files with --json")
    return {path.stem: load_result(path) for path in sorted(folder.glob(pattern))}


def _build(cls: type, content: Any, where: str) -> Any:
    """An instance of a dataclass from JSON; keys that it does not know are left out."""
    if not isinstance(content, dict):
        raise ValueError(f"{where} is {content!r}; expected an object")
    hints, values = typing.get_type_hints(cls), {}
    for field in dataclasses.fields(cls):
        if field.name in content:
            values[field.name] = _convert(hints[field.name], content[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING:
            raise ValueError(f"{where}.{field.name} is missing")
    return cls(**values)


def _convert(hint: Any, value: Any, where: str) -> Any:
    if hint is Any:
        return value
    if isinstance(hint, types.UnionType):
        if value is None and type(None) in hint.__args__:
            return None
        options = [option for option in hint.__args__ if option is not type(None)]
        hint = next((option for option in options if option is type(value)), options[0])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, where)
    wanted = (int, float) if hint is float else hint
    if origin is not None or isinstance(value, bool) != (hint is bool) or not isinstance(value, wanted):
        raise ValueError(f"{where} is {value!r}; expected {getattr(hint, '__name__', hint)}")
    return value
