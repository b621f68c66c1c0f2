"""The streaming form equals the clip form after every frame: float within 1e-5, int8 to the bit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_artefacts import write_artefact
from small_networks import small_network, smooth_frames

from mobile import runtimes
from mobile.bundle import Bundle, random_bundle
from mobile.deploy.network import DeployNetwork, deploy_form
from mobile.deploy.stream import StreamNetwork
from mobile.parity.ladder import Ladder
from mobile.parity.sides import read_clips
from mobile.quantization.quantized_program import calibrate, convert_to_int8, load_quantized_state, quantized_state
from mobile.runtimes import ArtefactRunner, StreamRunner
from mobile.schemas.row import FAILED, PASSED, Row
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.rendered import jester_labels

SIZE, FRAMES = 64, 8
STH, TSM = "sth_mobilenet_v2", "tsm_mobilenet_v2"
OPTIONS: list[dict[str, Any]] = [
    {"p": 0.25},
    {"p": 0.5},
    {"p": 0.125, "width": 1.0},
    {"p": 0.25, "first_block": True},
    {"name": TSM},
    {"name": TSM, "width": 1.0},
    {"name": TSM, "width": 0.5, "fold": 24},  # blocks of 16 channels shift none
]


def causal(system: str, *, name: str = STH, segments: int = FRAMES, **options: Any) -> DeployNetwork:
    """A causal deploy form with random weights and statistics, in "float" or "int8"."""
    network = deploy_form(small_network(name, segments=segments, causal=True, **options))
    if system == "int8":
        calibrate(network, [pictures(3)])
        convert_to_int8(network)
    return network


def pictures(clips: int, seed: int = 0) -> torch.Tensor:
    """Frames as the network takes them, (clips * FRAMES, 3, S, S)."""
    frames_NTHWC = smooth_frames(clips, FRAMES, SIZE, seed)
    return InputSpec(segments=FRAMES, size=SIZE).to_network(frames_NTHWC).flatten(0, 1)


def streamed(stream: StreamNetwork, x_BCHW: torch.Tensor, chunks: list[int]) -> torch.Tensor:
    """Logits (B, K) of frames that come in chunks; the states are kept from one to the next."""
    states, rows = [state.to(x_BCHW.dtype) for state in stream.reset()], []
    for chunk_BCHW in x_BCHW.split(chunks):
        logits_BK, *states = stream(chunk_BCHW, *states)
        rows.append(logits_BK)
    return torch.cat(rows)


@pytest.mark.minutes
@torch.no_grad()
@pytest.mark.parametrize("chunk", [1, 2, 4])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_float_stream_is_the_clip(options: dict[str, Any], chunk: int) -> None:
    """In float32 to 1e-5 of the largest logit; in float64, where rounding plays no part, to 1e-12."""
    for dtype, lively, limit in ((torch.float32, False, 1e-5), (torch.float64, True, 1e-12)):
        network = causal("float", lively=lively, **options).to(dtype)
        x_BCHW = pictures(1, seed=3).to(dtype)
        clip_BK = network.frame_logits(x_BCHW)
        rows_BK = streamed(StreamNetwork(network, SIZE), x_BCHW, [chunk] * (FRAMES // chunk))
        assert float((rows_BK - clip_BK).abs().max() / clip_BK.abs().max()) <= limit
    assert float((clip_BK[1:] - clip_BK[:-1]).abs().max()) > 0.05 * float(clip_BK.abs().max())


@pytest.mark.minutes
@torch.no_grad()
@pytest.mark.parametrize("chunk", [1, 2, 4])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_int8_stream_is_the_clip_to_the_bit(options: dict[str, Any], chunk: int) -> None:
    network = causal("int8", **options)
    stream = StreamNetwork(network, SIZE)
    for seed in (3, 4):
        x_BCHW = pictures(1, seed=seed)
        clip_BK = network.frame_logits(x_BCHW)
        assert torch.equal(streamed(stream, x_BCHW, [chunk] * (FRAMES // chunk)), clip_BK)
        assert len(clip_BK.unique(dim=0)) > 1


@pytest.mark.minutes
@torch.no_grad()
@pytest.mark.parametrize("name", [STH, TSM])
def test_states_reach_over_clips(name: str) -> None:
    """Two clips in one stream are the clip form of sixteen frames, not of eight and eight."""
    short, long = causal("int8", name=name), causal("float", name=name, segments=2 * FRAMES)
    load_quantized_state(long, quantized_state(short))
    x_BCHW = pictures(2, seed=5)
    rows_BK = streamed(StreamNetwork(short, SIZE), x_BCHW, [1] * (2 * FRAMES))
    assert torch.equal(rows_BK, long.frame_logits(x_BCHW))
    apart_BK = short.frame_logits(x_BCHW)  # two clips, each from zero states
    assert torch.equal(rows_BK[:FRAMES], apart_BK[:FRAMES])
    assert not torch.equal(rows_BK[FRAMES:], apart_BK[FRAMES:])


@torch.no_grad()
@pytest.mark.parametrize("name", [STH, TSM])
def test_mixed_chunks_and_the_consensus(name: str) -> None:
    network, x_BCHW = causal("int8", name=name), pictures(1, seed=6)
    rows_BK = streamed(StreamNetwork(network, SIZE), x_BCHW, [1, 4, 2, 1])
    assert torch.equal(rows_BK.mean(dim=0, keepdim=True), network(x_BCHW))


@torch.no_grad()
@pytest.mark.parametrize("name", [STH, TSM])
def test_a_causal_network_does_not_see_what_comes(name: str) -> None:
    network, x_BCHW = causal("float", name=name), pictures(1, seed=7)
    other_BCHW = x_BCHW.clone()
    other_BCHW[5:] = x_BCHW[5:].flip(0)
    one_BK, two_BK = network.frame_logits(x_BCHW), network.frame_logits(other_BCHW)
    torch.testing.assert_close(one_BK[:5], two_BK[:5])
    assert float((one_BK[5:] - two_BK[5:]).abs().max()) > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("name", [STH, TSM])
def test_the_order_of_frames_reaches_the_stream(name: str) -> None:
    stream, x_BCHW = StreamNetwork(causal("float", name=name), SIZE), pictures(1, seed=8)
    forward_BK, back_BK = (streamed(stream, frames, [1] * FRAMES) for frames in (x_BCHW, x_BCHW.flip(0)))
    assert float((forward_BK.mean(0) - back_BK.mean(0)).abs().max()) > 1e-3


def test_states_are_shared_modules_and_small() -> None:
    network = causal("int8")
    stream = StreamNetwork(network, SIZE)
    assert {id(p) for p in stream.parameters()} == {id(p) for p in network.parameters()}
    assert [state.name for state in stream.states] == [f"state_{number}" for number in range(1, 17)]
    assert stream.states[0].shape == (1, network.blocks[1].temporal.weight.shape[0], 2, 256)  # stride 2 twice
    points = [network.blocks[number].expand_time.out for number in range(1, 17)]
    assert [(s.scale, s.zero_point) for s in stream.states] == [(p.scale, p.zero_point) for p in points]


def test_states_of_tsm_are_an_eighth_of_the_channels_of_each_shifted_block() -> None:
    network = causal("int8", name=TSM, width=1.0)
    states = StreamNetwork(network, SIZE).states
    assert [state.block for state in states] == [2, 4, 5, 7, 8, 9, 11, 12, 14, 15]  # those with a residual sum
    channels, sides = [3, 4, 4, 8, 8, 8, 12, 12, 20, 20], [16, 8, 8, 4, 4, 4, 4, 4, 2, 2]
    assert [s.shape for s in states] == [(1, c, 1, side**2) for c, side in zip(channels, sides, strict=True)]
    before = dict(network.numbered_blocks())
    points = [before[state.block - 1].out for state in states]
    assert [(s.scale, s.zero_point) for s in states] == [(p.scale, p.zero_point) for p in points]
    assert len({(s.scale, s.zero_point) for s in states}) == len(states)


def test_networks_that_cannot_stream() -> None:
    for name, options in ((STH, {}), (TSM, {}), ("tsn_mobilenet_v2", {"causal": True})):
        with pytest.raises(ValueError, match="causal STH or TSM network"):
            StreamNetwork(deploy_form(small_network(name, **options)), SIZE)


def causal_ladder(monkeypatch: pytest.MonkeyPatch, folder: Path, *, wrong: bool) -> list[Row]:
    """The rows of a tiny causal network with a clip and a stream artefact of one runtime."""
    torch.manual_seed(0)
    bundle = random_bundle("sth_mobilenet_v2", size=32, segments=4, num_classes=27, width=0.35, causal=True)
    bundle = dataclasses.replace(bundle, labels=jester_labels())
    clips = read_clips("rendered:3:5", "validation", bundle.spec, bundle.labels)
    backends, paths = {}, {}
    for mode in ("clip", "stream"):
        contract = bundle.contract(
            "litert", "int8", layout="THWC", quantized_input=True, quantized_output=False, mode=mode
        )
        paths[mode] = write_artefact(folder / f"{mode}.tflite", contract)
        backends[paths[mode].name] = TorchBackend(bundle, mode, wrong=wrong and mode == "stream")
    monkeypatch.setattr(runtimes, "_open", lambda path, threads: backends[path.name])
    ladder = Ladder(bundle, clips)
    rows = ladder.rows() + [ladder.artefact_row(ArtefactRunner(path)) for path in paths.values()]
    return rows + ladder.stream_rows()


def test_load_time_is_the_backends_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The import of a runtime's package, which opening a backend may bring, does not count."""
    bundle = random_bundle("sth_mobilenet_v2", size=32, segments=4, num_classes=27, width=0.35, causal=True)
    contract = bundle.contract("litert", "int8", layout="THWC", quantized_input=True, quantized_output=False)
    path = write_artefact(tmp_path / "a.tflite", contract)
    backend = TorchBackend(bundle, "clip", wrong=False)
    backend.load_seconds = 0.25

    def open_slowly(path: Path, threads: int) -> TorchBackend:
        time.sleep(0.4)  # a package that is imported
        return backend

    monkeypatch.setattr(runtimes, "_open", open_slowly)
    assert ArtefactRunner(path).load_seconds == 0.25


class TorchBackend:
    """What a perfect runtime does with the network's clip or stream; ``wrong`` forgets one state."""

    runtime = "Fake 1.0"
    load_seconds = 0.0

    def __init__(self, bundle: Bundle, mode: str, *, wrong: bool) -> None:
        self.form, self.wrong = bundle.form("int8", mode), wrong

    @torch.no_grad()
    def run(self, tensor: np.ndarray) -> np.ndarray:
        return self.form.module(torch.from_numpy(tensor.astype(np.float32) / 128).permute(0, 3, 1, 2)).numpy()

    @torch.no_grad()
    def step(self, inputs: dict[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        frames, *states = inputs.values()
        x_1CHW = torch.from_numpy(frames.astype(np.float32) / 128).permute(0, 3, 1, 2)
        real = [
            torch.from_numpy((state.astype(np.float32) - spec.zero_point) * np.float32(spec.scale)).permute(0, 3, 1, 2)
            for state, spec in zip(states, self.form.states, strict=True)
        ]
        logits, *after = self.form.module(x_1CHW, *real)
        made = [
            (state.permute(0, 2, 3, 1) / spec.scale + spec.zero_point).round().to(torch.int8).numpy()
            for state, spec in zip(after, self.form.states, strict=True)
        ]
        if self.wrong:
            made[3] = np.full_like(made[3], self.form.states[3].zero_point)
        return dict(zip(outputs, [logits.numpy(), *made], strict=True))


@pytest.mark.minutes
@pytest.mark.parametrize("wrong", [False, True])
def test_the_ladder_holds_clip_and_stream_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: bool
) -> None:
    rows = {row.name: row for row in causal_ladder(monkeypatch, tmp_path, wrong=wrong) if row.hop == 2}
    assert list(rows) == ["clip = stream, float", "clip = stream, int8", "clip = stream in Fake 1.0, int8"]
    assert [row.status for row in rows.values()] == [PASSED, PASSED, FAILED if wrong else PASSED]
    agreement = rows["clip = stream, int8"].agreement
    assert agreement is not None and agreement.clips == 3 * 4  # every frame counts


@pytest.mark.minutes
def test_states_of_another_network_and_wrong_frames(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    causal_ladder(monkeypatch, tmp_path, wrong=False)
    runner = StreamRunner(tmp_path / "stream.tflite")
    frame_SSC = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    first_K = runner.step(frame_SSC)
    kept = runner.states
    second_K = runner.step(frame_SSC)
    assert not np.array_equal(first_K, second_K)
    runner.states = kept
    assert np.array_equal(runner.step(frame_SSC), second_K)
    runner.reset()
    assert np.array_equal(runner.step(frame_SSC), first_K)
    for bad in ({**kept, "state_1": kept["state_1"][:, :1]}, {"other": kept["state_1"]}):
        with pytest.raises(UserError, match="of another network or size"):
            runner.states = bad
    for frame in (frame_SSC[:16], frame_SSC.astype(np.float32), frame_SSC[None]):
        with pytest.raises(UserError, match=r"takes frames of uint8 \(32, 32, 3\)"):
            runner.step(frame)
    with pytest.raises(UserError, match="takes whole clips"):
        StreamRunner(tmp_path / "clip.tflite")
