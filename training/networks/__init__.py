"""Networks by name: one entry point for STH and everything that it is compared with.

The rivals of STH-Conv in ResNets and VGG are one word, ``variant=tsm``; see ``training.operators.VARIANTS``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from training.networks.first_convolution import take_channels
from training.networks.frame_network import FrameNetwork
from training.networks.mobilenet_v2 import sth_mobilenet_v2, tsm_mobilenet_v2, tsn_mobilenet_v2
from training.networks.movinet import movinet_a0
from training.networks.resnet import sth_resnet18, sth_resnet34, sth_resnet50, sth_resnet101
from training.networks.vgg import sth_vgg16

__all__ = ["NETWORKS", "FrameNetwork", "build_network", "complete_options", "option_text", "title_of"]

NETWORKS: dict[str, Callable[..., FrameNetwork]] = {
    "sth_mobilenet_v2": sth_mobilenet_v2,
    "tsn_mobilenet_v2": tsn_mobilenet_v2,
    "tsm_mobilenet_v2": tsm_mobilenet_v2,
    "sth_resnet18": sth_resnet18,
    "sth_resnet34": sth_resnet34,
    "sth_resnet50": sth_resnet50,
    "sth_resnet101": sth_resnet101,
    "sth_vgg16": sth_vgg16,
    "movinet_a0": movinet_a0,
}


def build_network(name: str, *, num_classes: int, segments: int, **options: Any) -> FrameNetwork:
    """Build a network that maps a clip (N, T, C, H, W), H and W divisible by 32, to logits (N, num_classes).

    Args:
        name: a key of ``NETWORKS``.
        options: ``channels`` of the input if not 3 colours (optical flow has 10); ``p``, ``variant``, ``attention``,
            ``dilation``, ``causal``, ``width``, ``temporal_blocks``, ``excite``, ``dropout``; each network refuses
            those that it does not have.

    Raises:
        ValueError: an unknown name or option (the message says what exists), or a value out of its range.
    """
    if name not in NETWORKS:
        raise ValueError(f"no network is called {name!r}; there are: {', '.join(sorted(NETWORKS))}")
    if num_classes < 1 or segments < 1:
        raise ValueError(f"num_classes is {num_classes} and segments {segments}; both must be at least 1")
    channels = options.pop("channels", 3)
    known = [key for key in inspect.signature(NETWORKS[name]).parameters if key not in ("num_classes", "segments")]
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"{name} has no option {', '.join(unknown)}; it has: {', '.join([*known, 'channels'])}")
    try:
        network = NETWORKS[name](num_classes=num_classes, segments=segments, **options)
        take_channels(network.features, channels)
    except TypeError as error:  # a value of the wrong type
        raise ValueError(f"{name}: {error}") from error
    return network


def complete_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a network of ``NETWORKS`` with the defaults of those that are not given."""
    parameters = inspect.signature(NETWORKS[name]).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
    return {**defaults, "channels": 3, **options}


def title_of(name: str, options: Mapping[str, Any]) -> str:
    """A network's name for tables: "sth_mobilenet_v2", or "sth_mobilenet_v2, causal"."""
    return f"{name}, causal" if options.get("causal") else name


def option_text(value: Any) -> str:
    """An option's value for names and cards: "0.25", "1", or "1-2-11" for a list."""
    if isinstance(value, (list, tuple)):
        return "-".join(f"{part:g}" for part in value)
    return value if isinstance(value, str) else f"{value:g}"
