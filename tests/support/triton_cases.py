"""Cases of the Triton kernels, and as a program: what Triton's interpreter finds for each, as JSON:
``triton_cases.py quick|slow RESULT``. A program of its own, since Triton decides at import whether it interprets.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from training.common.files import write_json
from training.operators import STHConv
from training.operators import sth as dense
from training.operators.triton_conv import serves

T, H, W = 2, 4, 5
# A case costs seconds by the tap and type. The quick ones have each kernel, branch, stride, and precision.
QUICK: list[dict[str, Any]] = [
    {"p": 0.5, "height": 7, "width": 6},  # more than one block of pixels
    {"p": 0.5, "stride": 2, "kernel": (3, 1, 3), "causal": True, "frames": 3},
    {"variant": "merge", "kernel": (3, 3, 1), "padding": 0},
    {"inputs": 12, "outputs": 20, "kernel": (3, 1, 1)},  # p = 1/4; nothing divides a block
    {"inputs": 40, "outputs": 36, "p": 0.5, "kernel": (1, 1, 3), "dtype": "float16", "memory": "rows"},
    {"p": 0.5, "kernel": (3, 1, 3), "attention": True, "dtype": "bfloat16"},
]
SLOW: list[dict[str, Any]] = [
    {},
    {"p": Fraction(1, 8)},
    {"p": Fraction(1, 8), "stride": 2, "causal": True},
    {"stride": 2},
    {"causal": True, "dilation": 2, "frames": 5},
    {"variant": "merge", "stride": 2, "p": 0.5},
    {"padding": 2, "stride": 2},
    {"dilation": (3, 1, 2), "frames": 4, "stride": 2, "padding": 2},
    {"kernel": (5, 3, 1), "frames": 5, "stride": 2},
    {"inputs": 6, "outputs": 3, "p": Fraction(1, 3)},
    {"inputs": 80, "outputs": 72},
    {"stride": 3, "height": 8, "width": 7},
    {"variant": "merge", "dtype": "bfloat16"},
]
NAMES = ("output", "gradient of the input")


def compare(case: dict[str, Any], device: str = "cpu") -> dict[str, float]:
    """The largest difference from PyTorch's convolutions in float64, relative to the largest value, by tensor."""
    options = dict(case)
    inputs, outputs, frames = options.pop("inputs", 16), options.pop("outputs", 16), options.pop("frames", T)
    height, width, memory = options.pop("height", H), options.pop("width", W), options.pop("memory", "channels last")
    dtype = getattr(torch, options.pop("dtype", "float32"))
    torch.manual_seed(0)
    operator = STHConv(inputs, outputs, segments=frames, **options).to(dtype)
    x = torch.randn(2 * frames, inputs, height, width).to(dtype)
    if memory == "channels last":
        x, operator = (thing.to(memory_format=torch.channels_last) for thing in (x, operator))
    x, operator = x.to(device).requires_grad_(), operator.to(device)
    assert operator.groups == 0 or serves(operator.hybrid, x)
    names = (*NAMES, *(f"gradient of {name}" for name, _ in operator.named_parameters()))
    mine = _results(operator, x)
    with mock.patch.object(dense, "triton_serves", return_value=False):
        theirs = _results(operator.double(), x.detach().double().requires_grad_())
    assert all(one.dtype == dtype and one.shape == other.shape for one, other in zip(mine, theirs, strict=True))
    found = zip(names, mine, theirs, strict=True)
    return {name: float((one.double() - other).abs().max() / other.abs().max()) for name, one, other in found}


def _results(operator: STHConv, x: torch.Tensor) -> list[torch.Tensor]:
    y = operator(x)
    towards = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(y)
    return [y.detach(), *torch.autograd.grad(y, [x, *operator.parameters()], towards)]


def main() -> None:
    torch.set_num_threads(1)
    cases = {"quick": QUICK, "slow": SLOW}[sys.argv[1]]
    write_json(Path(sys.argv[2]), {str(case): compare(case) for case in cases})


if __name__ == "__main__":
    main()
