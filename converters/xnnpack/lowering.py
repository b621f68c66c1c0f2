"""An exported deploy form as a .pte for ExecuTorch with XNNPACK: in one piece, and checked before it is written.

States are inputs and outputs: as mutable buffers they take 0.99 of the time (int8, 224 x 224, 60 rounds).
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch.export import ExportedProgram

from training.common.errors import UserError, missing_extra
from training.common.files import atomic_path, sha256_of

PRECISIONS = ("int8", "fp16", "fp32")
DTYPES = {"int8": "int8", "fp16": "float16", "fp32": "float32"}
_TOOLS = ("torch", "executorch", "torchao")


def lower_to_pte(program: ExportedProgram, target: Path | str, precision: str = "int8") -> dict[str, Any]:
    """Write ``program`` (``mobile.quantization.quantized_program.export_program`` of one clip) as a .pte.

    The artefact takes a clip (T, S, S, 3), channels last, which spares a transpose: int8 (pixel - 128) in int8, else
    normalised float32. It gives float32 logits (1, K). int8 keeps the program's weights, scales and zero points;
    fp16 computes in float16 throughout.

    Args:
        program: the quantized program for "int8", the float one for "fp16" and "fp32".

    Returns:
        The report: tools and their versions, sha256, size, operators by type and data type, the delegate's pieces.

    Raises:
        UserError: an unknown precision, a program of another precision, an operator that XNNPACK does not take or
            takes in another data type (the message names operator and layer), a folder that cannot be written to, or
            executorch is not installed. What was at ``target`` before is untouched then.
    """
    if precision not in PRECISIONS:
        raise UserError(f"precision is {precision!r}; expected one of {', '.join(PRECISIONS)}")
    _check_system(program, precision)
    target = Path(target)
    with atomic_path(target) as temporary, _quiet():
        content, layers = _lower(program, precision)
        temporary.write_bytes(content)
        from converters.xnnpack.inspect_pte import read_pte

        written = read_pte(temporary)
        _check_written(written, precision, target.name, layers)
        return {
            "runtime": "executorch",
            "precision": precision,
            "tools": {tool: version(tool) for tool in _TOOLS},
            "sha256": sha256_of(temporary),
            "bytes": len(content),
            "operators": written.operators(),
            "delegate": "XNNPACK",
            "delegate_pieces": len(written.pieces),
            "operators_outside": written.outside,
        }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """ExecuTorch and torchao warn of things that nobody can change here."""
    logger = logging.getLogger("torch.utils._pytree")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _check_system(program: ExportedProgram, precision: str) -> None:
    targets = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    quantized = any("quantize_per_tensor" in target for target in targets)
    if quantized != (precision == "int8"):
        had, needed = ("a quantized", "the float") if quantized else ("a float", "the quantized")
        raise UserError(f"{precision} cannot be made of {had} program; pass {needed} one")


def _lower(program: ExportedProgram, precision: str) -> tuple[bytes, dict[int, str]]:
    """The .pte's content, and the layer of each debug handle."""
    try:
        from executorch.exir import ExecutorchBackendConfig, to_edge_transform_and_lower
    except ImportError as error:
        raise missing_extra("executorch", "executorch") from error
    try:
        from converters.xnnpack.border import border_planning
        from converters.xnnpack.passes import rewrite
        from converters.xnnpack.views import OnePiecePartitioner
    except (ImportError, AttributeError) as error:
        had = version("executorch")
        raise UserError(
            f"the converter is made for executorch 1.5.1, not {had} ({error}); pip install -e '.[executorch]'"
        ) from error
    rewritten = rewrite(program, precision)
    try:
        edge = to_edge_transform_and_lower(rewritten, partitioner=[OnePiecePartitioner()])
        layers = _check_one_piece(edge.exported_program())
        config = ExecutorchBackendConfig(memory_planning_pass=border_planning())
        return bytes(edge.to_executorch(config).buffer), layers
    except Exception as error:  # ExecuTorch's passes raise whatever they like
        raise _user_error(error) from error


def _user_error(error: BaseException) -> UserError:
    """What a converter raised inside of ExecuTorch, or ExecuTorch's own words."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError):
            return cause
        cause = cause.__cause__ or cause.__context__
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return UserError(f"ExecuTorch {version('executorch')} cannot lower this program: {reason}")


def _check_one_piece(edge: ExportedProgram) -> dict[int, str]:
    from converters.xnnpack.views import layer_of

    pieces: list[Any] = []
    for node in edge.graph.nodes:
        name = getattr(node.target, "__name__", str(node.target))
        if node.op == "get_attr":
            pieces.append(getattr(edge.graph_module, node.target))
        elif node.op == "call_function" and name not in ("executorch_call_delegate", "getitem"):
            raise UserError(
                f"XNNPACK does not take {name} of {layer_of(node)}, so it would run outside of the delegate"
            )
    if len(pieces) != 1:
        raise UserError(f"XNNPACK takes this network in {len(pieces)} pieces, not in one")
    inside = pieces[0].original_module.graph.nodes
    return {node.meta["debug_handle"]: layer_of(node) for node in inside if "debug_handle" in node.meta}


def _check_written(written: Any, precision: str, name: str, layers: dict[int, str]) -> None:
    """What the file itself says: one delegate, nothing outside, every operator in the data type asked for."""
    if len(written.pieces) != 1 or written.outside or written.other_delegates:
        outside = ", ".join([*written.outside, *written.other_delegates]) or "nothing"
        raise UserError(f"{name} has {len(written.pieces)} pieces of XNNPACK and {outside} outside of them")
    expected = DTYPES[precision]
    for operator in written.pieces[0].operators():
        if operator.kind == "Convert" or operator.dtype == expected:
            continue
        what = f"{operator.kind} of {layers.get(operator.handle, 'an unnamed layer')}"
        raise UserError(f"{name} is no {precision} artefact: {what} computes in {operator.dtype}")
