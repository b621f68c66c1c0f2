"""Export to TFLite for LiteRT, through onnx2tf and TensorFlow; int8 in every op, with QAT's own weights and scales."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a script: the project's root, not this folder, is where imports start
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from converters.export import Target, export_random, run
from mobile.bundle import Bundle
from training.errors import run_cli


def lower(bundle: Bundle, precision: str, mode: str, target: Path) -> dict[str, Any]:
    """The bundle's network as a .tflite; see ``converters.tflite_lowering``."""
    from converters.tflite_lowering import lower_to_tflite

    return lower_to_tflite(bundle.form(precision, mode), precision, target)  # type: ignore[arg-type]


TARGET = Target("litert", ".tflite", lower, layout="THWC", state_layout="NTPC", int8_input=True, int8_output=True)


def build_random(name: str, **options: Any) -> Path:
    """For ``mobile.latency``: a network with random weights."""
    return export_random(TARGET, name, **options)


def main() -> None:
    run(TARGET, script="export_tflite.py", description=__doc__ or "")


if __name__ == "__main__":
    run_cli(main)
