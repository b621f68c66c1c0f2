"""Number systems of the deploy form: float, qat (fake-quantized float) and int8.

int8 means: activations asymmetric per tensor in [-128, 127], weights symmetric per output channel in [-127, 127],
biases int32 with scale ``input scale * weight scale``. Every tensor between two operators has a ``Point`` that owns
its range; a convolution knows the point of its input and of its output. The same modules compute in all three
systems, so that training, simulation and export cannot drift apart.

An exported int8 program says dequantize, convolution, quantize, which is what converters read. Computed here, an int8
convolution adds up whole numbers, as the phone's kernels do: the sum is exact, and so the same for a clip of eight
frames and for one frame of a stream.

Axes: B = N * T frames, C channel, O output channel, I input channel per group, H row, W column.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn
from torch.ao.quantization.fx import _decomposed  # noqa: F401  (registers torch.ops.quantized_decomposed)

System = Literal["float", "qat", "int8"]
LOW, HIGH, WEIGHT_HIGH = -128, 127, 127
_RANGE_MOMENTUM = 0.02
# Channels whose weights are below this share of the layer's largest would need an int32 bias beyond its range.
_SMALLEST_SCALE_SHARE = 1e-4


class Point(nn.Module):
    """The quantization of one activation tensor.

    In "qat" a moving average of the batches' minimum and maximum gives scale and zero point until ``freeze``.
    """

    low: torch.Tensor
    high: torch.Tensor
    seen: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.system: System = "float"
        self.observing = True
        self.scale, self.zero_point = 1.0, 0
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))

    def fix(self, scale: float, zero_point: int) -> None:
        """Set scale and zero point once and for all (the network's input)."""
        self.low.fill_((LOW - zero_point) * scale)
        self.high.fill_((HIGH - zero_point) * scale)
        self.seen.fill_(True)
        self.observing = False

    def observe(self, x: torch.Tensor) -> None:
        """Move the range towards that of these values; the first ones set it."""
        low, high = torch.aminmax(x.detach())
        low, high = low.clamp(max=0), high.clamp(min=0)
        if not bool(self.seen):
            self.low.copy_(low)
            self.high.copy_(high)
            self.seen.fill_(True)
        self.low.lerp_(low, _RANGE_MOMENTUM)
        self.high.lerp_(high, _RANGE_MOMENTUM)

    def parameters_of_range(self) -> tuple[float, int]:
        """Scale and zero point of [low, high]; zero is always exact."""
        low, high = float(self.low), float(self.high)
        scale = max((high - low) / (HIGH - LOW), 1e-8)
        scale = float(torch.tensor(scale, dtype=torch.float32))
        return scale, int(min(max(round(LOW - low / scale), LOW), HIGH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.system == "float":
            return x
        if self.system == "qat":
            if self.training and self.observing:
                self.observe(x)
            scale, zero_point = self.parameters_of_range()
            return torch.fake_quantize_per_tensor_affine(x, scale, zero_point, LOW, HIGH)
        arguments = (self.scale, self.zero_point, LOW, HIGH, torch.int8)
        quantized = torch.ops.quantized_decomposed.quantize_per_tensor(x, *arguments)
        return torch.ops.quantized_decomposed.dequantize_per_tensor(quantized, *arguments)

    def same(self, x: torch.Tensor) -> torch.Tensor:
        """For an operator that moves values of this point without changing them (concat, max-pool, reshape).

        The values are on the grid already; int8 repeats quantize and dequantize, by which runtimes know that the
        operator is an int8 one.
        """
        return self.forward(x) if self.system == "int8" else x


def weight_scales(weight_OIHW: torch.Tensor) -> torch.Tensor:
    """Symmetric scale of each output channel, (O,)."""
    scales = weight_OIHW.detach().abs().amax(dim=(1, 2, 3)) / WEIGHT_HIGH
    return scales.clamp(min=max(float(scales.max()) * _SMALLEST_SCALE_SHARE, 1e-12))


def rounded_weight(weight_OIHW: torch.Tensor) -> torch.Tensor:
    """The real numbers that the int8 weights mean."""
    scales = weight_scales(weight_OIHW).view(-1, 1, 1, 1)
    return (weight_OIHW / scales).round().clamp(-WEIGHT_HIGH, WEIGHT_HIGH) * scales


class Conv(nn.Module):
    """Convolution with bias (batch norm folded), optional ReLU6, and its output's quantization.

    Args:
        source: the point of the input; its scale is part of the bias's.
        out: the point of the output, shared where a concat follows.
    """

    weight_q: torch.Tensor
    weight_scale: torch.Tensor
    weight_zero: torch.Tensor
    bias_q: torch.Tensor
    bias_value: torch.Tensor

    def __init__(
        self,
        weight_OIHW: torch.Tensor,
        bias_O: torch.Tensor,
        *,
        source: Point,
        out: Point,
        stride: int = 1,
        padding: tuple[int, int] = (0, 0),
        groups: int = 1,
        relu6: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight_OIHW.detach().clone())
        self.bias = nn.Parameter(bias_O.detach().clone())
        self.stride, self.padding, self.groups, self.relu6 = stride, padding, groups, relu6
        self.system: System = "float"
        self.whole_numbers = True  # of int8 computed here; false for what an exported program computes in PyTorch
        self.out = out
        self._source = (source,)  # in a tuple: the point belongs to the module before
        outputs = weight_OIHW.shape[0]
        self.register_buffer("weight_q", torch.zeros(weight_OIHW.shape, dtype=torch.int8), persistent=False)
        self.register_buffer("weight_scale", torch.ones(outputs), persistent=False)
        self.register_buffer("weight_zero", torch.zeros(outputs, dtype=torch.int64), persistent=False)
        self.register_buffer("bias_q", torch.zeros(outputs, dtype=torch.int32), persistent=False)
        self.register_buffer("bias_value", torch.zeros(outputs), persistent=False)

    @property
    def source(self) -> Point:
        """Of its input."""
        return self._source[0]

    def _operands(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self.system == "float":
            return self.weight, self.bias
        if self.system == "qat":
            zeros = torch.zeros(len(self.bias), dtype=torch.int32, device=self.bias.device)
            scales = weight_scales(self.weight)
            fake = torch.fake_quantize_per_channel_affine(self.weight, scales, zeros, 0, -WEIGHT_HIGH, WEIGHT_HIGH)
            return fake, self.bias
        weight = torch.ops.quantized_decomposed.dequantize_per_channel(
            self.weight_q, self.weight_scale, self.weight_zero, 0, -WEIGHT_HIGH, WEIGHT_HIGH, torch.int8
        )
        return weight, self.bias_value

    def _integer_conv(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Whole numbers in float32, exact while a sum stays below 2**24, in whichever order it is added up."""
        q_BCHW = torch.round(x_BCHW / self.source.scale)  # minus the zero point already
        sums = F.conv2d(q_BCHW, self.weight_q.float(), None, self.stride, self.padding, 1, self.groups)
        scales = (self.weight_scale.double() * self.source.scale).view(-1, 1, 1)
        return ((sums.double() + self.bias_q.view(-1, 1, 1)) * scales).float()

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        if self.system == "int8" and self.whole_numbers and not torch.compiler.is_exporting():
            y_BCHW = self._integer_conv(x_BCHW)
            return self.out(F.relu6(y_BCHW) if self.relu6 else y_BCHW)
        weight, bias = self._operands()
        stride = self.stride
        if self.system == "qat" and weight.shape[2:] == (1, 1):
            # oneDNN's gradient of a 1 x 1 kernel with a stride writes beyond its memory on CPUs with AVX-512
            x_BCHW, stride = x_BCHW[:, :, ::stride, ::stride], 1
        y_BCHW = F.conv2d(x_BCHW, weight, bias, stride, self.padding, 1, self.groups)
        return self.out(F.relu6(y_BCHW) if self.relu6 else y_BCHW)

    def round_to_int8(self) -> None:
        """Fill the int8 weight, its scales and the int32 bias from the float ones.

        Raises:
            ValueError: a bias does not fit into int32.
        """
        scales = weight_scales(self.weight)
        grid = (self.weight.detach() / scales.view(-1, 1, 1, 1)).round().clamp(-WEIGHT_HIGH, WEIGHT_HIGH)
        bias = (self.bias.detach().double() / (scales.double() * self.source.scale)).round()
        if float(bias.abs().max()) >= 2**31:
            raise ValueError(
                f"a bias of {float(self.bias.abs().max())} does not fit into int32 at scale {scales.min()}"
            )
        self.load_int8(grid.to(torch.int8), scales, bias.to(torch.int32))

    def load_int8(self, weight_q: torch.Tensor, weight_scale: torch.Tensor, bias_q: torch.Tensor) -> None:
        """Take int8 weights, float32 scales and int32 biases; the float ones become the values that these mean."""
        self.weight_q.copy_(weight_q)
        self.weight_scale.copy_(weight_scale)
        self.bias_q.copy_(bias_q)
        self.bias_value.copy_((bias_q.double() * weight_scale.double() * self.source.scale).float())
        self.weight.data.copy_(self.weight_q.float() * self.weight_scale.view(-1, 1, 1, 1))
        self.bias.data.copy_(self.bias_value)
