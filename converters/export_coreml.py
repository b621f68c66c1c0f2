"""Export to Core ML: an ML Program for iOS 17 with int8 weights and activations. Works on Linux."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any, cast

if __name__ == "__main__":  # run as a script: the project's root, not this folder, is where imports start
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from converters.export import Target, export_as, parse
from mobile.bundle import Bundle
from training.errors import run_cli


def lower(bundle: Bundle, precision: str, mode: str, target: Path, *, compute: Any = None) -> dict[str, Any]:
    """The bundle's program as an .mlpackage; see ``converters.coreml_lowering``."""
    from converters.coreml_lowering import lower_to_mlpackage

    program, form = bundle.program("int8" if precision == "int8" else "float", mode), bundle.form(precision, mode)
    metadata = {"network": bundle.name, "checkpoint": Path(bundle.source).name}
    labels = list(bundle.labels)
    return lower_to_mlpackage(
        program, target, cast(Any, precision), labels=labels, metadata=metadata, compute=compute,
        inputs=form.input_names, outputs=form.output_names,
    )  # fmt: skip


def target_of(compute: Any = None) -> Target:
    """The way out to Core ML; ``compute`` is the type of the real numbers between int8 operators."""
    lower_as = functools.partial(lower, compute=compute)
    layouts = {"layout": "TCHW", "state_layout": "NCTP"}
    return Target("coreml", ".mlpackage", lower_as, **layouts, int8_input=False, int8_output=False)


TARGET = target_of()
_NEURAL_ENGINE = "--neural-engine: int8 with float16 scales and biases instead of float32: faster on a phone, not exact"


def main() -> None:
    options = [_NEURAL_ENGINE]
    arguments = parse(sys.argv[1:], script="export_coreml.py", description=__doc__ or "", options=options)
    export_as(target_of("float16" if arguments.neural_engine else None), arguments)


if __name__ == "__main__":
    run_cli(main)
