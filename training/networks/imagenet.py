"""ImageNet weights for the spatial kernels (Section 4.2); temporal kernels and the classifier stay random.

3-D kernels are inflated from the 2-D ones; the first kernel of a network of optical flow is the colours' mean.
torchvision's convolutions with a bias (VGG) give it to the batch norm.

Axes: O output channel, I input channel, C channel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision.models import get_model_weights

from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.common.files import read_tensors
from training.networks.first_convolution import average_colours, first_convolution
from training.networks.frame_network import FrameNetwork
from training.operators import DepthwiseSTH, GSTConv, InflatedConv, STHConv
from training.operators.inflated import inflate

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TENSORFLOW_RANGE = 0.5  # mean and standard deviation of an input in [-1, 1]
_CLASSES = {1000: (_IMAGENET_MEAN, _IMAGENET_STD), 1001: ((_TENSORFLOW_RANGE,) * 3, (_TENSORFLOW_RANGE,) * 3)}


def load_imagenet(network: FrameNetwork, source: str, spec: InputSpec) -> list[str]:
    """Initialise from torchvision-named ImageNet weights; returns the names of the parameters that stayed random.

    The first convolution is adapted to this project's input range. Weights with 1001 classes are taken to expect
    [-1, 1], those with 1000 classes torchvision's mean and standard deviation.

    Args:
        source: "imagenet" (torchvision's own, downloaded) or a file with a state_dict.

    Raises:
        UserError: the file is missing or no state_dict of this backbone, or there is no network to download over.
    """
    state = _read(source, network)
    classes = next((len(value) for name, value in state.items() if name in ("classifier.1.bias", "fc.bias")), 1000)
    mean, std = _CLASSES.get(classes, _CLASSES[1000])
    random = _copy(network.features, state, source)
    _adapt_input(network.features, mean, std, spec)
    return random


def _read(source: str, network: FrameNetwork) -> dict[str, torch.Tensor]:
    if source == "imagenet":
        return _download(network)
    if not Path(source).is_file():
        raise UserError(f"there is no weights file {source}; give a torchvision state_dict, or 'imagenet' to download")
    state = read_tensors(source, "state_dict")
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(f"{source} is no state_dict: expected a dictionary of tensors")
    return dict(state)


def _download(network: FrameNetwork) -> dict[str, torch.Tensor]:
    weights = get_model_weights(network.backbone)["IMAGENET1K_V1"]
    try:
        return dict(weights.get_state_dict(progress=True))
    except (OSError, RuntimeError) as error:  # no network, or a download that does not have its hash
        raise UserError(f"cannot download {weights.url}: {error}; give a file with --weights FILE") from error


@torch.no_grad()
def _adapt_input(features: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], spec: InputSpec) -> None:
    """Rescale the first kernel, so that it gives on our input what it gave on its own (but for the borders).

    Optical flow has no colours: its zero stays zero, and its scale is that of the mean colour.
    """
    _, _, first, norm = first_convolution(features)
    weight_OIHW, theirs = first.weight, torch.tensor(std).view(1, -1, 1, 1)
    if spec.channels == len(mean):
        moved = (torch.tensor(spec.mean) - torch.tensor(mean)).view(1, -1, 1, 1) / theirs
        assert norm.running_mean is not None
        norm.running_mean.sub_((weight_OIHW * moved).sum((1, 2, 3)))
    else:
        theirs = theirs.mean()
    weight_OIHW.mul_(torch.tensor(spec.std).view(1, -1, 1, 1) / theirs)


def _is_resnet(features: nn.Module) -> bool:
    return hasattr(features, "layer1")


def _copy(features: nn.Module, state: dict[str, torch.Tensor], source: str) -> list[str]:
    """Copy what the backbone has; a hybrid convolution takes the spatial kernels of its spatial channels."""
    wanted, random, copied = _places(features), [], 0
    colours = next(iter(wanted))  # the first convolution's kernel
    _move_biases(state, wanted)
    for name in state:
        if name not in wanted and not name.startswith(("classifier.", "fc.")):
            raise UserError(f"{source} has {name}, which this network lacks; it belongs to another network")
    with torch.no_grad():
        for name, place in wanted.items():
            value = state.get(name)
            if value is None:
                random.append(name)
                continue
            if name == colours and place.shape[1] != value.shape[1]:
                value = average_colours(value, place.shape[1])
            if value.shape != _shape_of(place):
                raise UserError(f"{source}: {name} is {tuple(value.shape)}; this network has {_shape_of(place)}")
            for part, target in _parts(place, value):
                target.copy_(part)
            copied += 1
    lacking = [name for name in random if not name.endswith(".num_batches_tracked")]  # absent from old files
    if 10 * len(lacking) > len(wanted):
        raise UserError(f"{source} fits {copied} of {len(wanted)} tensors; it belongs to another network")
    return random


def _move_biases(state: dict[str, torch.Tensor], wanted: dict[str, Any]) -> None:
    """A bias before batch norm is the same as a running mean that is lower by it."""
    for name in [name for name in state if name.endswith(".bias") and name not in wanted]:
        stem, _, number = name.removesuffix(".bias").rpartition(".")
        mean = f"{stem}.{int(number) + 1}.running_mean" if number.isdecimal() else ""
        if mean in wanted and mean in state and state[mean].shape == state[name].shape:
            state[mean] = state[mean] - state.pop(name)


def _shape_of(place: Any) -> tuple[int, ...]:
    """Shape of the 2-D kernel that stood where an operator stands; a tensor's own."""
    if isinstance(place, DepthwiseSTH):
        return (place.channels, 1, *place.spatial.shape[2:])
    if isinstance(place, STHConv):
        return (place.out_channels, place.in_channels, *place.kernel[1:])
    if isinstance(place, InflatedConv):
        return (*place.weight.shape[:2], *place.weight.shape[3:])
    if isinstance(place, GSTConv):
        outputs, half, *size = place.spatial.shape
        return (outputs + len(place.temporal), 2 * half, *size)
    return tuple(place.shape)


def _parts(place: Any, value: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """What of a torchvision tensor goes into which tensor of the place."""
    if isinstance(place, DepthwiseSTH):
        return [(value[place.spatial_channels()], place.spatial)]
    if isinstance(place, STHConv):
        index = place.spatial_index[:, :, None, None].expand(-1, -1, *value.shape[2:])
        return [(value.gather(1, index), place.spatial)]
    if isinstance(place, InflatedConv):
        return [(inflate(value, place.weight.shape[2]), place.weight)]
    if isinstance(place, GSTConv):
        outputs, half = place.spatial.shape[:2]
        right = inflate(value[outputs:, half:], place.temporal.shape[2])
        return [(value[:outputs, :half], place.spatial), (right, place.temporal)]
    return [(value, place)]


def _places(features: nn.Module) -> dict[str, Any]:
    """Targets by torchvision's names: tensors, or the hybrid operator that stands where a convolution stood."""
    prefix = "" if _is_resnet(features) else "features."
    places: dict[str, Any] = {}
    for name, module in features.named_modules():
        # TSM wraps the convolution after its shift into a sequence: conv.0.0.1 is torchvision's conv.0.0
        plain = prefix + (name[: -len(".1")] if name.endswith(".0.0.1") else name)
        plain = plain.removesuffix(".spatial")  # of a (2+1)D convolution, or of one after a shift
        if isinstance(module, (DepthwiseSTH, STHConv, InflatedConv, GSTConv)):
            places[f"{plain}.weight"] = module
        elif isinstance(module, (nn.Conv2d, nn.BatchNorm2d)):
            for key, tensor in module.state_dict().items():
                places[f"{plain}.{key}"] = tensor
    return places
