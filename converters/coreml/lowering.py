"""An exported program as an .mlpackage (ML Program, iOS 17) in int8, fp16 or fp32, checked before it is in place.

A program that changes its buffers becomes one that keeps states, which Core ML has since iOS 18 and in float16 only.
Of an int8 stream they hold values of the int8 grid, scale * (q - zero point). float16 moves such a value by less than
an eighth of a step, and the quantize that follows in the next step rounds it to the same q: nothing is lost, which
``converters.coreml.inspect_mlpackage.require_int8`` checks for all 256 values of each state.

An int8 package is typed float32 between dequantize and quantize, which keeps scales and biases exactly those of the
quantized program. The Neural Engine computes in float16 and in int8, never in float32: for it, ``compute="float16"``
keeps the int8 weights as they are and rounds scales and biases to float16, which moves some values by a quantization
step or two (of 216 rendered clips, two changed their first class).
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import math
import re
import uuid
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch.export import ExportedProgram

from converters.coreml.graph import layer_of, op_of, prepare
from converters.coreml.inspect_mlpackage import operators, require_int8, weight_bytes
from mobile.runtimes.coremltools_import import load_coremltools, quiet
from mobile.runtimes.mil_program import read_mil_program
from training.common.errors import UserError
from training.common.files import atomic_path, sha256_of, size_of

Precision = Literal["int8", "fp16", "fp32"]
Compute = Literal["float16", "float32"]
_TOOLS = ("torch", "coremltools")
_HALF = 2  # bytes of a float16
_COMPUTE: dict[str, Compute] = {"int8": "float32", "fp16": "float16", "fp32": "float32"}
# Of coremltools' ninety passes those that our graphs need. Left out on purpose:
# distributive_quantized_binary_op_scale_normalization, which divides the scales around an addition by each other.
_PASSES = [
    "common::update_output_dtypes",
    "common::noop_elimination",
    "common::int_op_canonicalization",
    "common::nullify_redundant_quantization_zero_point",
    "common::dequantize_quantize_pair_elimination",
    "common::dequantize_to_constexpr",
    "common::const_elimination",
    "common::sanitize_input_output_names",
    "common::const_deduplication",
    "common::noop_elimination",
    "common::merge_consecutive_reshapes",
    "common::merge_consecutive_transposes",
    "common::remove_redundant_ops",
    "common::dedup_op_and_var_names",
    "common::add_fp16_cast",  # coremltools drops it for float32
    "common::update_output_dtypes",
    "common::const_elimination",
    "common::cast_optimization",
    "common::const_deduplication",
    "common::topological_reorder",
    "common::dead_code_elimination",
]
# How coremltools names the node that it stopped at, in its log or in the error itself.
_FAILED_NODE = re.compile(r"converting '[^']*' op \(located at: '(\w+)'\)|Unsupported fx node (\w+)")
_CONVERSION_DATE = "com.github.apple.coremltools.conversion_date"


def lower_to_mlpackage(
    program: ExportedProgram,
    target: Path | str,
    precision: Precision,
    *,
    labels: list[str] | tuple[str, ...],
    metadata: dict[str, str],
    compute: Compute | None = None,
    inputs: Sequence[str] = ("frames",),
    outputs: Sequence[str] = ("logits",),
) -> dict[str, Any]:
    """Write an exported program as an .mlpackage; the same program gives the same bytes.

    Input ``frames`` is (B, 3, S, S) float32, output ``logits`` (rows, K) float32; states are inputs and outputs,
    (1, C, rows, P) float32, or kept inside in float16 where the program has them as buffers.

    Args:
        program: the quantized program for int8, the float program for fp16 and fp32.
        labels: class names, kept in the package's metadata as JSON.
        metadata: more strings for the package's metadata.
        compute: the type of the real numbers; by default float16 for fp16 and float32 for the others.
        inputs, outputs: their names, in the program's order.

    Returns:
        The report: tools and their versions, sha256, size, operations by type and data type, bytes of the weights
        and of the states that are kept.

    Raises:
        UserError: an unknown precision, fp32 with states kept inside, a name without .mlpackage, a folder that cannot
            be written to, coremltools missing, a conversion that failed (the message names op and layer), or one that
            left a float operation in an int8 package. What was at ``target`` before is untouched then.
    """
    _check(program, Path(target), precision)
    prepared = prepare(program)
    if _keeps_states(prepared) and precision == "fp32":
        raise UserError("Core ML keeps states in float16 only: export int8 or fp16, or fp32 without --stateful")
    compute = compute or _COMPUTE[precision]
    with atomic_path(target) as temporary:
        model = _convert(prepared, compute, inputs, outputs)
        _describe(model, labels, {"precision": precision, **metadata})
        _save(model, temporary)
        lowered = read_mil_program(temporary)
        if precision == "int8":
            require_int8(lowered)
        report = {
            "runtime": "coreml",
            "precision": precision,
            "compute": compute,
            "opset": lowered.opset,
            "tools": {tool: version(tool) for tool in _TOOLS},
            "sha256": sha256_of(temporary),
            "bytes": size_of(temporary),
            "weight_bytes": weight_bytes(lowered),
            "operators": operators(lowered),
        }
        if lowered.states:
            report["state_bytes"] = sum(_HALF * math.prod(state.shape) for state in lowered.states)
    return report


def _check(program: ExportedProgram, target: Path, precision: str) -> None:
    """Refuse what cannot become a package of this precision. Raises UserError."""
    if precision not in _COMPUTE:
        raise UserError(f"precision is {precision!r}; expected one of {', '.join(_COMPUTE)}")
    if target.suffix != ".mlpackage":
        raise UserError(f"{target} is no name for a Core ML package; expected one that ends in .mlpackage")
    quantized = any("quantized_decomposed" in str(node.target) for node in program.graph.nodes)
    if quantized != (precision == "int8"):
        raise UserError(f"precision is {precision}, but the program is {'' if quantized else 'not '}quantized")


def _keeps_states(prepared: ExportedProgram) -> bool:
    return bool(prepared.graph_signature.buffers_to_mutate)


def _convert(prepared: ExportedProgram, compute: Compute, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    ct = load_coremltools()
    shapes = {node.name: tuple(node.meta["val"].shape) for node in prepared.graph.nodes if node.op == "placeholder"}
    entries = zip(inputs, prepared.graph_signature.user_inputs, strict=True)
    with _collected_errors() as errors:
        try:
            return ct.convert(
                prepared,
                convert_to="mlprogram",
                minimum_deployment_target=ct.target.iOS18 if _keeps_states(prepared) else ct.target.iOS17,
                inputs=[ct.TensorType(name=name, shape=shapes[node], dtype=np.float32) for name, node in entries],
                outputs=[ct.TensorType(name=name, dtype=np.float32) for name in outputs],
                compute_precision=ct.precision.FLOAT16 if compute == "float16" else ct.precision.FLOAT32,
                pass_pipeline=ct.PassPipeline(list(_PASSES), "sth"),
                skip_model_load=True,
            )
        except Exception as error:  # coremltools raises whatever its op converters and graph passes raise
            raise UserError(_failure(prepared, error, errors)) from error


def _failure(program: ExportedProgram, error: Exception, logged: list[str]) -> str:
    """The op and the layer where a conversion stopped, and why."""
    reason = " ".join(str(error).split()) or type(error).__name__
    found = _FAILED_NODE.search(" ".join([*logged, str(error)]))
    name = next(filter(None, found.groups())) if found else ""
    for node in program.graph.nodes:
        if node.name == name:
            layer = layer_of(node) or "the network itself"
            return f"coremltools cannot convert {op_of(node)} in layer {layer} ({name}): {reason}"
    return f"coremltools cannot convert the program: {reason}"


@contextlib.contextmanager
def _collected_errors() -> Iterator[list[str]]:
    """Everything quiet inside the block; what coremltools logs as an error comes into the list."""
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("coremltools")
    logger.addHandler(handler)
    try:
        # progress bars go to standard error, and know no switch
        with quiet(), contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield errors
    finally:
        logger.removeHandler(handler)


def _describe(model: Any, labels: list[str] | tuple[str, ...], metadata: dict[str, str]) -> None:
    user = model.user_defined_metadata
    if _CONVERSION_DATE in user:
        del user[_CONVERSION_DATE]
    for key, value in metadata.items():
        user[key] = value
    user["labels"] = json.dumps(list(labels), ensure_ascii=False)
    model.short_description = metadata.get("description", "Recognises gestures and actions in short clips")
    model.input_description["frames"] = "RGB frames (T, 3, S, S) of one clip, (value - 128) / 128"
    model.output_description["logits"] = "one score per class, (1, K)"


def _save(model: Any, path: Path) -> None:
    """Write the package so that its bytes depend on the model alone: no random ids, no order of hashing."""
    ct = load_coremltools()
    spec = model.get_spec()
    ct.utils.save_spec(spec, str(path), weights_dir=model.weights_dir)
    root = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    root.write_bytes(spec.SerializeToString(deterministic=True))
    manifest = json.loads((path / "Manifest.json").read_text())
    entries = manifest["itemInfoEntries"]
    ids = {old: str(uuid.uuid5(uuid.NAMESPACE_URL, item["path"])).upper() for old, item in entries.items()}
    manifest["itemInfoEntries"] = {ids[old]: entries[old] for old in sorted(entries, key=ids.__getitem__)}
    manifest["rootModelIdentifier"] = ids[manifest["rootModelIdentifier"]]
    (path / "Manifest.json").write_text(json.dumps(manifest, indent=4, sort_keys=True) + "\n")
    for item in path.rglob("*"):  # coremltools leaves them readable for their owner only
        item.chmod(0o755 if item.is_dir() else 0o644)
