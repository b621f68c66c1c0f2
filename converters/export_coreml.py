"""Export to Core ML: an ML Program for iOS 17 with int8 weights and activations. Works on Linux."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

if __name__ == "__main__":  # run as a script: the project's root, not this folder, is where imports start
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from converters.export import Target, run
from mobile.bundle import Bundle
from training.errors import run_cli


def lower(bundle: Bundle, precision: str, target: Path) -> dict[str, Any]:
    """The bundle's program as an .mlpackage; see ``converters.coreml_lowering``."""
    from converters.coreml_lowering import lower_to_mlpackage

    program = bundle.program("int8" if precision == "int8" else "float")
    metadata = {"network": bundle.name, "checkpoint": Path(bundle.source).name}
    return lower_to_mlpackage(program, target, cast(Any, precision), labels=list(bundle.labels), metadata=metadata)


TARGET = Target("coreml", ".mlpackage", lower, layout="TCHW", int8_input=False, int8_output=False)


def main() -> None:
    run(TARGET, script="export_coreml.py", description=__doc__ or "")


if __name__ == "__main__":
    run_cli(main)
