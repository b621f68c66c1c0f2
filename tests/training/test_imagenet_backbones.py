"""ImageNet weights in the ResNets and VGG, under STH-Conv and under each rival."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from small_networks import randomise
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.networks import build_network
from training.networks.imagenet import load_imagenet
from training.operators import VARIANTS, FactoredConv, GSTConv, InflatedConv, ShiftedConv, STHConv

THEIRS = InputSpec(segments=3, size=32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, str]:
    """torchvision's ResNet-18 with random weights, and its file."""
    torch.manual_seed(7)
    source = torchvision.models.resnet18(weights=None).eval()
    randomise(source)
    path = tmp_path_factory.mktemp("weights") / "resnet18.pt"
    torch.save(source.state_dict(), path)
    return source, str(path)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_takes_the_kernels(resnet18: tuple[nn.Module, str], variant: str) -> None:
    source, path = resnet18
    network = build_network("sth_resnet18", num_classes=5, segments=3, variant=variant, p=0.5)
    assert load_imagenet(network, path, THEIRS) == []
    weight = source.get_submodule("layer2.0.conv1").weight.detach()  # type: ignore[operator]
    ours = network.features.get_submodule("layer2.0.conv1")
    if isinstance(ours, STHConv) and ours.groups:
        for output in (0, 127):
            spatial = [c for c in range(64) if c not in ours.temporal_channels(output)]
            torch.testing.assert_close(ours.spatial[output], weight[output, spatial], atol=0, rtol=0)
    elif isinstance(ours, STHConv):
        torch.testing.assert_close(ours.spatial, weight, atol=0, rtol=0)
    elif isinstance(ours, InflatedConv):
        torch.testing.assert_close(ours.weight.sum(2), weight, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(ours.weight[:, :, 0], ours.weight[:, :, 2], atol=0, rtol=0)
    elif isinstance(ours, GSTConv):
        torch.testing.assert_close(ours.spatial, weight[:96, :32], atol=0, rtol=0)
        torch.testing.assert_close(ours.temporal.sum(2), weight[96:, 32:], atol=1e-5, rtol=1e-5)
    else:
        assert isinstance(ours, (FactoredConv, ShiftedConv))
        torch.testing.assert_close(ours.spatial.weight, weight, atol=0, rtol=0)


def test_the_2d_resnet_is_the_source(resnet18: tuple[nn.Module, str]) -> None:
    source, path = resnet18
    network = build_network("sth_resnet18", num_classes=5, segments=3, variant="2d").eval()
    load_imagenet(network, path, THEIRS)
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        pooled = network.features(x).mean((2, 3))
        torch.testing.assert_close(nn.functional.linear(pooled, source.fc.weight, source.fc.bias), source(x))  # type: ignore[arg-type, union-attr]


def test_an_inflated_network_sees_a_still_clip_as_the_source_does(resnet18: tuple[nn.Module, str]) -> None:
    """Away from the clip's ends; one layer deep, since each layer reaches one frame further."""
    source, path = resnet18
    network = build_network("sth_resnet18", num_classes=5, segments=3, variant="3d").eval()
    load_imagenet(network, path, THEIRS)
    x = torch.randn(1, 64, 8, 8).repeat(3, 1, 1, 1)
    with torch.no_grad():
        ours = network.features.get_submodule("layer1.0.conv1")(x)[1]
        theirs = source.get_submodule("layer1.0.conv1")(x)[1]
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.minutes
def test_the_2d_vgg_is_the_source_whose_convolutions_have_biases(tmp_path: Path) -> None:
    source = make_layers(cfgs["D"], batch_norm=True).eval()
    randomise(source)
    for module in source:
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.bias, 0, 0.5)  # type: ignore[arg-type]
    state = {f"features.{name}": value for name, value in source.state_dict().items()}
    torch.save({**state, "classifier.6.bias": torch.zeros(1000)}, tmp_path / "vgg.pt")
    network = build_network("sth_vgg16", num_classes=5, segments=3, variant="2d").eval()
    assert load_imagenet(network, str(tmp_path / "vgg.pt"), THEIRS) == []
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network.features(x), source(x), atol=1e-3, rtol=1e-3)
    hybrid = build_network("sth_vgg16", num_classes=5, segments=3)
    assert load_imagenet(hybrid, str(tmp_path / "vgg.pt"), InputSpec(segments=3, size=32)) == []


def test_weights_of_another_depth_are_refused(resnet18: tuple[nn.Module, str]) -> None:
    network = build_network("sth_resnet34", num_classes=5, segments=3)
    with pytest.raises(UserError, match="another network"):
        load_imagenet(network, resnet18[1], THEIRS)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101", "vgg16_bn", "mobilenet_v2"])
def test_torchvision_has_weights_for_each_backbone(name: str) -> None:
    assert torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].url.startswith("https://")


def test_each_network_names_its_backbone() -> None:
    with torch.device("meta"):
        for name, backbone in (
            ("sth_resnet34", "resnet34"),
            ("sth_vgg16", "vgg16_bn"),
            ("tsm_mobilenet_v2", "mobilenet_v2"),
        ):
            assert build_network(name, num_classes=5, segments=2).backbone == backbone
