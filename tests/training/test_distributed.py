"""Several processes as one run: what each of them gets, how errors are told, and two real ones against one."""

from __future__ import annotations

import dataclasses
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from clip_files import ArrayClips, write_jester
from small_networks import randomise
from training_runs import STEPS, Run, cut_off, run, tiny_recipe
from two_processes import COPY, LOSSES, Ended, Launch, launch, torchrun

from training.analysis.score_files import load_scores
from training.clips import ClipDataset, ClipLoader
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.common.files import read_json
from training.engine import distributed
from training.engine.checkpoint import load_checkpoint
from training.engine.distributed import Ranks
from training.engine.loop import FINAL, LAST, RESULT, Trainer
from training.engine.recipe import Recipe
from training.evaluate import evaluate
from training.networks import build_network
from training.recipes import recipe as named_recipe
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
        "optimizer": "sgd", "lr": 1e-4, "dropout": 0.0, "sync_batch_norm": True, "early_epochs": 0,
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
        distributed.refuse("mobile.quantization.qat")


def test_each_start_has_a_key_of_its_own() -> None:
    """In one store that still holds the words of an earlier start, and of a process that died before it had a key."""
    store = torch.distributed.HashStore()
    store.set("hello/2", "of one that is gone")
    keys = []
    for _ in range(2):
        with ThreadPoolExecutor(3) as pool:
            found = [pool.submit(distributed._key_of_start, store, rank, 3) for rank in (0, 1, 2)]
            keys.append({one.result(timeout=60) for one in found})
    assert [len(found) for found in keys] == [1, 1]
    assert keys[0] != keys[1]


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

# Two processes add the same numbers in another order, and batch norm over few values multiplies the difference some ten
# times a step (measured: 1e-7 in the weights is 1e-4 of the loss after six), while the steps move the loss by 2e-3 to
# 9e-3 of it.
TOLERANCE = 1e-3
SCORED = "rendered:7:3"


def settings(recipe: Recipe) -> list[str]:
    """The command line of a recipe."""
    plain = dataclasses.asdict(named_recipe("rendered_sth"))
    changed = {key: value for key, value in dataclasses.asdict(recipe).items() if value != plain[key]}
    options = [f"options.{key}={value}" for key, value in changed.pop("options").items()]
    return ["rendered_sth", "--set", *options, *(f"{key}={value}" for key, value in changed.items())]


def losses_of(folder: Path) -> list[float]:
    """Of each step of two processes, in the order in which they were made."""
    return [json.loads(line) for line in (folder / LOSSES).read_text().splitlines()]


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


@dataclasses.dataclass(frozen=True)
class Runs:
    """One process, and two: the latter in two launches of one launcher."""

    single: Run
    killed: Path  # two processes from the start, of which one is killed before the third step
    joined: Path  # two processes that go on after two steps of one
    scores: Path  # of the single run's network by two processes, .json and .npz
    ended: Ended


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    single = run(sgd_recipe(folder / "single"))
    killed, joined = sgd_recipe(folder / "killed"), sgd_recipe(folder / "joined")
    cut_off(joined, before=2)
    scores, final = folder / "two.json", str(single.folder / FINAL)
    ended = launch(
        folder,
        Launch([["training.train", *settings(killed), "--resume"]], restarts=1, watched=killed.out, kill_before=2),
        Launch([["training.train", *settings(joined), "--resume"],
                ["training.evaluate", final, "--data", SCORED, "--json", str(scores),
                 "--scores", str(scores.with_suffix(".npz"))],
                broken_evaluation(folder, load_checkpoint(final))], watched=joined.out),
    )  # fmt: skip
    return Runs(single, Path(killed.out), Path(joined.out), scores, ended)


def broken_evaluation(folder: Path, checkpoint: dict[str, Any]) -> list[str]:
    """A command line that scores three clips of two classes, of which the second process gets one without frames."""
    data = write_jester(folder / "data", {str(n): n % 2 for n in range(3)}, ["Fist", "Wave"], split="validation")
    shutil.rmtree(data / "20bn-jester-v1" / "1")
    model = {name: value[:2] if name.startswith("classifier") else value for name, value in checkpoint["model"].items()}
    torch.save({**checkpoint, "labels": ["Fist", "Wave"], "model": model}, folder / "two.pt")
    return ["training.evaluate", str(folder / "two.pt"), "--data", str(data)]


@pytest.mark.minutes
def test_two_processes_are_one_of_twice_the_batch_even_if_one_is_killed(runs: Runs) -> None:
    """SIGKILL before the third step; torchrun's agent starts both anew, and they go on from the second."""
    assert runs.ended.well[0], runs.ended.err[-6000:]
    last = f"{runs.killed / LAST} at epoch 1, batch 2"
    assert runs.ended.out.count(f"resumed {last}") == 1
    result = read_json(runs.killed / RESULT, "result")
    assert result["processes"] == 2
    assert 0 <= result["waiting_for_data"] < 1
    mine, theirs = losses_of(runs.killed), runs.single.recorder.losses
    assert len(mine) == len(theirs) == STEPS
    assert mine[0] == pytest.approx(theirs[0], rel=1e-5)
    assert mine == pytest.approx(theirs, rel=TOLERANCE)
    assert_same_run(runs.killed, runs.single.folder)


@pytest.mark.minutes
def test_one_process_goes_on_where_two_were_killed(runs: Runs, tmp_path: Path) -> None:
    shutil.copy(runs.killed / COPY, tmp_path / LAST)
    rest = run(sgd_recipe(tmp_path), resume=True)
    assert rest.recorder.losses == pytest.approx(runs.single.recorder.losses[2:], rel=TOLERANCE)
    assert_same_run(tmp_path, runs.single.folder)


@pytest.mark.minutes
def test_two_processes_go_on_where_one_was_killed(runs: Runs) -> None:
    assert losses_of(runs.joined) == pytest.approx(runs.single.recorder.losses[2:], rel=TOLERANCE)
    assert_same_run(runs.joined, runs.single.folder)


@pytest.mark.minutes
def test_two_processes_score_each_clip_once(runs: Runs, tmp_path: Path) -> None:
    """Seven clips: one process has a clip more than the other. To the bit what one process finds."""
    wanted = evaluate(str(runs.single.folder / FINAL), SCORED, keep=tmp_path / "one.npz")
    found = read_json(runs.scores, "scores")
    assert found.pop("code_version") and wanted.pop("code_version")  # somebody may commit meanwhile
    assert found.pop("provenance")  # only what a command writes has it
    assert wanted["clips"] == 7
    assert found == wanted
    mine, theirs = load_scores(runs.scores.with_suffix(".npz")), load_scores(tmp_path / "one.npz")
    assert mine.names == theirs.names and len({*mine.names}) == 7
    assert np.array_equal(mine.logits_MK, theirs.logits_MK)


@pytest.mark.minutes
def test_the_error_of_the_second_process_ends_both_and_is_told_once(runs: Runs) -> None:
    assert not runs.ended.well[1]
    told = [line for line in runs.ended.err.splitlines() if line.startswith("error:")]
    assert len(told) == 1 and "clip 1: missing" in told[0] and "(in process 1 of 2)" in told[0], runs.ended.err[-6000:]


@pytest.mark.long
def test_the_command_torchrun(runs: Runs, tmp_path: Path) -> None:
    """As in the README; three interpreters that import PyTorch each."""
    found = tmp_path / "scores.json"
    final = str(runs.single.folder / FINAL)
    code, out, err = torchrun("-m", "training.evaluate", final, "--data", SCORED, "--json", str(found))
    assert code == 0, err[-6000:]
    assert out.count("top-1") == 1
    mine, theirs = read_json(found, "scores"), read_json(runs.scores, "scores")
    assert mine["clips"] == 7
    assert mine["confusion"] == theirs["confusion"]
