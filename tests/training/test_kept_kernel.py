"""The dense spatial kernel that STHConv keeps between calls in evaluation: laid out once, and never stale."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch

from training.operators import STHConv

T = 4


def narrow_operator() -> STHConv:
    """Fewer outputs of a type than gathering takes: ``masked_spatial`` computes it on every machine."""
    torch.manual_seed(0)
    return STHConv(12, 12, segments=T)


def clip() -> torch.Tensor:
    return torch.randn(T, 12, 6, 5, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> list[STHConv]:
    """The operators whose dense kernel was laid out, one entry each time."""
    made: list[STHConv] = []
    lay_out = STHConv.dense_spatial

    def watched(self: STHConv) -> torch.Tensor:
        made.append(self)
        return lay_out(self)

    monkeypatch.setattr(STHConv, "dense_spatial", watched)
    return made


def fresh_result(operator: STHConv) -> torch.Tensor:
    """What the weights of now give, without a kept kernel."""
    with torch.enable_grad():
        return operator(clip()).detach()


def test_evaluation_lays_the_kernel_out_once(layouts: list[STHConv]) -> None:
    operator = narrow_operator().eval()
    with torch.no_grad():
        results = [operator(clip()) for _ in range(3)]
    with torch.inference_mode():
        results.append(operator(clip()))
    assert len(layouts) == 1
    wanted = fresh_result(operator)
    for found in results:
        torch.testing.assert_close(found, wanted)


def test_training_lays_it_out_once_a_step_and_trains_it(layouts: list[STHConv]) -> None:
    operator = narrow_operator()
    for _ in range(2):
        operator(clip()).square().mean().backward()
    assert len(layouts) == 2 and operator.spatial.grad is not None and operator.spatial.grad.abs().min() > 0


def multiply(operator: STHConv) -> None:
    with torch.no_grad():
        operator.spatial.mul_(2)


def step(operator: STHConv) -> None:
    with torch.enable_grad():
        loss = operator(clip()).square().mean()
    loss.backward()
    torch.optim.SGD(operator.parameters(), lr=1.0).step()


def load(operator: STHConv) -> None:
    operator.load_state_dict({name: 3 * tensor for name, tensor in operator.state_dict().items()})


def replace_data(operator: STHConv) -> None:
    operator.spatial.data = torch.randn_like(operator.spatial)


def replace_parameter(operator: STHConv) -> None:
    operator.spatial = torch.nn.Parameter(torch.randn_like(operator.spatial))


@pytest.mark.parametrize("change", [multiply, step, load, replace_data, replace_parameter])
def test_changed_weights_are_noticed(change: Callable[[STHConv], None]) -> None:
    operator = narrow_operator().eval()
    with torch.no_grad():
        before = operator(clip())
        change(operator)
        after = operator(clip())
    assert (after - before).abs().max() > 1e-3
    torch.testing.assert_close(after, fresh_result(operator))


def test_a_copy_keeps_nothing_of_its_original() -> None:
    operator = narrow_operator().eval()
    with torch.no_grad():
        before = operator(clip())
        other = copy.deepcopy(operator)
        multiply(other)
        torch.testing.assert_close(operator(clip()), before)
        torch.testing.assert_close(other(clip()), fresh_result(other))
        assert (other(clip()) - before).abs().max() > 1e-3


def test_precision_and_layout_of_a_call_are_its_own() -> None:
    operator = narrow_operator().eval()
    with torch.no_grad():
        wanted = operator(clip())
        with torch.autocast("cpu", torch.bfloat16):
            assert operator(clip()).dtype == torch.bfloat16
        torch.testing.assert_close(operator(clip().to(memory_format=torch.channels_last)), wanted)
        torch.testing.assert_close(operator.double()(clip().double()), wanted.double(), rtol=1e-5, atol=1e-5)
