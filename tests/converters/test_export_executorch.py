"""ExecuTorch: one XNNPACK piece, int8 throughout, the quantized program's numbers, and its outputs.

Axes: T frame, H row, W column, C colour, K class.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from short_bundles import short_network
from small_networks import smooth_frames
from torch import nn

from mobile.deploy.network import DeployNetwork, deploy_form
from mobile.quantization.quantized_program import calibrate, convert_to_int8, export_program
from training.common.errors import UserError

pytest.importorskip("executorch")

from converters.int8_numbers import require_same_numbers
from converters.xnnpack import lowering as xnnpack_lowering
from converters.xnnpack.inspect_pte import read_numbers, read_pte
from converters.xnnpack.lowering import lower_to_pte
from converters.xnnpack.passes import rewrite
from mobile.runtimes.executorch_runner import ExecuTorchRunner

pytestmark = pytest.mark.minutes  # six short networks through ExecuTorch: half a minute of one core
SIZE, SEGMENTS = 64, 8


def clips_of_bytes(count: int, seed: int) -> torch.Tensor:
    """int8 (count, T, S, S, 3), pixel - 128."""
    return (smooth_frames(count, SEGMENTS, SIZE, seed).short() - 128).to(torch.int8)


def to_frames(clip_THWC: torch.Tensor) -> torch.Tensor:
    """int8 (T, S, S, 3) -> what the network takes, (T, 3, S, S)."""
    return (clip_THWC.float() / 128).permute(0, 3, 1, 2)


def short_form(name: str, *, blocks: int, int8: bool, **options: Any) -> DeployNetwork:
    """The deploy form of the first blocks: block 0 is plain, 1 a stride-2 hybrid, 2 a hybrid with a residual sum."""
    frames = torch.stack([to_frames(clip) for clip in clips_of_bytes(4, seed=2)])
    deployed = deploy_form(short_network(name, blocks, frames, **options))
    if int8:
        calibrate(deployed, [frames.flatten(0, 1)])
        convert_to_int8(deployed)
    return deployed


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory):
    """STH in int8: deploy form, artefact, report."""
    network = short_form("sth_mobilenet_v2", blocks=3, int8=True)
    path = tmp_path_factory.mktemp("pte") / "sth.pte"
    return network, path, lower_to_pte(export_program(network, SIZE), path)


@pytest.fixture(scope="module")
def fp32(tmp_path_factory: pytest.TempPathFactory):
    network = short_form("sth_mobilenet_v2", blocks=2, int8=False)
    path = tmp_path_factory.mktemp("pte") / "sth.pte"
    return network, path, lower_to_pte(export_program(network, SIZE), path, "fp32")


def logits_of(network: DeployNetwork, clips: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return np.stack([network(to_frames(clip))[0].numpy() for clip in clips])


def run(path: Path, clips: torch.Tensor, *, floating: bool = False) -> np.ndarray:
    runner = ExecuTorchRunner(path)
    tensors = (clips.float() / 128).numpy() if floating else clips.numpy()
    return np.stack([runner.run(tensor).mean(axis=0) for tensor in tensors])


def test_int8_is_one_piece_and_int8_everywhere(int8) -> None:
    _, _, report = int8
    assert report["delegate_pieces"] == 1
    assert report["operators_outside"] == []
    operators = dict(report["operators"])
    assert operators.pop("Convert") == {"int8 to float32": 1}  # of the logits
    assert operators.pop("StaticTranspose") == {"int8": 1}  # of the logits: the views cost no transpose
    assert all(set(types) == {"int8"} for types in operators.values())
    assert operators["DepthwiseConv2d"] == {"int8": 1 + 2 + 2}
    assert operators["StaticReshape"] == {"int8": 2 + 2 + 2}  # to rows and back, mean, logits
    assert "Clamp" not in operators  # ReLU6 is part of the convolutions


def test_int8_computes_what_the_quantized_program_computes(int8) -> None:
    network, path, _ = int8
    clips = clips_of_bytes(20, seed=3)
    expected, got = logits_of(network, clips), run(path, clips)
    step = network.classifier.out.scale
    assert (expected.std(axis=0) > 2 * step).mean() > 0.8  # clips differ, or the test could not fail
    assert (np.abs(got - expected) <= 2.01 * step).mean() >= 0.99
    reversed_ = run(path, clips.flip(1))
    assert (np.abs(reversed_ - got).max(axis=1) > 2 * step).mean() > 0.8
    np.testing.assert_array_less(np.abs(reversed_ - logits_of(network, clips.flip(1))), 4 * step)


def test_int8_keeps_weights_scales_biases_and_zero_points(int8) -> None:
    network, path, _ = int8
    require_same_numbers(read_numbers(path), network, path.name)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_float_artefacts_compute_what_pytorch_computes(fp32, precision: str, tmp_path: Path) -> None:
    network, path, report = fp32
    if precision == "fp16":
        path = tmp_path / "sth_fp16.pte"
        report = lower_to_pte(export_program(network, SIZE), path, "fp16")
    assert report["delegate_pieces"] == 1
    assert report["operators_outside"] == []
    name = {"fp32": "float32", "fp16": "float16"}[precision]
    assert {types for kind, types in _types(report) if kind != "Convert"} == {name}
    clips = clips_of_bytes(4, seed=4)
    expected, got = logits_of(network, clips), run(path, clips, floating=True)
    error = np.abs(got - expected).max() / np.abs(expected).max()
    assert error < (1e-5 if precision == "fp32" else 1e-2)


def _types(report: dict) -> list[tuple[str, str]]:
    return [(kind, name) for kind, types in report["operators"].items() for name in types]


@pytest.mark.parametrize(("name", "blocks", "pads"), [("tsm_mobilenet_v2", 3, 2), ("sth_mobilenet_v2", 2, 1)])
def test_padding_with_zero_frames_is_int8_too(name: str, blocks: int, pads: int, tmp_path: Path) -> None:
    network = short_form(name, blocks=blocks, int8=True, causal=name.startswith("sth"))
    report = lower_to_pte(export_program(network, SIZE), tmp_path / "padded.pte")
    assert report["delegate_pieces"] == 1
    assert report["operators"]["StaticConstantPad"] == {"int8": pads}
    clips = clips_of_bytes(4, seed=5)
    step = network.classifier.out.scale
    assert np.abs(run(tmp_path / "padded.pte", clips) - logits_of(network, clips)).max() <= 2.01 * step


def test_a_float_operator_in_an_int8_artefact_is_an_error(fp32) -> None:
    _, path, _ = fp32
    with pytest.raises(UserError, match=r"sth is no int8 artefact: \w+ of blocks\.\d\.\w+ computes in float32"):
        xnnpack_lowering._check_written(read_pte(path), "int8", "sth", dict.fromkeys(range(1000), "blocks.0.expand"))


class _WithOperator(nn.Module):
    """A deploy form with one more operator behind it."""

    per_frame = False

    def __init__(self, network: DeployNetwork, operator: nn.Module) -> None:
        super().__init__()
        self.network, self.tail = network, operator
        self.segments = network.segments

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return self.tail(self.network(x_BCHW))


class _CumulativeSum(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.cumsum(dim=1)


class _Sum(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + x


def test_messages_name_operator_and_layer() -> None:
    network = short_form("sth_mobilenet_v2", blocks=2, int8=False)
    unknown = export_program(_WithOperator(network, _CumulativeSum()), SIZE)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"aten\.cumsum.* of tail "):
        rewrite(unknown, "fp32")
    network = short_form("sth_mobilenet_v2", blocks=2, int8=True)
    floating = export_program(_WithOperator(network, _Sum()), SIZE)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"aten\.add\.Tensor of tail would compute in float"):
        rewrite(floating, "int8")


def test_a_failed_lowering_leaves_what_was_there(tmp_path: Path) -> None:
    network = short_form("sth_mobilenet_v2", blocks=2, int8=False)
    bad = export_program(_WithOperator(network, _CumulativeSum()), SIZE)  # type: ignore[arg-type]
    target = tmp_path / "old.pte"
    target.write_bytes(b"old")
    with pytest.raises(UserError, match="cumsum"):
        lower_to_pte(bad, target, "fp32")
    with pytest.raises(UserError, match="int8 cannot be made of a float program"):
        lower_to_pte(bad, target)
    with pytest.raises(UserError, match="precision is 'int4'; expected one of int8"):
        lower_to_pte(bad, target, "int4")
    assert [path.name for path in tmp_path.iterdir()] == ["old.pte"]
    assert target.read_bytes() == b"old"
    with pytest.raises(UserError, match="cannot write"):
        lower_to_pte(bad, target / "under_a_file.pte", "fp32")


def test_runner_says_what_is_wrong(int8, tmp_path: Path) -> None:
    _, path, _ = int8
    runner = ExecuTorchRunner(path)
    assert runner.input_shape == (SEGMENTS, SIZE, SIZE, 3)
    assert runner.load_seconds > 0
    with pytest.raises(UserError, match=r"takes a clip of int8 \(8, 64, 64, 3\), not of float32"):
        runner.run(np.zeros(runner.input_shape, np.float32))
    with pytest.raises(UserError, match="cannot change to 2"):
        ExecuTorchRunner(path, threads=2)
    with pytest.raises(UserError, match="there is no file"):
        ExecuTorchRunner(tmp_path / "nothing.pte")
    content = path.read_bytes()
    for name, broken in (("cut", content[: len(content) // 2]), ("other", b"no program" * 9), ("empty", b"")):
        (tmp_path / f"{name}.pte").write_bytes(broken)
        with pytest.raises(UserError, match=f"cannot load .*{name}.pte"):
            ExecuTorchRunner(tmp_path / f"{name}.pte")
        with pytest.raises(UserError, match=r"is no whole \.pte"):
            read_pte(tmp_path / f"{name}.pte")
    runner.close()
    with pytest.raises(UserError, match="was closed"):
        runner.run(np.zeros(runner.input_shape, np.int8))
