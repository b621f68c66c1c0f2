"""A run that was cut off goes on bit-identically, or is refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from clip_files import jester_folder
from training_runs import STEPS, Run, assert_same_end, cut_off, file_recipe, run, tiny_recipe

from training.common.errors import UserError
from training.engine.loop import FINAL, LAST
from training.train import train


@pytest.mark.minutes
@pytest.mark.parametrize("done", [2, 3], ids=["inside epoch 1", "after epoch 1"])
def test_resuming_repeats_the_loss_sequence_bit_for_bit(trained: Run, tmp_path: Path, done: int) -> None:
    recipe = tiny_recipe(tmp_path)
    first = cut_off(recipe, before=done)
    torch.manual_seed(99)  # the process that goes on has drawn other random numbers
    rest = run(recipe, resume=True)
    assert first + rest.recorder.losses == trained.recorder.losses
    assert rest.recorder.rates == trained.recorder.rates[done:]
    assert_same_end(tmp_path, trained)


@pytest.mark.minutes
def test_killed_twice_with_checkpoints_in_time_only(trained: Run, tmp_path: Path) -> None:
    """Without a checkpoint inside the epoch, the work since the last epoch is done again, the same way."""
    recipe = tiny_recipe(tmp_path, checkpoint_minutes=60.0)
    assert cut_off(recipe, before=5) == trained.recorder.losses[:5]
    assert cut_off(recipe, before=1, resume=True) == trained.recorder.losses[3:4]
    rest = run(recipe, resume=True)
    assert rest.recorder.losses == trained.recorder.losses[3:]
    assert_same_end(tmp_path, trained)


@pytest.mark.minutes
def test_killed_for_real(trained: Run, tmp_path: Path) -> None:
    """SIGKILL right after the first checkpoint appears: the file is whole, and the run goes on from it."""
    recipe = tiny_recipe(tmp_path / "run")
    program = (
        "import sys, json\nfrom training.engine.recipe import Recipe\nfrom training.train import train\n"
        "train(Recipe(**json.loads(sys.argv[1])))"
    )
    content = json.dumps(dataclasses.asdict(recipe))
    root = Path(__file__).parents[2]
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


@pytest.mark.minutes
def test_a_run_with_broken_batches_resumes_bit_for_bit(tmp_path: Path) -> None:
    """Batches of one clip: a broken clip's batch is never given, and must not be counted twice or not at all."""
    data = jester_folder(tmp_path / "data", broken=("0", "3"))
    whole = run(file_recipe(tmp_path / "whole", data, batch=1, checkpoint_minutes=9)).recorder.losses
    assert len(whole) == 4  # batch norm of two frames is enough
    recipe = file_recipe(tmp_path / "cut", data, batch=1)
    for done in range(1, 4):  # killed after every step
        assert cut_off(recipe, before=1, resume=done > 1) == whole[done - 1 : done]
    assert run(recipe, resume=True).recorder.losses == whole[3:]


def test_a_finished_run_resumes_to_its_end(trained: Run, tmp_path: Path) -> None:
    shutil.copytree(trained.folder, tmp_path / "run")
    again = run(dataclasses.replace(trained.recipe, out=str(tmp_path / "run")), resume=True)
    assert again.recorder.losses == []
    assert again.scores == trained.scores


@pytest.mark.parametrize("change", [{"lr": 0.5}, {"options": {"width": 0.35, "p": 0.5}}, {"epochs": 3}], ids=str)
def test_resuming_another_recipe_is_refused(trained: Run, tmp_path: Path, change: dict[str, Any]) -> None:
    shutil.copytree(trained.folder, tmp_path / "run")
    with pytest.raises(UserError, match="another recipe"):
        train(dataclasses.replace(trained.recipe, out=str(tmp_path / "run"), **change), resume=True)


def test_resuming_from_a_finished_network_is_refused(trained: Run, tmp_path: Path) -> None:
    shutil.copy(trained.folder / FINAL, tmp_path / LAST)
    with pytest.raises(UserError, match="no training state"):
        train(tiny_recipe(tmp_path), resume=True)
