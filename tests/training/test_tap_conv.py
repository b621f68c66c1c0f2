"""The lists of taps against PyTorch's own operators, which tests/training/test_operators.py holds against loops."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch

from training.operators import STHConv
from training.operators import sth as dense
from training.operators.lowerings import LOWERINGS
from training.operators.native import library

T, H, W = 4, 9, 17
CASES: list[dict[str, Any]] = [
    {},
    {"stride": 2},
    {"variant": "merge"},
    {"variant": "merge", "stride": 2},
    {"p": Fraction(1, 2)},
    {"attention": True},
    {"causal": True, "dilation": 2},
    {"p": 0.5, "kernel": (5, 3, 1), "stride": 2},
    {"dilation": (3, 1, 2), "stride": 2, "padding": 2},
    {"padding": 0},
    {"outputs": 128, "stride": 2, "height": 7, "width": 7},
    {"outputs": 128, "height": 3, "width": 2},
    {"kernel": (1, 3, 3)},
]


@pytest.mark.skipif(library() is None, reason="no AVX-512 or no C++ compiler here: the lists of taps do not run")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_lists_of_taps_equal_pytorchs_convolutions(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    options = dict(case)
    outputs, height, width = options.pop("outputs", 64), options.pop("height", H), options.pop("width", W)
    operator = STHConv(64, outputs, segments=T, **options).to(memory_format=torch.channels_last)
    x = torch.randn(2 * T, 64, height, width).to(memory_format=torch.channels_last).requires_grad_()
    tensors = [x, *operator.parameters()]

    def results() -> list[torch.Tensor]:
        y = operator(x)
        towards = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
        return [y, *torch.autograd.grad(y, tensors, towards)]

    assert dense.serves(operator.hybrid, x)
    found = results()
    monkeypatch.setattr(dense, "serves", lambda *_: False)
    for one, other in zip(found, results(), strict=True):
        assert one.shape == other.shape
        scale = float(other.detach().abs().max())
        torch.testing.assert_close(one, other, atol=1e-5 * scale, rtol=0)


@pytest.mark.parametrize("case", [{}, {"stride": 2}, {"variant": "merge"}, {"causal": True, "dilation": 2}], ids=str)
def test_lowerings_are_equal(case: dict[str, Any]) -> None:
    operator = STHConv(64, 64, segments=T, **case).to(memory_format=torch.channels_last)
    x = torch.randn(T, 64, H, W).to(memory_format=torch.channels_last)
    wanted = LOWERINGS["masked"](operator, x).detach()
    torch.testing.assert_close(LOWERINGS["gathered"](operator, x).detach(), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("p", "gathers"), [(Fraction(1, 4), False), (Fraction(1, 2), True)])
def test_types_of_64_outputs_gather_their_inputs(p: Fraction, gathers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = STHConv(8, 128, segments=T, p=p)
    asked: list[str] = []

    def watch(name: str) -> None:
        way = getattr(STHConv, name)

        def watched(self: STHConv, x_BCHW: torch.Tensor) -> torch.Tensor:
            asked.append(name)
            return way(self, x_BCHW)

        monkeypatch.setattr(STHConv, name, watched)

    watch("masked_spatial")
    watch("gathered_spatial")
    operator(torch.randn(T, 8, 3, 3))
    assert asked == ["gathered_spatial" if gathers else "masked_spatial"]
    asked.clear()
    torch.export.export(operator, (torch.randn(T, 8, 3, 3),))
    assert set(asked) == {"masked_spatial"}  # artefacts do not depend on the processor that wrote them
