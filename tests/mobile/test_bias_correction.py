"""Corrected biases: on the pictures that they were measured on, rounding a layer's weights moves no mean any more.

Axes: B = N * T frames, C channel, H row, W column.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from small_networks import seen_by_convolution, small_network, smooth_frames

from mobile.deploy.network import deploy_form
from mobile.deploy.number_systems import Conv, rounded_weight
from mobile.quantization.bias_correction import correct_biases
from training.clips.input_spec import InputSpec

SPEC = InputSpec(segments=2, size=64)


def frames(seed: int) -> torch.Tensor:
    return SPEC.to_network(smooth_frames(3, 2, 64, seed)).flatten(0, 1)


def mean_outputs(conv: Conv, weight: torch.Tensor, bias: torch.Tensor, x_BCHW: torch.Tensor) -> torch.Tensor:
    """Mean of each channel before the activation, (C,)."""
    return F.conv2d(x_BCHW, weight, bias, conv.stride, conv.padding, 1, conv.groups).mean(dim=(0, 2, 3))


@torch.no_grad()
@pytest.mark.parametrize("name", ["sth_mobilenet_v2", "tsm_mobilenet_v2", "tsn_mobilenet_v2"])
def test_rounding_moves_no_mean(name: str) -> None:
    network = deploy_form(small_network(name, segments=2))
    before = {key: (conv.weight.clone(), conv.bias.clone()) for key, conv in network.convs().items()}
    seen = seen_by_convolution(network, torch.cat([frames(0), frames(1)]))
    correct_biases(network, [frames(0), frames(1)])
    helped = 0
    for key, conv in network.convs().items():
        weight, bias = before[key]
        assert torch.equal(conv.weight, weight)
        exact = mean_outputs(conv, weight, bias, seen[key][0])
        plain = mean_outputs(conv, rounded_weight(weight), bias, seen[key][0])
        corrected = mean_outputs(conv, rounded_weight(weight), conv.bias, seen[key][0])
        error, error_before = (float((found - exact).abs().max()) for found in (corrected, plain))
        assert error < 1e-5 * max(1.0, float(exact.abs().max()))
        helped += error_before > 20 * error
    assert helped > 40
