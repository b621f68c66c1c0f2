"""Rewrites an exported deploy form before ExecuTorch sees it, so that XNNPACK takes it in one piece.

The function stays the same; what changes is how it is said: views of channels-last memory as one operator, a clip
that enters channels last, zero frames as padding, and in int8 a quantize and a dequantize around every operator that
only moves values, since XNNPACK computes in int8 what stands between the two.

Axes: T frame, H row, W column, C channel.
"""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
from torch.ao.quantization.fx import _decomposed  # noqa: F401  (registers torch.ops.quantized_decomposed)
from torch.export import ExportedProgram
from torch.fx import Graph, Node

from converters.xnnpack.views import CONVERT, ENTRY, LAST_ROWS, VIEW, layer_of
from training.common.errors import UserError

_aten = torch.ops.aten
QUANTIZE = torch.ops.quantized_decomposed.quantize_per_tensor.default
DEQUANTIZE = torch.ops.quantized_decomposed.dequantize_per_tensor.default
_DEQUANTIZE_WEIGHT = torch.ops.quantized_decomposed.dequantize_per_channel.default
_MOVES = (_aten.slice.Tensor, _aten.cat.default, _aten.pad.default, VIEW)
_RESHAPES = (_aten.reshape.default, _aten.view.default, _aten.flatten.using_ints)
_ACTIVATIONS = (_aten.relu6.default, _aten.hardtanh.default, _aten.relu.default)
_KNOWN = (
    *_MOVES,
    *_RESHAPES,
    *_ACTIVATIONS,
    _aten.conv2d.default,
    _aten.add.Tensor,
    _aten.max_pool2d.default,
    _aten.mean.dim,
    LAST_ROWS,
)
_BORDER = (QUANTIZE, DEQUANTIZE, _DEQUANTIZE_WEIGHT, ENTRY, CONVERT)


def rewrite(program: ExportedProgram, precision: str) -> ExportedProgram:
    """A copy of ``program`` (frames (B, C, H, W) and states in; logits and states out) as XNNPACK wants it.

    The copy's frames are (B, H, W, C) and its states (1, rows, P, C): int8 in "int8", else float32. Its logits are
    float32. Its new states are (1, C, rows, P) in channels-last memory, which is the same.

    Raises:
        UserError: an operator that XNNPACK would not take, or not in int8; the message names it and its layer.
    """
    program = copy.deepcopy(program)
    graph = program.graph
    _fold_views(graph)
    _drop_whole_splits(graph)
    _pad_instead_of_zero_frames(graph)
    if precision == "int8":
        _quantize_moves(graph)
    elif precision == "fp16":
        _to_half(program)
    _enter_channels_last(program, precision)
    _leave(program, precision)
    _dequantize_for_each_user(graph)
    graph.eliminate_dead_code()
    _check(graph, quantized=precision == "int8")
    graph.lint()
    program.graph_module.recompile()
    return program


def _calls(graph: Graph, *targets: object) -> list[Node]:
    return [node for node in graph.nodes if node.op == "call_function" and node.target in targets]


def _source(node: Node) -> Any:
    """The node that ``node`` takes first."""
    return node.args[0]


def _is_permute(node: Any, order: list[int]) -> bool:
    return node.target is _aten.permute.default and list(node.args[1]) == order


def _insert(graph: Graph, target: Any, args: tuple, value: torch.Tensor, like: Node) -> Node:
    """A new call with the metadata of ``like`` and the (fake) result ``value``."""
    node = graph.call_function(target, args)
    node.meta = {key: like.meta[key] for key in ("nn_module_stack", "stack_trace") if key in like.meta}
    node.meta["val"] = value
    return node


def _fold_views(graph: Graph) -> None:
    """permute to channels last, reshape, permute back -> one view."""
    for node in _calls(graph, _aten.permute.default):
        reshape = _source(node)
        if not _is_permute(node, [0, 3, 1, 2]) or reshape.target not in _RESHAPES:
            continue
        if not _is_permute(_source(reshape), [0, 2, 3, 1]):
            continue
        source, value = _source(_source(reshape)), node.meta["val"]
        with graph.inserting_before(node):
            view = _insert(graph, VIEW, (source, list(value.shape)), value.contiguous(), node)
        node.replace_all_uses_with(view)
    graph.eliminate_dead_code()


def _drop_whole_splits(graph: Graph) -> None:
    """A split into one part is its input (a batch of one clip)."""
    for split in _calls(graph, _aten.split.Tensor, _aten.split_with_sizes.default):
        if len(split.meta["val"]) == 1:
            for item in list(split.users):
                item.replace_all_uses_with(_source(split))
    graph.eliminate_dead_code()


def _pad_instead_of_zero_frames(graph: Graph) -> None:
    """cat of zeros and frames along T -> padding, which needs no tensor of zeros."""
    for cat in _calls(graph, _aten.cat.default):
        parts: list[Node] = list(cast(Any, cat.args[0]))
        zeros = [part for part in parts if part.target is _aten.zeros_like.default]
        if cat.args[1:] not in ((), (0,)) or len(parts) != 2 or len(zeros) != 1:
            continue
        frames = next(part for part in parts if part is not zeros[0])
        count = zeros[0].meta["val"].shape[0]
        amount = [0] * 6 + ([count, 0] if parts[0] is zeros[0] else [0, count])
        with graph.inserting_before(cat):
            pad = _insert(graph, _aten.pad.default, (frames, amount), cat.meta["val"], cat)
        cat.replace_all_uses_with(pad)
    graph.eliminate_dead_code()


def _quantize_moves(graph: Graph) -> None:
    """Quantize and dequantize after each operator that moves values of one scale and is not quantized yet."""
    for node in _calls(graph, *_MOVES):
        sources = node.all_input_nodes
        grid = sources[0].args[1:]
        if any(source.target is not DEQUANTIZE or source.args[1:] != grid for source in sources):
            continue
        if all(user.target is QUANTIZE for user in node.users):
            continue
        value = node.meta["val"]
        with graph.inserting_after(node):
            quantized = _insert(graph, QUANTIZE, (node, *grid), value.to(torch.int8), node)
        with graph.inserting_after(quantized):
            back = _insert(graph, DEQUANTIZE, (quantized, *grid), value, node)
        node.replace_all_uses_with(back)
        quantized.args = (node, *grid)


def _to_half(program: ExportedProgram) -> None:
    """Weights and every value of a float program in float16, in place; the border follows."""
    for tensors in (program.state_dict, program.constants):
        for name, tensor in tensors.items():
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                half = tensor.detach().half()
                tensors[name] = torch.nn.Parameter(half, False) if isinstance(tensor, torch.nn.Parameter) else half
    for node in program.graph.nodes:
        if isinstance(node.meta.get("val"), torch.Tensor) and node.meta["val"].is_floating_point():
            node.meta["val"] = node.meta["val"].half()


def _enter_channels_last(program: ExportedProgram, precision: str) -> None:
    """Let frames enter as (B, H, W, C) and states as (1, rows, P, C), in int8 or float32."""
    graph: Any = program.graph
    names = program.graph_signature.user_inputs
    entries = [next(node for node in graph.nodes if node.name == name) for name in names]
    for entry in entries:
        (consumer,) = entry.users
        entry.meta["val"] = entry.meta["val"].permute(0, 2, 3, 1).contiguous()
        with graph.inserting_before(consumer):
            here = _entered(graph, entry, consumer, precision)
        consumer.replace_input_with(entry, here)
    examples = (torch.zeros(entry.meta["val"].shape, dtype=entry.meta["val"].dtype) for entry in entries)
    program._example_inputs = (tuple(examples), {})


def _entered(graph: Graph, entry: Node, consumer: Node, precision: str) -> Node:
    """The input in the network's number system, (N, C, H, W) by name and channels-last in memory."""
    here = entry
    real = entry.meta["val"].float()
    if precision == "int8":
        entry.meta["val"] = real.to(torch.int8)
        here = _insert(graph, DEQUANTIZE, (here, *consumer.args[1:]), real, consumer)
    else:
        entry.meta["val"] = real
    here = _insert(graph, ENTRY, (here,), real.permute(0, 3, 1, 2).contiguous(), consumer)
    if precision == "fp16":
        here = _insert(graph, CONVERT, (here, torch.float16), here.meta["val"].half(), consumer)
    return here


def _leave(program: ExportedProgram, precision: str) -> None:
    """Let logits leave in float32, and states as they entered.

    A state is a slice of rows; as one operator of our own it leaves in channels-last memory, where ExecuTorch would
    put a transpose to channels-first before the output.
    """
    graph, signature = program.graph, program.graph_signature
    output = graph.output_node()
    results: list[Node] = list(cast(Any, output.args[0]))
    left = []
    for number, result in enumerate(results):
        with graph.inserting_before(output):
            here = result if number == 0 else _last_rows(graph, result)
            if precision == "fp16":
                here = _insert(graph, CONVERT, (here, torch.float32), here.meta["val"].float(), result)
        if here is not result:
            signature.replace_all_uses(result.name, here.name)
        left.append(here)
    output.args = (tuple(left),)


def _last_rows(graph: Graph, result: Node) -> Node:
    """The slice that makes a new state as LAST_ROWS; in int8 without the dequantize that follows it."""
    quantized = result.target is DEQUANTIZE
    rows = _source(_source(result)) if quantized else result
    if rows.target is not _aten.slice.Tensor or rows.args[1] != 2:
        raise UserError(f"{rows.target} of {layer_of(rows)} makes a state; expected a slice of rows")
    value = rows.meta["val"].contiguous(memory_format=torch.channels_last)
    last = _insert(graph, LAST_ROWS, (_source(rows), rows.args[2]), value, rows)
    return _insert(graph, QUANTIZE, (last, *result.args[1:]), value.to(torch.int8), result) if quantized else last


def _dequantize_for_each_user(graph: Graph) -> None:
    """XNNPACK's partitioner reads ``dequantize, operator, quantize`` as one and wants no dequantize shared."""
    for node in _calls(graph, DEQUANTIZE):
        for user in list(node.users)[1:]:
            with graph.inserting_before(user):
                twin = _insert(graph, DEQUANTIZE, node.args, node.meta["val"], user)
            user.replace_input_with(node, twin)


def _check(graph: Graph, *, quantized: bool) -> None:
    for node in graph.nodes:
        if node.op != "call_function" or node.target in _BORDER:
            continue
        if node.target not in _KNOWN:
            raise UserError(
                f"{node.target} of {layer_of(node)} is no operator that the ExecuTorch converter takes; "
                "express the layer with convolution, sum, concat, slice, padding, max-pool or mean"
            )
        if quantized and not _is_quantized(node):
            raise UserError(
                f"{node.target} of {layer_of(node)} would compute in float in an int8 artefact: "
                "its input or output has no scale"
            )


def _is_quantized(node: Node) -> bool:
    if node.target in _ACTIVATIONS:
        return _source(node).target is _aten.conv2d.default
    sources = [source for source in node.all_input_nodes if source.op != "placeholder"]  # a bias is a placeholder
    users: list[Node] = []
    for user in node.users:
        users += user.users if user.target in _ACTIVATIONS else [user]
    return (
        bool(sources)
        and all(source.target in (DEQUANTIZE, _DEQUANTIZE_WEIGHT) for source in sources)
        and all(user.target is QUANTIZE for user in users)
    )
