"""Export to ExecuTorch: the whole network as one XNNPACK delegate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a script: the project's root, not this folder, is where imports start
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from converters.int8_numbers import Int8Numbers
from converters.shared import Target, export_random, run
from mobile.bundle import Bundle
from training.common.errors import run_cli


def lower(bundle: Bundle, precision: str, mode: str, target: Path) -> dict[str, Any]:
    """The bundle's program as a .pte; see ``converters.xnnpack.lowering``."""
    from converters.xnnpack.lowering import lower_to_pte

    return lower_to_pte(bundle.program("int8" if precision == "int8" else "float", mode), target, precision=precision)


def read_numbers(artefact: Path) -> Int8Numbers:
    """What an int8 artefact holds; see ``converters.xnnpack.inspect_pte``."""
    from converters.xnnpack.inspect_pte import read_numbers

    return read_numbers(artefact)


TARGET = Target(
    "executorch", ".pte", lower, read_numbers, layout="THWC", state_layout="NTPC", int8_input=True, int8_output=False
)


def build_random(name: str, **options: Any) -> Path:
    """For ``mobile.latency``: a network with random weights."""
    return export_random(TARGET, name, **options)


def main() -> None:
    run(TARGET, script="export_executorch.py", description=__doc__ or "")


if __name__ == "__main__":
    run_cli(main)
