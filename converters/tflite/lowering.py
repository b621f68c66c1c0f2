"""A deploy form as a .tflite file in int8, fp16 or fp32, checked before it is written."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from mobile.deploy.exported import Form
from mobile.deploy.network import DeployNetwork
from training.common.errors import UserError, missing_extra
from training.common.files import atomic_path, sha256_of

Precision = Literal["int8", "fp16", "fp32"]
_TOOLS = ("torch", "onnx", "onnxscript", "onnxsim", "onnx2tf", "tensorflow", "tf-keras", "ai-edge-litert")


def lower_to_tflite(form: Form, precision: Precision, target: Path | str) -> dict[str, Any]:
    """Write a form of a network as a .tflite.

    Input ``frames`` is (B, S, S, 3), channels last; output ``logits`` is (rows, K); signature ``serving_default``.
    States are inputs and outputs, (1, rows, P, C): no variable, nothing that a delegate would have to keep.
    int8 takes and gives int8, with the network's own weights, scales and zero points; fp16 has float16 weights and
    float32 input and output; both float files hold the weights that the network has now.

    Returns:
        The report: tools and their versions, sha256, size, operators by type and data type, what the delegate takes.

    Raises:
        UserError: an unknown precision, a network that is not in int8 where int8 is asked for, a size that is not
            divisible by 32, a folder that cannot be written to, a missing package, or a conversion that failed or
            left a float operator in an int8 file. What was at ``target`` before is untouched then.
    """
    target = Path(target)
    _check(form.network, form.size, precision)
    found = tools()
    with atomic_path(target) as temporary:
        from converters.tflite.float_graph import float_tflite
        from converters.tflite.graph import Graph, match_layers, rename
        from converters.tflite.inspect_tflite import delegation, operators, require_int8
        from converters.tflite.int8_graph import float_layers, to_int8

        content = float_tflite(form, fp16=precision == "fp16")
        if precision == "int8":
            content = to_int8(content, form)
            require_int8(Graph(content), target.name)
        else:
            graph = Graph(content)
            rename(graph, match_layers(graph, float_layers(form.network)))
            content = graph.to_bytes()
        temporary.write_bytes(content)
        taken = delegation(temporary)
        report = {
            "runtime": "litert",
            "precision": precision,
            "tools": found,
            "sha256": sha256_of(temporary),
            "bytes": len(content),
            "operators": operators(Graph(content)),
            "delegate": taken.delegate,
            "delegate_pieces": taken.pieces,
            "operators_outside": taken.outside,
        }
    return report


def _check(network: DeployNetwork, size: int, precision: str) -> None:
    if precision not in ("int8", "fp16", "fp32"):
        raise UserError(f"precision is {precision!r}; expected int8, fp16 or fp32")
    if size <= 0 or size % 32:
        raise UserError(f"size is {size}; expected a positive multiple of 32")
    if precision == "int8" and network.input.system != "int8":
        raise UserError("the network is not quantized; convert it to int8 before an int8 artefact is made of it")


def tools() -> dict[str, str]:
    """The packages that make a .tflite and their versions. Raises UserError where one is missing."""
    versions = {}
    for tool in _TOOLS:
        try:
            versions[tool] = version(tool)
        except PackageNotFoundError as error:
            raise missing_extra(tool, "tflite") from error
    return versions
