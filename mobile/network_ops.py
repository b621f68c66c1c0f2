"""The operators of a network as its artefact computes them: layer, multiply-adds, bytes, in the order of execution.

They are read off the exported deploy form, from which every converter starts, so the layers have the names that they
have in ``mobile.quantize``'s state and in the .tflite.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from mobile.contract import Contract
from mobile.deploy import deploy_form
from mobile.forms import form_of
from training.errors import UserError
from training.networks import build_network

CONV, DEPTHWISE, CONCAT, SUM, MEAN, MOVE = "convolution", "depthwise", "concat", "sum", "mean", "move"
_ITEM_BYTES = {"int8": 1, "fp16": 2, "fp32": 4}
# words in XNNPACK's names of its operators, the first that fits
_KERNEL_WORDS = (
    ("DWConv", DEPTHWISE),
    ("GEMM", CONV),
    ("Convolution", CONV),
    ("Fully Connected", CONV),
    ("Add", SUM),
    ("Binary Elementwise", SUM),
    ("Copy", CONCAT),
    ("Concat", CONCAT),
    ("Mean", MEAN),
)


@dataclasses.dataclass(frozen=True)
class Op:
    """An operator of the deploy form.

    Attributes:
        layer: ``blocks.3.expand_space``; for a concat or a sum the block's name and what it is.
        kind: one of CONV, DEPTHWISE, CONCAT, SUM, MEAN.
        role: what it does in the network, for people: "expansion 1 x 1", "temporal 3 x 1", ...
        macs: multiply-adds of one inference.
        bytes: read and written once: inputs, weights, biases, output.
    """

    layer: str
    kind: str
    role: str
    macs: int
    bytes: int


def ops_of(contract: Contract) -> list[Op]:
    """The operators of one inference of an artefact.

    Raises:
        UserError: a network that has no deploy form.
    """
    options = dict(contract.options)
    try:
        network = deploy_form(
            build_network(
                contract.network,
                num_classes=len(contract.labels),
                segments=contract.frames.segments,
                **options,
            ).eval()
        )
        form = form_of(network, contract.frames.size, contract.mode)
    except (ValueError, TypeError) as error:
        raise UserError(f"the operators of {contract.network} are not known: {error}") from error
    nodes = [node for node in form.export().graph.nodes if node.op == "call_function"]
    found: list[Op] = []
    for node in nodes:
        op = _op(node, _ITEM_BYTES[contract.precision], found[-1].layer if found else "")
        found += [] if op is None else [op]
    return found


def _op(node: Any, item: int, before: str) -> Op | None:
    """An aten node as an operator; None for what moves nothing or is fused (ReLU6, views, padding).

    Args:
        item: bytes of an element.
        before: the layer before it; what a stream joins belongs to that layer's block.
    """
    name, out = node.target.__name__.split(".")[0], node.meta["val"]
    place = _place(node)
    block = ".".join(before.split(".")[:2]) if before.startswith("blocks.") else ""
    if name == "conv2d":
        inputs, weight = (argument.meta["val"] for argument in node.args[:2])
        kind = DEPTHWISE if len(node.args) > 6 and node.args[6] > 1 else CONV
        macs = out.numel() * math.prod(weight.shape[1:])
        moved = item * (inputs.numel() + weight.numel() + out.numel()) + 4 * weight.shape[0]
        return Op(place, kind, _role(place, kind, weight.shape), macs, moved)
    if name == "cat":
        past = before.endswith(".expand_time")
        return Op(f"{block}.{'past' if past else 'concat'}", CONCAT, "concat with the past" if past else "concat", 0,
                  2 * item * out.numel())  # fmt: skip
    if name == "add":
        return Op(f"{block}.sum", SUM, "residual sum", 0, 3 * item * out.numel())
    if name == "mean":
        read = node.args[0].meta["val"].numel()
        return Op("mean", MEAN, "mean", 0, item * (read + out.numel()))
    return None


def _place(node: Any) -> str:
    """The module that an operator belongs to: the innermost of its stack."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    path = str(stack[-1][0]) if stack else ""
    words = [word for word in path.replace("L['self'].", "").split(".") if word not in ("L['self']", "network", "")]
    return ".".join(words)


def _role(layer: str, kind: str, weight: Sequence[int]) -> str:
    kernel = f"{weight[2]} x {weight[3]}"
    if kind == DEPTHWISE:
        return f"temporal {kernel}" if weight[3] == 1 and weight[2] > 1 else f"depthwise {kernel}"
    last = layer.rsplit(".", 1)[-1]
    if last.startswith("expand"):
        return f"expansion {kernel}" if kernel == "1 x 1" else f"stem {kernel}"
    return f"{ {'project': 'projection'}.get(last, last) } {kernel}" if last != "classifier" else "classifier"


def kind_of_kernel(kernel: str) -> str:
    """What a kernel of XNNPACK is, by its name; MOVE for reshapes, transposes and conversions."""
    return next((kind for word, kind in _KERNEL_WORDS if word in kernel), MOVE)


def match(kernels: Sequence[str], ops: Sequence[Op]) -> list[Op | None]:
    """Which operator each kernel of a profile computes; None where the operators say nothing of it.

    Convolutions are matched one by one, in order. A kernel between two convolutions belongs to the operator of its kind
    between them: XNNPACK copies each part of a concat with a kernel of its own, or writes it in place.

    Returns:
        One entry a kernel; all None when the convolutions are not those of the network.
    """
    kinds = [kind_of_kernel(kernel) for kernel in kernels]
    heavy = (CONV, DEPTHWISE)
    if [kind for kind in kinds if kind in heavy] != [op.kind for op in ops if op.kind in heavy]:
        return [None] * len(kernels)
    found: list[Op | None] = []
    position = 0  # of the next operator
    for kind in kinds:
        if kind in heavy:
            position = next(index for index in range(position, len(ops)) if ops[index].kind in heavy)
            found.append(ops[position])
            position += 1
            continue
        found.append(_between(ops, position, kind))
    return found


def _between(ops: Sequence[Op], start: int, kind: str) -> Op | None:
    """The first operator of a kind from ``start`` up to the next convolution."""
    for op in ops[start:]:
        if op.kind in (CONV, DEPTHWISE):
            return None
        if op.kind == kind:
            return op
    return None
