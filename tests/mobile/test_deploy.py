"""The deploy form computes what the training form does, without the operators that phones do badly."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_networks import small_network, smooth_frames

from mobile.deploy.blocks import frames_to_rows, rows_to_frames
from mobile.deploy.network import deploy_form
from mobile.quantization.quantized_program import calibrate, convert_to_int8, export_program
from training.clips.input_spec import InputSpec
from training.networks import build_network

STH, TSN, TSM = "sth_mobilenet_v2", "tsn_mobilenet_v2", "tsm_mobilenet_v2"
CASES: list[tuple[str, dict[str, Any]]] = [
    (TSN, {}),
    (TSN, {"segments": 1}),
    (TSM, {}),
    (TSM, {"causal": True}),
    (TSM, {"width": 0.25}),
    (STH, {}),
    (STH, {"p": 0.5}),
    (STH, {"p": 0.125, "causal": True}),
    (STH, {"causal": True}),
    (STH, {"first_block": True}),
    (STH, {"first_block": True, "causal": True, "p": 0.5}),
    (STH, {"p": 0}),
    (STH, {"segments": 1}),
    (STH, {"segments": 8, "width": 0.5}),
]


def two_clips(segments: int, size: int = 64) -> torch.Tensor:
    return InputSpec(segments=segments, size=size).to_network(smooth_frames(2, segments, size))


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_deploy_form_is_the_training_form(name: str, options: dict[str, Any]) -> None:
    network = small_network(name, **options)
    x_NTCHW = two_clips(network.segments)
    with torch.no_grad():
        wanted = network(x_NTCHW)
        deployed = deploy_form(network)
        got = deployed(x_NTCHW.flatten(0, 1))
        alone = deployed(x_NTCHW[1])
    assert got.shape == wanted.shape == (2, 5)
    largest = float(wanted.abs().max())
    assert float((wanted[0] - wanted[1]).abs().max()) > 0.02 * largest  # the input matters
    assert float((got - wanted).abs().max()) < 1e-4 * largest
    assert float((alone - wanted[1]).abs().max()) < 1e-4 * largest


@pytest.mark.parametrize("name", [STH, TSM])
def test_the_order_of_frames_reaches_the_logits(name: str) -> None:
    deployed = deploy_form(small_network(name))
    x_TCHW = two_clips(3)[0]
    with torch.no_grad():
        difference = (deployed(x_TCHW) - deployed(x_TCHW.flip(0))).abs().max() / deployed(x_TCHW).abs().max()
    assert float(difference) > 1e-3


def test_deploying_copies_the_weights() -> None:
    network = small_network(STH)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    deployed = deploy_form(network)
    for conv in deployed.convs().values():
        conv.weight.data.zero_()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_other_sizes_need_no_other_network() -> None:
    network = small_network(STH)
    deployed = deploy_form(network)
    x_NTCHW = torch.nn.functional.pad(two_clips(3), (0, 32))  # 64 x 96
    with torch.no_grad():
        torch.testing.assert_close(deployed(x_NTCHW.flatten(0, 1)), network(x_NTCHW), atol=1e-3, rtol=1e-3)


# Views of channels-last memory and what every delegate takes: no slice, gather, split or batch norm.
ALLOWED = {"conv2d", "relu6", "permute", "reshape", "cat", "add", "mean", "flatten", "pad"}
GRID = {"quantize_per_tensor", "dequantize_per_tensor", "dequantize_per_channel"}


def operators_of(program: torch.export.ExportedProgram) -> set[str]:
    """Names of the operators; the rank of what they give is added where it is beyond 4."""
    found = set()
    for node in program.graph.nodes:
        if node.op == "call_function":
            value = node.meta["val"]
            assert isinstance(value, torch.Tensor), node
            name = str(node.target).split(".")[1]
            found.add(name if value.dim() <= 4 else f"{name} to {value.dim()}-D")
    return found


@pytest.mark.minutes
def test_the_float_program_has_no_slice_no_gather_and_no_5d_tensor() -> None:
    network = deploy_form(small_network(STH, causal=True, first_block=True))
    assert operators_of(export_program(network, 32)) == ALLOWED


@pytest.mark.minutes
def test_the_int8_program_has_no_slice_no_gather_and_no_5d_tensor() -> None:
    network = deploy_form(small_network(STH))
    calibrate(network, [two_clips(3, 32).flatten(0, 1)])
    convert_to_int8(network)
    assert operators_of(export_program(network, 32)) == (ALLOWED - {"pad"}) | GRID


def test_the_check_sees_a_slice_and_a_5d_tensor() -> None:
    class Bad(torch.nn.Module):
        def forward(self, x_TCHW: torch.Tensor) -> torch.Tensor:
            return x_TCHW[:, 1:].unsqueeze(0)

    program = torch.export.export(Bad(), (torch.zeros(2, 3, 4, 4),))
    assert operators_of(program) == {"slice", "unsqueeze to 5-D"}


def test_frames_as_rows_move_nothing_in_channels_last_memory() -> None:
    x_BCHW = torch.randn(6, 4, 2, 5).contiguous(memory_format=torch.channels_last)
    x_NCTP = frames_to_rows(x_BCHW, 3)
    assert x_NCTP.shape == (2, 4, 3, 10)
    assert x_NCTP.data_ptr() == x_BCHW.data_ptr()
    torch.testing.assert_close(x_NCTP[1, 2, 1, 7], x_BCHW[4, 2, 1, 2])  # clip 1, frame 1, pixel (1, 2)
    torch.testing.assert_close(rows_to_frames(x_NCTP, 2, 5), x_BCHW)


def test_temporal_kernels_of_stride_2_blocks_see_a_quarter_of_the_pixels() -> None:
    deployed = deploy_form(small_network(STH))
    strides = {
        (block.spatial.stride, block.expand_time.stride, block.temporal.stride)
        for block in deployed.blocks
        if hasattr(block, "expand_time")
    }
    assert strides == {(1, 1, 1), (2, 2, 1)}


def test_points_and_convolutions_have_names_once() -> None:
    deployed = deploy_form(small_network(STH))
    points, convs = deployed.points(), deployed.convs()
    assert len({id(point) for point in points.values()}) == len(points)
    assert len(convs) == 1 + 2 + 16 * 5 + 1 + 1  # stem, first block, 16 split blocks, head, classifier
    assert all(id(conv.source) in {id(p) for p in points.values()} for conv in convs.values())
    for block in deployed.blocks:  # a concat needs one scale for both of its parts
        if hasattr(block, "temporal"):
            assert block.temporal.out is block.spatial.out is block.project.source


def test_networks_without_a_deploy_form() -> None:
    with torch.device("meta"):
        resnet = build_network("sth_resnet50", num_classes=5, segments=2)
    with pytest.raises(ValueError, match="MobileNetV2 networks only"):
        deploy_form(resnet)
    with pytest.raises(ValueError, match="first_block with a width below"):
        deploy_form(small_network(STH, first_block=True, width=0.25))
    deploy_form(small_network(STH, width=0.25))
