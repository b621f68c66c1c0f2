"""Quantization-aware training of the deploy form, from a checkpoint to a checkpoint."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from commands import run_command
from small_networks import small_network, smooth_frames
from training_runs import Killed, Recorder, Run

from mobile.bundle import open_bundle
from mobile.deploy.network import DeployNetwork, deploy_form
from mobile.deploy.number_systems import Point
from mobile.quantization import qat as qat_command
from mobile.quantization.qat import qat_recipe, quantization_aware_training, recipe_of
from mobile.quantization.quantized_program import calibrate, quantized_state
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.common.files import read_json
from training.engine.checkpoint import load_checkpoint, make_checkpoint, network_of, save_checkpoint
from training.engine.loop import FINAL, LAST
from training.engine.recipe import Recipe
from training.networks import build_network


def two_epochs(checkpoint: dict[str, Any]) -> Recipe:
    return qat_recipe(dataclasses.replace(recipe_of(checkpoint), qat_epochs=2, size=32, checkpoint_minutes=9.0))


class Finished(NamedTuple):
    """A QAT run of two epochs that nothing interrupted.

    Attributes:
        observed: number of steps done before, and the point, for every time that one observed its range.
    """

    folder: Path
    network: DeployNetwork
    losses: list[float]
    observed: set[tuple[int, int]]


@pytest.fixture(scope="module")
def finished(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("qat") / "run"
    checkpoint = load_checkpoint(trained.folder / FINAL)
    observed: set[tuple[int, int]] = set()
    original = Point.observe
    with Recorder() as recorder:

        def observe(point: Point, x: torch.Tensor) -> None:
            observed.add((len(recorder.losses), id(point)))
            original(point, x)

        with mock.patch.object(Point, "observe", observe):
            network, results = quantization_aware_training(checkpoint, two_epochs(checkpoint), folder)
    assert results.keys() == {"float", "int8"}
    assert results["int8"]["clips"] == 4
    return Finished(folder, network, recorder.losses, observed)


def test_the_qat_recipe() -> None:
    recipe = Recipe(epochs=20, lr=1.0, qat_epochs=3, qat_lr=0.1, early_size=32, early_epochs=5, amp="bf16", seed=4)
    tuned = qat_recipe(recipe)
    assert (tuned.epochs, tuned.lr, tuned.schedule, tuned.amp, tuned.early_epochs) == (3, 0.1, "cosine", "none", 0)
    assert tuned.seed != recipe.seed
    assert recipe.epochs == 20
    assert tuned.fingerprint() != recipe.fingerprint()


def test_gradients_pass_the_fake_quantization() -> None:
    network = deploy_form(small_network("sth_mobilenet_v2", segments=2, lively=False))
    x_BCHW = InputSpec(segments=2, size=32).to_network(smooth_frames(3, 2, 32)).flatten(0, 1)
    calibrate(network, [x_BCHW])
    network.train()
    F.cross_entropy(network(x_BCHW), torch.tensor([0, 1, 2])).backward()
    for name, conv in network.convs().items():
        assert conv.weight.grad is not None and conv.bias.grad is not None, name
        assert float(conv.weight.grad.abs().max()) > 0, name


@pytest.mark.minutes
def test_ranges_freeze_in_the_second_half(finished: Finished) -> None:
    """qat_freeze 0.5 of two epochs: observed in the three steps of the first; the input's range never moves."""
    others = [point for point in finished.network.points().values() if point is not finished.network.input]
    assert finished.observed == {(step, id(point)) for step in (0, 1, 2) for point in others}
    assert (finished.network.input.scale, finished.network.input.zero_point) == (1 / 128, 0)


def test_weights_move(trained: Run, finished: Finished) -> None:
    before = deploy_form(network_of(load_checkpoint(trained.folder / FINAL)))
    moved = []
    for name, conv in finished.network.convs().items():
        steps = (conv.weight - before.convs()[name].weight).abs() / conv.weight_scale.view(-1, 1, 1, 1)
        moved.append(float(steps.max()) > 0.51)  # rounding alone moves by half a step
    assert sum(moved) > len(moved) / 2


@pytest.mark.minutes
def test_a_run_resumes_bit_for_bit(trained: Run, tmp_path: Path, finished: Finished) -> None:
    checkpoint = load_checkpoint(trained.folder / FINAL)
    recipe = dataclasses.replace(two_epochs(checkpoint), checkpoint_minutes=0)
    with Recorder(kill_before=4) as first, pytest.raises(Killed):
        quantization_aware_training(checkpoint, recipe, tmp_path / "run")
    with Recorder() as rest:
        network, _ = quantization_aware_training(checkpoint, recipe, tmp_path / "run", resume=True)
    assert first.losses + rest.losses == finished.losses
    got, wanted = quantized_state(network), quantized_state(finished.network)
    assert got["points"] == wanted["points"]
    for name, saved in wanted["convs"].items():
        assert all(torch.equal(got["convs"][name][key], saved[key]) for key in saved), name


def test_no_float_checkpoint_claims_scores_of_qat(finished: Finished) -> None:
    assert not (finished.folder / FINAL).exists()


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return run_command(monkeypatch, qat_command.main, *arguments)


@pytest.mark.minutes
def test_the_command_writes_one_checkpoint_with_both(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trained: Run, tmp_path: Path
) -> None:
    source, out = trained.folder / FINAL, tmp_path / "qat"
    arguments = ["--set", "size=32", "qat_epochs=1", "--out", str(out), "--json", str(tmp_path / "scores.json")]
    assert command(monkeypatch, str(source), *arguments) == 0
    assert "int8" in capsys.readouterr().out
    results = read_json(tmp_path / "scores.json", "scores")
    checkpoint, original = load_checkpoint(out / "quantized.pt"), load_checkpoint(source)
    assert checkpoint["metrics"]["int8_top1"] == results["int8"]["top1"]
    assert checkpoint["metrics"]["float_top1"] == results["float"]["top1"]
    assert all(torch.equal(checkpoint["model"][name], value) for name, value in original["model"].items())
    assert "trainer" not in checkpoint
    bundle = open_bundle(out / "quantized.pt")
    assert bundle.int8 is not None
    assert bundle.network("int8") is bundle.int8
    x_BCHW = bundle.spec.to_network(smooth_frames(1, 2, bundle.spec.size)).flatten(0, 1)
    with torch.no_grad():
        steps = bundle.int8(x_BCHW) / bundle.int8.classifier.out.scale
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)
    assert command(monkeypatch, str(source), *arguments) == 1  # never over what is there
    assert "exists; go on from it with --resume" in capsys.readouterr().err


def test_a_network_without_a_deploy_form_is_one_line(tmp_path: Path) -> None:
    recipe = Recipe(network="sth_resnet50", options={}, segments=2, size=32)
    with torch.device("meta"):
        network = build_network("sth_resnet50", num_classes=2, segments=2)
    network = network.to_empty(device="cpu")
    checkpoint = make_checkpoint(network, recipe, ["a", "b"], {})
    with pytest.raises(UserError, match="MobileNetV2 networks only"):
        quantization_aware_training(checkpoint, qat_recipe(recipe), tmp_path)


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("absent.pt", [], "there is no checkpoint"),
        ("hello.pt", [], "is no checkpoint"),
        ("FINAL", ["--set", "qat_epoch=1"], "qat_epoch"),
        ("FINAL", ["--set", "qat_epochs=0"], "qat_epochs is 0"),
        ("FINAL", ["--set", "qat_freeze=0"], "qat_freeze is 0"),
        ("FINAL", ["--seed", "-5"], "seed is -5"),
        ("FINAL", ["--set", "train_data=absent"], "there is no absent"),
    ],
)
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trained: Run, tmp_path: Path,
    name: str, arguments: list[str], reason: str,
) -> None:  # fmt: skip
    (tmp_path / "hello.pt").write_text("hello\n")
    path = trained.folder / FINAL if name == "FINAL" else tmp_path / name
    assert command(monkeypatch, str(path), "--out", str(tmp_path / "qat"), *arguments) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("error: ")
    assert reason in lines[-1]
    assert "Traceback" not in "".join(lines)
    assert not (tmp_path / "qat" / LAST).exists()


def test_a_damaged_quantized_state_is_one_line(trained: Run, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(trained.folder / FINAL)
    for damaged in ({"points": {}, "convs": {}}, {"points": {}}):
        save_checkpoint(tmp_path / "model.pt", {**checkpoint, "quantized": damaged})
        with pytest.raises(UserError, match=r"model\.pt"):
            open_bundle(tmp_path / "model.pt")
    bundle = open_bundle(trained.folder / FINAL)
    with pytest.raises(UserError, match=r"holds no int8 network; run `sth qat"):
        bundle.network("int8")
    with pytest.raises(UserError, match="int8, fp16, fp32"):
        bundle.network("int4")
    with pytest.raises(UserError, match="size is 50"):
        open_bundle(trained.folder / FINAL, size=50)
