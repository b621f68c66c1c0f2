"""The operators of a network as its artefact computes them: layer, multiply-adds, bytes, in the order of execution.

They are read off a forward pass of the deploy form, from which every converter starts, so the layers have the names
that they have in ``mobile.quantization.quantized_program``'s state and in the .tflite.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mobile.deploy.exported import form_of
from mobile.deploy.network import deploy_form
from mobile.interface.contract import Contract
from training.common.errors import UserError
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
    try:
        network = build_network(
            contract.network, num_classes=len(contract.labels), segments=contract.frames.segments, **contract.options
        )
        form = form_of(deploy_form(network.eval()), contract.frames.size, contract.mode)
    except (ValueError, TypeError) as error:
        raise UserError(f"the operators of {contract.network} are not known: {error}") from error
    recorder = _Recorder(_ITEM_BYTES[contract.precision])
    for name, conv in form.network.convs().items():
        conv.register_forward_pre_hook(lambda _module, _inputs, name=name: setattr(recorder, "layer", name))
    examples = [example.to("meta") for example in form.examples()]  # shapes without numbers
    with torch.no_grad(), recorder:
        form.module.to("meta")(*examples)
    return recorder.ops


class _Recorder(TorchDispatchMode):
    """Notes the operators that a forward pass calls; views, padding and ReLU6, which runtimes fuse, are none.

    Args:
        item: bytes of an element.
    """

    def __init__(self, item: int) -> None:
        super().__init__()
        self.ops: list[Op] = []
        self.layer = ""
        self._item = item

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        op = self._op(function.overloadpacket.__name__, args, out)
        self.ops += [] if op is None else [op]
        return out

    def _op(self, name: str, args: Any, out: Any) -> Op | None:
        block = ".".join(self.layer.split(".")[:2])  # what joins or adds belongs to the block of the layer before it
        if name == "convolution":
            inputs, weight, groups = args[0], args[1], args[8]
            kind = DEPTHWISE if groups > 1 else CONV
            moved = self._item * (inputs.numel() + weight.numel() + out.numel()) + 4 * weight.shape[0]
            macs = out.numel() * math.prod(weight.shape[1:])
            return Op(self.layer, kind, _role(self.layer, kind, weight.shape), macs, moved)
        if name == "cat":
            past = self.layer.endswith(".expand_time")
            layer, role = (f"{block}.past", "concat with the past") if past else (f"{block}.concat", "concat")
            return Op(layer, CONCAT, role, 0, 2 * self._item * out.numel())
        if name == "add":
            return Op(f"{block}.sum", SUM, "residual sum", 0, 3 * self._item * out.numel())
        if name == "mean":
            return Op("mean", MEAN, "mean", 0, self._item * (args[0].numel() + out.numel()))
        return None


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
