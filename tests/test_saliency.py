"""Class activation maps: they add up to the logits, and follow what moves in the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from clip_files import write_video
from commands import run_command

from mobile.bundle import SHIPPED, randomize
from training.networks import build_network
from training.saliency import class_maps, main, overlay


def noise(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (96, 128, 3), dtype=np.uint8) for _ in range(count)]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return run_command(monkeypatch, main, *arguments)


@pytest.mark.parametrize("name", ["sth_mobilenet_v2", "sth_resnet18"])
def test_maps_add_up_to_the_logits(name: str) -> None:
    network = build_network(name, num_classes=5, segments=3)
    randomize(network)
    x_1TCHW = torch.randn(1, 3, 3, 64, 96)
    maps_TKHW, logits_TK = class_maps(network, x_1TCHW)
    assert maps_TKHW.shape == (3, 5, 2, 3)
    with torch.no_grad():
        torch.testing.assert_close(logits_TK, network.frame_logits(x_1TCHW)[0], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(logits_TK.mean(dim=0), network(x_1TCHW)[0], rtol=1e-4, atol=1e-4)


def test_overlay_is_red_where_the_map_speaks_for_the_class() -> None:
    frame_SSC = np.random.default_rng(0).integers(60, 200, (32, 32, 3), dtype=np.uint8)
    drawn = overlay(frame_SSC, np.array([[2.0, -2.0]], dtype=np.float32).repeat(2, axis=0), 2.0).astype(int)
    left, right = drawn[:, :8].mean(axis=(0, 1)), drawn[:, -8:].mean(axis=(0, 1))
    assert left[0] > left[2] + 50 and right[2] > right[0] + 50


def test_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = write_video(tmp_path / "clip.avi", noise(12))
    picture = tmp_path / "out.png"
    assert run(monkeypatch, str(SHIPPED), str(video), "--plot", str(picture)) == 0
    assert picture.stat().st_size > 5000
    asked = [str(SHIPPED), str(video), "--plot", str(tmp_path / "no.png")]
    for words, reason in (
        ([*asked, "--label", "Waving"], "no class is called 'Waving'"),
        ([asked[0], str(tmp_path / "no.mp4"), *asked[2:]], "missing"),
        ([asked[0], str(write_video(tmp_path / "short.avi", noise(3))), *asked[2:]], "short.avi"),
    ):
        capsys.readouterr()
        assert run(monkeypatch, *words) == 1
        assert reason in capsys.readouterr().err
    assert not (tmp_path / "no.png").exists()
