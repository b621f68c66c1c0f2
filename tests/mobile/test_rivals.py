"""The rivals of STH-Conv by loops and by hand, and the networks that they and STH stand in.

Axes of arrays here: t frame, c input channel, m output channel, h row, w column, k and i, j kernel taps.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from training.engine.recipe import override
from training.networks import build_network
from training.networks.frame_network import to_channels_last
from training.operators import VARIANTS, GSTConv, InflatedConv, ShiftedConv, STHConv, TemporalShift, operator_maker
from training.recipes import recipe

T, H, W = 3, 5, 4
BACKBONES = {
    "sth_resnet18": ("resnet18", 16),
    "sth_resnet34": ("resnet34", 32),
    "sth_resnet50": ("resnet50", 16),
    "sth_resnet101": ("resnet101", 33),
    "sth_vgg16": ("vgg16_bn", 12),
}


def loop_conv3d(clip_tchw: np.ndarray, weight_mckij: np.ndarray, stride: int = 1) -> np.ndarray:
    """Eq. 1, one multiplication after the other; zeros outside."""
    frames, channels, height, width = clip_tchw.shape
    outputs, _, *taps = weight_mckij.shape
    result = np.zeros((frames, outputs, -(-height // stride), -(-width // stride)))
    inside = np.zeros((frames + 2, channels, height + 2, width + 2))
    inside[1:-1, :, 1:-1, 1:-1] = clip_tchw
    for t, m, h, w in np.ndindex(*result.shape):
        for c, k, i, j in itertools.product(range(channels), *map(range, taps)):
            # a kernel of one frame stands on the middle one
            frame = t + k + (1 if taps[0] == 1 else 0)
            result[t, m, h, w] += weight_mckij[m, c, k, i, j] * inside[frame, c, h * stride + i, w * stride + j]
    return result


@pytest.mark.parametrize("stride", [1, 2])
def test_3d_convolution_is_equation_1(stride: int) -> None:
    operator, x = InflatedConv(2, 3, segments=T, stride=stride), torch.randn(T, 2, H, W)
    wanted = loop_conv3d(x.numpy(), operator.weight.detach().numpy(), stride)
    np.testing.assert_allclose(operator(x).detach().numpy(), wanted, atol=2e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_gst_splits_the_input_and_joins_the_outputs(stride: int) -> None:
    """Half of the inputs in space to 3/4 of the outputs, the other half in space and time to the last 1/4."""
    operator, x = GSTConv(4, 8, segments=T, stride=stride), torch.randn(T, 4, H, W)
    spatial = operator.spatial.detach().numpy()[:, :, None]
    wanted = np.concatenate(
        [
            loop_conv3d(x[:, :2].numpy(), spatial, stride),
            loop_conv3d(x[:, 2:].numpy(), operator.temporal.detach().numpy(), stride),
        ],
        axis=1,
    )
    assert wanted.shape[1] == 8 and len(operator.temporal) == 2
    np.testing.assert_allclose(operator(x).detach().numpy(), wanted, atol=2e-5)


@pytest.mark.parametrize("kernel", [1, 3])
def test_tsm_is_a_shift_and_a_convolution(kernel: int) -> None:
    operator, x = ShiftedConv(8, 4, segments=T, kernel=kernel), torch.randn(T, 8, H, W)
    wanted = loop_conv3d(TemporalShift(segments=T)(x).numpy(), operator.spatial.weight.detach().numpy()[:, :, None])
    if kernel == 3:
        np.testing.assert_allclose(operator(x).detach().numpy(), wanted, atol=2e-5)
    assert operator(x).shape == (T, 4, H, W)


@pytest.mark.parametrize("make", [InflatedConv, GSTConv, ShiftedConv])
def test_rivals_refuse(make: type[nn.Module]) -> None:
    with pytest.raises(ValueError, match="odd size"):
        make(8, 8, segments=T, kernel=2)


def test_gst_refuses_channels_that_do_not_divide() -> None:
    for channels in ((3, 8), (8, 6)):
        with pytest.raises(ValueError, match="GST does not divide"):
            GSTConv(*channels, segments=T)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_operator_stands_in_the_same_place(variant: str, stride: int) -> None:
    """The shape of the convolution before; clips do not mix, gradients reach every kernel, frames have an order."""
    operator = operator_maker(variant, segments=T)(nn.Conv2d(8, 16, 3, stride, 1), 0)
    x = torch.randn(2 * T, 8, 6, 4)
    y = operator(x)
    assert y.shape == (2 * T, 16, 6 // stride, 4 // stride)
    torch.testing.assert_close(y[T:], operator(x[T:]), atol=1e-5, rtol=1e-5)
    (y**2).sum().backward()
    assert all(weight.grad is not None and float(weight.grad.abs().max()) > 0 for weight in operator.parameters())
    backwards = operator(x[:T].flip(0)).flip(0)
    moved = float((y[:T] - backwards).abs().max())
    assert moved < 1e-5 if variant == "2d" else moved > 1e-2


def test_3d_kernels_of_a_clip_cannot_see_the_next() -> None:
    with pytest.raises(ValueError, match="no multiple of 3"):
        InflatedConv(2, 2, segments=3)(torch.zeros(4, 2, 4, 4))


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize("name", BACKBONES)
def test_each_backbone_has_its_operators(name: str) -> None:
    source_name, places = BACKBONES[name]
    with torch.device("meta"):
        source = getattr(torchvision.models, source_name)(weights=None)
        plain, hybrid = (build_network(name, num_classes=174, segments=2, p=p) for p in (0, 0.25))
    operators = [m for m in hybrid.modules() if isinstance(m, STHConv)]
    assert len(operators) == places
    assert [m.stride for m in operators if m.stride != 1] == ([] if name == "sth_vgg16" else [2] * 3)
    head = source.classifier if name == "sth_vgg16" else source.fc
    biases = sum(len(m.bias) for m in source.modules() if isinstance(m, nn.Conv2d) and m.bias is not None)
    ours = plain.classifier.in_features * 174 + 174
    assert parameters(plain) == parameters(source) - parameters(head) - biases + ours
    kernels = sum(m.in_channels * m.out_channels for m in operators)
    assert parameters(hybrid) == parameters(plain) - kernels * 6 // 4  # a quarter has 3 taps in place of 9


def test_3d_and_gst_and_tsm_resnet50_have_the_parameters_of_their_authors() -> None:
    def millions(variant: str) -> float:
        with torch.device("meta"):
            return parameters(build_network("sth_resnet50", num_classes=174, segments=8, variant=variant)) / 1e6

    assert millions("tsm") == millions("2d") == pytest.approx(23.86, abs=0.01)
    assert millions("gst") == pytest.approx(21.0, abs=0.05)  # GST-50 in Luo and Yuille (2019)
    assert millions("3d") == pytest.approx(23.86 + 2 * 11.32, abs=0.02)  # 27 taps in place of 9


def test_tsm_shifts_before_each_block() -> None:
    for name, blocks in (("sth_resnet18", 8), ("sth_resnet50", 16)):
        with torch.device("meta"):
            network = build_network(name, num_classes=5, segments=2, variant="tsm")
        shifted = [key for key, m in network.features.named_modules() if isinstance(m, ShiftedConv)]
        assert len(shifted) == blocks
        assert all(key.endswith("conv1") for key in shifted)


@pytest.mark.minutes
def test_dilation_alternates_over_the_layers() -> None:
    for name, (_, places) in BACKBONES.items():
        with torch.device("meta"):
            network = build_network(name, num_classes=5, segments=2, dilation=True)
        rates = [m.dilation[0] for m in network.modules() if isinstance(m, STHConv)]
        assert rates == ([1, 2, 3] * 11)[:places]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ["sth_resnet18", "sth_vgg16"])
def test_every_variant_computes(name: str, variant: str) -> None:
    network = build_network(name, num_classes=5, segments=2, variant=variant).eval()
    to_channels_last(network)
    nn.init.normal_(network.classifier.weight, 0, 1.0)
    x = torch.randn(2, 2, 3, 32, 32)
    with torch.no_grad():
        logits, alone = network(x), network(x[1:])
    assert logits.shape == (2, 5)
    torch.testing.assert_close(logits[1:], alone, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"variant": "4d"}, "tsm"),
        ({"variant": "gst", "attention": True}, "gst has neither attention"),
        ({"variant": "3d", "dilation": True}, "3d has neither"),
        ({"variant": "3d", "causal": True}, "3d has no causal"),
        ({"p": 0.3}, "1/G"),
    ],
)
@pytest.mark.parametrize("name", ["sth_resnet18", "sth_vgg16"])
def test_a_bad_option_is_named(name: str, options: dict[str, Any], reason: str) -> None:
    with torch.device("meta"), pytest.raises(ValueError, match=reason):
        build_network(name, num_classes=5, segments=2, **options)


def test_channels_last_changes_the_layout_and_nothing_else() -> None:
    network = build_network("sth_resnet18", num_classes=5, segments=2, variant="3d").eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    to_channels_last(network)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], atol=0, rtol=0)
        if tensor.dim() == 5:
            assert tensor.is_contiguous(memory_format=torch.channels_last_3d)
        if tensor.dim() == 4:
            assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_a_rival_is_one_word_of_the_recipe() -> None:
    for variant in VARIANTS:
        chosen = override(recipe("something_sth"), [f"options.variant={variant}"])
        with torch.device("meta"):
            network = build_network(
                chosen.network, num_classes=174, segments=8, dropout=chosen.dropout, **chosen.options
            )
        assert network.segments == 8
