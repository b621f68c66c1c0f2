"""The temporal operators against loops over the paper's equations, written from the paper and not from the code.

Axes of arrays here: n clip, t frame, c input channel, m output channel, h row, w column, k and i, j kernel taps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from training.operators import DepthwiseSTH, FactoredConv, STHConv, TemporalShift
from training.operators.sth import groups_of
from training.operators.time import temporal_conv

T, H, W = 3, 5, 4
Taken = Callable[[int], Sequence[int]]


def pixel(clip_tchw: np.ndarray, t: int, c: int, h: int, w: int) -> float:
    """I[c, t, h, w], zero outside of the clip and of the frame."""
    frames, _, height, width = clip_tchw.shape
    inside = 0 <= t < frames and 0 <= h < height and 0 <= w < width
    return float(clip_tchw[t, c, h, w]) if inside else 0.0


def loop_components(
    clip_tchw: np.ndarray,
    temporal_mck: np.ndarray,
    spatial_mcij: np.ndarray,
    taken: Taken,
    *,
    stride: int = 1,
    padding: tuple[int, int] | None = None,
    dilation: tuple[int, int, int] = (1, 1, 1),
    causal: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """O(T) and O(S) of Eq. 2, one multiplication after the other.

    ``taken(m)`` lists the input channels that output m sees along time; kernels of m are numbered by rising channel.
    Taps are centred (the last one stands on the present if ``causal``); output (h, w) looks at the window whose
    centre is the one of a 2-D convolution with this stride, padding and dilation.
    """
    frames, channels, height, width = clip_tchw.shape
    outputs, _, rows, columns = spatial_mcij.shape
    taps, (dt, dh, dw) = temporal_mck.shape[2], dilation
    top, left = padding if padding is not None else (dh * (rows // 2), dw * (columns // 2))
    out_h = (height + 2 * top - dh * (rows - 1) - 1) // stride + 1
    out_w = (width + 2 * left - dw * (columns - 1) - 1) // stride + 1
    along_time = np.zeros((frames, outputs, out_h, out_w))
    along_space = np.zeros_like(along_time)
    for m, t, h, w in itertools.product(range(outputs), range(frames), range(out_h), range(out_w)):
        centre_h, centre_w = h * stride - top + dh * (rows // 2), w * stride - left + dw * (columns // 2)
        temporal = list(taken(m))
        spatial = [c for c in range(channels) if c not in temporal]
        for number, c in enumerate(temporal):
            for k in range(taps):
                when = t + dt * (k - (taps - 1 if causal else taps // 2))
                along_time[t, m, h, w] += temporal_mck[m, number, k] * pixel(clip_tchw, when, c, centre_h, centre_w)
        for number, c in enumerate(spatial):
            for i, j in itertools.product(range(rows), range(columns)):
                at_h, at_w = centre_h + dh * (i - rows // 2), centre_w + dw * (j - columns // 2)
                along_space[t, m, h, w] += spatial_mcij[m, number, i, j] * pixel(clip_tchw, t, c, at_h, at_w)
    return along_time, along_space


def taken_by(variant: str, groups: int, inputs: int, outputs: int) -> Taken:
    """Fig. 2 and Fig. 3: outputs form as many types as there are groups; merge leaves time to the first group."""
    if groups == 0:
        return lambda m: []
    width = inputs // groups
    if variant == "merge":
        return lambda m: range(width)
    return lambda m: [c for c in range(inputs) if c // width == m // (outputs // groups)]


def clips(channels: int, *, count: int = 1, frames: int = T, height: int = H, width: int = W) -> torch.Tensor:
    return torch.randn(count * frames, channels, height, width)


def numpy_kernels(operator: STHConv) -> tuple[np.ndarray, np.ndarray]:
    spatial = operator.spatial.detach().numpy()
    if not operator.groups:
        return np.zeros((len(spatial), 0, 1)), spatial
    return operator.temporal.detach().numpy()[..., 0], spatial


DENSE_CASES: list[dict[str, Any]] = [
    {},
    {"p": Fraction(1, 8)},
    {"p": 0.125, "variant": "merge"},
    {"p": 0.5},
    {"p": 0.5, "variant": "merge"},
    {"variant": "merge", "stride": 2},
    {"p": 0},
    {"p": 0, "stride": 2, "padding": 0},
    {"stride": 2},
    {"causal": True},
    {"causal": True, "variant": "merge", "dilation": 2, "frames": 5},
    {"kernel": (1, 3, 3)},
    {"kernel": (5, 3, 1), "frames": 5},
    {"kernel": (3, 1, 5), "stride": 2},
    {"kernel": (5, 3, 3), "causal": True, "frames": 4},
    {"padding": 0},
    {"padding": 2, "stride": 2},
    {"kernel": (3, 5, 3), "padding": 1, "height": 6},
    {"dilation": 2},
    {"dilation": (3, 1, 2), "frames": 4, "stride": 2},
    {"dilation": (1, 2, 1), "padding": 1, "kernel": (3, 3, 5), "height": 7, "width": 6},
    {"inputs": 4, "outputs": 12, "p": 0.25},
    {"inputs": 12, "outputs": 4, "p": 0.25},
    {"inputs": 4, "outputs": 3, "p": 0.25, "variant": "merge"},
    {"inputs": 6, "outputs": 3, "p": Fraction(1, 3)},
    {"inputs": 4, "outputs": 256, "height": 3, "width": 2, "stride": 2},
    {"inputs": 4, "outputs": 64, "height": 3, "width": 2, "variant": "merge", "dilation": 2},
]


@pytest.mark.parametrize("case", DENSE_CASES, ids=str)
def test_dense_sth_is_equation_2(case: dict[str, Any]) -> None:
    options = dict(case)
    inputs, outputs = options.pop("inputs", 8), options.pop("outputs", 8)
    frames, height, width = options.pop("frames", T), options.pop("height", H), options.pop("width", W)
    operator = STHConv(inputs, outputs, segments=frames, **options)
    groups = {0: 0, 0.125: 8, 0.25: 4, 0.5: 2}.get(float(options.get("p", 0.25)), 3)
    x = clips(inputs, frames=frames, height=height, width=width)
    padding, dilation = options.get("padding"), options.get("dilation", 1)
    along_time, along_space = loop_components(
        x.numpy(),
        *numpy_kernels(operator),
        taken_by(options.get("variant", "hybrid"), groups, inputs, outputs),
        stride=options.get("stride", 1),
        padding=None if padding is None else (padding, padding),
        dilation=(dilation,) * 3 if isinstance(dilation, int) else dilation,
        causal=options.get("causal", False),
    )
    y = operator(x).detach().numpy()
    assert y.shape == along_time.shape
    np.testing.assert_allclose(y, along_time + along_space, atol=2e-5)


def test_dense_sth_keeps_clips_apart() -> None:
    operator = STHConv(8, 8, segments=T)
    x = clips(8, count=2)
    alone = torch.cat([operator(x[:T]), operator(x[T:])])
    torch.testing.assert_close(operator(x), alone)


def test_the_four_types_of_figure_2() -> None:
    """Ci = 8 and p = 1/4: four types of hybrid kernels, Co/4 outputs each, the temporal share shifted by two."""
    operator = STHConv(8, 8, segments=T)
    assert [list(operator.temporal_channels(m)) for m in range(8)] == [
        [0, 1], [0, 1], [2, 3], [2, 3], [4, 5], [4, 5], [6, 7], [6, 7],
    ]  # fmt: skip
    merge = STHConv(8, 8, segments=T, variant="merge")
    assert [list(merge.temporal_channels(m)) for m in range(8)] == [[0, 1]] * 8


@pytest.mark.parametrize("variant", ["hybrid", "merge"])
def test_an_output_looks_along_time_at_its_own_share_only(variant: str) -> None:
    """Measured, not asked: a pulse in one input channel shows up in other frames only for outputs of its type."""
    operator = STHConv(8, 8, segments=T, variant=variant)
    for channel in range(8):
        x = torch.zeros(T, 8, H, W)
        x[1, channel, 2, 2] = 1.0
        y = operator(x).detach()
        in_other_frames = [m for m in range(8) if float(y[[0, 2], m].abs().max()) > 0]
        at_other_pixels = [m for m in range(8) if float(y[1, m].abs().sum() - y[1, m, 2, 2].abs()) > 0]
        wanted = [m for m in range(8) if (channel // 2 == m // 2 if variant == "hybrid" else channel < 2)]
        assert in_other_frames == wanted
        assert at_other_pixels == [m for m in range(8) if m not in wanted]


def test_parameters_of_an_augmented_kernel() -> None:
    """Section 3.2: p Ci KT + (1 - p) Ci KH KW per output; at p = 1/2 that is 6 Ci against 9 Ci of a 2-D kernel."""
    for p, per_channel in [(0, 9.0), (0.125, 8.25), (0.25, 7.5), (0.5, 6.0)]:
        operator = STHConv(16, 16, segments=T, p=p)
        assert sum(weight.numel() for weight in operator.parameters()) == 16 * 16 * per_channel


@pytest.mark.parametrize("variant", ["hybrid", "merge"])
def test_attention_is_equation_3(variant: str) -> None:
    operator = STHConv(4, 4, segments=T, p=0.5, variant=variant, attention=True)
    assert operator.attend is not None
    torch.nn.init.normal_(operator.attend.weight, 0, 2.0)
    fully_connected = operator.attend.weight.detach().numpy().astype(float)
    x = clips(4, count=2)
    y = operator(x).detach().numpy()
    for clip in (0, 1):
        frames = slice(clip * T, (clip + 1) * T)
        along_time, along_space = loop_components(
            x[frames].numpy(), *numpy_kernels(operator), taken_by(variant, 2, 4, 4)
        )
        scores = []
        for component in (along_time, along_space):
            pooled = [sum(component[:, m].ravel()) / component[:, m].size for m in range(4)]
            scores.append([sum(fully_connected[o, m] * pooled[m] for m in range(4)) for o in range(4)])
        for m in range(4):
            over = np.exp(scores[0][m]) + np.exp(scores[1][m])
            alpha_t, alpha_s = np.exp(scores[0][m]) / over, np.exp(scores[1][m]) / over
            wanted = alpha_t * along_time[:, m] + alpha_s * along_space[:, m]
            np.testing.assert_allclose(y[frames, m], wanted, atol=2e-5)


def test_attention_sums_to_one_and_differs_between_clips() -> None:
    operator = STHConv(8, 8, segments=T, attention=True)
    alpha_t, alpha_s = operator.attention(*operator.components(clips(8, count=2)))
    assert alpha_t.shape == alpha_s.shape == (2, 8)
    torch.testing.assert_close(alpha_t + alpha_s, torch.ones(2, 8))
    assert float((alpha_t[0] - alpha_t[1]).abs().max()) > 1e-4
    assert float((alpha_t - 0.5).abs().max()) > 1e-4


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"p": 0.3}, "1/G"),
        ({"p": 1.0}, "1/G"),
        ({"p": -0.25}, "1/G"),
        ({"p": Fraction(2, 3)}, "1/G"),
        ({"p": 1 / 3}, "does not divide 8"),
        ({"kernel": 2}, "odd"),
        ({"kernel": (3, 3, 4)}, "odd"),
        ({"kernel": (2, 3, 3)}, "odd"),
        ({"variant": "interleaved"}, "hybrid, merge"),
        ({"attention": True, "causal": True}, "causal"),
    ],
)
def test_dense_sth_refuses(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        STHConv(8, 8, segments=T, **options)


def test_p_names_its_groups() -> None:
    assert [groups_of(p) for p in (0, 0.0, 1 / 8, Fraction(1, 4), 0.5, 1 / 3)] == [0, 0, 8, 4, 2, 3]


DEPTHWISE_CASES: list[dict[str, Any]] = [
    {},
    {"shift": 1},
    {"shift": 3, "stride": 2},
    {"shift": 6},
    {"p": 0.5, "shift": 1},
    {"p": 0.125, "shift": 7, "stride": 2},
    {"causal": True, "shift": 2},
    {"kernel": (5, 3), "frames": 5},
    {"kernel": (3, 5), "causal": True, "stride": 2},
    {"p": 0, "stride": 2},
]


@pytest.mark.parametrize("case", DEPTHWISE_CASES, ids=str)
def test_depthwise_sth_is_equation_2_per_channel(case: dict[str, Any]) -> None:
    options = dict(case)
    frames, p, shift = options.pop("frames", T), options.get("p", 0.25), options.get("shift", 0)
    operator = DepthwiseSTH(8, segments=frames, **options)
    share = int(8 * p)
    start = (shift * share) % 8 if share else 0
    temporal = list(range(start, start + share))
    assert operator.temporal_channels() == temporal
    assert operator.spatial_channels() == [c for c in range(8) if c not in temporal]
    x = clips(8, frames=frames)
    y = operator(x).detach().numpy()
    for channel in range(8):  # one channel is a convolution of one input and one output
        stride, causal, size = (
            options.get("stride", 1),
            options.get("causal", False),
            options.get("kernel", (3, 3)),
        )
        if channel in temporal:
            assert operator.temporal is not None
            taps = operator.temporal[temporal.index(channel), :, :, 0].detach().numpy()[None]
            kernels = taps, np.zeros((1, 0, size[1], size[1]))
            wanted, _ = loop_components(x[:, [channel]].numpy(), *kernels, lambda m: [0], stride=stride, causal=causal)
        else:
            kernel = operator.spatial[operator.spatial_channels().index(channel)].detach().numpy()[None]
            kernels = np.zeros((1, 0, 1)), kernel
            _, wanted = loop_components(x[:, [channel]].numpy(), *kernels, lambda m: [], stride=stride)
        np.testing.assert_allclose(y[:, channel], wanted[:, 0], atol=1e-5)


def test_depthwise_share_visits_every_channel_over_the_layers() -> None:
    seen = [DepthwiseSTH(8, segments=T, shift=layer).temporal_channels() for layer in range(5)]
    assert seen == [[0, 1], [2, 3], [4, 5], [6, 7], [0, 1]]


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"p": 0.3}, "1/G"), ({"p": 1 / 3}, "does not divide"), ({"kernel": (2, 3)}, "odd"),
     ({"kernel": (3, 4)}, "odd"), ({"stride": 3}, "stride")],
)  # fmt: skip
def test_depthwise_sth_refuses(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        DepthwiseSTH(8, segments=T, **options)


OPERATORS: list[Callable[[], torch.nn.Module]] = [
    lambda: STHConv(8, 8, segments=T),
    lambda: STHConv(8, 8, segments=T, variant="merge", attention=True),
    lambda: DepthwiseSTH(8, segments=T, shift=1),
    lambda: FactoredConv(8, 8, segments=T, mode="sequential"),
    lambda: FactoredConv(8, 8, segments=T, mode="parallel"),
]
NAMES = ["dense", "attentive", "depthwise", "sequential", "parallel"]


@pytest.mark.parametrize("make", OPERATORS, ids=NAMES)
def test_gradients_reach_temporal_and_spatial_kernels(make: Callable[[], torch.nn.Module]) -> None:
    operator = make()
    (operator(clips(8)) ** 2).sum().backward()
    for name, weight in operator.named_parameters():
        assert weight.grad is not None, name
        # every tap of time takes part, so each has a gradient
        assert float(weight.grad.abs().min()) > 0, name


@pytest.mark.parametrize("make", [*OPERATORS, lambda: TemporalShift(segments=T)], ids=[*NAMES, "shift"])
def test_the_order_of_frames_matters(make: Callable[[], torch.nn.Module]) -> None:
    operator, x = make(), clips(8)
    played_back = operator(x.flip(0)).flip(0)
    assert float((operator(x) - played_back).abs().max()) > 1e-2


@pytest.mark.parametrize(
    "make",
    [lambda causal: STHConv(8, 8, segments=T, causal=causal),
     lambda causal: DepthwiseSTH(8, segments=T, causal=causal),
     lambda causal: TemporalShift(segments=T, causal=causal)],
    ids=["dense", "depthwise", "shift"],
)  # fmt: skip
def test_a_causal_operator_does_not_see_the_future(make: Callable[[bool], torch.nn.Module]) -> None:
    x = clips(8)
    changed = x.clone()
    changed[2] += 1.0
    causal, centred = make(True), make(False)
    torch.testing.assert_close(causal(x)[:2], causal(changed)[:2], atol=0, rtol=0)
    assert float((centred(x)[1] - centred(changed)[1]).abs().max()) > 1e-2  # the centred one does
    assert float((causal(x)[2] - causal(changed)[2]).abs().max()) > 1e-2
    before = x.clone()
    before[0] += 1.0
    assert float((causal(x)[1] - causal(before)[1]).abs().max()) > 1e-2  # and the past is seen


def test_temporal_conv_by_hand() -> None:
    """One channel, frames 1, 2, 4, 8, kernel (100, 10, 1)."""
    x = torch.tensor([1.0, 2.0, 4.0, 8.0]).view(4, 1, 1, 1)
    kernel = torch.tensor([100.0, 10.0, 1.0]).view(1, 1, 3, 1)

    def along_time(**options: Any) -> list[float]:
        return temporal_conv(x, kernel, segments=4, **options).flatten().tolist()

    assert along_time() == [12, 124, 248, 480]
    assert along_time(causal=True) == [1, 12, 124, 248]
    assert along_time(dilation=2) == [14, 28, 140, 280]
    assert along_time(dilation=2, causal=True) == [1, 2, 14, 28]
    assert temporal_conv(x, kernel, segments=2).flatten().tolist() == [12, 120, 48, 480]
    with pytest.raises(ValueError, match="no multiple"):
        temporal_conv(x, kernel, segments=3)


def test_temporal_shift_by_hand() -> None:
    """Value 10 t + c; with fold 4 of 8 channels, 0 and 1 come from t + 1, 2 and 3 from t - 1, 4 to 7 stay."""
    x = (10 * torch.arange(3).view(3, 1) + torch.arange(8)).float().view(3, 8, 1, 1)
    shifted = TemporalShift(segments=3, fold=4)(x).view(3, 8).tolist()
    assert shifted == [
        [10, 11, 0, 0, 4, 5, 6, 7],
        [20, 21, 2, 3, 14, 15, 16, 17],
        [0, 0, 12, 13, 24, 25, 26, 27],
    ]
    causal = TemporalShift(segments=3, fold=4, causal=True)(x).view(3, 8).tolist()
    assert causal == [
        [0, 0, 2, 3, 4, 5, 6, 7],
        [0, 1, 12, 13, 14, 15, 16, 17],
        [10, 11, 22, 23, 24, 25, 26, 27],
    ]


def test_temporal_shift_keeps_clips_apart() -> None:
    x = clips(8, count=2)
    shift = TemporalShift(segments=T)
    torch.testing.assert_close(shift(x), torch.cat([shift(x[:T]), shift(x[T:])]), atol=0, rtol=0)


def test_temporal_shift_refuses_a_useless_fold() -> None:
    for fold in (0, 1, -8):
        with pytest.raises(ValueError, match="fold"):
            TemporalShift(segments=T, fold=fold)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_factored_convolutions_by_loops(mode: str, stride: int) -> None:
    operator = FactoredConv(3, 4, segments=T, mode=mode, stride=stride)
    x = clips(3)
    spatial, temporal = operator.spatial.weight.detach().numpy(), operator.temporal[..., 0].detach().numpy()
    nothing, no_space = np.zeros((4, 0, 1)), np.zeros((4, 0, 3, 3))
    _, along_space = loop_components(x.numpy(), nothing, spatial, lambda m: [], stride=stride)
    if mode == "parallel":
        along_time, _ = loop_components(x.numpy(), temporal, no_space, lambda m: range(3), stride=stride)
        wanted = along_space + along_time
    else:
        wanted, _ = loop_components(along_space, temporal, no_space, lambda m: range(4))
    np.testing.assert_allclose(operator(x).detach().numpy(), wanted, atol=2e-5)


def test_factored_convolution_refuses() -> None:
    with pytest.raises(ValueError, match="sequential or parallel"):
        FactoredConv(3, 4, segments=T, mode="both")
    with pytest.raises(ValueError, match="odd"):
        FactoredConv(3, 4, segments=T, mode="parallel", kernel=4)
