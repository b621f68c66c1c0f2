"""int8: ranges, scales, integer arithmetic worked apart from the code, and the state on disk.

Axes: B = N * T frames, C channel, O output channel, H row, W column.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from small_networks import seen_by_convolution, small_network, smooth_frames

from mobile.deploy.network import DeployNetwork, deploy_form
from mobile.deploy.number_systems import Conv, Point, weight_scales
from mobile.quantization.quantized_program import calibrate, convert_to_int8, load_quantized_state, quantized_state
from training.clips.input_spec import InputSpec
from training.networks import FrameNetwork

SPEC = InputSpec(segments=2, size=64)


class Trio(NamedTuple):
    """One network in three number systems, and frames (B, 3, H, W) of two clips."""

    floating: DeployNetwork
    qat: DeployNetwork
    int8: DeployNetwork
    training: FrameNetwork
    x_BCHW: torch.Tensor


@pytest.fixture(scope="module", params=[{}, {"causal": True, "first_block": True}], ids=["centred", "causal"])
def trio(request: pytest.FixtureRequest) -> Trio:
    training = small_network("sth_mobilenet_v2", segments=2, **request.param)
    x_BCHW = SPEC.to_network(smooth_frames(2, 2, 64)).flatten(0, 1)
    qat = deploy_form(training)
    calibrate(qat, [x_BCHW])
    int8 = copy.deepcopy(qat)
    for mine, original in zip(int8.convs().values(), qat.convs().values(), strict=True):
        assert mine.source is not original.source
    convert_to_int8(int8)
    return Trio(deploy_form(training), qat, int8, training, x_BCHW)


def test_each_layer_in_int8_is_what_qat_simulates(trio: Trio) -> None:
    """At most one step, and seldom: on the same input (random layers would amplify a step, trained ones do not)."""
    for name, (x_BCHW, wanted) in seen_by_convolution(trio.int8, trio.x_BCHW).items():
        with torch.no_grad():
            simulated = trio.qat.convs()[name](x_BCHW)
        off = (simulated - wanted).abs() / trio.int8.convs()[name].out.scale
        assert float(off.max()) <= 1.01, name
        assert float((off > 0.5).float().mean()) < 0.03, name


@pytest.mark.parametrize("name", ["sth_mobilenet_v2", "tsn_mobilenet_v2", "tsm_mobilenet_v2"])
def test_int8_qat_and_float_agree(name: str) -> None:
    """A network that does not amplify noise: default kernels, so that each block adds little to its residual."""
    training = small_network(name, segments=2, lively=False)
    x_BCHW = SPEC.to_network(smooth_frames(4, 2, 64)).flatten(0, 1)
    network = deploy_form(training)
    with torch.no_grad():
        exact = network(x_BCHW)
        calibrate(network, [x_BCHW])
        simulated = network(x_BCHW)
        convert_to_int8(network)
        rounded = network(x_BCHW)
    step = network.classifier.out.scale
    steps_off = (simulated - rounded).abs() / step  # biases are rounded in int8 alone, and 53 layers pass it on
    assert float(steps_off.max()) < 4.01
    assert float(steps_off.mean()) < 1
    sqnr = 10 * torch.log10((exact**2).sum() / ((exact - rounded) ** 2).sum())
    assert 20 < float(sqnr) < 60  # close, but not the float network


def test_every_convolution_is_integer_arithmetic(trio: Trio) -> None:
    """clamp(z_out + round(relu6(s_in s_w (sum (q_in - z_in) q_w + bias)) / s_out)), sums in whole numbers."""
    seen = seen_by_convolution(trio.int8, trio.x_BCHW)
    for name, conv in trio.int8.convs().items():
        x, y = (tensor.double() for tensor in seen[name])
        steps_in = x / conv.source.scale  # q_in - z_in
        assert float((steps_in - steps_in.round()).abs().max()) < 1e-3, name
        sums = F.conv2d(
            steps_in.round(), conv.weight_q.double(), conv.bias_q.double(), conv.stride, conv.padding, 1, conv.groups
        )
        real = sums * (conv.weight_scale.double() * conv.source.scale).view(1, -1, 1, 1)
        real = real.clamp(0, 6) if conv.relu6 else real
        q = (real / conv.out.scale).round().add(conv.out.zero_point).clamp(-128, 127)
        off = (y / conv.out.scale + conv.out.zero_point - q).abs()
        assert float(off.max()) < 1.01, name  # one step where a float32 sum falls on the other side of a half
        assert float((off > 0.5).double().mean()) < 1e-3, name


def test_every_activation_lies_on_the_int8_grid(trio: Trio) -> None:
    counted = 0

    def look(point: torch.nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal counted
        assert isinstance(point, Point)
        q = output.double() / point.scale + point.zero_point
        assert float((q - q.round()).abs().max()) < 1e-3
        assert -128.01 < float(q.min())
        assert float(q.max()) < 127.01
        counted += 1

    hooks = [point.register_forward_hook(look) for point in trio.int8.points().values()]
    with torch.no_grad():
        trio.int8(trio.x_BCHW)
    for hook in hooks:
        hook.remove()
    assert counted >= len(trio.int8.points())


def test_weights_are_symmetric_per_channel(trio: Trio) -> None:
    for name, conv in trio.int8.convs().items():
        weight, scale = conv.weight_q, conv.weight_scale
        assert weight.dtype == torch.int8
        assert scale.shape == weight.shape[:1]
        assert conv.bias_q.dtype == torch.int32
        assert int(weight.min()) >= -127, name
        assert int(weight.abs().amax(dim=(1, 2, 3)).max()) == 127, name
        original = trio.qat.convs()[name].weight.detach()
        error = (weight * scale.view(-1, 1, 1, 1) - original).abs() / scale.view(-1, 1, 1, 1)
        assert float(error.max()) <= 0.5 + 1e-4, name
        bias_step = scale.double() * conv.source.scale
        bias_error = (conv.bias_q * bias_step - trio.qat.convs()[name].bias.detach()).abs() / bias_step
        assert float(bias_error.max()) <= 0.5 + 1e-6, name
        torch.testing.assert_close(conv.bias_value.double(), conv.bias_q * bias_step, rtol=1e-6, atol=1e-12)


def test_the_input_is_exactly_u_minus_128() -> None:
    network = deploy_form(small_network("tsn_mobilenet_v2", segments=1))
    calibrate(network, [torch.zeros(1, 3, 32, 32)])
    convert_to_int8(network)
    assert (network.input.scale, network.input.zero_point) == (1 / 128, 0)
    u = torch.arange(256, dtype=torch.uint8).repeat(3, 1).T.reshape(1, 1, 16, 16, 3)
    x = InputSpec(segments=1, size=32).to_network(u)
    assert torch.equal(network.input(x[0]) * 128, u[0].permute(0, 3, 1, 2).float() - 128)
    assert torch.equal((x[0] * 128).round(), u[0].permute(0, 3, 1, 2).float() - 128)


@pytest.mark.parametrize(
    ("low", "high", "scale", "zero_point"),
    [
        (0.0, 6.0, 6 / 255, -128),
        (-2.0, 0.0, 2 / 255, 127),
        (-1.0, 254.0, 1.0, -127),
        (-100.0, 155.0, 1.0, -28),
        (-1.0, 127 / 128, 1.9921875 / 255, 0),
    ],
)
def test_scale_and_zero_point_by_hand(low: float, high: float, scale: float, zero_point: int) -> None:
    point = Point()
    point.low.fill_(low)
    point.high.fill_(high)
    got_scale, got_zero_point = point.parameters_of_range()
    assert got_scale == pytest.approx(scale, rel=1e-6)
    assert got_zero_point == zero_point


def test_zero_is_exact_in_every_system() -> None:
    point = Point()
    point.system, point.observing = "qat", True
    point(torch.tensor([0.7, 3.3]))  # training mode: the range grows to zero
    assert (float(point.low), float(point.high)) == (0.0, pytest.approx(3.3))
    point.eval()
    assert float(point(torch.zeros(()))) == 0
    point.scale, point.zero_point = point.parameters_of_range()
    point.system = "int8"
    assert float(point(torch.zeros(()))) == 0
    assert float(point(torch.tensor(99.0))) == pytest.approx(3.3)  # beyond the range: its end


def test_ranges_follow_the_batches_slowly_until_they_are_frozen() -> None:
    point = Point()
    point.system = "qat"
    point(torch.tensor([-1.0, 1.0]))
    point(torch.tensor([-2.0, 5.0]))  # moves by a fiftieth
    assert (float(point.low), float(point.high)) == (pytest.approx(-1.02), pytest.approx(1.08))
    point.observing = False
    point(torch.tensor([-9.0, 9.0]))
    point.observing = True
    point.eval()
    point(torch.tensor([-9.0, 9.0]))
    assert (float(point.low), float(point.high)) == (pytest.approx(-1.02), pytest.approx(1.08))


def test_a_float_point_does_nothing() -> None:
    x = torch.randn(5)
    assert Point()(x) is x
    assert Point().same(x) is x


def test_weight_scales_by_hand() -> None:
    weight = torch.tensor([[1.27, -0.5], [0.1, -2.54], [0.0, 0.0], [1e-9, 0.0]]).view(4, 2, 1, 1)
    smallest = 0.02 * 1e-4  # of the largest channel's: else its bias would leave int32
    assert weight_scales(weight).tolist() == pytest.approx([0.01, 0.02, smallest, smallest])


def small_conv(bias: float) -> Conv:
    source = Point()
    source.scale = 1e-6
    return Conv(torch.full((1, 1, 1, 1), 1e-6), torch.tensor([bias]), source=source, out=Point())


def test_a_bias_beyond_int32_is_refused() -> None:
    conv = small_conv(bias=1.0)  # 1 / (1e-6 * 1e-6 / 127) is far beyond 2^31
    with pytest.raises(ValueError, match="does not fit into int32"):
        conv.round_to_int8()
    small_conv(bias=1e-6).round_to_int8()


def test_a_range_that_was_never_observed_is_refused() -> None:
    network = deploy_form(small_network("sth_mobilenet_v2", segments=2))
    with pytest.raises(ValueError, match=r"the range of \S+\.out was never observed"):
        convert_to_int8(network)


def test_the_state_comes_back_identical_from_disk(trio: Trio, tmp_path: Path) -> None:
    torch.save(quantized_state(trio.int8), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    again = deploy_form(trio.training)
    load_quantized_state(again, state)
    with torch.no_grad():
        assert torch.equal(again(trio.x_BCHW), trio.int8(trio.x_BCHW))
    for name, point in again.points().items():
        assert (point.scale, point.zero_point) == state["points"][name]
    twice = quantized_state(again)
    assert twice["points"] == state["points"]
    for name, saved in state["convs"].items():
        assert all(torch.equal(twice["convs"][name][key], saved[key]) for key in ("weight", "scale", "bias")), name


def test_the_state_of_another_network_is_refused(trio: Trio) -> None:
    state = quantized_state(trio.int8)
    with pytest.raises(ValueError, match="another network"):
        load_quantized_state(deploy_form(small_network("tsn_mobilenet_v2", segments=2)), state)
    wide = small_network("sth_mobilenet_v2", segments=2, width=0.5, first_block="stem" not in state["convs"])
    with pytest.raises(ValueError, match=r"the quantized weight of \S+ is"):
        load_quantized_state(deploy_form(wide), state)
