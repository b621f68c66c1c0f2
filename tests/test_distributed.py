"""Several processes as one run: what each of them gets, how errors are told, and two real ones against one."""

from __future__ import annotations

import dataclasses
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from clip_files import ArrayClips, write_jester
from small_networks import randomise
from training_runs import Killed, Recorder, run, tiny_recipe
from two_processes import commands, torchrun

from training import distributed
from training.checkpoint import load_checkpoint
from training.clips import ClipDataset, ClipLoader
from training.distributed import Ranks
from training.errors import UserError
from training.evaluate import evaluate
from training.files import read_json
from training.input_spec import InputSpec
from training.loop import FINAL, LAST, RESULT, Trainer
from training.networks import build_network
from training.recipe import Recipe
from training.recipes import recipe as named_recipe
from training.score_files import load_scores
from training.train import train

# --- the clips of each process --------------------------------------------------------------------


def loader_of(rank: int, ranks: int, *, clips: int = 11, training: bool = True, batch: int = 4) -> ClipLoader:
    frames = [np.full((3, 40, 40, 3), number, np.uint8) for number in range(clips)]
    source = ArrayClips(frames, ["Fist", "Wave"], [number % 2 for number in range(clips)])
    dataset = ClipDataset(source, InputSpec(segments=3, size=32), training=training, seed=5)
    return ClipLoader(dataset, batch, rank=rank, ranks=ranks)


@pytest.mark.parametrize("ranks", [2, 4])
def test_a_batch_is_the_one_of_a_single_process_split(ranks: int) -> None:
    for epoch in (0, 1):
        loaders = [loader_of(rank, ranks) for rank in range(ranks)] + [loader_of(0, 1)]
        for loader in loaders:
            loader.set_epoch(epoch, start_batch=epoch)
        *parts, whole = ([batch.indices_N.tolist() for batch in loader] for loader in loaders)
        assert len(whole) == 2 - epoch
        for number, batch in enumerate(whole):
            shares = [part[number] for part in parts]
            assert [len(share) for share in shares] == [4 // ranks] * ranks
            assert [share[place] for place in range(4 // ranks) for share in shares] == batch


@pytest.mark.parametrize(("clips", "ranks"), [(11, 2), (8, 4), (3, 4)])
def test_evaluation_counts_each_clip_once(clips: int, ranks: int) -> None:
    loaders = [loader_of(rank, ranks, clips=clips, training=False) for rank in range(ranks)]
    seen = [number for loader in loaders for batch in loader for number in batch.indices_N.tolist()]
    assert sorted(seen) == list(range(clips))
    assert all(len(batch.indices_N) <= 4 // ranks for loader in loaders for batch in loader)


def test_a_process_without_clips_stays_in_step() -> None:
    loader = loader_of(3, 4, clips=3)
    batches = list(loader)
    assert [len(batch.labels_N) for batch in batches] == [0]


# --- accumulation ---------------------------------------------------------------------------------


def sgd_recipe(folder: Path, **changes: Any) -> Recipe:
    """Without dropout, whose masks each process draws for itself; everything else random stays on."""
    shared: dict[str, Any] = {
        "optimizer": "sgd", "lr": 1e-4, "dropout": 0.0, "sync_batch_norm": True, "size": 32, "early_epochs": 0,
    }  # fmt: skip
    return tiny_recipe(folder, **{**shared, **changes})


def trainer_of(recipe: Recipe) -> Trainer:
    torch.manual_seed(0)
    network = build_network("tsn_mobilenet_v2", num_classes=27, segments=2, width=0.35, dropout=0.0)
    randomise(network)  # else the logits hardly depend on anything
    torch.nn.init.normal_(network.classifier.weight, 0, 0.2)
    network.eval()
    network.train = lambda mode=True: network  # type: ignore[method-assign]  # fixed statistics: parts are the batch
    return Trainer(network, recipe, Path(recipe.out), pack=dict, labels=["label"] * 27)


def test_accumulated_parts_make_the_step_of_the_whole_batch(tmp_path: Path) -> None:
    """With batch norm fixed, and parts of unequal size, one of them without a label."""
    loader = loader_of(0, 1)
    frames, labels = torch.randint(0, 256, (5, 2, 32, 32, 3), dtype=torch.uint8), torch.tensor([3, 1, 4, 1, -1])
    ends, losses = [], []
    for parts in (1, 2, 4):
        trainer = trainer_of(sgd_recipe(tmp_path, accumulate=parts))
        losses.append(trainer._step(frames, labels, 0.05, loader))
        ends.append(torch.cat([p.detach().flatten() for p in trainer.module.parameters()]))
    start = torch.cat([p.detach().flatten() for p in trainer_of(sgd_recipe(tmp_path)).module.parameters()])
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=1e-5)
    assert float((ends[0] - start).abs().max()) > 1e-3
    for end in ends[1:]:
        torch.testing.assert_close(end, ends[0], rtol=1e-4, atol=1e-6)


def test_a_batch_that_cannot_be_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a batch is 4 of 12 clips; 1 processes that accumulate 3 parts"):
        train(sgd_recipe(tmp_path, accumulate=3))
    with pytest.raises(UserError, match="a batch is 16 of 12 clips"):
        train(sgd_recipe(tmp_path, accumulate=16, batch=16))


# --- mixed precision ------------------------------------------------------------------------------


@pytest.mark.parametrize("amp", ["bf16", "fp16"])
def test_mixed_precision_is_near_float(tmp_path: Path, amp: str) -> None:
    loader = loader_of(0, 1)
    frames, labels = torch.randint(0, 256, (2, 2, 32, 32, 3), dtype=torch.uint8), torch.tensor([3, 1])
    plain, mixed = (trainer_of(sgd_recipe(tmp_path, amp=name)) for name in ("none", amp))
    found = [trainer._step(frames, labels, 0.05, loader) for trainer in (plain, mixed)]
    assert found[0] != found[1]
    assert found[1] == pytest.approx(found[0], rel=0.05)


def test_an_overflow_skips_the_step_and_lowers_the_scale(tmp_path: Path) -> None:
    trainer = trainer_of(sgd_recipe(tmp_path, amp="fp16"))
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=4.0)  # the default one overflows in the first steps
    frames, labels = torch.randint(0, 256, (2, 2, 32, 32, 3), dtype=torch.uint8), torch.tensor([3, 1])
    trainer._step(frames, labels, 0.05, loader_of(0, 1))
    weights, scale = trainer.module.classifier.weight, trainer.scaler.get_scale()
    before = weights.detach().clone()
    handle = weights.register_hook(lambda gradient: gradient * float("inf"))
    trainer._step(frames, labels, 0.05, loader_of(0, 1))
    handle.remove()
    assert torch.equal(weights, before)
    assert trainer.scaler.get_scale() == scale / 2
    assert trainer.state()["scaler"]["scale"] == scale / 2
    trainer._step(frames, labels, 0.05, loader_of(0, 1))
    assert not torch.equal(weights, before)


# --- errors ---------------------------------------------------------------------------------------


def pretend(monkeypatch: pytest.MonkeyPatch, here: Ranks) -> None:
    """What torchrun would write into the environment."""
    names = {
        "RANK": here.rank,
        "WORLD_SIZE": here.size,
        "LOCAL_RANK": here.local_rank,
        "LOCAL_WORLD_SIZE": here.local_size,
    }
    for name, value in names.items():
        monkeypatch.setenv(name, str(value))


def test_torchruns_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, Ranks(1, 2, 1, 2))
    assert distributed.started() == Ranks(1, 2, 1, 2)
    assert not distributed.started().first
    assert distributed.current() == Ranks()  # not joined
    with pytest.raises(SystemExit):  # the first process tells it
        distributed.refuse("mobile.qat")


def test_fewer_gpus_than_processes_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, Ranks(0, 4, 0, 4))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for found, text in ((1, "1 GPU;"), (2, "2 GPUs;")):
        monkeypatch.setattr(torch.cuda, "device_count", lambda found=found: found)
        with (
            pytest.raises(UserError, match=f"4 processes were asked for on this machine, which has {text}") as caught,
            distributed.joined("auto"),
        ):
            pass
        assert f"--nproc-per-node {found}" in str(caught.value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="device is cuda"), distributed.joined("cuda"):
        pass


@pytest.mark.parametrize(
    ("told", "line"), [(["bad", "bad"], "bad"), (["", "bad"], "bad (in process 1 of 2)"), (["", ""], None)]
)
def test_an_error_of_any_process_is_told_once(
    monkeypatch: pytest.MonkeyPatch, told: list[str], line: str | None
) -> None:
    monkeypatch.setattr(distributed, "gather", lambda value: told)

    def block(message: str) -> None:
        with distributed.one_error():
            if message:
                raise UserError(message)

    for rank in (0, 1):
        monkeypatch.setattr(distributed, "current", lambda rank=rank: Ranks(rank, 2, rank, 2))
        if line is None:
            block("")
            continue
        with pytest.raises(UserError if rank == 0 else SystemExit) as caught:
            block(told[rank])
        assert rank == 1 or str(caught.value) == line


# --- two real processes ---------------------------------------------------------------------------

# Two processes add the same numbers in another order, and batch norm over eight values multiplies the difference about
# a hundredfold a step: the rate is small, so that it stays rounding.
TOLERANCE = 2e-3


def settings(recipe: Recipe) -> list[str]:
    """The command line of a recipe."""
    plain = dataclasses.asdict(named_recipe("rendered_sth"))
    changed = {key: value for key, value in dataclasses.asdict(recipe).items() if value != plain[key]}
    options = [f"options.{key}={value}" for key, value in changed.pop("options").items()]
    return ["rendered_sth", "--set", *options, *(f"{key}={value}" for key, value in changed.items())]


def assert_same_run(folder: Path, other: Path) -> None:
    """Losses of each epoch, validation and weights agree within ``TOLERANCE``."""
    mine, theirs = (read_json(path / RESULT, "result") for path in (folder, other))
    assert [row["loss"] for row in mine["history"]] == pytest.approx(
        [row["loss"] for row in theirs["history"]], rel=TOLERANCE
    )
    assert mine["validation"]["clips"] == theirs["validation"]["clips"]
    weights = [load_checkpoint(path / FINAL)["model"] for path in (folder, other)]
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[1].items():
        difference = (weights[0][name].double() - value.double()).norm()
        assert float(difference) <= 10 * TOLERANCE * float(value.double().norm()) + 1e-4, name


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("single") / "run"
    run(sgd_recipe(folder))
    return folder


def kill_second(folder: Path, process: Any) -> None:
    """SIGKILL to the second of the two processes once there is a checkpoint."""
    give_up = time.monotonic() + 1500
    while not (folder / LAST).exists() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.02)
    shutil.copy(folder / LAST, folder / "copy.pt")
    workers = [child for child in psutil.Process(process.pid).children(recursive=True) if "RANK" in child.environ()]
    [second] = [child for child in workers if child.environ()["RANK"] == "1"]
    second.kill()


@pytest.mark.long
def test_two_processes_are_one_even_if_one_is_killed(single: Path, tmp_path: Path) -> None:
    """Twice the batch of each; torchrun starts both anew, and they go on. One process goes on from their checkpoint."""
    recipe = sgd_recipe(tmp_path / "two")
    process = torchrun("--max-restarts", "1", "-m", "training.train", *settings(recipe), "--resume")
    kill_second(tmp_path / "two", process)
    out, err = process.communicate(timeout=1500)
    assert process.returncode == 0, err[-3000:]
    assert out.count("resumed") == 1 and out.count("top-1") == 1
    result = read_json(tmp_path / "two" / RESULT, "result")
    assert result["processes"] == 2
    assert 0 <= result["waiting_for_data"] < 1
    assert_same_run(tmp_path / "two", single)
    (tmp_path / "one").mkdir()
    shutil.copy(tmp_path / "two" / "copy.pt", tmp_path / "one" / LAST)
    rest = run(sgd_recipe(tmp_path / "one"), resume=True)
    assert 0 < len(rest.recorder.losses) < 6
    assert_same_run(tmp_path / "one", single)


@pytest.mark.long
def test_two_go_on_from_one_and_score_each_clip_once(single: Path, tmp_path: Path) -> None:
    recipe = sgd_recipe(tmp_path / "two")
    with Recorder(kill_before=2), pytest.raises(Killed):
        train(recipe)
    broken = write_jester(tmp_path / "data", {str(n): n % 2 for n in range(3)}, ["Fist", "Wave"], split="validation")
    shutil.rmtree(broken / "20bn-jester-v1" / "1")
    two = tmp_path / "two.pt"
    checkpoint = load_checkpoint(single / FINAL)
    model = {name: value[:2] if name.startswith("classifier") else value for name, value in checkpoint["model"].items()}
    torch.save({**checkpoint, "labels": ["Fist", "Wave"], "model": model}, two)
    scores = ["--data", "rendered:7:3", "--scores", str(tmp_path / "two.npz"), "--json", str(tmp_path / "two.json")]
    process = torchrun(
        *commands(
            ["training.train", *settings(recipe), "--resume"],
            ["training.evaluate", str(single / FINAL), *scores],
            ["training.evaluate", str(two), "--data", str(broken)],
        )
    )
    _, err = process.communicate(timeout=1500)
    assert process.returncode != 0  # of the last command
    told = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(told) == 1 and "clip 1: missing" in told[0] and "(in process 1 of 2)" in told[0], err[-3000:]
    assert_same_run(tmp_path / "two", single)
    found = read_json(tmp_path / "two.json", "scores")
    wanted = evaluate(str(single / FINAL), "rendered:7:3", keep=tmp_path / "one.npz")
    assert found == wanted
    mine, theirs = load_scores(tmp_path / "two.npz"), load_scores(tmp_path / "one.npz")
    assert mine.names == theirs.names
    assert np.array_equal(mine.logits_MK, theirs.logits_MK)
