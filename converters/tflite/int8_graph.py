"""Float TFLite graph -> int8 TFLite graph with the quantized program's own numbers.

No range is measured and no weight is rounded here: int8 weights, their scales, int32 biases and every activation's
scale and zero point come from the deploy form as QAT left it. The graph's structure stays as TensorFlow made it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.tflite.graph import CONVOLUTIONS, Graph, Op, kernel_layout, match_layers, rename, schema
from mobile.deploy.exported import Form
from mobile.deploy.network import DeployNetwork
from mobile.deploy.number_systems import Conv, Point
from training.common.errors import UserError

# They move values or choose among them, so input and output share one scale.
_SAME = (
    "RESHAPE",
    "MAX_POOL_2D",
    "PAD",
    "CONCATENATION",
    "STRIDED_SLICE",
    "SLICE",
    "SPLIT",
    "TRANSPOSE",
    "SQUEEZE",
)
# The operator version from which on the TFLite specification has int8.
_INT8_VERSION = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "RESHAPE": 1, "SQUEEZE": 1}
CLASSIFIER = "classifier"
_INT8, _INT32, _FLOAT32 = schema.TensorType.INT8, schema.TensorType.INT32, schema.TensorType.FLOAT32


def float_layers(network: DeployNetwork) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Float weight (O, I, H, W) and bias (O,) of each layer, as ``match_layers`` wants them."""
    return {name: (conv.weight.detach().numpy(), conv.bias.detach().numpy()) for name, conv in network.convs().items()}


def to_int8(content: bytes, form: Form) -> bytes:
    """Quantize a float TFLite model of a form with its network's own int8 state.

    Args:
        content: the float model, made from this network's float weights.
        form: its network is in int8 (after ``convert_to_int8`` or ``load_quantized_state``).

    Raises:
        UserError: an operator without an int8 form here, or a graph that does not compute what the network
            computes; the message names operator and layer.
    """
    graph = Graph(content)
    layers = match_layers(graph, float_layers(form.network))
    layers = _with_mean(graph, layers)
    rename(graph, layers)
    _Quantizer(graph, form, layers).run()
    return graph.to_bytes()


def _with_mean(graph: Graph, layers: dict[int, str]) -> dict[int, str]:
    """The graph with the mean before its classifier; returns the layers by their new numbers.

    TensorFlow drops a mean over one pixel. In int8 it is no identity: it goes from the head's scale to its own.
    """
    if any(op.kind == "MEAN" for op in graph.ops):
        return layers
    place = next(index for index, name in layers.items() if name == CLASSIFIER)
    graph.insert_mean(graph.ops[place])
    return {index + (index >= place): name for index, name in layers.items()}


class _Quantizer:
    def __init__(self, graph: Graph, form: Form, layers: dict[int, str]) -> None:
        self.graph, self.form, self.layers = graph, form, layers
        self.network = network = form.network
        self.convs = network.convs()
        blocks: list[Any] = [block for block in network.blocks if block.residual]
        # Where two branches are added: the projection's point tells which block it is.
        self.sums: dict[Point, Point] = {block.project.out: block.out for block in blocks}
        self.points: dict[int, Point] = {}

    def run(self) -> None:
        inputs, outputs = self.graph.signature()
        for name, point in zip(self.form.input_names, self.form.input_points(), strict=True):
            self._set(inputs[name], point)
        for op in self.graph.ops:
            point = self._point_after(op)
            for tensor in op.outputs:
                self._set(tensor, point)
        for name, point in zip(self.form.output_names, self.form.output_points(), strict=True):
            if self.points.get(outputs[name]) is not point:
                raise UserError(f"output {name} of the TFLite graph is not the network's; the conversion went wrong")
        self._raise_versions()

    def _point_after(self, op: Op) -> Point:
        points = [self._point_of(op, tensor) for tensor in self.graph.computed(op)]
        if op.kind in CONVOLUTIONS:  # match_layers has seen that kernel and bias are constants
            return self._convolution(op, self.convs[self.layers[op.index]], points[0])
        if op.kind == "ADD" and len(points) == 2:
            blocks = [self.sums[point] for point in points if point in self.sums]
            if len(blocks) == 1 and op.options.fusedActivationFunction == 0:
                return blocks[0]
        if op.kind == "MEAN" and points and points[0] is self.network.head.out:
            return self.network.mean
        if op.kind in _SAME and points and all(point is points[0] for point in points):
            for slot in range(len(op.inputs)):
                self._constant(op, slot, points[0])
            return points[0]
        raise self._fault(op, "has no int8 form here")

    def _convolution(self, op: Op, conv: Conv, source: Point) -> Point:
        relu6 = op.options.fusedActivationFunction == schema.ActivationFunctionType.RELU6
        if source is not conv.source or relu6 != conv.relu6:
            raise self._fault(op, "is not connected as in the network, or has another activation")
        scales = conv.weight_scale.numpy()
        kernel = kernel_layout(op.kind, conv.weight_q.numpy())
        name, axis = self.layers[op.index], 3 if op.kind == "DEPTHWISE_CONV_2D" else 0
        bias_scales = np.float32(source.scale) * scales
        zeros, bias = np.zeros(len(scales)), conv.bias_q.numpy().astype("<i4")
        op.inputs[1] = self.graph.add_constant(f"{name}.weight", kernel, _INT8, _quantization(scales, zeros, axis))
        op.inputs[2] = self.graph.add_constant(f"{name}.bias", bias, _INT32, _quantization(bias_scales, zeros, 0))
        return conv.out

    def _point_of(self, op: Op, tensor: int) -> Point:
        if tensor not in self.points:
            raise self._fault(op, f"takes {self.graph.name(tensor)}, whose quantization is unknown")
        return self.points[tensor]

    def _set(self, tensor: int, point: Point) -> None:
        if self.graph.tensors[tensor].type != _FLOAT32:
            raise UserError(
                f"{self.graph.name(tensor)} is {self.graph.dtype(tensor)} in the float graph; expected float32"
            )
        self.points[tensor] = point
        self.graph.tensors[tensor].type = _INT8
        self.graph.tensors[tensor].quantization = _quantization(
            np.array([point.scale], np.float32), [point.zero_point], 0
        )

    def _constant(self, op: Op, slot: int, point: Point) -> None:
        """A float constant that a moving operator takes (TSM's frame of zeros), on the grid of ``point``."""
        value = None if op.inputs[slot] < 0 else self.graph.constant(op.inputs[slot])
        if value is None or value.dtype != np.float32:
            return
        name = f"{self.graph.name(op.outputs[0])}.constant"
        kept = _quantization(np.array([point.scale], np.float32), [point.zero_point], 0)
        op.inputs[slot] = self.graph.add_constant(name, _round_to(value, point), _INT8, kept)

    def _raise_versions(self) -> None:
        for op in self.graph.ops:
            code = self.graph.model.operatorCodes[self.graph.model.subgraphs[0].operators[op.index].opcodeIndex]
            code.version = max(code.version, _INT8_VERSION.get(op.kind, 2))
        # TensorFlow noted the oldest runtime for the float operators; for these it would be wrong.
        kept = self.graph.model.metadata or []
        self.graph.model.metadata = [entry for entry in kept if entry.name != b"min_runtime_version"]

    def _fault(self, op: Op, fault: str) -> UserError:
        place = self.layers.get(op.index) or self.graph.name(op.outputs[0])
        return UserError(f"{op.kind} at {place} {fault}; an int8 artefact needs every operator in int8")


def _round_to(value: np.ndarray, point: Point) -> np.ndarray:
    return np.clip(np.round(value / np.float32(point.scale)) + point.zero_point, -128, 127).astype(np.int8)


def _quantization(scales: np.ndarray, zero_points: Any, axis: int) -> Any:
    made = schema.QuantizationParametersT()
    made.scale, made.zeroPoint = scales.astype(np.float32), np.asarray(zero_points, np.int64)
    made.quantizedDimension = axis
    return made
