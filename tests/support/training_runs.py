"""Training runs of seconds, whose losses are written down and which can be cut off anywhere."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

from training.clips import ClipLoader
from training.common.files import read_json
from training.engine.checkpoint import load_checkpoint
from training.engine.loop import FINAL, RESULT, Trainer
from training.engine.recipe import Recipe
from training.train import train

STEPS = 6  # of the tiny recipe: two epochs of three batches


def tiny_recipe(folder: Path, **changes: Any) -> Recipe:
    """Everything that draws random numbers is on: fresh clips, crops, flips, colours, dropout."""
    recipe = Recipe(
        name="tiny",
        network="sth_mobilenet_v2",
        options={"width": 0.35, "p": 0.25},
        train_data="rendered:12:1",
        validation_data="rendered:4:2",
        size=64,
        early_size=32,
        early_epochs=1,
        segments=2,
        epochs=2,
        batch=4,
        optimizer="adamw",
        lr=1e-3,
        schedule="cosine",
        warmup_epochs=0.5,
        clip_gradient=5.0,
        dropout=0.3,
        label_smoothing=0.1,
        colour_jitter=0.2,
        fresh_each_epoch=True,
        device="cpu",
        workers=0,
        threads=1,
        checkpoint_minutes=0,  # a checkpoint after every step
        qat_epochs=1,
        qat_lr=1e-4,
        out=str(folder),
    )
    return dataclasses.replace(recipe, **changes)


def file_recipe(folder: Path, data: Path, **changes: Any) -> Recipe:
    """One epoch on the clips of a data set's folder, such as ``clip_files.jester_folder``."""
    shared = {"train_data": str(data), "validation_data": str(data), "fresh_each_epoch": False, "epochs": 1}
    return tiny_recipe(folder, **{**shared, "batch": 2, "early_epochs": 0, "size": 32, **changes})


class Killed(Exception):
    """Stands for the end of the process."""


class Recorder:
    """Within ``with``, notes every step's loss and input size, and kills the run before step ``kill_before``."""

    def __init__(self, kill_before: int | None = None) -> None:
        self.losses: list[float] = []
        self.sizes: list[int] = []
        self.rates: list[float] = []
        original = Trainer._step

        def step(
            trainer: Trainer, frames: torch.Tensor, labels: torch.Tensor, rate: float, loader: ClipLoader
        ) -> float:
            if kill_before is not None and len(self.losses) == kill_before:
                raise Killed
            self.losses.append(original(trainer, frames, labels, rate, loader))
            self.sizes.append(frames.shape[2])
            self.rates.append(rate)
            return self.losses[-1]

        self._patch = mock.patch.object(Trainer, "_step", step)

    def __enter__(self) -> Recorder:
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run."""

    recipe: Recipe
    folder: Path
    recorder: Recorder
    scores: dict[str, Any]


def run(recipe: Recipe, *, resume: bool = False) -> Run:
    """Train to the end."""
    with Recorder() as recorder:
        scores = train(recipe, resume=resume)
    return Run(recipe, Path(recipe.out), recorder, scores)


def cut_off(recipe: Recipe, *, before: int, resume: bool = False) -> list[float]:
    """Train until the process would be killed, before its step of this number; the losses until then."""
    with Recorder(kill_before=before) as recorder, pytest.raises(Killed):
        train(recipe, resume=resume)
    return recorder.losses


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """Of a checkpoint."""
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
