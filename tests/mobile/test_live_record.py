"""The live overlay, and its recordings: right in time, and whole or absent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from clip_files import plain_frame
from live_fakes import (
    LABELS,
    RED,
)
from PIL import Image

from mobile.live.overlay import View, clock_text, draw
from mobile.live.pipeline import Gesture
from mobile.live.record import open_recorder
from training.common.errors import UserError


@pytest.mark.parametrize("shape", [(100, 132, 3), (480, 640, 3), (1080, 1920, 3), (640, 360, 3), (49, 33, 3)])
def test_the_overlay_fits_pictures_of_any_shape(shape: tuple[int, int, int]) -> None:
    picture_HWC = np.full(shape, 90, np.uint8)
    view = View(LABELS, 5000, [0.8, 0.1, 0.1, 0.0], [Gesture(0, 4000, 0.8)] * 9, frozenset({3}), 30, 4, 7,
                {"inference": (1.0, 200.0)}, "camera 0 is away")  # fmt: skip
    drawn_HWC = draw(picture_HWC, view)
    assert drawn_HWC.dtype == np.uint8 and not any(side % 2 for side in drawn_HWC.shape[:2])
    assert 480 <= drawn_HWC.shape[0] <= 960 and (drawn_HWC != 90).any()
    assert (picture_HWC == 90).all()
    assert draw(picture_HWC, View(LABELS, 0)).shape == drawn_HWC.shape
    assert clock_text(67_349) == "01:07.3"


def moving(number: int) -> np.ndarray:
    picture_HWC = plain_frame((40, 60, 80), 120, 160)
    picture_HWC[40:80, 4 * number : 4 * number + 40] = RED
    return picture_HWC


def test_an_mp4_keeps_the_times(tmp_path: Path) -> None:
    target = tmp_path / "out" / "live.mp4"
    with open_recorder(target, rate=10, width=480) as recorder:
        for number, time_ms in enumerate((5000, 5100, 5500, 5540, 6000)):  # a gap, and a frame too many
            recorder.show(moving(number), time_ms)
    capture = cv2.VideoCapture(str(target))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    assert capture.get(cv2.CAP_PROP_FPS) == 10 and len(frames) == 11
    assert frames[0].shape == (120, 160, 3) and frames[0][60, 10, 2] > 200  # red is red
    assert [path.name for path in target.parent.iterdir()] == ["live.mp4"]


def test_a_gif_keeps_the_times_and_is_small(tmp_path: Path) -> None:
    target = tmp_path / "live.gif"
    rng = np.random.default_rng(0)
    with open_recorder(target, rate=12, width=120) as recorder:
        for number in range(25):
            noise_HWC = rng.integers(0, 5, (120, 160, 3), dtype=np.uint8)
            recorder.show(moving(number) + noise_HWC, round(1000 * number / 12))
    picture = Image.open(target)
    assert picture.size == (120, 90) and 11 <= picture.n_frames <= 13
    total = 0
    for number in range(picture.n_frames):
        picture.seek(number)
        total += picture.info["duration"]
    assert total == 2020  # the last frame comes at 2000
    assert target.stat().st_size < 30_000
    red, green, _ = np.asarray(picture.convert("RGB"))[45, 100].tolist()
    assert red > 200 and green < 60


@pytest.mark.parametrize("name", ["live.mp4", "live.gif"])
def test_a_recording_is_absent_after_an_error(tmp_path: Path, name: str) -> None:
    def broken() -> None:
        with open_recorder(tmp_path / name, rate=12, width=120) as recorder:
            recorder.show(moving(0), 0)
            raise UserError("the disk is full")

    with pytest.raises(UserError, match="disk is full"):
        broken()
    with (
        pytest.raises(UserError, match="nothing to record"),
        open_recorder(tmp_path / name, rate=12, width=120),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
