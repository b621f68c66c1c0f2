"""What a state costs and earns: its bytes, and the network without it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from mobile.bundle import Bundle, random_bundle
from mobile.parity.sides import Clips
from mobile.report.readme import state_tables
from mobile.schemas import States, load_result
from mobile.studies.state_cost import cost, hybrids_of, top1, without_past
from training.common.errors import UserError
from training.common.files import write_json


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return random_bundle("sth_mobilenet_v2", size=32, segments=4, num_classes=5, width=0.35, causal=True)


@pytest.fixture(scope="module")
def clips(bundle: Bundle) -> Clips:
    """Noise, labelled by what the whole network says, so that it is right on all of it."""
    frames = np.random.default_rng(0).integers(0, 256, (24, 4, 32, 32, 3), dtype=np.uint8)
    with torch.no_grad():
        labels = bundle.training(bundle.spec.to_network(torch.from_numpy(frames))).argmax(1).numpy()
    return Clips(frames, labels)


def test_without_past_a_frame_stands_alone(bundle: Bundle, clips: Clips) -> None:
    x_NTCHW = bundle.spec.to_network(torch.from_numpy(clips.frames[:2]))
    alone = without_past(bundle.training, range(16))
    with torch.no_grad():
        mixed = alone.frame_logits(x_NTCHW)
        turned = alone.frame_logits(x_NTCHW.flip(1)).flip(1)
        whole = bundle.training.frame_logits(x_NTCHW)
    torch.testing.assert_close(mixed, turned)
    assert float((mixed - whole).abs().max()) > 1e-3
    assert all(bool((layer.temporal[:, :, :-1] != 0).any()) for layer in hybrids_of(bundle.training))


@pytest.mark.minutes
def test_cost(bundle: Bundle, clips: Clips, tmp_path: Path) -> None:
    result = cost(bundle, clips)
    assert result["top1"] == 100.0 == top1(bundle.training, bundle, clips)
    rows = result["states"]
    assert [row["state"] for row in rows] == [f"state_{number}" for number in range(1, 17)]
    assert rows[0]["bytes"] == 12 * 2 * 56 * 56
    assert rows[0]["top1_without"] == rows[0]["top1_without_all_up_to"]
    assert rows[-1]["top1_without_all_up_to"] == top1(without_past(bundle.training, range(16)), bundle, clips)
    path = tmp_path / "states.json"
    write_json(path, {"kind": "states", "code_version": "1", "checkpoint": "a.pt", "data": "d", "clips": 24, **result})
    loaded = load_result(path)
    assert isinstance(loaded, States)
    assert f"{result['bytes'] / 1e6:.3f} MB" in state_tables([loaded])


def test_networks_and_clips_without_an_answer(bundle: Bundle, clips: Clips) -> None:
    with pytest.raises(UserError, match="other labels"):
        cost(bundle, dataclasses.replace(clips, labels=np.full(24, -1)))
    centred = random_bundle("sth_mobilenet_v2", size=32, segments=4, num_classes=5, width=0.35)
    with pytest.raises(UserError, match="causal"):
        cost(centred, clips)
