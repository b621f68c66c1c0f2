"""One label per frame: windows of streams, their loss, their scores, and what they start from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from training_runs import Run, assert_same_end, cut_off, run, tiny_recipe, weights_of

from training.common.errors import UserError
from training.engine.checkpoint import input_spec_of, load_checkpoint, network_of
from training.engine.loop import FINAL, Trainer
from training.engine.recipe import Recipe
from training.networks import build_network
from training.rendered import jester_labels
from training.train import build, train


def frame_recipe(folder: Path, **changes: Any) -> Recipe:
    """Windows of four frames; the checkpoint describes clips of two."""
    shared: dict[str, Any] = {
        "options": {"width": 0.35, "p": 0.25, "causal": True},
        "train_data": "rendered_stream:12:1",
        "validation_data": "rendered_stream:4:2",
        "supervision": "frame",
        "window": 4,
        "early_epochs": 0,
        "size": 32,
    }
    return tiny_recipe(folder, **{**shared, **changes})


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(frame_recipe(tmp_path_factory.mktemp("framed") / "run"))


@pytest.mark.minutes
def test_frames_are_scored_as_frames(framed: Run) -> None:
    assert framed.scores["clips"] == 4
    assert 0 < framed.scores["frames"] <= 16
    assert sum(map(sum, framed.scores["confusion"])) == framed.scores["frames"]
    checkpoint = load_checkpoint(framed.folder / FINAL)
    assert checkpoint["metrics"].keys() == {"clips", "frames", "top1", "top5"}
    assert input_spec_of(checkpoint).segments == 2
    network = network_of(checkpoint)
    assert network(torch.zeros(1, 2, 3, 32, 32)).shape == (1, 27)
    longer = network_of(checkpoint, segments=5)
    x_NTCHW = torch.randn(2, 5, 3, 32, 32)
    logits_NTK = longer.frame_logits(x_NTCHW)
    assert logits_NTK.shape == (2, 5, 27)
    assert torch.equal(longer(x_NTCHW), logits_NTK.mean(dim=1))
    torch.testing.assert_close(network.frame_logits(x_NTCHW[:, :2]), logits_NTK[:, :2])  # causal: a prefix


@pytest.mark.minutes
def test_frame_supervision_learns(tmp_path: Path) -> None:
    """One batch of windows again and again: its loss falls."""
    changes = {"fresh_each_epoch": False, "dropout": 0.0, "colour_jitter": 0.0, "crop_scales": [1.0], "flip": False}
    recipe = frame_recipe(tmp_path, train_data="rendered_stream:4:1", epochs=10, lr=3e-3, label_smoothing=0.0)
    recipe = dataclasses.replace(recipe, warmup_epochs=0, validate_every=11, checkpoint_minutes=9, **changes)
    losses = run(recipe).recorder.losses
    assert len(losses) == 10
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.minutes
def test_frame_supervision_resumes_bit_for_bit(framed: Run, tmp_path: Path) -> None:
    recipe = frame_recipe(tmp_path)
    first = cut_off(recipe, before=2)
    torch.manual_seed(99)
    rest = run(recipe, resume=True)
    assert first + rest.recorder.losses == framed.recorder.losses
    assert_same_end(tmp_path, framed)


def test_the_loss_is_that_of_the_labelled_frames(framed: Run, tmp_path: Path) -> None:
    network = network_of(load_checkpoint(framed.folder / FINAL), segments=4)
    trainer = Trainer(
        network,
        dataclasses.replace(framed.recipe, label_smoothing=0.0),
        tmp_path,
        pack=dict,
        labels=list(jester_labels()),
        frame_forward=lambda x_NTCHW: network.frame_logits(x_NTCHW).flatten(0, 1),  # rows, as the deploy form gives
    )
    logits_LK, labels_L = torch.randn(6, 27), torch.tensor([3, -1, 25, -1, -1, 4])
    wanted = torch.nn.functional.cross_entropy(logits_LK[[0, 2, 5]], labels_L[[0, 2, 5]])
    assert float(trainer._loss(logits_LK, labels_L)) == pytest.approx(float(wanted))
    assert float(trainer._loss(logits_LK, torch.full((6,), -1))) == 0
    assert trainer.validate(32) == framed.scores


@pytest.mark.minutes
def test_a_run_starts_from_a_checkpoint_of_its_network(framed: Run, tmp_path: Path) -> None:
    """Weights of windows of four frames serve windows of three: T is not part of them."""
    start = str(framed.folder / FINAL)
    chosen = frame_recipe(tmp_path, init=start, window=3)
    built = build(chosen, list(jester_labels()))
    assert built.segments == 3
    assert all(torch.equal(tensor, weights_of(Path(start))[name]) for name, tensor in built.state_dict().items())
    for change, reason in (
        ({"options": {"width": 0.35, "p": 0.25}}, "its options: .*causal"),
        ({"network": "tsm_mobilenet_v2", "options": {"width": 0.35}}, "its network: sth_mobilenet_v2"),
    ):
        with pytest.raises(UserError, match=reason):
            build(dataclasses.replace(chosen, **change), list(jester_labels()))
    with pytest.raises(UserError, match="its labels"):
        build(chosen, ["a", "b"])
    with pytest.raises(UserError, match="there is no checkpoint"):
        build(dataclasses.replace(chosen, init=str(tmp_path / "no.pt")), list(jester_labels()))


def test_frame_supervision_that_cannot_be(tmp_path: Path) -> None:
    network = build_network("tsn_mobilenet_v2", num_classes=27, segments=4, width=0.35)
    with pytest.raises(UserError, match="no logits of its frames"):
        Trainer(network, frame_recipe(tmp_path), tmp_path, pack=dict, labels=list(jester_labels()))
    for change, reason in (
        ({"train_data": "rendered:12:1"}, "needs windows of streams"),
        ({"supervision": "clip", "window": 0}, "here a clip needs one"),
        ({"validation_data": "rendered_stream:4:1"}, "different seeds"),
    ):
        with pytest.raises(UserError, match=reason):
            train(frame_recipe(tmp_path / "run", **change))
