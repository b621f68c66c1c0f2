"""Export to TFLite for LiteRT, through onnx2tf and TensorFlow; int8 in every op, with QAT's own weights and scales."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a script: the project's root, not this folder, is where imports start
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from converters.int8_numbers import Int8Numbers
from converters.shared import Target, export_random, run
from mobile.bundle import Bundle, random_stem
from mobile.interface.contract import is_exported
from training.common.errors import run_cli


def lower(bundle: Bundle, precision: str, mode: str, target: Path) -> dict[str, Any]:
    """The bundle's network as a .tflite; see ``converters.tflite.lowering``."""
    from converters.tflite.lowering import lower_to_tflite

    return lower_to_tflite(bundle.form(precision, mode), precision, target)  # type: ignore[arg-type]


def read_numbers(artefact: Path) -> Int8Numbers:
    """What an int8 artefact holds; see ``converters.tflite.inspect_tflite``."""
    from converters.tflite.inspect_tflite import read_numbers

    return read_numbers(artefact)


TARGET = Target(
    "litert", ".tflite", lower, read_numbers, layout="THWC", state_layout="NTPC", int8_input=True, int8_output=True
)


def build_random(name: str, **options: Any) -> Path:
    """For ``mobile.latency``: a network with random weights; MoViNet-A0, which has no bundle, has a way of its own."""
    if name != "movinet_a0":
        return export_random(TARGET, name, **options)
    from converters.movinet.lowering import export_movinet

    named = {key: value for key, value in options.items() if key not in ("classes", "folder")}
    stem = random_stem(name, **named)
    made = options["folder"] / f"{stem}.tflite"
    if is_exported(made):
        return Path(made)
    print(f"building {made.name} with random weights", file=sys.stderr)
    return export_movinet(**{"mode": "clip", **options}, stem=stem)


def main() -> None:
    run(TARGET, script="export_tflite.py", description=__doc__ or "")


if __name__ == "__main__":
    run_cli(main)
