"""The training loop: what a run leaves behind, that it learns, and clips that cannot be read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
import torch._dynamo
from clip_files import jester_folder
from training_runs import STEPS, Run, cut_off, file_recipe, run, tiny_recipe, weights_of

from training.common.errors import UserError
from training.common.files import read_json
from training.engine.loop import FINAL, LAST, RESULT
from training.engine.optimizer import learning_rate
from training.engine.provenance import code_version
from training.train import train


def test_a_run_leaves_checkpoints_scalars_and_a_result(trained: Run) -> None:
    result = read_json(trained.folder / RESULT, "result")
    assert {path.name for path in trained.folder.iterdir()} == {LAST, FINAL, RESULT, "tensorboard"}
    assert list((trained.folder / "tensorboard").glob("events.*"))
    assert result["recipe"] == dataclasses.asdict(trained.recipe)
    assert result["validation"]["clips"] == 4
    assert result["validation"] == trained.scores
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    assert result["history"][1]["top1"] == trained.scores["top1"]
    assert result["code_version"] == code_version()
    assert 0 < result["seconds"] < 600
    assert result["history"][0]["skipped"] == 0


def test_epochs_losses_and_rates(trained: Run) -> None:
    recorder, history = trained.recorder, read_json(trained.folder / RESULT, "result")["history"]
    assert len(recorder.losses) == STEPS
    assert recorder.sizes == [32, 32, 32, 64, 64, 64]  # early_size, then size
    assert recorder.rates == [learning_rate(trained.recipe, step / 3) for step in range(STEPS)]
    for epoch in (0, 1):
        mean = sum(recorder.losses[3 * epoch : 3 * epoch + 3]) / 3
        assert history[epoch]["loss"] == pytest.approx(mean, rel=1e-6)
    assert len(set(recorder.losses)) == STEPS


@pytest.mark.minutes
def test_training_learns(tmp_path: Path) -> None:
    """One batch again and again: its loss falls."""
    changes = {"fresh_each_epoch": False, "dropout": 0.0, "colour_jitter": 0.0, "crop_scales": [1.0], "flip": False}
    recipe = tiny_recipe(tmp_path, train_data="rendered:4:1", epochs=8, early_epochs=0, size=32, lr=3e-3, **changes)
    losses = run(dataclasses.replace(recipe, warmup_epochs=0, validate_every=9, checkpoint_minutes=9)).recorder.losses
    assert len(losses) == 8
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.minutes
def test_compiled_training_is_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``compile=true`` traces the network in one piece. The compiler's last stage is left out: a GPU's is another."""
    compiled, graphs = torch.compile, torch._dynamo.utils.counters
    monkeypatch.setattr(torch, "compile", lambda forward: compiled(forward, backend="aot_eager"))
    once = {"epochs": 1, "train_data": "rendered:8:1", "early_epochs": 0, "size": 32, "dropout": 0.0}
    plain = run(tiny_recipe(tmp_path / "plain", **once))
    graphs.clear()
    traced = run(tiny_recipe(tmp_path / "traced", **once, compile=True))
    assert traced.recorder.losses == pytest.approx(plain.recorder.losses, rel=1e-4)
    assert len(traced.recorder.losses) == 2
    assert graphs["stats"]["unique_graphs"] == 1 and not graphs["graph_break"]
    assert weights_of(traced.folder / FINAL).keys() == weights_of(plain.folder / FINAL).keys()


def test_another_seed_is_another_run(trained: Run, tmp_path: Path) -> None:
    assert cut_off(tiny_recipe(tmp_path, seed=1), before=1)[0] != trained.recorder.losses[0]


def test_a_run_is_never_overwritten(trained: Run) -> None:
    before = (trained.folder / LAST).read_bytes()
    with pytest.raises(UserError, match=r"last\.pt exists; go on from it with --resume"):
        train(trained.recipe)
    assert (trained.folder / LAST).read_bytes() == before


def test_a_loss_that_is_not_finite_is_one_message(tmp_path: Path) -> None:
    recipe = tiny_recipe(
        tmp_path, lr=1e38, optimizer="sgd", clip_gradient=0.0, warmup_epochs=0.0, early_epochs=0, size=32
    )
    with pytest.raises(UserError, match=r"the loss is (nan|inf); lower lr \(now .*\) or clip_gradient") as caught:
        train(recipe)
    assert "\n" not in str(caught.value)


def test_broken_clips_are_skipped_and_counted(tmp_path: Path) -> None:
    data = jester_folder(tmp_path / "data", broken=("3", "4"))
    done = run(file_recipe(tmp_path / "run", data, cache_short_side=40))
    row = read_json(tmp_path / "run" / RESULT, "result")["history"][0]
    assert row["skipped"] == 2
    assert len(done.recorder.losses) in (2, 3)
    assert done.scores["clips"] == 2


def test_only_broken_clips_are_one_message(tmp_path: Path) -> None:
    data = jester_folder(tmp_path / "data", broken=tuple("012345"))
    with pytest.raises(UserError, match="none of the 6 clips can be used"):
        train(file_recipe(tmp_path / "run", data))


def test_a_broken_validation_clip_stops_and_loses_nothing(tmp_path: Path) -> None:
    """The epoch before it is kept: the run goes on from the validation, without the clip where it may be left out."""
    data = jester_folder(tmp_path / "data", broken=("11",))
    recipe = file_recipe(tmp_path / "run", data, checkpoint_minutes=9)
    with pytest.raises(UserError, match=r"clip 11: empty: .* skip_broken=true validates without such clips"):
        train(recipe)
    rest = run(dataclasses.replace(recipe, skip_broken=True), resume=True)
    assert rest.recorder.losses == []
    assert rest.scores["clips"] == 1 and list(rest.scores["skipped"]) == ["11"]
    result = read_json(tmp_path / "run" / RESULT, "result")
    assert result["history"][0]["validation_skipped"] == 1
    assert result["history"][0]["loss"] > 0
    for picture in (data / "20bn-jester-v1" / "10").iterdir():
        picture.write_bytes(b"")
    with pytest.raises(UserError, match="none of the 2 clips can be used"):
        train(dataclasses.replace(recipe, skip_broken=True, out=str(tmp_path / "none")))
