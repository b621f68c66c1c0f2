"""A bundle over the first blocks of a causal network: converters lower it in a fraction of the time.

Axes: T frame, S height and width, C colour, K class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from small_networks import CLASSES, randomise, small_network, smooth_frames
from torch import nn

from mobile.bundle import Bundle
from mobile.deploy.network import deploy_form
from mobile.quantization.quantized_program import calibrate, convert_to_int8
from training.clips.input_spec import InputSpec
from training.networks import FrameNetwork

STH, TSM = "sth_mobilenet_v2", "tsm_mobilenet_v2"
SIZE, SEGMENTS = 64, 8
BLOCKS = {STH: 3, TSM: 5}
STATES = 2  # one for each hybrid block of STH, one for each shift of TSM
REACH = {STH: 2 * STATES, TSM: STATES}  # frames before the present one that reach its logits


def short_network(name: str, blocks: int, x_NTCHW: torch.Tensor, **options: Any) -> FrameNetwork:
    """The first blocks of a network in evaluation, whose batch norms have the statistics of these clips."""
    network = small_network(name, segments=x_NTCHW.shape[1], **options)
    layers = list(network.features.children())
    head, width = layers[-1], layers[blocks].conv[-1].num_features
    head[0], head[1] = nn.Conv2d(width, 64, 1, bias=False), nn.BatchNorm2d(64)
    network.features = nn.Sequential(*layers[: blocks + 1], head)
    network.classifier = nn.Linear(64, CLASSES)
    randomise(network)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # a plain average
            module.reset_running_stats()
    with torch.no_grad():
        network.train()(x_NTCHW)
    return network.eval()


def short_bundle(name: str = STH) -> Bundle:
    """Of STH block 0 is plain, block 1 a hybrid of stride 2, block 2 a hybrid with a residual sum; TSM shifts before
    its blocks 2 and 4.

    The batch norms know the clips, so that logits depend on what is seen.
    """
    spec = InputSpec(segments=SEGMENTS, size=SIZE)
    x_NTCHW = spec.to_network(smooth_frames(4, SEGMENTS, SIZE, seed=2))
    training = short_network(name, BLOCKS[name], x_NTCHW, causal=True)
    floating, int8 = deploy_form(training), deploy_form(training)
    calibrate(int8, [x_NTCHW.flatten(0, 1)])
    convert_to_int8(int8)
    labels = tuple(f"class {number}" for number in range(CLASSES))
    options = {"causal": True, "width": 0.35}
    return Bundle(name, options, training, floating, int8, spec, labels, "a short network", {})


def pictures(frames: int, seed: int) -> np.ndarray:
    """Smooth pictures, uint8 (T, S, S, 3)."""
    return smooth_frames(1, frames, SIZE, seed)[0].numpy()
