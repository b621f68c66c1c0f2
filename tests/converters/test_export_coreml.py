"""The .mlpackage: int8 all through, the quantized program's own numbers, the same logits, no half-written package.

Axes: T frame, H row, W column, C colour, K class.
"""

from __future__ import annotations

import dataclasses
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import ExportedProgram
from torchvision.ops import Conv2dNormActivation

from converters.coreml.graph import prepare
from converters.coreml.inspect_mlpackage import operators, read_numbers, read_points, require_int8
from converters.coreml.lowering import lower_to_mlpackage
from converters.int8_numbers import require_same_numbers
from mobile.bundle import randomize
from mobile.deploy.network import DeployNetwork, deploy_form
from mobile.quantization.quantized_program import calibrate, convert_to_int8, export_program
from mobile.runtimes.coreml_runner import CoreMLRunner
from mobile.runtimes.coremltools_import import load_coremltools
from mobile.runtimes.mil_program import MilOp, MilProgram, read_mil_program
from training.common.errors import UserError
from training.common.files import sha256_of
from training.networks import build_network
from training.operators import DepthwiseSTH

pytestmark = pytest.mark.minutes  # several conversions of a few seconds each
LABELS = ["Swiping Left", "Fermer la main à l'écran", "No gesture"]


def make_whole() -> DeployNetwork:
    """STH-MobileNetV2 with random weights, in int8."""
    network = build_network("sth_mobilenet_v2", num_classes=len(LABELS), segments=8, width=0.35)
    randomize(network)
    return to_int8(deploy_form(network), 64)


def make_short(name: str, **options: Any) -> DeployNetwork:
    """Three blocks in float that answer strongly to what happens in time: a plain one, one of stride 2, a residual.

    In a whole network of random weights such answers drown in chaos: one step somewhere becomes ten at the end.
    """
    network = build_network(name, num_classes=len(LABELS), segments=4, width=0.35, **options)
    kept = list(network.features.children())[:4]
    head = Conv2dNormActivation(kept[-1].out_channels, 32, 1, norm_layer=nn.BatchNorm2d, activation_layer=nn.ReLU6)
    network.features, network.classifier = nn.Sequential(*kept, head), nn.Linear(32, len(LABELS))
    randomize(network)
    for module in network.modules():
        if isinstance(module, DepthwiseSTH) and module.temporal is not None:  # differences, so that time has a sign
            module.temporal.data[:, :, 0], module.temporal.data[:, :, 2] = -1.5, 1.5
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # from here on the statistics of what comes through, or the logits hardly vary
    with torch.no_grad():
        network.train()(torch.stack(list(clips(4, 32, 4))))
    return deploy_form(network.eval())


def to_int8(network: DeployNetwork, size: int) -> DeployNetwork:
    calibrate(network, list(clips(2, size, network.segments)))
    convert_to_int8(network)
    return network


def clips(count: int, size: int, segments: int, *, seed: int = 0) -> Iterator[torch.Tensor]:
    """Clips on the int8 grid whose frames differ: a pattern that grows stronger, (T, 3, S, S)."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        still = torch.randn(1, 3, size, size, generator=generator)
        frames = torch.cat([still * (t + 1) / segments for t in range(segments)])
        noise = 0.05 * torch.randn(frames.shape, generator=generator)
        yield (128 * (frames + noise)).round().clamp(-128, 127) / 128


def steps_apart(runner: CoreMLRunner, network: DeployNetwork, count: int = 4) -> np.ndarray:
    """Differences between package and quantized program in quantization steps of the logits."""
    apart = []
    for x_TCHW in clips(count, runner.input_shape[-1], runner.input_shape[0], seed=1):
        with torch.no_grad():
            apart.append(np.abs(runner.run(x_TCHW.numpy()).mean(axis=0) - network(x_TCHW)[0].numpy()))
    return np.stack(apart) / network.classifier.out.scale


def lower(program: ExportedProgram, path: Path, precision: Any, **options: Any) -> dict[str, Any]:
    return lower_to_mlpackage(program, path, precision, labels=LABELS, metadata={"network": "a test"}, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[DeployNetwork, Path, dict[str, Any]]:
    """STH-MobileNetV2 with all its blocks in int8, for the Neural Engine: float16 between dequantize and quantize."""
    torch.manual_seed(0)
    network = make_whole()
    path = tmp_path_factory.mktemp("whole") / "sth.mlpackage"
    return network, path, lower(export_program(network, 64), path, "int8", compute="float16")


@pytest.fixture(scope="module")
def short() -> DeployNetwork:
    """Three blocks in float: a plain one, a hybrid one of stride 2, a hybrid one with a residual."""
    torch.manual_seed(0)
    return make_short("sth_mobilenet_v2")


@pytest.fixture(scope="module")
def short_program(short: DeployNetwork) -> ExportedProgram:
    return export_program(short, 32)


def test_every_compute_operation_is_int8(whole: tuple[DeployNetwork, Path, dict[str, Any]]) -> None:
    network, _, report = whole
    convs = len(network.convs())
    hybrids = sum(hasattr(block, "temporal") for block in network.blocks)
    found = report["operators"]
    assert found["conv"] == {"int8": convs}
    assert found["constexpr_affine_dequantize"] == {"int8": convs}
    assert found["concat"] == {"int8": hybrids}
    assert found["add"] == {"int8": sum(block.residual for block in network.blocks)}
    assert found["reduce_mean"] == {"int8": 1}
    # one transpose into rows and one out of them where the program has two
    assert found["transpose"] == {"int8": 2 * hybrids + 1}
    assert set(found) == {
        "add", "cast", "concat", "constexpr_affine_dequantize", "conv", "dequantize", "quantize", "reduce_mean",
        "relu6", "reshape", "transpose",
    }  # fmt: skip


def test_weights_scales_and_zero_points_are_the_quantized_programs(
    whole: tuple[DeployNetwork, Path, dict[str, Any]],
) -> None:
    network, path, _ = whole
    found = read_numbers(path)
    require_same_numbers(found, network, path.name)
    assert set(found.layers) == {name.replace(".", "_") for name in network.convs()}
    assert found.real == "float16"
    places = {
        "frames": network.input,
        "mean": network.mean,
        **{f"blocks_{n}_add": block.out for n, block in enumerate(network.blocks) if block.residual},
        **{f"blocks_{n}_cat": block.spatial.out for n, block in enumerate(network.blocks) if hasattr(block, "spatial")},
        **{name.replace(".", "_"): conv.out for name, conv in network.convs().items()},
    }
    assert read_points(path) == {name: (in_float16(point.scale), point.zero_point) for name, point in places.items()}


def in_float16(value: Any) -> Any:
    return np.asarray(value, dtype=np.float16).astype(np.float32)


def test_logits_are_the_quantized_programs(whole: tuple[DeployNetwork, Path, dict[str, Any]]) -> None:
    network, path, _ = whole
    runner = CoreMLRunner(path)
    apart = steps_apart(runner, network)
    assert apart.max() < 4.5  # rounding to float16 moves some values by a step, and random weights pass that on
    assert apart.mean() < 1.5


def test_report_and_metadata(whole: tuple[DeployNetwork, Path, dict[str, Any]]) -> None:
    network, path, report = whole
    weights = sum(conv.weight_q.numel() for conv in network.convs().values())
    scales = sum(conv.weight_q.shape[0] for conv in network.convs().values())
    assert report["weight_bytes"]["int8"] == weights + scales  # and one zero point for each scale
    assert report["weight_bytes"]["float16"] == 4 * scales  # scales and biases
    assert (report["sha256"], report["opset"], report["compute"]) == (sha256_of(path), "CoreML7", "float16")
    assert set(report["tools"]) == {"torch", "coremltools"}
    assert report["bytes"] == sum(item.stat().st_size for item in path.rglob("*") if item.is_file())
    program = read_mil_program(path)
    assert json.loads(program.metadata["labels"]) == LABELS
    assert program.metadata["network"] == "a test"
    assert [(value.name, value.shape, value.dtype) for value in program.inputs] == [("frames", (8, 3, 64, 64), "fp32")]
    assert [(value.name, value.shape, value.dtype) for value in program.outputs] == [("logits", (1, 3), "fp32")]


def test_the_same_program_gives_the_same_bytes(short_program: ExportedProgram, tmp_path: Path) -> None:
    first = lower(short_program, tmp_path / "a.mlpackage", "fp32")
    again = lower(short_program, tmp_path / "b.mlpackage", "fp32")
    assert first == again


@pytest.mark.parametrize(("precision", "tolerance", "dtype"), [("fp32", 1e-4, "fp32"), ("fp16", 5e-3, "fp16")])
def test_float_packages(
    short: DeployNetwork, short_program: ExportedProgram, tmp_path: Path, precision: str, tolerance: float, dtype: str
) -> None:
    path = tmp_path / "float.mlpackage"
    report = lower(short_program, path, precision)
    assert report["operators"]["conv"] == {dtype: len(short.convs())}
    runner = CoreMLRunner(path)
    for x_TCHW in clips(3, 32, 4, seed=1):
        with torch.no_grad():
            expected = short(x_TCHW)[0].numpy()
        assert np.abs(runner.run(x_TCHW.numpy())[0] - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize(
    ("name", "options"),
    [("sth_mobilenet_v2", {"causal": True}), ("tsm_mobilenet_v2", {})],
    ids=["causal", "tsm"],
)
def test_rivals_in_int8_with_exact_scales(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    network = to_int8(make_short(name, **options), 32)
    path = tmp_path / "int8.mlpackage"
    report = lower(export_program(network, 32), path, "int8")
    assert report["operators"]["conv"] == {"int8": len(network.convs())}
    require_same_numbers(read_numbers(path), network, path.name)
    runner = CoreMLRunner(path)
    assert steps_apart(runner, network).max() < 1.5
    clip = next(clips(1, 32, 4, seed=2)).numpy()
    forwards, backwards = (runner.run(frames).mean(axis=0) for frames in (clip, clip[::-1].copy()))
    assert np.abs(forwards - backwards).max() > 3 * network.classifier.out.scale  # time is not lost


def test_merged_transposes_compute_the_same(short: DeployNetwork, short_program: ExportedProgram) -> None:
    prepared = prepare(short_program)
    permutes = [node for node in prepared.graph.nodes if node.target == torch.ops.aten.permute.default]
    assert len(permutes) == 5  # two hybrid blocks, two each, and one before the mean
    x_TCHW = next(clips(1, 32, 4))
    torch.testing.assert_close(prepared.module()(x_TCHW), short(x_TCHW), rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def int8_program(whole: tuple[DeployNetwork, Path, dict[str, Any]]) -> MilProgram:
    return read_mil_program(whole[1])


def changed(program: MilProgram, kind: str, change: Callable[[MilOp], MilOp]) -> MilProgram:
    """The program with its second operation of a kind changed."""
    at = [number for number, op in enumerate(program.operations) if op.type == kind][1]
    operations = list(program.operations)
    operations[at] = change(operations[at])
    return dataclasses.replace(program, operations=operations)


FLOAT_OPERATIONS = {
    "float weight": (
        "conv",
        lambda op: dataclasses.replace(op, inputs={**op.inputs, "weight": [np.ones((16, 1, 3, 3), np.float16)]}),
        ["conv", "blocks_0_depthwise", "weight is a float16 constant"],
    ),
    "float input": (
        "conv",
        lambda op: dataclasses.replace(op, inputs={**op.inputs, "x": ["frames"]}),
        ["conv", "blocks_0_depthwise", "x comes from the input"],
    ),
    "lost quantize": ("quantize", lambda op: dataclasses.replace(op, type="relu6"), ["stem", "goes to MIL op relu6"]),
    "lost dequantize": ("dequantize", lambda op: dataclasses.replace(op, type="sigmoid"), ["MIL op sigmoid"]),
}


@pytest.mark.parametrize(("kind", "change", "words"), FLOAT_OPERATIONS.values(), ids=FLOAT_OPERATIONS.keys())
def test_a_float_operation_in_int8_is_an_error(
    int8_program: MilProgram, kind: str, change: Callable[[MilOp], MilOp], words: list[str]
) -> None:
    require_int8(int8_program)
    broken = changed(int8_program, kind, change)
    with pytest.raises(UserError) as error:
        require_int8(broken)
    assert all(word in str(error.value) for word in words), error.value
    assert operators(broken) != operators(int8_program)


def test_an_unquantized_point_stops_the_export(tmp_path: Path) -> None:
    network = to_int8(make_short("sth_mobilenet_v2"), 32)
    cast(Any, network.blocks[1]).project.out.system = "float"
    path = old_package(tmp_path)
    with pytest.raises(UserError, match=r"no int8 artefact: MIL op conv \(blocks_1_project"):
        lower(export_program(network, 32), path, "int8")
    assert_untouched(path)


class Layer(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x_TCHW: torch.Tensor) -> torch.Tensor:
        return self.function(x_TCHW)


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (torch.special.bessel_j0, "special_bessel_j0"),  # coremltools does not know it
        (lambda x: F.max_pool2d(x, 2), "max_pool2d"),  # coremltools trips over the missing stride
    ],
)
def test_a_failed_conversion_names_op_and_layer(
    function: Any, op: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = old_package(tmp_path)
    network = nn.Sequential(OrderedDict(first=nn.ReLU(), inner=nn.Sequential(Layer(function)), last=nn.ReLU6()))
    program = torch.export.export(network, (torch.randn(2, 3, 32, 32),))
    capfd.readouterr()
    with pytest.raises(UserError, match=rf"cannot convert {op} in layer inner\.0 "):
        lower(program, path, "fp32")
    assert_untouched(path)
    assert capfd.readouterr() == ("", "")


def test_a_failure_after_the_conversion_leaves_nothing(
    short_program: ExportedProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    path = old_package(tmp_path)
    monkeypatch.setattr(load_coremltools().utils, "save_spec", full)
    with pytest.raises(OSError, match="No space"):
        lower(short_program, path, "fp32")
    assert_untouched(path)


def old_package(folder: Path) -> Path:
    """A folder that stands for an earlier export."""
    path = folder / "model.mlpackage"
    path.mkdir()
    (path / "old").write_text("old")
    return path


def assert_untouched(path: Path) -> None:
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert {item.name: item.read_text() for item in path.iterdir()} == {"old": "old"}


@pytest.mark.parametrize(
    ("name", "precision", "message"),
    [
        ("a.mlpackage", "int4", "precision is 'int4'; expected one of int8, fp16, fp32"),
        ("a.mlmodel", "fp32", "ends in .mlpackage"),
        ("a.mlpackage", "int8", "precision is int8, but the program is not quantized"),
        ("file/a.mlpackage", "fp32", "cannot write"),
    ],
)
def test_refused_before_converting(
    short_program: ExportedProgram, tmp_path: Path, name: str, precision: str, message: str
) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(UserError, match=message):
        lower(short_program, tmp_path / name, precision)
    assert [item.name for item in tmp_path.iterdir()] == ["file"]
