"""The exported program as Core ML gets it: nodes named after their layers, transposes for channels-first memory.

Axes: T frame, C channel, H row, W column, P = H * W.
"""

from __future__ import annotations

import torch
from torch.export import ExportedProgram
from torch.fx import Graph, Node

_PERMUTE = torch.ops.aten.permute.default
_RESHAPES = (torch.ops.aten.view.default, torch.ops.aten.reshape.default)
_TO_CHANNELS_LAST, _TO_CHANNELS_FIRST, _EXCHANGE = [0, 2, 3, 1], [0, 3, 1, 2], [0, 2, 1, 3]


def prepare(program: ExportedProgram) -> ExportedProgram:
    """A copy of ``program`` in the dialect that coremltools reads, ready to be converted; the same function."""
    program = program.run_decompositions({})
    graph = program.graph_module.graph
    merge_transposes(graph)
    name_after_layers(graph)
    return program


def layer_of(node: Node) -> str:
    """Name of the module that a node belongs to ("blocks.1.spatial"), empty at the top of the network."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    return stack[-1][0].removeprefix("L['self'].") if stack else ""


def op_of(node: Node) -> str:
    """Name of the op that a node calls ("conv2d")."""
    return str(getattr(getattr(node.target, "overloadpacket", node.target), "__name__", node.target))


def name_after_layers(graph: Graph) -> None:
    """Call each node ``<layer>_<op>``, since these become the names of the ML Program's operations."""
    results = {node for node in graph.nodes if node.op == "output" for node in node.all_input_nodes}
    for node in graph.nodes:
        if node.op == "call_function" and node not in results:  # the signature knows results by their names
            node._rename("_".join(filter(None, [*layer_of(node).split("."), op_of(node)])))


def merge_transposes(graph: Graph) -> None:
    """Turn permute-reshape-permute between frames and rows into one reshape and one permute.

    The deploy form goes through (T, H, W, C), where a clip becomes (1, C, T, P) without moving anything if memory is
    channels-last. Core ML's is channels-first: there (T, C, H, W) -> (1, T, C, P) is the reshape that moves nothing,
    and exchanging T and C is all that is left to do.
    """
    for last in list(graph.nodes):
        middle = _source(last) if _is_permute(last, _TO_CHANNELS_FIRST) else None
        first = _source(middle) if middle is not None and middle.target in _RESHAPES else None
        source = _source(first) if first is not None and _is_permute(first, _TO_CHANNELS_LAST) else None
        if middle is None or first is None or source is None:
            continue
        before, after = _shape(source), _shape(last)
        with graph.inserting_before(last):
            if after[0] == 1 and after[1:3] == [before[1], before[0]]:  # (T, C, H, W) -> (1, C, T, P)
                rows = _like(graph, middle, source, [1, before[0], before[1], after[3]])
                merged = _like(graph, last, rows, _EXCHANGE)
            elif before[0] == 1 and after[:2] == [before[2], before[1]]:  # (1, C, T, P) -> (T, C, H, W)
                rows = _like(graph, first, source, _EXCHANGE)
                merged = _like(graph, middle, rows, after)
            else:
                continue
        last.replace_all_uses_with(merged)
        for node in (last, middle, first):
            if not node.users:
                graph.erase_node(node)


def _is_permute(node: Node, dims: list[int]) -> bool:
    return bool(node.target == _PERMUTE and node.args[1] == dims)


def _source(node: Node) -> Node | None:
    return node.args[0] if node.args and isinstance(node.args[0], Node) else None


def _shape(node: Node) -> list[int]:
    return list(node.meta["val"].shape)


def _like(graph: Graph, like: Node, source: Node, argument: list[int]) -> Node:
    """The permute or reshape ``like``, of another source and to another shape, still in its layer."""
    shape = [_shape(source)[axis] for axis in argument] if like.target == _PERMUTE else argument
    made = graph.create_node("call_function", like.target, (source, argument))
    made.meta = {**like.meta, "val": torch.empty(shape, device="meta")}
    return made
