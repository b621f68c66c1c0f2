"""What only a machine with an NVIDIA GPU can show: its results are the CPU's, and training runs and goes on there."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_networks import randomise, smooth_frames
from training_runs import STEPS, cut_off, run, tiny_recipe

from training.clips.input_spec import InputSpec
from training.common.files import read_json
from training.engine.loop import FINAL, RESULT
from training.evaluate import evaluate
from training.networks import build_network
from training.recipes import recipe
from training.tables import memory

pytestmark = [
    pytest.mark.minutes,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU"),
]


@pytest.fixture
def whole_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """float32 products as they are, not rounded to TF32's 10 bits."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)


@pytest.mark.usefixtures("whole_precision")
@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("sth_resnet18", {"p": 0.25, "attention": True, "dilation": True}),
        ("sth_resnet18", {"variant": "tsm"}),
        ("sth_mobilenet_v2", {"p": 0.25, "width": 0.5, "causal": True}),
    ],
)
def test_networks_compute_there_what_they_compute_on_a_cpu(network: str, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    module = build_network(network, num_classes=5, segments=4, **options).eval()
    randomise(module)
    x_NTCHW = InputSpec(segments=4, size=64).to_network(smooth_frames(2, 4, 64))
    with torch.no_grad():
        expected, reversed_frames = module(x_NTCHW), module(x_NTCHW.flip(1))
        found = module.cuda()(x_NTCHW.cuda()).cpu()
    largest = expected.abs().max()
    assert (found - expected).abs().max() < 1e-4 * largest
    assert (reversed_frames - expected).abs().max() > 1e-3 * largest


@pytest.mark.parametrize("changes", [{}, {"amp": "bf16"}, {"amp": "fp16"}, {"amp": "bf16", "compile": True}], ids=str)
def test_training_learns_there_in_each_precision(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Sixteen clips of four batches by heart."""
    chosen = tiny_recipe(
        tmp_path / "run", device="cuda", network="sth_resnet18", options={"p": 0.25}, epochs=12, early_epochs=0,
        fresh_each_epoch=False, flip=False, colour_jitter=0.0, dropout=0.0, label_smoothing=0.0, crop_scales=[1.0],
        train_data="rendered:16:1", lr=5e-4, checkpoint_minutes=5.0, **changes,
    )  # fmt: skip
    done = run(chosen)
    assert np.mean(done.recorder.losses[-4:]) < 0.5 * np.mean(done.recorder.losses[:4]), done.recorder.losses
    result = read_json(Path(chosen.out) / RESULT, "result")
    assert result["device"] == torch.cuda.get_device_name() and result["peak_gpu_bytes"] > 10e6
    assert result["history"][-1]["clips_per_second"] > 0


def test_a_killed_run_goes_on_there(tmp_path: Path) -> None:
    """To the rounding of a GPU's sums, whose order may change; on a CPU it is to the bit."""
    whole = run(tiny_recipe(tmp_path / "whole", device="cuda"))
    chosen = tiny_recipe(tmp_path / "cut", device="cuda")
    before = cut_off(chosen, before=4)
    after = run(chosen, resume=True)
    losses = [*before, *after.recorder.losses]
    assert len(losses) == STEPS
    np.testing.assert_allclose(losses, whole.recorder.losses, rtol=2e-2)


def test_a_checkpoint_scores_there_as_on_a_cpu(tmp_path: Path) -> None:
    run(tiny_recipe(tmp_path / "run", device="cuda", epochs=1))
    there, here = (
        evaluate(str(tmp_path / "run" / FINAL), "rendered:54:3", split="validation", device=device, workers=0)
        for device in ("cuda", "cpu")
    )
    assert abs(there["top1"] - here["top1"]) <= 100 / 54 + 1e-9 and there["clips"] == here["clips"] == 54


def test_memory_of_a_recipe_is_that_of_a_run(tmp_path: Path) -> None:
    chosen = dataclasses.replace(recipe("jester_sth"), batch=8, size=64, workers=2)
    run_ = memory.run_on_gpu(chosen, tmp_path, batches=2)
    assert isinstance(run_, memory.Run) and run_.device in str(run_) and 0 <= run_.waiting <= 1
    expected = memory.need_of(chosen, 27).of(1)
    assert 0.5 * expected < run_.bytes < 3 * expected, (run_, expected)


def test_torchrun_trains_there_with_a_process_for_each_gpu_and_not_with_more(tmp_path: Path) -> None:
    gpus = torch.cuda.device_count()
    words = ["train_data=rendered:12:1", "validation_data=rendered:4:2", "size=64", "epochs=1", "batch=4", "workers=0",
             "segments=2", "options.width=0.35", "device=cuda", "sync_batch_norm=true"]  # fmt: skip

    def launched(processes: int, folder: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes),
                   "-m", "training.train", "rendered_sth", "--set", f"out={folder}", *words]  # fmt: skip
        return subprocess.run(
            command, cwd=Path(__file__).parents[2], env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip

    ended = launched(gpus, tmp_path / "run")
    assert ended.returncode == 0, ended.stderr[-4000:]
    result = json.loads((tmp_path / "run" / RESULT).read_text())
    assert result["device"] == torch.cuda.get_device_name() and result["processes"] == gpus
    assert np.isfinite(result["history"][0]["loss"])
    refused = launched(gpus + 1, tmp_path / "more")
    assert refused.returncode != 0 and f"{gpus + 1} processes were asked for on this machine" in refused.stderr
