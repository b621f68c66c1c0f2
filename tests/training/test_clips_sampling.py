"""Segment sampling against frames worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from training.clips import ClipError
from training.clips.sampling import (
    centre_segment_frames,
    check_length,
    random_segment_frames,
    segment_bounds,
)


@pytest.mark.parametrize(
    ("frames", "segments", "bounds", "centres"),
    [
        (32, 8, [0, 4, 8, 12, 16, 20, 24, 28, 32], [2, 6, 10, 14, 18, 22, 26, 30]),
        (36, 8, [0, 4, 9, 13, 18, 22, 27, 31, 36], [2, 6, 11, 15, 20, 24, 29, 33]),
        (9, 8, [0, 1, 2, 3, 4, 5, 6, 7, 9], [0, 1, 2, 3, 5, 6, 7, 8]),  # the middle of segment 4 is at 5.06
        (8, 8, [0, 1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 2, 3, 4, 5, 6, 7]),
        (8, 5, [0, 1, 3, 4, 6, 8], [0, 2, 4, 5, 7]),
        (3, 1, [0, 3], [1]),
    ],
)
def test_centres_worked_by_hand(frames: int, segments: int, bounds: list[int], centres: list[int]) -> None:
    assert segment_bounds(frames, segments).tolist() == bounds
    assert centre_segment_frames(frames, segments).tolist() == [centres]


@pytest.mark.parametrize("segments", [8, 16])
def test_one_and_two_clips_are_the_frames_of_tsm(segments: int) -> None:
    """TSM's published sampling of one frame a segment (``twice_sample`` for two clips), in exact fractions."""
    for frames in range(segments, 301):
        tick = Fraction(frames, segments)
        centres, starts = ([int(tick * share + tick * i) for i in range(segments)] for share in (Fraction(1, 2), 0))
        assert centre_segment_frames(frames, segments, clips=2).tolist() == [centres, starts]
        assert centre_segment_frames(frames, segments).tolist() == [centres]


def test_several_clips_of_one_video_worked_by_hand() -> None:
    # As TSM samples twice: the centres and the starts of the segments.
    assert centre_segment_frames(32, 4, clips=2).tolist() == [[4, 12, 20, 28], [0, 8, 16, 24]]
    ten = centre_segment_frames(40, 2, clips=10)  # segments of 20 frames, every tenth is 2 frames
    assert ten[:, 0].tolist() == [10, 12, 14, 16, 18, 0, 2, 4, 6, 8]
    assert (ten[:, 1] - ten[:, 0] == 20).all()


@pytest.mark.parametrize(("frames", "segments"), [(8, 8), (9, 8), (37, 8), (100, 16)])
def test_training_takes_one_frame_of_each_segment_and_in_time_every_frame(frames: int, segments: int) -> None:
    rng = np.random.default_rng(0)
    bounds = segment_bounds(frames, segments)
    seen: set[int] = set()
    for _ in range(400):
        chosen = random_segment_frames(frames, segments, rng)
        assert (bounds[:-1] <= chosen).all()
        assert (chosen < bounds[1:]).all()
        seen.update(chosen.tolist())
    assert seen == set(range(frames))


def test_training_frames_are_evenly_likely() -> None:
    rng = np.random.default_rng(1)
    chosen = np.stack([random_segment_frames(8, 2, rng) for _ in range(4000)])
    counts = np.bincount(chosen[:, 0], minlength=4)
    assert counts.min() > 900  # 1000 expected, standard deviation 27
    assert np.bincount(chosen[:, 1])[4:].min() > 900


def test_a_video_shorter_than_the_clip_is_an_error_that_names_it() -> None:
    with pytest.raises(ClipError, match="clip 12: too short: 7 frames, 8 segments need at least 8"):
        check_length("12", 7, 8)
    assert check_length("12", 8, 8) is None
    for sample in (centre_segment_frames, segment_bounds):
        with pytest.raises(ValueError, match="7 frames cannot fill 8 segments"):
            sample(7, 8)


def test_a_short_video_can_be_stretched() -> None:
    stretched = check_length("12", 3, 8, repeat_short=True)
    assert stretched is not None
    assert stretched.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    with pytest.raises(ClipError):
        check_length("12", 0, 8, repeat_short=True)
