"""Attention coefficients per layer: what is collected is what the operator used."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from commands import run_command
from training_runs import tiny_recipe

from mobile.bundle import SHIPPED
from training.analysis import attention
from training.common.files import read_json
from training.engine.checkpoint import make_checkpoint, save_checkpoint
from training.networks import build_network
from training.operators import STHConv
from training.rendered import jester_labels


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return run_command(monkeypatch, attention.main, *arguments)


def test_coefficients_are_those_that_the_operator_used() -> None:
    torch.manual_seed(1)
    layer = STHConv(8, 8, segments=3, attention=True).eval()
    assert layer.attend is not None
    torch.nn.init.normal_(layer.attend.weight, 0, 2)
    x_BCHW = torch.randn(6, 8, 5, 5)
    with torch.no_grad(), attention.TemporalCoefficients(torch.nn.Sequential(layer)) as found:
        layer(x_BCHW)
        alpha_t, alpha_s = layer.attention(*layer.components(x_BCHW))
    assert float((alpha_t - 0.5).abs().max()) > 0.01
    used = torch.from_numpy(found.per_clip()[0, :2])
    torch.testing.assert_close(used, alpha_t.mean(dim=1))
    torch.testing.assert_close(alpha_t + alpha_s, torch.ones_like(alpha_t))


def checkpoint(path: Path, p: float, seed: int = 0) -> Path:
    recipe = dataclasses.replace(
        tiny_recipe(path.parent), network="sth_resnet18", size=32, options={"p": p, "attention": True}, seed=seed
    )
    torch.manual_seed(seed)
    labels = list(jester_labels())
    network = build_network("sth_resnet18", num_classes=len(labels), segments=2, **recipe.options).eval()
    save_checkpoint(path, make_checkpoint(network, recipe, labels, {"top1": 50.0 + seed}))
    return path


@pytest.mark.minutes
def test_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    half, quarter = checkpoint(tmp_path / "half.pt", 0.5), checkpoint(tmp_path / "quarter.pt", 0.25)
    out, picture = tmp_path / "out.json", tmp_path / "out.png"
    words = [str(half), f"{quarter}@rendered:3:5", "--data", "rendered:2:4"]
    assert run(monkeypatch, *words, "--json", str(out), "--plot", str(picture)) == 0
    runs = read_json(out, "attention")["runs"]
    assert [run["clips"] for run in runs] == [2, 3]
    assert all(len(run["layers"]) == 16 == len(run["temporal_mean"]) for run in runs)
    assert all(0 < value < 1 for run in runs for value in run["temporal_mean"])
    assert runs[0]["temporal_mean"] != runs[1]["temporal_mean"]
    assert picture.stat().st_size > 5000
    assert "p 0.5, rgb, rendered:2:4" in " ".join(capsys.readouterr().out.split())
    assert run(monkeypatch, str(SHIPPED)) == 1
    assert "has no attention" in capsys.readouterr().err


@pytest.mark.minutes
def test_seeds_of_one_network_are_one_group(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = [checkpoint(tmp_path / f"{seed}.pt", 0.25, seed) for seed in (0, 1)]
    out, picture = tmp_path / "out.json", tmp_path / "out.png"
    words = [*map(str, files), str(checkpoint(tmp_path / "half.pt", 0.5))]
    assert (
        run(
            monkeypatch, *words, "--data", "rendered:2:4", "--device", "cpu", "--json", str(out), "--plot", str(picture)
        )
        == 0
    )
    runs = read_json(out, "attention")["runs"]
    assert [(found["seed"], found["top1"]) for found in runs] == [(0, 50.0), (1, 51.0), (0, 50.0)]
    groups = attention.groups_of(runs)
    assert [len(group) for group in groups.values()] == [2, 1] and next(iter(groups)).startswith("p 0.25, rgb")
    deeper = [{**runs[2], "network": "deeper"}, runs[2]]
    assert [name.split(",")[0] for name in attention.groups_of(deeper)] == ["deeper", runs[2]["network"].split(",")[0]]
    dilated = {**runs[2], "options": {**runs[2]["options"], "dilation": True}}
    elsewhere = {**runs[2], "data": f"elsewhere/{runs[2]['data']}"}
    assert [len(group) for group in attention.groups_of([runs[2], dilated, elsewhere, runs[2]]).values()] == [2, 1, 1]
    first = attention.table_of(runs).columns[1]
    low, high = sorted(found["temporal_mean"][0] for found in runs[:2])
    assert next(iter(first.cells)) == f"{(low + high) / 2:.3f} ({low:.3f} to {high:.3f})"
    assert picture.stat().st_size > 5000
