"""Networks by name: what is built, how large it is, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from mobile.bundle import randomize
from training.networks import NETWORKS, FrameNetwork, build_network
from training.networks.fewer_states import drop_states
from training.operators import DepthwiseSTH, FactoredConv, STHConv, TemporalShift

MOBILE = ["sth_mobilenet_v2", "tsn_mobilenet_v2", "tsm_mobilenet_v2"]


def small(name: str, *, segments: int = 2, **options: Any) -> FrameNetwork:
    """A narrow network for 5 classes whose output differs between inputs."""
    options = {"width": 0.35, **options} if name in MOBILE else options
    network = build_network(name, num_classes=5, segments=segments, **options).eval()
    torch.nn.init.normal_(network.classifier.weight, 0, 1.0)
    return network


@pytest.mark.parametrize(
    ("millions", "options"),
    [
        (23.86, {"p": 0}),
        (22.92, {"p": 1 / 8}),
        (21.98, {"p": 1 / 4}),
        (20.09, {"p": 1 / 2}),
        (21.98, {"p": 1 / 4, "variant": "merge"}),
        (23.23, {"p": 1 / 4, "attention": True}),
        (21.98, {"p": 1 / 4, "dilation": True}),
        (27.63, {"variant": "2plus1d_sequential"}),
        (27.63, {"variant": "2plus1d_parallel"}),
    ],
    ids=str,
)
def test_parameters_of_sth_resnet50(millions: float, options: dict[str, Any]) -> None:
    """Tables 6 and 7 of the paper (Something-Something, 174 classes) to the two decimals of the design."""
    with torch.device("meta"):
        network = build_network("sth_resnet50", num_classes=174, segments=8, **options)
    count = sum(weight.numel() for weight in network.parameters()) / 1e6
    assert count == pytest.approx(millions, rel=0.005)
    assert round(count, 2) == pytest.approx(millions, abs=0.011)


def test_sth_resnet50_replaces_each_3x3_convolution_but_the_first() -> None:
    with torch.device("meta"):
        network = build_network("sth_resnet50", num_classes=5, segments=2, dilation=True, causal=True)
        factored = build_network("sth_resnet50", num_classes=5, segments=2, variant="2plus1d_parallel")
    operators = [m for m in network.modules() if isinstance(m, STHConv)]
    assert len(operators) == 16
    assert [o.dilation[0] for o in operators] == [1, 2, 3] * 5 + [1]
    assert all(o.causal for o in operators)
    assert not [m for m in network.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len([m for m in factored.modules() if isinstance(m, FactoredConv)]) == 16


@pytest.mark.parametrize("options", [{}, {"variant": "merge", "attention": True}], ids=str)
def test_sth_resnet50_computes(options: dict[str, Any]) -> None:
    network = small("sth_resnet50", **options)
    logits = network(torch.randn(2, 2, 3, 32, 32))
    assert logits.shape == (2, 5)
    assert bool(torch.isfinite(logits).all())


@pytest.mark.parametrize(
    ("segments", "size", "options"),
    [
        (8, (32, 32), {}),
        (16, (32, 32), {"p": 0.5}),
        (1, (32, 32), {"p": 0.125}),
        (2, (64, 96), {"causal": True}),
        (2, (32, 32), {"first_block": True}),
        (2, (32, 32), {"p": 0}),
        (2, (32, 32), {"width": 0.5}),
    ],
)
def test_sth_mobilenet_v2_computes(segments: int, size: tuple[int, int], options: dict[str, Any]) -> None:
    network = small("sth_mobilenet_v2", segments=segments, **options)
    x = torch.randn(2, segments, 3, *size)
    with torch.no_grad():
        logits = network(x)
        alone = network(x[1:])
    assert logits.shape == (2, 5)
    torch.testing.assert_close(logits[1:], alone, atol=1e-4, rtol=1e-4)  # clips do not mix


def test_width_makes_the_channels() -> None:
    """MobileNetV2's own rule: multiples of 8, the head never below 1280."""
    for width, stem, last in [(0.35, 16, 1280), (1.0, 32, 1280), (1.4, 48, 1792)]:
        with torch.device("meta"):
            network = build_network("sth_mobilenet_v2", num_classes=5, segments=2, width=width)
        assert network.features[0][0].out_channels == stem  # type: ignore[index]
        assert network.classifier.in_features == last


@pytest.mark.parametrize(("p", "groups"), [(0.125, 8), (0.25, 4), (0.5, 2)])
def test_the_temporal_share_moves_from_layer_to_layer(p: float, groups: int) -> None:
    with torch.device("meta"):
        network = build_network("sth_mobilenet_v2", num_classes=5, segments=2, p=p)
    operators = [m for m in network.modules() if isinstance(m, DepthwiseSTH)]
    assert len(operators) == 16  # all blocks but the first
    for number, operator in enumerate(operators, start=1):
        share = operator.channels // groups
        first = share * (number % groups)
        assert operator.temporal_channels() == list(range(first, first + share))


def test_first_block_is_replaced_on_demand_only() -> None:
    def hybrids(**options: Any) -> int:
        return sum(isinstance(m, DepthwiseSTH) for m in small("sth_mobilenet_v2", **options).modules())

    assert (hybrids(), hybrids(first_block=True), hybrids(p=0)) == (16, 17, 0)


def test_tsm_shifts_before_each_expansion_of_a_residual_block() -> None:
    for width in (0.25, 0.35, 1.0):  # at 0.25 the block without an expansion has a residual connection too
        with torch.device("meta"):
            network = build_network("tsm_mobilenet_v2", num_classes=5, segments=2, width=width)
        residual = [b for b in network.features if getattr(b, "use_res_connect", False) and len(b.conv) == 4]  # type: ignore[union-attr]
        assert len(residual) == 10
        assert all(isinstance(block.conv[0][0][0], TemporalShift) for block in residual)
        assert sum(isinstance(m, TemporalShift) for m in network.modules()) == 10


def test_networks_differ_in_time_only() -> None:
    """Same weights elsewhere: TSN has one parameter fewer taps, TSM none more."""
    counts = {name: sum(w.numel() for w in small(name).parameters()) for name in MOBILE}
    assert counts["tsm_mobilenet_v2"] == counts["tsn_mobilenet_v2"]
    assert counts["sth_mobilenet_v2"] < counts["tsn_mobilenet_v2"]  # 3 taps in place of 9


def test_average_consensus() -> None:
    """The logits of a clip are the mean of its frames' logits (TSN, where frames do not meet before)."""
    network, single = small("tsn_mobilenet_v2", segments=3), small("tsn_mobilenet_v2", segments=1)
    single.load_state_dict(network.state_dict())
    x = torch.randn(2, 3, 3, 32, 32)
    with torch.no_grad():
        frames = torch.stack([single(x[:, [t]]) for t in range(3)])
        torch.testing.assert_close(network(x), frames.mean(dim=0), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", MOBILE)
def test_only_tsn_ignores_the_order_of_frames(name: str) -> None:
    network, x = small(name, segments=4), torch.randn(1, 4, 3, 32, 32)
    with torch.no_grad():
        difference = float((network(x) - network(x.flip(1))).abs().max() / network(x).abs().max())
    assert difference < 1e-5 if name == "tsn_mobilenet_v2" else difference > 1e-3


@pytest.mark.parametrize("name", MOBILE)
def test_features_of_a_causal_network_do_not_see_the_future(name: str) -> None:
    network = small(name, segments=3, causal=True)
    x = torch.randn(3, 3, 32, 32)
    changed = x.clone()
    changed[2] = 0
    with torch.no_grad():
        torch.testing.assert_close(network.features(x)[:2], network.features(changed)[:2], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((1, 3, 3, 32, 32), "has 3 frames"),
        ((1, 2, 3, 32, 48), "divisible by 32"),
        ((1, 2, 3, 20, 32), "divisible"),
    ],
)
def test_a_network_refuses_other_clips(shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        small("sth_mobilenet_v2")(torch.zeros(shape))


def test_an_unknown_name_says_what_exists() -> None:
    with pytest.raises(ValueError, match="sth_mobilenetv2") as caught:
        build_network("sth_mobilenetv2", num_classes=5, segments=2)
    assert all(name in str(caught.value) for name in NETWORKS)


@pytest.mark.parametrize(
    ("name", "options", "reasons"),
    [
        ("sth_mobilenet_v2", {"proportion": 0.5}, ["proportion", "first_block", "width"]),
        ("tsn_mobilenet_v2", {"p": 0.25}, ["option p", "width"]),
        ("sth_resnet50", {"width": 0.5}, ["option width", "variant"]),
        ("sth_mobilenet_v2", {"p": 0.3}, ["1/G"]),
        ("sth_mobilenet_v2", {"p": "half"}, ["half"]),
        ("sth_mobilenet_v2", {"width": 0}, ["width is 0"]),
        ("sth_mobilenet_v2", {"width": -1.0}, ["width is -1.0"]),
        ("sth_mobilenet_v2", {"dropout": 1.5}, ["1.5"]),
        ("sth_mobilenet_v2", {"segments": 0}, ["segments 0"]),
        ("sth_mobilenet_v2", {"num_classes": 0}, ["num_classes is 0"]),
        ("tsm_mobilenet_v2", {"fold": 0}, ["fold is 0"]),
        ("sth_resnet50", {"variant": "mixed"}, ["mixed", "merge", "2plus1d_parallel"]),
        ("sth_resnet50", {"attention": True, "causal": True}, ["causal"]),
        ("sth_resnet50", {"variant": "2plus1d_parallel", "causal": True}, ["2plus1d_parallel", "causal"]),
        ("sth_resnet50", {"variant": "2plus1d_sequential", "attention": True}, ["attention"]),
    ],
)
def test_a_bad_option_is_named(name: str, options: dict[str, Any], reasons: list[str]) -> None:
    arguments = {"num_classes": 5, "segments": 2, **options}
    with torch.device("meta"), pytest.raises(ValueError) as caught:  # noqa: PT011 (looked at below)
        build_network(name, **arguments)
    assert all(reason in str(caught.value) for reason in reasons), str(caught.value)
    assert "\n" not in str(caught.value)


def test_fewer_temporal_blocks_keep_the_present() -> None:
    """Dropping a block's states equals zeroing the past of its temporal kernels; the rest of the network stays."""
    old = build_network("sth_mobilenet_v2", num_classes=5, segments=4, width=0.35, causal=True).eval()
    new = build_network("sth_mobilenet_v2", num_classes=5, segments=4, width=0.35, causal=True, temporal_blocks=[1, 16])
    randomize(old)
    new.load_state_dict(drop_states(old.state_dict(), old, new))
    new.eval()
    x_NTCHW = torch.randn(2, 4, 3, 64, 64)
    past = old(x_NTCHW)
    for name, module in old.named_modules():
        if isinstance(module, DepthwiseSTH) and not name.startswith(("features.2.", "features.17.")):
            module.temporal.data[:, :, :-1] = 0
    assert not torch.allclose(old(x_NTCHW), past, rtol=1e-3)
    torch.testing.assert_close(new(x_NTCHW), old(x_NTCHW), rtol=1e-4, atol=1e-5)
    assert sum(isinstance(module, DepthwiseSTH) for module in new.modules()) == 2


def test_temporal_blocks_that_do_not_exist_or_see_the_future() -> None:
    with pytest.raises(ValueError, match=r"temporal_blocks has \[0, 17\]; expected numbers from 1 to 16"):
        build_network("sth_mobilenet_v2", num_classes=5, segments=4, temporal_blocks=[0, 3, 17])
    centred = build_network("sth_mobilenet_v2", num_classes=5, segments=4, width=0.35)
    fewer = build_network("sth_mobilenet_v2", num_classes=5, segments=4, width=0.35, temporal_blocks=[1])
    with pytest.raises(ValueError, match="not causal"):
        drop_states(centred.state_dict(), centred, fewer)
