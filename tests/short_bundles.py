"""A bundle over the first blocks of a causal network: converters lower it in a fraction of the time.

Axes: T frame, S height and width, C colour, K class.
"""

from __future__ import annotations

import numpy as np
import torch
from small_networks import CLASSES, randomise, small_network, smooth_frames
from torch import nn

from mobile.bundle import Bundle
from mobile.deploy import deploy_form
from mobile.quantize import calibrate, convert_to_int8
from training.input_spec import InputSpec

SIZE, SEGMENTS, BLOCKS = 64, 8, 3
STATES = BLOCKS - 1  # one for each hybrid block
REACH = 2 * STATES  # frames before the present one that reach its logits


def short_bundle() -> Bundle:
    """Block 0 is plain, block 1 a hybrid of stride 2, block 2 a hybrid with a residual sum.

    The batch norms know the clips, so that logits depend on what is seen.
    """
    torch.manual_seed(0)
    training = small_network("sth_mobilenet_v2", segments=SEGMENTS, causal=True)
    layers = list(training.features.children())
    head, width = layers[-1], layers[BLOCKS].conv[-1].num_features
    head[0], head[1] = nn.Conv2d(width, 64, 1, bias=False), nn.BatchNorm2d(64)
    training.features = nn.Sequential(*layers[: BLOCKS + 1], head)
    training.classifier = nn.Linear(64, CLASSES)
    randomise(training)
    for module in training.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # a plain average
            module.reset_running_stats()
    spec = InputSpec(segments=SEGMENTS, size=SIZE)
    x_NTCHW = spec.to_network(smooth_frames(4, SEGMENTS, SIZE, seed=2))
    with torch.no_grad():
        training.train()(x_NTCHW)
    floating, int8 = deploy_form(training.eval()), deploy_form(training)
    calibrate(int8, [x_NTCHW.flatten(0, 1)])
    convert_to_int8(int8)
    labels = tuple(f"class {number}" for number in range(CLASSES))
    options = {"causal": True, "width": 0.35}
    return Bundle("sth_mobilenet_v2", options, training, floating, int8, spec, labels, "a short network", {})


def pictures(frames: int, seed: int) -> np.ndarray:
    """Smooth pictures, uint8 (T, S, S, 3)."""
    return smooth_frames(1, frames, SIZE, seed)[0].numpy()
