"""Optical flow as a clip source: what its numbers mean, its cache, its flip, and the networks that see it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clip_files import ArrayClips, write_jester
from commands import run_command
from small_networks import randomise
from training_runs import run, tiny_recipe

from training.analysis import flow as flow_command
from training.analysis.fuse import fuse
from training.analysis.score_files import load_scores
from training.clips import ClipDataset, as_modality
from training.clips.augment import Augmentation, flip_sideways
from training.clips.flow import FlowClips, compute_flow, quantized
from training.clips.input_spec import FLOW_CHANNELS, InputSpec, resize_frames
from training.clips.source import ClipError
from training.common.errors import UserError
from training.common.files import read_json
from training.engine.checkpoint import input_spec_of, load_checkpoint, network_of
from training.engine.loop import FINAL
from training.engine.recipe import Recipe, check, override
from training.evaluate import evaluate
from training.formats import open_data
from training.networks import build_network
from training.networks.first_convolution import average_colours
from training.networks.imagenet import load_imagenet


def moving_clip(frames: int, right: float, down: float, size: int = 64) -> np.ndarray:
    """A smooth random picture that moves by so many pixels a frame, uint8 (T, H, W, 3)."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    wide = cv2.GaussianBlur(cv2.resize(coarse, (3 * size, 3 * size), interpolation=cv2.INTER_CUBIC), (0, 0), 2)
    shifts = [np.array([[1, 0, t * right - size], [0, 1, t * down - size]], np.float64) for t in range(frames)]
    return np.stack([cv2.warpAffine(wide, shift, (size, size)) for shift in shifts])


def source_of(*clips: np.ndarray) -> ArrayClips:
    return ArrayClips(list(clips), ["Fist", "Wave"], [number % 2 for number in range(len(clips))])


def test_flow_is_the_displacement_in_pixels() -> None:
    """x to the right, y downwards; from each frame to the next, so that time reversed is flow negated."""
    clip = moving_clip(4, 2.0, -1.0)
    flow = compute_flow(clip)
    assert flow.shape == (3, 64, 64, 2)
    inner = flow[:, 12:-12, 12:-12]
    np.testing.assert_allclose(np.median(inner, axis=(0, 1, 2)), [2.0, -1.0], atol=0.2)
    back = compute_flow(clip[::-1])[:, 12:-12, 12:-12]
    np.testing.assert_allclose(np.median(back, axis=(0, 1, 2)), [-2.0, 1.0], atol=0.2)


def test_bytes_of_displacements_by_hand() -> None:
    pixels = np.array([0.0, 20.0, -20.0, 55.0, -55.0, 10.0, -10.0])
    assert quantized(pixels).tolist() == [128, 255, 1, 255, 1, 192, 64]  # 63.5 rounds to the even 64
    assert (quantized(-pixels).astype(int) == 256 - quantized(pixels).astype(int)).all()


def test_a_stack_is_five_neighbouring_fields(tmp_path: Path) -> None:
    clip = np.concatenate([moving_clip(6, 1.5, 0.0), moving_clip(6, 0.0, -1.5)])
    source = FlowClips(source_of(clip))
    assert source.frame_count(0) == 12 - 5
    stacks = source.frames(0, [4, 0, 4])
    assert stacks.shape == (3, 64, 64, FLOW_CHANNELS) and stacks.dtype == np.uint8
    fields = quantized(compute_flow(clip))
    wanted = np.concatenate([fields[4 + step] for step in range(5)], axis=-1)
    assert np.array_equal(stacks[0], wanted) and np.array_equal(stacks[2], wanted)
    assert np.median(stacks[1][20:-20, 20:-20, 0]) > 128  # x of the first field: to the right
    assert np.median(stacks[0][20:-20, 20:-20, 9]) < 128  # y of the last: upwards
    with pytest.raises(ClipError, match="too short"):
        FlowClips(source_of(clip[:5]), tmp_path).prepare(0)
    assert not list(tmp_path.iterdir())


def test_the_cache_keeps_what_was_computed(tmp_path: Path) -> None:
    clip = moving_clip(9, 1.0, 1.0)
    plain, cached = FlowClips(source_of(clip, clip[::-1])), FlowClips(source_of(clip, clip[::-1]), tmp_path)
    assert cached.prepare(0) and not cached.prepare(0)
    mine, theirs = cached.frames(0, [0, 3]), plain.frames(0, [0, 3])
    assert mine.shape == theirs.shape and mine.min() >= 1
    assert np.abs(mine.astype(int) - theirs).mean() < 2  # JPEG
    assert np.abs(cached.frames(1, [0]).astype(int) - theirs[:1]).mean() > 5  # another clip has its own
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["array-0.flow.npz", "array-1.flow.npz"]
    again = FlowClips(source_of(np.zeros_like(clip)), tmp_path)
    assert np.array_equal(again.frames(0, [0, 3]), mine)  # read, not computed
    (tmp_path / "array-0.flow.npz").write_bytes(b"hello")
    with pytest.raises(UserError, match=r"array-0\.flow\.npz is no flow of this project"):
        again.frames(0, [0])
    (tmp_path / "array-1.flow.npz").rename(tmp_path / "array-0.flow.npz")
    with pytest.raises(UserError, match="fields of array-1, not those of array-0"):
        again.frames(0, [0])


def test_a_flip_negates_x_only() -> None:
    """The flow of the mirrored clip is the mirrored flow with x negated."""
    clip = moving_clip(7, 2.0, 1.0)
    ours = flip_sideways(FlowClips(source_of(clip)).frames(0, [0, 1]))
    real = FlowClips(source_of(np.ascontiguousarray(clip[:, :, ::-1]))).frames(0, [0, 1])
    inner = (slice(None), slice(12, -12), slice(12, -12))
    assert np.abs(ours[inner].astype(int) - real[inner]).mean() < 2
    still = np.arange(1, 256, dtype=np.uint8).reshape(1, 1, 255, 1).repeat(10, axis=3)
    flipped = flip_sideways(still)
    assert np.array_equal(flip_sideways(flipped), still)
    assert flipped[0, 0, 0].tolist() == [1, 255] * 5  # of 255: 256 - 255 and 255
    colours = np.zeros((1, 1, 2, 3), np.uint8)
    colours[0, 0, 0, 0] = 9
    assert flip_sideways(colours)[0, 0, :, 0].tolist() == [0, 9]
    augmentation = Augmentation(32, [1, 0])
    found = [augmentation(ours, 0, np.random.default_rng(seed)) for seed in range(6)]
    means = {label: float(stack[..., 0].mean()) > 128 for stack, label in found}
    assert means == {0: False, 1: True}  # ours moves to the left; flipped, to the right


def test_many_channels_are_resized_as_few() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 10), dtype=np.uint8)
    for size in (32, 64):
        whole = resize_frames(frames, size)
        assert whole.shape == (2, size, size, 10)
        assert np.array_equal(whole[..., 4:6], resize_frames(frames[..., 4:6], size))


def test_frames_of_one_size_before_the_crop() -> None:
    clip = moving_clip(8, 1.0, 0.0)[:, :40]
    resized = as_modality(source_of(clip), "rgb", frame_size=[256, 340])
    assert resized.frames(0, [1, 0]).shape == (2, 256, 340, 3)
    assert resized.frame_count(0) == 8
    flow = as_modality(source_of(clip), "flow", frame_size=[48, 64])
    assert flow.frames(0, [0]).shape == (1, 48, 64, 10)
    assert as_modality(source_of(clip), "rgb").frames(0, [0]).shape == (1, 40, 64, 3)


@pytest.mark.minutes
def test_the_first_kernel_is_the_colours_mean(tmp_path: Path) -> None:
    torch.manual_seed(1)
    donor = build_network("sth_resnet18", num_classes=5, segments=2, p=0)
    randomise(donor)
    state = {name.removeprefix("features."): value for name, value in donor.state_dict().items()}
    state = {name.replace(".spatial", ".weight"): v for name, v in state.items() if not name.startswith("classifier")}
    torch.save(state, tmp_path / "w.pt")
    spec = InputSpec(segments=2, size=32).of_channels(FLOW_CHANNELS)
    network = build_network("sth_resnet18", num_classes=5, segments=2, channels=FLOW_CHANNELS)
    load_imagenet(network, str(tmp_path / "w.pt"), spec)
    kernel = network.features.conv1.weight
    assert kernel.shape == (64, 10, 7, 7)
    scale = (128 / 255) / ((0.229 + 0.224 + 0.225) / 3)  # of this input to that of the mean colour
    torch.testing.assert_close(kernel, scale * average_colours(state["conv1.weight"], 10))
    assert torch.equal(network.features.bn1.running_mean, state["bn1.running_mean"])  # zero flow stays zero
    with pytest.raises(ValueError, match="channels is 0"):
        build_network("sth_resnet18", num_classes=5, segments=2, channels=0)


@pytest.mark.minutes
def test_two_streams_are_trained_scored_and_fused(tmp_path: Path) -> None:
    """RGB and flow by the same recipe and one word; the cache is filled by training."""
    data = write_jester(tmp_path / "data", {str(n): n % 2 for n in range(4)}, ["Fist", "Wave"])
    write_jester(data, {"10": 0, "11": 1, "12": 1}, ["Fist", "Wave"], split="validation")
    shared = {
        "train_data": str(data), "validation_data": str(data), "fresh_each_epoch": False, "epochs": 1, "batch": 2,
        "size": 32, "early_epochs": 0, "colour_jitter": 0.0, "frame_size": [36, 48],
    }  # fmt: skip
    cache = tmp_path / "cache"
    for modality in ("rgb", "flow"):
        recipe = tiny_recipe(tmp_path / modality, modality=modality, flow_cache=str(cache), **shared)
        assert len(run(recipe).recorder.losses) == 2
    assert len(list(cache.iterdir())) == 7
    checkpoint = load_checkpoint(tmp_path / "flow" / FINAL)
    assert checkpoint["options"]["channels"] == 10 and input_spec_of(checkpoint).channels == 10
    assert network_of(checkpoint)(torch.randn(1, 2, 10, 32, 32)).shape == (1, 2)
    for modality in ("rgb", "flow"):
        model, scores = str(tmp_path / modality / FINAL), tmp_path / f"{modality}.npz"
        result = evaluate(model, str(data), keep=scores, flow_cache=cache, clips_per_video=2, crops=3)
        assert result["clips"] == 3 and result["frame_size"] == [36, 48]
        assert result.get("modality") == (None if modality == "rgb" else "flow")
    fused = fuse([load_scores(tmp_path / "rgb.npz"), load_scores(tmp_path / "flow.npz")], weights=[1, 1.5])
    assert fused.names == ["10", "11", "12"]


def test_items_of_flow_have_ten_channels() -> None:
    source = as_modality(open_data("rendered:2:3", "train"), "flow")
    spec = InputSpec(segments=2, size=32).of_channels(FLOW_CHANNELS)
    for training in (True, False):
        item = ClipDataset(source, spec, training=training)[1]
        assert item.frames_CTHWC.shape == (1, 2, 32, 32, 10)  # type: ignore[union-attr]
    x_NTCHW = spec.to_network(torch.full((1, 2, 32, 32, 10), 128, dtype=torch.uint8))
    assert x_NTCHW.shape == (1, 2, 10, 32, 32) and float(x_NTCHW.abs().max()) < 1e-6


@pytest.mark.parametrize(
    ("assignment", "reason"),
    [
        ("modality=depth", "rgb, flow"),
        ("colour_jitter=0.2", "no colours"),
        ("cache_short_side=64", "its own cache"),
        ("supervision=frame", "needs modality=rgb"),
        ("frame_size=[256]", "a height and a width"),
    ],
)
def test_what_flow_cannot_be_is_one_line(assignment: str, reason: str) -> None:
    check(override(Recipe(), ["modality=flow", "frame_size=[256,340]"]))
    with pytest.raises(UserError, match=reason):
        override(Recipe(), ["modality=flow", assignment])


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return run_command(monkeypatch, flow_command.main, *arguments)


def test_the_command_fills_the_cache_and_names_what_it_cannot(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = write_jester(tmp_path / "data", {"1": 0, "2": 1}, ["Fist", "Wave"])
    for picture in list((data / "20bn-jester-v1" / "2").iterdir())[:1]:
        picture.write_bytes(b"")
    arguments = [str(data), "--split", "train", "--frame-size", "36", "48", "--cache", str(tmp_path / "cache")]
    assert command(monkeypatch, *arguments, "--json", str(tmp_path / "found.json")) == 1
    found = read_json(tmp_path / "found.json", "findings")["splits"]["train"]
    assert (found["clips"], found["computed"], list(found["problems"])) == (2, 1, ["2"])
    assert "1 computed now, 1 cannot be used" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["1.36x48.flow.npz"]
    rendered = ["rendered:1:3", "--split", "train", "--cache", str(tmp_path / "rendered"), "--frame-size"]
    assert command(monkeypatch, *rendered) == 0
    assert [path.name for path in (tmp_path / "rendered").iterdir()] == ["rendered-3-000000.flow.npz"]
    assert command(monkeypatch, *rendered, "256") == 1
    assert "--frame-size is [256]; expected a height and a width, or none" in capsys.readouterr().err
    (tmp_path / "occupied").write_text("hello")
    arguments[-1] = str(tmp_path / "occupied" / "cache")
    assert command(monkeypatch, *arguments) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "occupied" in lines[0]
