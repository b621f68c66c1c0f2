"""Export to Core ML: an ML Program for iOS 17 with int8 weights and activations. Works on Linux.

A stream has its states as inputs and outputs; with ``--stateful`` it keeps them, for which it needs iOS 18.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any, cast

if __name__ == "__main__":  # run as a script: the project's root, not this folder, is where imports start
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from converters.int8_numbers import Int8Numbers
from converters.shared import Target, export_as, parse
from mobile.bundle import Bundle
from training.common.errors import run_cli


def lower(
    bundle: Bundle, precision: str, mode: str, target: Path, *, compute: Any = None, stateful: bool = False
) -> dict[str, Any]:
    """The bundle's program as an .mlpackage; see ``converters.coreml.lowering``."""
    from converters.coreml.lowering import lower_to_mlpackage

    program = bundle.program("int8" if precision == "int8" else "float", mode, stateful=stateful)
    form = bundle.form(precision, mode, stateful=stateful)
    metadata = {"network": bundle.name, "checkpoint": Path(bundle.source).name}
    labels = list(bundle.labels)
    return lower_to_mlpackage(
        program, target, cast(Any, precision), labels=labels, metadata=metadata, compute=compute,
        inputs=form.input_names, outputs=form.output_names,
    )  # fmt: skip


def read_numbers(artefact: Path) -> Int8Numbers:
    """What an int8 artefact holds; see ``converters.coreml.inspect_mlpackage``."""
    from converters.coreml.inspect_mlpackage import read_numbers

    return read_numbers(artefact)


def target_of(compute: Any = None, *, stateful: bool = False) -> Target:
    """The way out to Core ML; ``compute`` is the type of the real numbers between int8 operators."""
    lower_as = functools.partial(lower, compute=compute, stateful=stateful)
    return Target(
        "coreml", ".mlpackage", lower_as, read_numbers, layout="TCHW", state_layout="NCTP", int8_input=False,
        int8_output=False, stateful=stateful,
    )  # fmt: skip


TARGET = target_of()
_NEURAL_ENGINE = "--neural-engine: int8 with float16 scales and biases instead of float32: faster on a phone, not exact"

_STATEFUL = "--stateful: a stream that keeps its states, in float16, instead of taking and giving them: iOS 18"


def main() -> None:
    options = [_NEURAL_ENGINE, _STATEFUL]
    arguments = parse(sys.argv[1:], script="export_coreml.py", description=__doc__ or "", options=options)
    compute = "float16" if arguments.neural_engine else None
    export_as(target_of(compute, stateful=arguments.stateful), arguments)


if __name__ == "__main__":
    run_cli(main)
