"""``contract.json``: what an app must know of an artefact, and the only place where it is written.

Axes: T frame, H row, W column, C colour, K class.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.common.files import read_json, write_json

VERSION = 2
_RESIZE_RULE = (
    "square of side floor(crop_fraction * short side) at ((height - side) // 2, (width - side) // 2); "
    "then area average if the side is above size, bilinear with half-pixel centres if it is below"
)


@dataclasses.dataclass(frozen=True)
class Quantization:
    """real = scale * (integer - zero_point)."""

    dtype: str
    scale: float
    zero_point: int

    def to_real(self, integers: np.ndarray) -> np.ndarray:
        """The real numbers, float32, that integers stand for."""
        return np.float32(self.scale) * (integers.astype(np.float32) - self.zero_point)


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """A tensor at the artefact's border; ``quantization`` where its elements are integers."""

    name: str
    shape: tuple[int, ...]
    layout: str
    dtype: str
    quantization: Quantization | None = None


@dataclasses.dataclass(frozen=True)
class StateSpec:
    """A state of a stream: an input, and the output that takes its place in the next step.

    Attributes:
        reset: the value of each of its elements before the first frame.
    """

    input: str
    output: str
    shape: tuple[int, ...]
    layout: str
    dtype: str
    reset: float
    quantization: Quantization | None = None

    @property
    def bytes(self) -> int:
        """Size of its elements."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclasses.dataclass(frozen=True)
class Contract:
    """The interface of one artefact.

    Attributes:
        runtime: litert, executorch or coreml.
        precision: int8, fp16 or fp32.
        network: what ``build_network`` calls it.
        options: and with which options, so that a rival of the same size can be built.
        mode: "clip" (T frames in, logits out) or "stream" (one frame and the states in, logits and states out).
        frames: the input's specification for people and preprocessors.
        labels: class names, index = class id.
        states: of a stream, in the order of inputs and outputs after the frames and the logits.
        stateful: the artefact keeps the states of its stream, so that there are none among inputs and outputs; a
            stream begins with new ones (Core ML: ``makeState``).
        frames_per_second: how fast frames should come to a stream; 0 in clip mode.

    A causal network gives one row of logits per frame; the decision over a clip is their mean in float32.
    """

    runtime: str
    precision: str
    network: str
    options: dict[str, Any]
    mode: str
    frames: InputSpec
    input: TensorSpec
    output: TensorSpec
    labels: tuple[str, ...]
    states: tuple[StateSpec, ...] = ()
    frames_per_second: float = 0.0
    stateful: bool = False

    @property
    def frames_per_inference(self) -> int:
        """Frames that one inference takes."""
        return 1 if self.mode == "stream" else self.frames.segments

    def to_json(self) -> dict[str, Any]:
        """The side file's content."""
        spec = self.frames
        return {
            "version": VERSION,
            "runtime": self.runtime,
            "precision": self.precision,
            "network": self.network,
            "options": self.options,
            "mode": self.mode,
            "preprocess": {
                "segments": spec.segments,
                "size": spec.size,
                "colour_order": "RGB",
                "value_range": [0, 255],
                "mean": list(spec.mean),
                "std": list(spec.std),
                "normalisation": "(value / 255 - mean) / std",
                "crop_fraction": spec.crop_fraction,
                "resize_rule": _RESIZE_RULE,
                "sampling": "frame (2 * i + 1) * frames // (2 * segments) of the clip, i = 0 ... segments - 1",
            },
            "input": dataclasses.asdict(self.input),
            "output": dataclasses.asdict(self.output),
            "labels": list(self.labels),
            "states": [dataclasses.asdict(state) for state in self.states],
            "frames_per_second": self.frames_per_second,
            "stateful": self.stateful,
        }

    def save(self, path: Path | str) -> None:
        """Write the side file atomically."""
        write_json(path, self.to_json())


def contract_path(artefact: Path | str) -> Path:
    """``model.tflite`` -> ``model.tflite.contract.json`` in the same folder.

    The suffix stays: the artefacts of three runtimes lie in one folder and differ in layout and data type.
    """
    artefact = Path(artefact)
    return artefact.with_name(f"{artefact.name}.contract.json")


def report_path(artefact: Path | str) -> Path:
    """The exporter's report beside an artefact: ``model.tflite`` -> ``model.tflite.report.json``."""
    artefact = Path(artefact)
    return artefact.with_name(f"{artefact.name}.report.json")


def is_exported(artefact: Path) -> bool:
    """Whether an artefact and its report are there."""
    return artefact.exists() and report_path(artefact).is_file()


def load_contract(artefact: Path | str) -> Contract:
    """Read the side file of an artefact.

    Raises:
        UserError: it is missing, of another version, or lacks a field.
    """
    path = contract_path(artefact)
    if not path.is_file():
        raise UserError(f"{artefact} has no contract {path.name} beside it; export it again with converters/")
    content = read_json(path, "contract")
    try:
        if content["version"] != VERSION:
            raise UserError(f"{path} is of version {content['version']}; this program reads {VERSION}")
        rule = content["preprocess"]
        spec = InputSpec(
            segments=rule["segments"], size=rule["size"], mean=tuple(rule["mean"]), std=tuple(rule["std"]),
            crop_fraction=rule["crop_fraction"],
        )  # fmt: skip
        return Contract(
            runtime=content["runtime"], precision=content["precision"], network=content["network"],
            options=content["options"], mode=content["mode"], frames=spec,
            input=_tensor(content["input"]), output=_tensor(content["output"]), labels=tuple(content["labels"]),
            states=tuple(_state(fields) for fields in content["states"]),
            frames_per_second=float(content["frames_per_second"]),
            stateful=bool(content.get("stateful", False)),  # files of before have no such field
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is no whole contract ({error!r}); export the artefact again") from error


def _state(fields: dict[str, Any]) -> StateSpec:
    quantization = Quantization(**fields["quantization"]) if fields["quantization"] else None
    return StateSpec(**{**fields, "shape": tuple(fields["shape"]), "quantization": quantization})


def _tensor(fields: dict[str, Any]) -> TensorSpec:
    quantization = fields["quantization"]
    return TensorSpec(
        name=fields["name"], shape=tuple(fields["shape"]), layout=fields["layout"], dtype=fields["dtype"],
        quantization=Quantization(**quantization) if quantization else None,
    )  # fmt: skip
