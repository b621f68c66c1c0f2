"""Networks to time: the usual ones with random weights, and rivals of the same size, by the converters."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mobile.bundle import SHIPPED_CAUSAL, random_stem
from mobile.commands import run_logged
from mobile.interface.contract import is_exported, load_contract
from training.common.errors import UserError
from training.engine.checkpoint import load_checkpoint
from training.engine.provenance import NETWORK_SOURCES

TARGET_OF = {"litert": ("tflite", ".tflite"), "executorch": ("executorch", ".pte")}
RIVALS = {"sth": "sth_mobilenet_v2", "tsn": "tsn_mobilenet_v2", "tsm": "tsm_mobilenet_v2"}
EXPORT_SOURCES = (*NETWORK_SOURCES, "mobile/deploy", "mobile/quantization", "mobile/latency/timing.py", "converters")
"""What decides the time of a network with random weights: how it is made, exported and timed."""
CLIP = "clip"
"""The rival of a stream that is its own network in clip mode."""


@dataclasses.dataclass(frozen=True)
class Field:
    """What is timed together.

    Attributes:
        artefacts: each once; those that were asked for come first.
        rivals: by the number of an artefact, the numbers of its rivals by their short names.
    """

    artefacts: tuple[Path, ...]
    rivals: dict[int, dict[str, int]]


def field_of(artefacts: Sequence[Path], against: Sequence[str], folder: Path) -> Field:
    """The artefacts, and for each its rivals; these are built in ``folder`` where they are not there yet.

    Raises:
        UserError: an artefact without contract, or a converter that is not installed.
    """
    paths = list(artefacts)
    numbers = {path.resolve(): number for number, path in enumerate(paths)}
    rivals: dict[int, dict[str, int]] = {}
    for number, artefact in enumerate(artefacts):
        for short in against:
            path = build_rival(short, artefact, folder)
            if path.resolve() not in numbers:
                numbers[path.resolve()] = len(paths)
                paths.append(path)
            rivals.setdefault(number, {})[short] = numbers[path.resolve()]
    return Field(tuple(paths), rivals)


def build_rival(short: str, like: Path, folder: Path) -> Path:
    """The same-size rival of an artefact, made by the same converter with random weights; kept in ``folder``.

    The rival of a stream is one frame of the other network, or, by the name ``clip``, the whole clip of its own.

    Raises:
        UserError: the converters are not installed.
    """
    contract = load_contract(like)
    own = short == CLIP
    options = {key: value for key, value in contract.options.items() if own or key == "width"}
    return build(
        contract.network if own else RIVALS[short],
        contract.runtime,
        precision=contract.precision,
        size=contract.frames.size,
        segments=contract.frames.segments if own else contract.frames_per_inference,
        classes=len(contract.labels),
        options=options,
        folder=folder,
    )


def build(
    name: str,
    runtime: str,
    *,
    precision: str,
    size: int,
    segments: int,
    classes: int,
    options: dict[str, Any],
    folder: Path,
    mode: str = "clip",
) -> Path:
    """A network with random weights as an artefact for ``runtime``; exported by ``sth export`` unless it is there.

    Raises:
        UserError: no target has this runtime, or the export failed.
    """
    if runtime not in TARGET_OF:
        raise UserError(f"there is no export to {runtime} of a network with random weights")
    word, suffix = TARGET_OF[runtime]
    named = dict(precision=precision, size=size, segments=segments, options=options, mode=mode)
    made = folder / f"{random_stem(name, **named)}{suffix}"  # type: ignore[arg-type]
    if not is_exported(made):
        print(f"building {made.name} with random weights", file=sys.stderr)
        numbers = {"size": size, "segments": segments, "classes": classes}
        words = ["export", "--random", name, "--options", json.dumps(options), "--to", word, "--precision", precision,
                 "--mode", mode, "--out", str(folder)]  # fmt: skip
        words += [text for key, value in numbers.items() for text in (f"--{key}", str(value))]
        run_logged(words, folder / "export.log")
    return made


def build_usual(mode: str, precisions: Sequence[str], size: int, folder: Path) -> list[Path]:
    """STH-MobileNetV2 of 8 frames with random weights (time does not depend on them) for LiteRT and ExecuTorch.

    A stream has the temporal blocks of the shipped causal checkpoint, at width 1.0.
    """
    options = load_checkpoint(SHIPPED_CAUSAL)["options"] if mode == "stream" else {"p": 0.25}
    options = {**options, "width": 1.0}
    return [
        build("sth_mobilenet_v2", runtime, precision=precision, size=size, segments=8, classes=27, options=options,
              folder=folder, mode=mode)
        for runtime in ("litert", "executorch") for precision in precisions
    ]  # fmt: skip
