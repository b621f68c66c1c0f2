"""Reading a result file: which kind it is, and whether it is whole."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any

from mobile.schemas.accuracy import Accuracy, Predictions, Study
from mobile.schemas.artefact import Artefact, Steps
from mobile.schemas.latency import Latency, upgrade
from mobile.schemas.layers import Profile, QuantDebug
from mobile.schemas.parity import Arm64, Parity
from mobile.schemas.speed import Frontier, PreprocessSpeed
from mobile.schemas.streams import Events, States
from mobile.schemas.training import Ablation, Attention, Memory, Runtime, Stages
from training.common.errors import UserError
from training.common.files import read_json

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
