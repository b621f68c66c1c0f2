"""Checkpoints that cannot be written, and those of another network, head or recipe: one line that says what differs."""

from __future__ import annotations

import contextlib
import dataclasses
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from commands import run_command
from training_runs import Recorder, Run, cut_off, tiny_recipe

from training.analysis.score_files import Scores, save_scores
from training.common.errors import UserError
from training.engine.checkpoint import load_checkpoint, save_checkpoint
from training.engine.loop import FINAL, LAST
from training.engine.recipe import differences
from training.rendered import jester_labels
from training.train import build, main, train


@contextlib.contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file grows beyond ``size`` bytes: writing more fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.minutes
def test_a_full_disk_leaves_the_checkpoint_before(trained: Run, tmp_path: Path) -> None:
    path = tmp_path / LAST
    checkpoint = load_checkpoint(trained.folder / FINAL)
    with full_disk(100_000), pytest.raises(UserError, match=r"cannot write .*last\.pt: .*make room") as caught:
        save_checkpoint(path, checkpoint)
    assert "whole" not in str(caught.value)  # there was none
    assert not list(tmp_path.iterdir())
    save_checkpoint(path, {**checkpoint, "metrics": {"kept": 1}})
    before = path.read_bytes()
    with full_disk(100_000), pytest.raises(UserError, match="the one written before it is whole"):
        save_checkpoint(path, checkpoint)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [LAST]
    assert load_checkpoint(path)["metrics"] == {"kept": 1}


def test_a_disk_without_space_is_said_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PyTorch's writer says "unexpected pos 704 vs 598" of it."""

    def cut_off(*_: object) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598")

    monkeypatch.setattr(torch, "save", cut_off)
    for free, told in ((40_000, r"no space left on the disk \(0\.0 MiB free\)"), (2**30, "unexpected pos")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        with pytest.raises(UserError, match=rf"cannot write .*last\.pt: .*{told}"):
            save_checkpoint(tmp_path / LAST, {})


def test_scores_on_a_full_disk_are_one_message(tmp_path: Path) -> None:
    kept = Scores(
        np.random.default_rng(0).normal(size=(50, 9)),
        np.zeros(50, int),
        [str(n) for n in range(50)],
        list("abcdefghi"),
        {},
    )
    with full_disk(1000), pytest.raises(UserError, match=r"cannot write .*kept\.npz: .*; make room"):
        save_scores(tmp_path / "kept.npz", kept)
    assert not list(tmp_path.iterdir())


@pytest.mark.minutes
def test_a_run_on_a_full_disk_ends_with_one_line_and_goes_on_later(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tiny_recipe(tmp_path / "run")
    cut_off(recipe, before=2)

    def resumed() -> None:
        train(recipe, resume=True)

    with full_disk(100_000):
        assert run_command(monkeypatch, resumed) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1 and "the one written before it is whole" in told[0]
    with Recorder() as recorder:
        train(recipe, resume=True)
    assert recorder.losses == trained.recorder.losses[2:]


# --- another network, head or recipe --------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"options": {"width": 0.35, "p": 0.5}}, r"its options: p is 0\.25 in the checkpoint and 0\.5 here; give"),
        ({"options": {"width": 0.5, "p": 0.25}}, r"its options: width is 0\.35 in the checkpoint and 0\.5 here"),
        ({"network": "tsn_mobilenet_v2", "options": {"width": 0.35}}, "its network: sth_mobilenet_v2"),
        ({"modality": "flow"}, "its options: channels is 3 in the checkpoint and 10 here"),
    ],
    ids=str,
)
@pytest.mark.parametrize("finetune", [False, True])
def test_weights_of_another_network_say_what_differs(
    trained: Run, tmp_path: Path, change: dict[str, Any], reason: str, finetune: bool
) -> None:
    shared = {"init": str(trained.folder / FINAL), "finetune": finetune, "colour_jitter": 0.0}
    with pytest.raises(UserError, match=reason) as caught:
        build(dataclasses.replace(tiny_recipe(tmp_path), **{**shared, **change}), list(jester_labels()))
    assert "\n" not in str(caught.value)


def test_options_by_default_are_options_too(trained: Run, tmp_path: Path) -> None:
    """A recipe that spells out a default fits, and what differs from a default is said with it."""
    recipe = dataclasses.replace(tiny_recipe(tmp_path), init=str(trained.folder / FINAL))
    labels = list(jester_labels())
    build(
        dataclasses.replace(recipe, options={"width": 0.35, "p": 0.25, "causal": False, "first_block": False}), labels
    )
    build(dataclasses.replace(recipe, options={"width": 0.35}), labels)
    with pytest.raises(UserError, match="its options: causal is False in the checkpoint and True here"):
        build(dataclasses.replace(recipe, options={"width": 0.35, "causal": True}), labels)


def test_another_head_is_refused_unless_it_is_replaced_on_purpose(trained: Run, tmp_path: Path) -> None:
    recipe = dataclasses.replace(tiny_recipe(tmp_path), init=str(trained.folder / FINAL))
    renamed = ["Fist", *list(jester_labels())[1:]]
    for labels, reason in (
        (["Fist", "Wave"], "27 in the checkpoint and 2 in the data; --finetune"),
        (renamed, f"number 0 is {jester_labels()[0]!r} in the checkpoint and 'Fist' in the data"),
    ):
        with pytest.raises(UserError, match=reason):
            build(recipe, labels)
    tuned = build(dataclasses.replace(recipe, finetune=True), ["Fist", "Wave"])
    theirs = load_checkpoint(trained.folder / FINAL)["model"]
    assert tuned.classifier.weight.shape[0] == 2
    for name, value in tuned.state_dict().items():
        assert name.startswith("classifier.") or torch.equal(value, theirs[name]), name
    same = build(dataclasses.replace(recipe, finetune=True), list(jester_labels()))
    assert not torch.equal(same.classifier.weight, theirs["classifier.weight"])  # new even for the same classes


def test_finetune_needs_a_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, reason in (
        (["rendered_sth", "--set", "finetune=true"], "finetune needs a checkpoint"),
        (["ucf101_sth", "--finetune", "absent.pt", "--set", "train_data=rendered:4:1", "validation_data=rendered:4:2",
          "frame_size=[]", "device=cpu"], "there is no checkpoint absent.pt"),
    ):  # fmt: skip
        assert run_command(monkeypatch, main, *arguments) == 1
        assert reason in capsys.readouterr().err


def test_resuming_another_recipe_says_what_differs(trained: Run, tmp_path: Path) -> None:
    shutil.copytree(trained.folder, tmp_path / "run")
    changed = dataclasses.replace(
        trained.recipe, out=str(tmp_path / "run"), lr=0.5, options={"width": 0.35, "p": 0.5}, workers=1
    )
    with pytest.raises(UserError, match="another recipe") as caught:
        train(changed, resume=True)
    told = str(caught.value)
    assert "lr is 0.001 in the checkpoint and 0.5 here" in told
    assert "options.p is 0.25 in the checkpoint and 0.5 here" in told
    assert "workers" not in told and "out is" not in told


def test_differences_by_hand() -> None:
    old = {"lr": 0.1, "options": {"p": 0.25, "width": 1.0}, "out": "a"}
    new = {"lr": 0.1, "options": {"p": 0.5, "causal": True}, "out": "b", "modality": "rgb", "seed": 3}
    assert differences(old, new) == [
        "options.p is 0.25 in the checkpoint and 0.5 here",
        "options.width is 1.0 in the checkpoint and None here",
        "options.causal is None in the checkpoint and True here",
        "seed is None in the checkpoint and 3 here",
    ]
    assert differences(new, new) == []
