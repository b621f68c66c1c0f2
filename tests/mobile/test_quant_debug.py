"""Which layers lose to int8: on networks that were broken at a known place, the command must name that place."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import sys
from pathlib import Path

import pytest
import torch
from fake_artefacts import SEGMENTS, SIZE, tiny_bundle, write_checkpoint
from small_networks import smooth_frames

from mobile.bundle import Bundle
from mobile.parity.sides import Clips
from mobile.schemas import load_result
from mobile.studies import quantization_noise as quant_debug
from mobile.studies.layer_noise import Energy, OneByOne, compare_layers, layers_of, outputs, point_of
from training.common.errors import UserError


def frames(clips: int = 3, seed: int = 1) -> Clips:
    pictures = smooth_frames(clips, SEGMENTS, SIZE, seed=seed).numpy()
    return Clips(pictures, torch.zeros(clips, dtype=torch.int64).numpy())


def batches(bundle: Bundle, clips: Clips) -> list[torch.Tensor]:
    return [bundle.spec.to_network(torch.from_numpy(one)[None])[0] for one in clips.frames]


def broken(change: str) -> Bundle:
    """The tiny bundle with one fault in its int8 network."""
    bundle = tiny_bundle()
    int8 = copy.deepcopy(bundle.int8)
    assert int8 is not None
    block = int8.blocks[4]
    if change == "narrow range":
        block.project.out.scale /= 8
    elif change == "coarse range":
        block.spatial.out.scale *= 30
    elif change == "wrong weight":
        block.project.weight_q.neg_()
        block.project.weight.data.neg_()
    return dataclasses.replace(bundle, int8=int8)


def test_energy_is_signal_over_noise() -> None:
    energy = Energy()
    energy.add(torch.full((10,), 2.0), torch.full((10,), 2.2))
    assert energy.db == pytest.approx(20.0, abs=1e-3)
    energy.add(torch.zeros(10), torch.full((10,), math.sqrt(0.36)))
    assert energy.db == pytest.approx(10.0, abs=1e-3)
    silent = Energy()
    silent.add(torch.ones(3), torch.ones(3))
    assert silent.db == 200.0


def test_the_last_layer_is_the_networks_logits() -> None:
    bundle = tiny_bundle()
    assert bundle.int8 is not None
    for network in (bundle.floating, bundle.int8):
        for x_BCHW in batches(bundle, frames()):
            with torch.no_grad():
                seen = outputs(network, x_BCHW)
                assert torch.equal(seen["classifier"].flatten(1), network(x_BCHW))
            assert next(iter(seen)) == "input" and list(seen)[-1] == "classifier"
            assert set(seen) == set(layers_of(network))
    assert not any(layer._forward_hooks for layer in layers_of(bundle.int8).values())
    assert {conv.system for conv in bundle.int8.convs().values()} == {"int8"}


def test_noise_begins_where_the_fault_is() -> None:
    bundle = broken("wrong weight")
    assert bundle.int8 is not None
    found = compare_layers(bundle.floating, bundle.int8, batches(bundle, frames()))
    whole = compare_layers(bundle.floating, tiny_bundle().int8, batches(bundle, frames()))  # type: ignore[arg-type]
    names = list(found.to_float)
    at = names.index("blocks.4.project")
    for name in names[:at]:
        assert found.to_float[name].db == whole.to_float[name].db, name
    assert found.to_float["blocks.4.project"].db < 0 < whole.to_float["blocks.4.project"].db - 10
    # a wrong weight is no rounding of activations: that column stays
    assert found.rounding["blocks.4.project"].db > 5
    # and where nothing is wrong, both networks agree well, reversed frames do not
    assert whole.to_float["classifier"].db > 10
    turned = [x_BCHW.flip(0) for x_BCHW in batches(bundle, frames())]
    energy = Energy()
    with torch.no_grad():
        for x_BCHW, back_BCHW in zip(batches(bundle, frames()), turned, strict=True):
            energy.add(bundle.floating(x_BCHW), bundle.floating(back_BCHW))
    assert energy.db < whole.to_float["classifier"].db


@pytest.mark.minutes
@pytest.mark.parametrize(
    ("fault", "layer"), [("narrow range", "blocks.4.project"), ("coarse range", "blocks.4.spatial")]
)
def test_one_by_one_names_the_layer(fault: str, layer: str) -> None:
    bundle = broken(fault)
    assert bundle.int8 is not None
    singles = OneByOne(bundle.floating, bundle.int8, batches(bundle, frames(1)))
    shared = {layer, "blocks.4.temporal"} if fault == "coarse range" else {layer}  # both branches have one range
    alone = {name: singles.alone(name) for name in singles.names}
    assert min(alone, key=lambda name: alone[name]) in shared
    everything = singles.db(frozenset(singles.names))
    some = [name for name in singles.names if name.startswith(("blocks.4.", "blocks.5.", "head"))]
    gains = {name: singles.spared(name) - everything for name in some}
    assert max(gains, key=lambda name: gains[name]) in shared
    assert singles.db(frozenset()) == 200.0
    assert singles.weight_db("mean") is None
    assert 20 < (singles.weight_db("blocks.2.project") or 0) < 60


def test_a_narrow_range_clips_and_says_how_often() -> None:
    bundle = broken("narrow range")
    assert bundle.int8 is not None
    clips = frames()
    found = compare_layers(bundle.floating, bundle.int8, batches(bundle, clips))
    use = found.spreads["blocks.4.project"].to_result("blocks.4.project")
    point = point_of(layers_of(bundle.int8)["blocks.4.project"])
    with torch.no_grad():
        bundle.int8.set_system("float")
        values = torch.cat([outputs(bundle.int8, x)["blocks.4.project"].flatten() for x in batches(bundle, clips)])
        bundle.int8.set_system("int8")
    steps = values / point.scale + point.zero_point
    assert use.above == pytest.approx(100 * float((steps > 127.5).double().mean()), abs=1e-3) and use.above > 1
    assert use.below == pytest.approx(100 * float((steps < -128.5).double().mean()), abs=1e-3) and use.below > 1
    assert use.clipped == use.above + use.below and use.steps == 256
    assert (use.low, use.high) == pytest.approx(
        (point.scale * (-128 - point.zero_point), point.scale * (127 - point.zero_point))
    )
    assert (use.least, use.most) == pytest.approx((float(values.min()), float(values.max())))
    whole = compare_layers(bundle.floating, tiny_bundle().int8, batches(bundle, clips))  # type: ignore[arg-type]
    assert whole.spreads["blocks.4.project"].to_result("x").clipped < use.clipped / 10


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["quant_debug", *map(str, words)])
    quant_debug.main()


@pytest.mark.minutes
def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = write_checkpoint(tmp_path / "tiny.pt")
    target, picture = tmp_path / "noise.json", tmp_path / "noise.png"
    call(monkeypatch, "--checkpoint", checkpoint, "--clips", "rendered:27", "--count", 2, "--one-by-one", 1,
         "--json", target, "--plot", picture)  # fmt: skip
    said = capsys.readouterr().out
    assert "Logits of 2 clips of rendered:27:77" in said and "blocks.16.temporal" in said
    result = load_result(target)
    assert (result.clips, result.one_by_one_clips, result.checkpoint) == (2, 1, "tiny.pt")
    assert result.worst(3)[0].alone_db == min(row.alone_db for row in result.layers)
    assert picture.read_bytes().startswith(b"\x89PNG")
    content = json.loads(target.read_text())
    content["logits_db"] += 1
    target.write_text(json.dumps(content))
    with pytest.raises(UserError, match="the classifier's layer says"):
        load_result(target)


@pytest.mark.minutes
def test_without_the_passes_layer_by_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint, target = write_checkpoint(tmp_path / "tiny.pt"), tmp_path / "noise.json"
    call(monkeypatch, "--checkpoint", checkpoint, "--clips", "rendered:27", "--count", 1, "--one-by-one", 0,
         "--json", target, "--plot", tmp_path / "noise.svg")  # fmt: skip
    result = load_result(target)
    assert result.untrained_db is None and result.worst() == []
    assert {row.alone_db for row in result.layers} == {None}


def test_a_checkpoint_without_int8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = write_checkpoint(tmp_path / "float.pt", quantized=None)
    with pytest.raises(UserError, match=r"holds no int8 network; run `sth qat"):
        call(monkeypatch, "--checkpoint", checkpoint)
