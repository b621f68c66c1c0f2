"""Four operators that XNNPACK's graph gets for free, and how ExecuTorch hands them to XNNPACK.

XNNPACK computes in channels-last memory, where seeing the frames of a clip as the rows of an image moves nothing.
ExecuTorch does not know that: around the ``permute, reshape, permute`` that says it in PyTorch it would insert real
transposes. As one operator of our own it becomes one reshape of XNNPACK, which costs no time (XNNPACK computes it in
place). Everything here goes through what ExecuTorch has for backends: an operator, a partitioner configuration and
a node visitor for each; nothing of ExecuTorch is patched.

Axes: N frames, C channel, H row, W column.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from executorch.backends.xnnpack._passes.channels_last_tagged_reshape_pass import (
    ChannelsLastTaggedReshapePass,
)
from executorch.backends.xnnpack.operators.node_visitor import NodeVisitor, register_node_visitor
from executorch.backends.xnnpack.operators.quant_params import QuantParams
from executorch.backends.xnnpack.partition.config import ALL_PARTITIONER_CONFIGS
from executorch.backends.xnnpack.partition.config.generic_node_configs import (
    ConstantPadConfig,
    GenericNodePartitionerConfig,
)
from executorch.backends.xnnpack.partition.config.xnnpack_config import ConfigPrecisionType
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import (
    XNNConvert,
    XNNGraph,
    XNNStaticReshape,
    XNNStaticSlice,
    XNode,
)

from training.common.errors import UserError

_LIBRARY = torch.library.Library("sth_mobile", "DEF")
_LIBRARY.define("view_channels_last(Tensor x_NCHW, int[] shape) -> Tensor")
_LIBRARY.define("from_channels_last(Tensor x_NHWC) -> Tensor")
_LIBRARY.define("last_rows(Tensor x_NCHW, int start) -> Tensor")
_LIBRARY.define("convert(Tensor x, ScalarType dtype) -> Tensor")


def _view_channels_last(x_NCHW: torch.Tensor, shape: list[int]) -> torch.Tensor:
    frames, channels, height, width = shape
    y_NHWC = x_NCHW.permute(0, 2, 3, 1).reshape(frames, height, width, channels)
    return y_NHWC.permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)


def _from_channels_last(x_NHWC: torch.Tensor) -> torch.Tensor:
    return x_NHWC.permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)


def _last_rows(x_NCHW: torch.Tensor, start: int) -> torch.Tensor:
    return x_NCHW[:, :, start:].clone(memory_format=torch.channels_last)


def _convert(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return x.to(dtype, copy=True)


_LIBRARY.impl("view_channels_last", _view_channels_last, "CompositeExplicitAutograd")
_LIBRARY.impl("from_channels_last", _from_channels_last, "CompositeExplicitAutograd")
_LIBRARY.impl("last_rows", _last_rows, "CompositeExplicitAutograd")
_LIBRARY.impl("convert", _convert, "CompositeExplicitAutograd")

VIEW = torch.ops.sth_mobile.view_channels_last.default
"""(N, C, H, W) -> ``shape``, also in that order of axes: the values in the order of channels-last memory."""
ENTRY = torch.ops.sth_mobile.from_channels_last.default
"""(N, H, W, C) -> (N, C, H, W)."""
LAST_ROWS = torch.ops.sth_mobile.last_rows.default
"""(N, C, H, W) -> the rows from ``start`` on, which leave the network in channels-last memory, without a transpose."""
CONVERT = torch.ops.sth_mobile.convert.default
"""To another floating type."""

_NHWC = ChannelsLastTaggedReshapePass.XNN_NHWC_NODE
_PRECISIONS = [ConfigPrecisionType.FP32, ConfigPrecisionType.STATIC_QUANT]


def layer_of(node: torch.fx.Node) -> str:
    """The module that a node comes from, for messages."""
    stack = node.meta.get("nn_module_stack") or {}
    return next((path for path, _ in reversed(list(stack.values())) if path), "the network's border")


class _ViewConfig(GenericNodePartitionerConfig):
    target_name = "view_channels_last.default"

    def supported_precision_types(self) -> list[ConfigPrecisionType]:
        return _PRECISIONS


class _EntryConfig(_ViewConfig):
    target_name = "from_channels_last.default"

    def get_node_and_deps(self, node: torch.fx.Node, ep: torch.export.ExportedProgram) -> list[torch.fx.Node]:
        node.meta[_NHWC] = True  # what follows finds its input in channels-last memory and inserts no transpose
        return super().get_node_and_deps(node, ep)


class _LastRowsConfig(_ViewConfig):
    target_name = "last_rows.default"


class _ConvertConfig(_ViewConfig):
    target_name = "convert.default"


class _PadConfig(ConstantPadConfig):
    """XNNPACK pads in int8 too; ExecuTorch's configuration offers it in float only."""

    def supported_precision_types(self) -> list[ConfigPrecisionType]:
        return _PRECISIONS


class OnePiecePartitioner(XnnpackPartitioner):
    """XNNPACK's partitioner, with the operators of this file."""

    def __init__(self) -> None:
        stock = [config for config in ALL_PARTITIONER_CONFIGS if config is not ConstantPadConfig]
        super().__init__(configs=[*stock, _PadConfig, _ViewConfig, _EntryConfig, _LastRowsConfig, _ConvertConfig])

    def ops_to_not_decompose(self, ep):  # type: ignore[no-untyped-def]
        """Without the per-node filter, which costs three re-tracings and which our operators do not need."""
        operators, _ = super().ops_to_not_decompose(ep)
        return operators, None


class _ChannelsLastVisitor(NodeVisitor):
    """Of an operator whose input and output lie in channels-last memory."""

    def operator(self, node: torch.fx.Node, ids: dict[torch.fx.Node, int]) -> XNNStaticReshape | XNNStaticSlice:
        """What XNNPACK computes for the node."""
        raise NotImplementedError

    def define_node(
        self, node: torch.fx.Node, graph: XNNGraph, ids: dict[torch.fx.Node, int], debug_handle: int
    ) -> None:
        _require_channels_last(node, node)
        _require_channels_last(node.args[0], node)
        self.define_nodes_tensor_inputs_outputs(node, graph, ids, convert_to_nhwc=True)
        graph.xnodes.append(XNode(xnode_union=self.operator(node, ids), debug_handle=debug_handle))


@register_node_visitor
class _ViewVisitor(_ChannelsLastVisitor):
    target = "sth_mobile.view_channels_last.default"

    def operator(self, node: torch.fx.Node, ids: dict[torch.fx.Node, int]) -> XNNStaticReshape:
        source, shape = cast(Any, node.args)
        frames, channels, height, width = shape
        return XNNStaticReshape(
            num_dims=4,
            new_shape=[frames, height, width, channels],
            input_id=ids[source],
            output_id=ids[node],
            flags=0,
        )


@register_node_visitor
class _LastRowsVisitor(_ChannelsLastVisitor):
    target = "sth_mobile.last_rows.default"

    def operator(self, node: torch.fx.Node, ids: dict[torch.fx.Node, int]) -> XNNStaticSlice:
        source, start = cast(Any, node.args)
        frames, channels, rows, columns = node.meta["val"].shape
        return XNNStaticSlice(
            num_dims=4,
            offsets=[0, start, 0, 0],
            sizes=[frames, rows, columns, channels],
            input_id=ids[source],
            output_id=ids[node],
            flags=0,
        )


@register_node_visitor
class _EntryVisitor(NodeVisitor):
    target = "sth_mobile.from_channels_last.default"

    def define_node(
        self, node: torch.fx.Node, graph: XNNGraph, ids: dict[torch.fx.Node, int], debug_handle: int
    ) -> None:
        """No operator: XNNPACK's value of the input is in channels-last memory already."""
        _require_channels_last(node, node)
        source: Any = node.args[0]
        self.define_tensor(source, graph, ids, quant_params=QuantParams.from_inputs(source, self.exported_program))
        ids[node] = ids[source]


@register_node_visitor
class _ConvertVisitor(NodeVisitor):
    target = "sth_mobile.convert.default"

    def define_node(
        self, node: torch.fx.Node, graph: XNNGraph, ids: dict[torch.fx.Node, int], debug_handle: int
    ) -> None:
        self.define_nodes_tensor_inputs_outputs(node, graph, ids)
        convert = XNNConvert(input_id=ids[cast(Any, node.args[0])], output_id=ids[node], flags=0)
        graph.xnodes.append(XNode(xnode_union=convert, debug_handle=debug_handle))


def _require_channels_last(node: Any, viewed: torch.fx.Node) -> None:
    if not ChannelsLastTaggedReshapePass.is_nhwc_node(node):
        raise UserError(
            f"{viewed.target} of {layer_of(viewed)} is not in channels-last memory in XNNPACK's graph: this ExecuTorch "
            "lays tensors out in another way than 1.5.1, which the converter is made for; install that"
        )
