"""The training loop: what a run leaves behind, that it goes on bit-identically, and how it refuses."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from clip_files import write_jester
from training_runs import STEPS, Killed, Recorder, Run, run, tiny_recipe

from training import train as train_command
from training.checkpoint import (
    code_version,
    input_spec_of,
    load_checkpoint,
    make_checkpoint,
    network_of,
    save_checkpoint,
)
from training.errors import UserError, run_cli
from training.files import read_json
from training.loop import FINAL, LAST, RESULT, Trainer, learning_rate
from training.networks import build_network
from training.recipe import Recipe
from training.rendered import jester_labels
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


def test_training_learns(tmp_path: Path) -> None:
    """One batch again and again: its loss falls."""
    changes = {"fresh_each_epoch": False, "dropout": 0.0, "colour_jitter": 0.0, "crop_scales": [1.0], "flip": False}
    recipe = tiny_recipe(tmp_path, train_data="rendered:4:1", epochs=8, early_epochs=0, size=32, lr=3e-3, **changes)
    losses = run(dataclasses.replace(recipe, warmup_epochs=0, validate_every=9, checkpoint_minutes=9)).recorder.losses
    assert len(losses) == 8
    assert losses[-1] < 0.8 * losses[0]


def test_the_final_checkpoint_says_what_it_is(trained: Run) -> None:
    checkpoint = load_checkpoint(trained.folder / FINAL)
    assert checkpoint["network"] == "sth_mobilenet_v2"
    assert checkpoint["options"] == {"width": 0.35, "p": 0.25}
    assert checkpoint["labels"] == list(jester_labels())
    assert checkpoint["recipe"] == dataclasses.asdict(trained.recipe)
    assert checkpoint["code_version"] == code_version()
    assert checkpoint["metrics"] == {key: trained.scores[key] for key in ("clips", "top1", "top5")}
    assert "trainer" not in checkpoint
    spec = input_spec_of(checkpoint)
    assert spec == trained.recipe.input_spec()
    network = network_of(checkpoint)
    assert not network.training
    assert network(torch.zeros(1, 2, 3, 64, 64)).shape == (1, 27)


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(path)["model"]


def assert_same_end(folder: Path, trained: Run) -> None:
    """Weights, history and scores of an interrupted run are those of the other, to the last bit."""
    mine, theirs = weights_of(folder / FINAL), weights_of(trained.folder / FINAL)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    results = [read_json(path / RESULT, "result") for path in (folder, trained.folder)]
    assert results[0]["validation"] == results[1]["validation"]
    rows = [[(row["epoch"], row["loss"], row["top1"]) for row in result["history"]] for result in results]
    assert rows[0] == rows[1]


def cut_off(recipe: Recipe, *, before: int, resume: bool = False) -> list[float]:
    with Recorder(kill_before=before) as recorder, pytest.raises(Killed):
        train(recipe, resume=resume)
    return recorder.losses


@pytest.mark.parametrize("done", [2, 3], ids=["inside epoch 1", "after epoch 1"])
def test_resuming_repeats_the_loss_sequence_bit_for_bit(trained: Run, tmp_path: Path, done: int) -> None:
    recipe = tiny_recipe(tmp_path)
    first = cut_off(recipe, before=done)
    torch.manual_seed(99)  # the process that goes on has drawn other random numbers
    rest = run(recipe, resume=True)
    assert first + rest.recorder.losses == trained.recorder.losses
    assert rest.recorder.rates == trained.recorder.rates[done:]
    assert_same_end(tmp_path, trained)


def test_killed_twice_with_checkpoints_in_time_only(trained: Run, tmp_path: Path) -> None:
    """Without a checkpoint inside the epoch, the work since the last epoch is done again, the same way."""
    recipe = tiny_recipe(tmp_path, checkpoint_minutes=60.0)
    assert cut_off(recipe, before=5) == trained.recorder.losses[:5]
    assert cut_off(recipe, before=1, resume=True) == trained.recorder.losses[3:4]
    rest = run(recipe, resume=True)
    assert rest.recorder.losses == trained.recorder.losses[3:]
    assert_same_end(tmp_path, trained)


def test_killed_for_real(trained: Run, tmp_path: Path) -> None:
    """SIGKILL right after the first checkpoint appears: the file is whole, and the run goes on from it."""
    recipe = tiny_recipe(tmp_path / "run")
    program = (
        "import sys, json\nfrom training.recipe import Recipe\nfrom training.train import train\n"
        "train(Recipe(**json.loads(sys.argv[1])))"
    )
    content = json.dumps(dataclasses.asdict(recipe))
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", program, content], cwd=root, stderr=subprocess.DEVNULL) as process:
        give_up = time.monotonic() + 120
        while not (tmp_path / "run" / LAST).exists() and process.poll() is None and time.monotonic() < give_up:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    rest = run(recipe, resume=True)
    assert 0 < len(rest.recorder.losses) < STEPS
    assert rest.recorder.losses == trained.recorder.losses[-len(rest.recorder.losses) :]
    assert_same_end(tmp_path / "run", trained)


def test_a_finished_run_resumes_to_its_end(trained: Run, tmp_path: Path) -> None:
    shutil.copytree(trained.folder, tmp_path / "run")
    again = run(dataclasses.replace(trained.recipe, out=str(tmp_path / "run")), resume=True)
    assert again.recorder.losses == []
    assert again.scores == trained.scores


def test_another_seed_is_another_run(trained: Run, tmp_path: Path) -> None:
    with Recorder(kill_before=1) as recorder, pytest.raises(Killed):
        train(tiny_recipe(tmp_path, seed=1))
    assert recorder.losses[0] != trained.recorder.losses[0]


@pytest.mark.parametrize("change", [{"lr": 0.5}, {"options": {"width": 0.35, "p": 0.5}}, {"epochs": 3}], ids=str)
def test_resuming_another_recipe_is_refused(trained: Run, tmp_path: Path, change: dict[str, Any]) -> None:
    shutil.copytree(trained.folder, tmp_path / "run")
    with pytest.raises(UserError, match="another recipe"):
        train(dataclasses.replace(trained.recipe, out=str(tmp_path / "run"), **change), resume=True)


def test_resuming_from_a_finished_network_is_refused(trained: Run, tmp_path: Path) -> None:
    shutil.copy(trained.folder / FINAL, tmp_path / LAST)
    with pytest.raises(UserError, match="no training state"):
        train(tiny_recipe(tmp_path), resume=True)


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


# --- one label per frame --------------------------------------------------------------------------


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


def test_frame_supervision_learns(tmp_path: Path) -> None:
    """One batch of windows again and again: its loss falls."""
    changes = {"fresh_each_epoch": False, "dropout": 0.0, "colour_jitter": 0.0, "crop_scales": [1.0], "flip": False}
    recipe = frame_recipe(tmp_path, train_data="rendered_stream:4:1", epochs=10, lr=3e-3, label_smoothing=0.0)
    recipe = dataclasses.replace(recipe, warmup_epochs=0, validate_every=11, checkpoint_minutes=9, **changes)
    losses = run(recipe).recorder.losses
    assert len(losses) == 10
    assert losses[-1] < 0.6 * losses[0]


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


def test_a_run_starts_from_a_checkpoint_of_its_network(framed: Run, tmp_path: Path) -> None:
    """Weights of windows of four frames serve windows of three: T is not part of them."""
    start = str(framed.folder / FINAL)
    chosen = frame_recipe(tmp_path, init=start, window=3)
    built = train_command.build(chosen, list(jester_labels()))
    assert built.segments == 3
    assert all(torch.equal(tensor, weights_of(Path(start))[name]) for name, tensor in built.state_dict().items())
    for change, reason in (
        ({"options": {"width": 0.35, "p": 0.25}}, "its options: .*causal"),
        ({"network": "tsm_mobilenet_v2", "options": {"width": 0.35}}, "its network: sth_mobilenet_v2"),
    ):
        with pytest.raises(UserError, match=reason):
            train_command.build(dataclasses.replace(chosen, **change), list(jester_labels()))
    with pytest.raises(UserError, match="its labels"):
        train_command.build(chosen, ["a", "b"])
    with pytest.raises(UserError, match="there is no checkpoint"):
        train_command.build(dataclasses.replace(chosen, init=str(tmp_path / "no.pt")), list(jester_labels()))


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


def jester_folder(root: Path, *, broken: tuple[str, ...] = (), second: str = "Stop Sign") -> Path:
    """Six training clips of two classes and two for validation; the pictures of broken ones are empty files."""
    labels = ["Thumb Up", second]
    write_jester(root, {str(number): number % 2 for number in range(6)}, labels)
    write_jester(root, {"10": 0, "11": 1}, labels, split="validation")
    for name in broken:
        for picture in (root / "20bn-jester-v1" / name).iterdir():
            picture.write_bytes(b"")
    return root


def file_recipe(folder: Path, data: Path, **changes: Any) -> Recipe:
    shared = {"train_data": str(data), "validation_data": str(data), "fresh_each_epoch": False, "epochs": 1}
    return tiny_recipe(folder, **{**shared, "batch": 2, "early_epochs": 0, "size": 32, **changes})


def test_broken_clips_are_skipped_and_counted(tmp_path: Path) -> None:
    data = jester_folder(tmp_path / "data", broken=("3", "4"))
    done = run(file_recipe(tmp_path / "run", data, cache_short_side=40))
    row = read_json(tmp_path / "run" / RESULT, "result")["history"][0]
    assert row["skipped"] == 2
    assert len(done.recorder.losses) in (2, 3)
    assert done.scores["clips"] == 2


def test_a_run_with_broken_batches_resumes_bit_for_bit(tmp_path: Path) -> None:
    """Batches of one clip: a broken clip's batch is never given, and must not be counted twice or not at all."""
    data = jester_folder(tmp_path / "data", broken=("0", "3"))
    whole = run(file_recipe(tmp_path / "whole", data, batch=1, checkpoint_minutes=9)).recorder.losses
    assert len(whole) == 4  # batch norm of two frames is enough
    recipe = file_recipe(tmp_path / "cut", data, batch=1)
    for done in range(1, 4):  # killed after every step
        assert cut_off(recipe, before=1, resume=done > 1) == whole[done - 1 : done]
    assert run(recipe, resume=True).recorder.losses == whole[3:]


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


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit status of ``python -m training.train``."""
    monkeypatch.setattr(sys, "argv", ["training.train", *arguments])
    with pytest.raises(SystemExit) as left:
        run_cli(train_command.main)
    assert isinstance(left.value.code, int)
    return left.value.code


def a_file(path: Path) -> str:
    path.write_text("hello\n")
    return str(path)


BAD: dict[str, Callable[[Path], tuple[list[str], str]]] = {
    "recipe": lambda tmp: (["rendered"], "no recipe is called 'rendered'"),
    "key": lambda tmp: (["rendered_sth", "--set", "epoch=1"], "epoch"),
    "value": lambda tmp: (["rendered_sth", "--set", "epochs=many"], "many"),
    "no value": lambda tmp: (["rendered_sth", "--set", "epochs"], "key=value"),
    "seed": lambda tmp: (["rendered_sth", "--seed", "-1"], "seed is -1"),
    "network": lambda tmp: (["rendered_sth", "--set", "network=sth"], "no network is called 'sth'"),
    "option": lambda tmp: (["rendered_sth", "--set", "options.q=1"], "no option q"),
    "proportion": lambda tmp: (["rendered_sth", "--set", "options.p=0.3"], "1/G"),
    "data": lambda tmp: (["rendered_sth", "--set", f"train_data={tmp}/absent"], "there is no"),
    "no data": lambda tmp: (["jester_sth", "--set", f"train_data={a_file(tmp / 'x.txt')}"], "x.txt"),
    "validation": lambda tmp: (["rendered_sth", "--set", f"validation_data={tmp}/absent"], "absent"),
    "rendered": lambda tmp: (["rendered_sth", "--set", "train_data=rendered:0:1"], "rendered:0:1"),
    "labels": lambda tmp: (
        ["rendered_sth", "--set", f"validation_data={jester_folder(tmp / 'data', second='Waving')}"],
        "the label 'Waving'",
    ),
    "weights": lambda tmp: (["rendered_sth", "--weights", f"{tmp}/absent.pt"], "no weights file"),
    "weights kind": lambda tmp: (["rendered_sth", "--weights", a_file(tmp / "w.pt")], "no state_dict"),
    "size": lambda tmp: (["rendered_sth", "--set", "size=100"], "multiple of 32"),
    "fresh": lambda tmp: (
        ["rendered_sth", "--set", f"train_data={jester_folder(tmp / 'data')}", f"validation_data={tmp / 'data'}"],
        "fresh_each_epoch",
    ),
}


@pytest.mark.parametrize("what", list(BAD))
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, what: str
) -> None:
    arguments, reason = BAD[what](tmp_path)
    out = tmp_path / "run"
    small = ["options.width=0.35", "size=32", "segments=2", "early_epochs=0", "workers=0", f"out={out}"]
    recipe_name, *rest = arguments
    assert command(monkeypatch, recipe_name, "--set", *small, *rest) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert reason in lines[0]
    assert not (out / LAST).exists()


def test_an_output_folder_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    occupied = a_file(tmp_path / "occupied")
    small = ["options.width=0.35", "size=32", "segments=2", "early_epochs=0", "workers=0"]
    assert command(monkeypatch, "rendered_sth", "--set", *small, f"out={occupied}/run") == 1
    assert f"cannot write into {occupied}/run" in capsys.readouterr().err
    assert Path(occupied).read_text() == "hello\n"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_is_refused_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="device is cuda"):
        train(tiny_recipe(tmp_path, device="cuda"))


def test_the_command_trains_and_writes_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    small = ["options.width=0.35", "size=32", "segments=2", "early_epochs=0", "workers=0", "epochs=1", "batch=4"]
    data = ["train_data=rendered:4:1", "validation_data=rendered:4:2", f"out={tmp_path / 'run'}", "device=cpu"]
    status = command(
        monkeypatch, "rendered_tsn", "--seed", "3", "--set", *small, *data, "--json", str(tmp_path / "scores.json")
    )
    assert status == 0
    assert "top-1" in capsys.readouterr().out
    assert read_json(tmp_path / "scores.json", "scores")["clips"] == 4
    assert load_checkpoint(tmp_path / "run" / FINAL)["recipe"]["seed"] == 3
    assert command(monkeypatch, "rendered_tsn", "--set", *small, *data) == 1  # it is there already


def checkpoint_of(labels: list[str], **changes: Any) -> dict[str, Any]:
    recipe = tiny_recipe(Path("x"))
    network = build_network(recipe.network, num_classes=len(labels), segments=2, **recipe.options)
    return {**make_checkpoint(network, recipe, labels, {}), **changes}


def test_checkpoints_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with pytest.raises(UserError, match="there is no checkpoint"):
        load_checkpoint(path)
    save_checkpoint(path, {"format": "other/1"})
    with pytest.raises(UserError, match="no checkpoint of this project"):
        load_checkpoint(path)
    whole = checkpoint_of(["a", "b"])
    save_checkpoint(path, {key: value for key, value in whole.items() if key not in ("labels", "model")})
    with pytest.raises(UserError, match="lacks labels, model"):
        load_checkpoint(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="is no checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "change",
    [
        {"network": "tsn_mobilenet_v2", "options": {"width": 0.35}},
        {"network": "mobilenet_v9"},
        {"options": {"width": 0.5, "p": 0.25}},
        {"labels": ["a", "b", "c"]},
        {"options": {"depth": 3}},
        {"input": {}},
        {"model": {}},
    ],
    ids=str,
)
def test_weights_of_another_network_are_one_line(change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"model\.pt: the weights are not those of") as caught:
        network_of({**checkpoint_of(["a", "b"]), **change}, "model.pt")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_options_are_copied_into_a_checkpoint() -> None:
    checkpoint = checkpoint_of(["a", "b"])
    checkpoint["options"]["p"] = 0.5
    assert tiny_recipe(Path("x")).options["p"] == 0.25
    assert checkpoint_of(["a", "b"])["options"]["p"] == 0.25
