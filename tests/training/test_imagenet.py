"""ImageNet weights for the spatial kernels, and batch norm of weights that come with it folded.

The weights here are random ones of torchvision's own networks, so that they have torchvision's names and shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from shared_data import shared_data
from small_networks import randomise, smooth_frames
from torch import nn

from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.networks import FrameNetwork, build_network
from training.networks.imagenet import load_imagenet
from training.networks.recalibrate import is_folded, recalibrate
from training.operators import DepthwiseSTH, FactoredConv, STHConv

SPEC = InputSpec(segments=2, size=32)
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def randomised(network: nn.Module) -> nn.Module:
    randomise(network)
    return network.eval()


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, str]:
    """A narrow torchvision MobileNetV2 and its file."""
    torch.manual_seed(7)
    source = randomised(torchvision.models.mobilenet_v2(weights=None, width_mult=0.35, num_classes=1000))
    path = tmp_path_factory.mktemp("weights") / "mobilenet.pt"
    torch.save(source.state_dict(), path)
    return source, str(path)


def small(name: str = "sth_mobilenet_v2", *, seed: int = 0, **options: Any) -> FrameNetwork:
    torch.manual_seed(seed)
    return build_network(name, num_classes=5, segments=2, **{"width": 0.35, **options}).eval()


def test_spatial_kernels_are_the_sources_and_temporal_ones_stay_random(mobilenet: tuple[nn.Module, str]) -> None:
    source, path = mobilenet
    networks = [small(seed=seed) for seed in (0, 1)]
    for network in networks:
        load_imagenet(network, path, SPEC)
    for number in range(1, 18):
        original = source.features[number].conv[-3][0]  # type: ignore[index]
        one, two = (network.features[number].conv[-3][0] for network in networks)  # type: ignore[index]
        if number == 1:  # the block without an expansion is not hybrid
            torch.testing.assert_close(one.weight, original.weight, atol=0, rtol=0)
            continue
        assert isinstance(one, DepthwiseSTH)
        share = original.out_channels // 4
        first = share * ((number - 1) % 4)
        spatial = [c for c in range(original.out_channels) if not first <= c < first + share]
        torch.testing.assert_close(one.spatial, original.weight[spatial], atol=0, rtol=0)
        torch.testing.assert_close(one.spatial, two.spatial, atol=0, rtol=0)
        assert float((one.temporal - two.temporal).abs().min()) > 0
    torch.testing.assert_close(networks[0].features[18][1].running_var, source.features[18][1].running_var)  # type: ignore[index]
    assert not torch.equal(networks[0].classifier.weight, networks[1].classifier.weight)


@pytest.mark.parametrize(
    ("name", "options"),
    [("tsn_mobilenet_v2", {}), ("tsm_mobilenet_v2", {}), ("tsm_mobilenet_v2", {"causal": True}),
     ("sth_mobilenet_v2", {"p": 0.5, "causal": True, "first_block": True}), ("sth_mobilenet_v2", {"p": 0})],
)  # fmt: skip
def test_every_mobilenet_takes_them(mobilenet: tuple[nn.Module, str], name: str, options: dict[str, Any]) -> None:
    source, path = mobilenet
    network = small(name, **options)
    assert load_imagenet(network, path, SPEC) == []  # nothing of the backbone but temporal kernels stays random
    theirs = {name: value for name, value in source.state_dict().items() if ".conv.2.weight" in name}
    ours = dict(network.named_parameters())
    assert len(theirs) > 10
    for key, value in theirs.items():  # the projections have the same name everywhere
        torch.testing.assert_close(ours[key], value, atol=0, rtol=0)


def test_tsm_without_shift_is_the_source(mobilenet: tuple[nn.Module, str]) -> None:
    """One frame: TSM shifts nothing in but zeros, TSN nothing at all, so TSN's features are the source's."""
    source, path = mobilenet
    network = small("tsn_mobilenet_v2")
    theirs_spec = InputSpec(segments=2, size=32, mean=tuple(MEAN.tolist()), std=tuple(STD.tolist()))
    load_imagenet(network, path, theirs_spec)  # their input range: even the borders are the same
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network.features(x), source.features(x), atol=1e-4, rtol=1e-4)  # type: ignore[operator]


def test_the_stem_gives_what_it_gave_on_its_own_input(mobilenet: tuple[nn.Module, str]) -> None:
    source, path = mobilenet
    network = small()
    load_imagenet(network, path, SPEC)
    frames = torch.randint(0, 256, (1, 2, 32, 32, 3), dtype=torch.uint8)
    theirs = (frames[0].permute(0, 3, 1, 2) / 255 - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1)
    with torch.no_grad():
        wanted = source.features[0](theirs)  # type: ignore[index]
        got = network.features[0](SPEC.to_network(frames)[0])  # type: ignore[index]
    torch.testing.assert_close(got[..., 1:, 1:], wanted[..., 1:, 1:], atol=1e-4, rtol=1e-4)
    assert float(wanted.std()) > 0.1


def test_1001_classes_mean_an_input_from_minus_one_to_one(tmp_path: Path) -> None:
    source = randomised(torchvision.models.mobilenet_v2(weights=None, width_mult=0.35, num_classes=1001))
    torch.save(source.state_dict(), tmp_path / "tensorflow.pt")
    network = small()
    load_imagenet(network, str(tmp_path / "tensorflow.pt"), SPEC)
    frames = torch.randint(0, 256, (1, 2, 32, 32, 3), dtype=torch.uint8)
    theirs = frames[0].permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        wanted = source.features[0](theirs)  # type: ignore[index]
        got = network.features[0](SPEC.to_network(frames)[0])  # type: ignore[index]
    torch.testing.assert_close(got[..., 1:, 1:], wanted[..., 1:, 1:], atol=1e-4, rtol=1e-4)


@pytest.mark.minutes
@pytest.mark.parametrize("options", [{"attention": True}, {"variant": "2plus1d_parallel"}], ids=str)
def test_resnet50_takes_them(tmp_path: Path, options: dict[str, Any]) -> None:
    with torch.device("meta"):  # no time for its own initialisation
        source = torchvision.models.resnet50(weights=None)
    source = source.to_empty(device="cpu")
    for tensor in source.state_dict().values():
        tensor.copy_(torch.arange(tensor.numel()).view(tensor.shape))
    torch.save(source.state_dict(), tmp_path / "resnet.pt")
    with torch.device("meta"):
        network = build_network("sth_resnet50", num_classes=5, segments=2, **options)
    network = build_network("sth_resnet50", num_classes=5, segments=2, **options)
    assert load_imagenet(network, str(tmp_path / "resnet.pt"), SPEC) == []
    convolutions = {name: m for name, m in source.named_modules() if name.endswith("conv2")}
    assert len(convolutions) == 16
    for name, original in convolutions.items():
        ours = network.features.get_submodule(name)
        if isinstance(ours, FactoredConv):
            torch.testing.assert_close(ours.spatial.weight, original.weight, atol=0, rtol=0)
            continue
        assert isinstance(ours, STHConv)
        for output in (0, original.out_channels // 2, original.out_channels - 1):
            temporal = list(ours.temporal_channels(output))
            spatial = [c for c in range(original.in_channels) if c not in temporal]
            torch.testing.assert_close(ours.spatial[output], original.weight[output, spatial], atol=0, rtol=0)


def bad_files() -> dict[str, tuple[Callable[[Path], object], str]]:
    other = {"features.0.0.weight": torch.zeros(16, 3, 3, 3)}
    deeper = torchvision.models.mobilenet_v2(weights=None, width_mult=0.35).state_dict()
    return {
        "text": (lambda path: path.write_text("hello\n"), "no state_dict"),
        "empty": (lambda path: path.write_bytes(b""), "no state_dict"),
        "half": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(300)), "no state_dict"),
        "list": (lambda path: torch.save([1, 2], path), "dictionary of tensors"),
        "nested": (lambda path: torch.save({"model": other}, path), "dictionary of tensors"),
        "no_kernels": (lambda path: torch.save({"a": torch.zeros(3)}, path), "another network"),
        "few": (lambda path: torch.save(other, path), "another network"),
        "wide": (
            lambda path: torch.save(torchvision.models.mobilenet_v2(weights=None).state_dict(), path),
            "this network has",
        ),
        "resnet": (
            lambda path: torch.save(torchvision.models.resnet18(weights=None).state_dict(), path),
            "another network",
        ),
        "deeper": (
            lambda path: torch.save({**deeper, "features.19.0.weight": torch.zeros(8, 8, 1, 1)}, path),
            "features.19.0.weight",
        ),
    }


@pytest.mark.parametrize("kind", list(bad_files()))
def test_a_file_of_something_else_is_one_line(kind: str, tmp_path: Path) -> None:
    write, reason = bad_files()[kind]
    path = tmp_path / "weights.pt"
    write(path)
    with pytest.raises(UserError, match=reason) as caught:
        load_imagenet(small(), str(path), SPEC)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no weights file .*absent\.pt"):
        load_imagenet(small(), str(tmp_path / "absent.pt"), SPEC)
    with pytest.raises(UserError, match="there is no weights file"):
        load_imagenet(small(), str(tmp_path), SPEC)


def folded_source() -> nn.Module:
    """MobileNetV2 whose batch norms are the identity but for a bias, with kernels that keep the signal."""
    source = torchvision.models.mobilenet_v2(weights=None, width_mult=0.35, num_classes=1001)
    for module in source.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias, 0, 0.3)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in")
    return source


def check_recalibration(network: FrameNetwork, spec: InputSpec) -> None:
    assert is_folded(network)
    batches = [spec.to_network(smooth_frames(4, 2, spec.size, seed)) for seed in (0, 1)]
    nn.init.normal_(network.classifier.weight, 0, 1.0)
    with torch.no_grad():
        before = network.eval()(batches[0])
        recalibrate(network, batches)
        after = network.eval()(batches[0])
    relative = float((before - after).abs().max() / before.abs().max())
    assert relative < 1e-4
    assert not is_folded(network)

    # In training mode batch norm normalises by the batch; the function hardly moves where the statistics are right.
    inputs: dict[nn.BatchNorm2d, torch.Tensor] = {}

    def keep(norm: nn.Module, arguments: tuple[torch.Tensor]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        inputs[norm] = arguments[0]

    for norm in [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]:
        norm.register_forward_pre_hook(keep)
    with torch.no_grad():
        network.eval()(torch.cat(batches))
    assert len(inputs) > 50
    for norm, x in inputs.items():
        assert norm.running_mean is not None and norm.running_var is not None
        spread = (norm.running_var + norm.eps).sqrt()
        mean_off = (x.mean((0, 2, 3)) - norm.running_mean) / spread
        normal_variance = x.var((0, 2, 3)) / spread**2
        alive = norm.running_var > 1e-3  # other channels are constant and stay so
        assert float(mean_off.abs().max()) < 1e-2
        assert float(alive.float().mean()) > 0.05
        # the mean of the batches' variances leaves out what lies between batches
        assert float((normal_variance[alive] - 1).abs().mean()) < 0.15


def test_recalibration_keeps_the_function_of_folded_weights(tmp_path: Path) -> None:
    torch.save(folded_source().state_dict(), tmp_path / "folded.pt")
    network = small()
    load_imagenet(network, str(tmp_path / "folded.pt"), SPEC)
    check_recalibration(network, InputSpec(segments=2, size=64))


def test_recalibration_of_the_real_folded_weights() -> None:
    path = shared_data("weights") / "mobilenet_v2_imagenet.pt"
    network = small(width=1.0)
    assert load_imagenet(network, str(path), SPEC) == []
    check_recalibration(network, InputSpec(segments=2, size=64))


def test_weights_with_their_batch_norm_are_not_folded(mobilenet: tuple[nn.Module, str]) -> None:
    network = small()
    load_imagenet(network, mobilenet[1], SPEC)
    assert not is_folded(network)
