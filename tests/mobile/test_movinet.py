"""MoViNet-A0, the rival: the published size and shapes, causality, and its TFLite stream beside the clip in PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import smooth_frames

from mobile.studies.movinet import folded, random_movinet
from training.clips.input_spec import InputSpec
from training.networks import build_network
from training.networks.movinet import A0
from training.tables.counting import count

SIZE, FRAMES = 64, 4
SPEC = InputSpec(segments=FRAMES, size=SIZE)


def test_the_size_is_the_published_one() -> None:
    """3.1 M parameters with the paper's gates and 600 classes; 2.7 G multiply-adds for 50 frames of 172 x 172."""
    paper = count("movinet_a0", num_classes=600, segments=50, size=172, excite="3d")
    assert paper.parameters / 1e6 == pytest.approx(3.1, abs=0.05)
    side, whole = 86, paper.multiply_adds  # and with the paper's whole kernels in place of (2+1)D ones
    for layer in A0:
        side = -(-side // layer.stride)
        taps = layer.time * layer.space**2 - layer.space**2 - layer.time
        whole += 50 * side * side * layer.expand * taps * (layer.time > 1)
    assert whole / 1e9 == pytest.approx(2.7, abs=0.1)
    ours = count("movinet_a0", num_classes=600, segments=50, size=172)
    assert 0.85 * whole < ours.multiply_adds < whole  # the form for phones is the cheaper one


def test_the_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        network = build_network("movinet_a0", num_classes=5, segments=2)
        h, shapes = torch.empty(2, 3, 128, 128), []
        for layer in network.features.children():
            h = layer(h)
            shapes.append(tuple(h.shape[1:]))
    assert [shapes[index] for index in (0, 1, 2, 5, 8, 12, -1)] == [
        (8, 64, 64), (8, 32, 32), (32, 16, 16), (56, 8, 8), (56, 8, 8), (104, 4, 4), (480, 4, 4),
    ]  # fmt: skip


@torch.no_grad()
def test_frames_see_the_past_only_and_their_order() -> None:
    network = random_movinet(segments=FRAMES, num_classes=5)
    x_NTCHW = SPEC.to_network(smooth_frames(2, FRAMES, SIZE))
    rows_NTK = network.frame_logits(x_NTCHW)
    torch.testing.assert_close(network(x_NTCHW), rows_NTK[:, -1])
    changed = x_NTCHW.clone()
    changed[:, 2:] = x_NTCHW[:, 2:].flip(0)
    others_NTK = network.frame_logits(changed)
    torch.testing.assert_close(others_NTK[:, :2], rows_NTK[:, :2])
    scale = float(rows_NTK.abs().max())
    assert float((others_NTK[:, 2:] - rows_NTK[:, 2:]).abs().max()) > 1e-2 * scale
    assert float((network(x_NTCHW.flip(1)) - network(x_NTCHW)).abs().max()) > 1e-3 * scale


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="2plus3d"):
        build_network("movinet_a0", num_classes=5, segments=2, excite="2d")
    with pytest.raises(ValueError, match="causal"):
        build_network("movinet_a0", num_classes=5, segments=2, causal=False)


def test_folding_leaves_no_block_out() -> None:
    found = folded(random_movinet(segments=2, num_classes=5))
    assert len(found["strides"]) == len(A0) == 15
    assert sum(name.endswith(".temporal.weight") for name in found) == 11
    assert sum(name.endswith(".skip.weight") for name in found) == 4
    assert all(np.abs(value).max() > 0 for name, value in found.items() if name != "strides")


@pytest.mark.minutes
@pytest.mark.parametrize("options", [{}, {"composed": True}], ids=["HARD_SWISH", "composed"])
def test_the_stream_in_tflite_is_the_clip_in_pytorch(tmp_path: Path, options: dict[str, bool]) -> None:
    pytest.importorskip("ai_edge_litert")
    from converters.export_tflite import build_random
    from mobile.runtimes import StreamRunner

    path = build_random("movinet_a0", precision="fp32", size=SIZE, segments=FRAMES, classes=5, options=options,
                        folder=tmp_path, mode="stream")  # fmt: skip
    runner, network = StreamRunner(path), random_movinet(segments=FRAMES, num_classes=5)
    assert len(runner.contract.states) == 11 + 15 + 2
    frames_NTHWC = smooth_frames(2, FRAMES, SIZE, seed=3)
    with torch.no_grad():
        wanted_NTK = network.frame_logits(SPEC.to_network(frames_NTHWC)).numpy()
    for frames_THWC, wanted_TK in zip(frames_NTHWC.numpy(), wanted_NTK, strict=True):
        found_TK = runner.rows(frames_THWC)
        assert np.abs(found_TK - wanted_TK).max() <= 1e-4 * np.abs(wanted_TK).max()
        assert np.abs(np.diff(wanted_TK, axis=0)).max() > 1e-2 * np.abs(wanted_TK).max()


@pytest.mark.minutes
def test_the_clip_in_int8_has_int8_convolutions(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    from converters.export_tflite import build_random
    from mobile.interface.contract import report_path
    from training.common.files import read_json

    path = build_random("movinet_a0", precision="int8", size=32, segments=2, classes=5, options={"composed": True},
                        folder=tmp_path)  # fmt: skip
    operators = read_json(report_path(path), "report")["operators"]
    assert set(operators["CONV_2D"]) == {"int8"}
    assert operators["DEPTHWISE_CONV_2D"] == {"int8": 15 + 11}
