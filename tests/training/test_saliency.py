"""Class activation maps: they add up to the logits, and follow what moves in the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from clip_files import write_video
from commands import run_command

from mobile.bundle import SHIPPED, randomize
from training.analysis.saliency import class_maps, main, overlay
from training.clips import ClipDataset, as_modality
from training.common.errors import UserError
from training.engine.checkpoint import input_spec_of, load_checkpoint, save_checkpoint
from training.formats import open_data
from training.networks import build_network


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


def test_a_network_without_such_maps_is_refused() -> None:
    with torch.device("meta"):
        network = build_network("movinet_a0", num_classes=5, segments=2)
    with pytest.raises(UserError, match="MoViNet has layers between"):
        class_maps(network, torch.empty(1, 2, 3, 32, 32, device="meta"))


def test_the_frames_are_those_of_evaluation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where the recipe fixes the size of frames before they are cropped."""
    checkpoint = load_checkpoint(SHIPPED)
    checkpoint["recipe"]["frame_size"] = [64, 120]
    save_checkpoint(tmp_path / "sized.pt", checkpoint)
    video = write_video(tmp_path / "clip.avi", noise(20))
    (tmp_path / "clips.csv").write_text(f"file,label,split\nclip.avi,{checkpoint['labels'][0]},validation\n")
    drawn: list[np.ndarray] = []
    monkeypatch.setattr("training.analysis.saliency.plot", lambda frames, *rest: drawn.append(frames))
    for model, size in ((tmp_path / "sized.pt", [64, 120]), (SHIPPED, [])):
        assert run(monkeypatch, str(model), str(video), "--plot", str(tmp_path / "no.png")) == 0
        source = as_modality(open_data(str(tmp_path), "validation"), "rgb", frame_size=size)
        item = ClipDataset(source, input_spec_of(checkpoint), training=False)[0]
        assert np.array_equal(drawn[-1], item.frames_CTHWC[0].numpy())  # type: ignore[union-attr]
    assert not np.array_equal(drawn[0], drawn[1])


def test_overlay_is_red_where_the_map_speaks_for_the_class() -> None:
    frame_SSC = np.random.default_rng(0).integers(60, 200, (32, 32, 3), dtype=np.uint8)
    drawn = overlay(frame_SSC, np.array([[2.0, -2.0]], dtype=np.float32).repeat(2, axis=0), 2.0).astype(int)
    left, right = drawn[:, :8].mean(axis=(0, 1)), drawn[:, -8:].mean(axis=(0, 1))
    assert left[0] > left[2] + 50 and right[2] > right[0] + 50


@pytest.mark.minutes
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
