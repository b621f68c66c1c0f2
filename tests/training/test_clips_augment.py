"""Augmentation: one crop and one flip for all frames, and labels that follow the flip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.clips.augment import SCALES, Augmentation, jitter_colours, random_crop
from training.clips.flip import FLIP_PAIRS, flipped_ids, read_flip_pairs
from training.common.errors import UserError
from training.rendered import jester_labels

JESTER_PAIRS = {
    "Swiping Left": "Swiping Right",
    "Sliding Two Fingers Left": "Sliding Two Fingers Right",
    "Turning Hand Clockwise": "Turning Hand Counterclockwise",
}
SIZE = 64


def ramp_clip(frames: int = 4, height: int = 100, width: int = 132) -> np.ndarray:
    """Red rises from left to right, green downwards, blue is the number of the frame."""
    clip = np.zeros((frames, height, width, 3), np.uint8)
    clip[..., 0] = np.linspace(0, 255, width)[None, None, :]
    clip[..., 1] = np.linspace(0, 255, height)[None, :, None]
    clip[..., 2] = np.arange(frames)[:, None, None]
    return clip


def test_jester_pairs_swap_both_ways_and_nothing_else_changes() -> None:
    labels = list(jester_labels())
    expected = {**JESTER_PAIRS, **{flipped: label for label, flipped in JESTER_PAIRS.items()}}
    for label, flipped in zip(labels, flipped_ids(labels), strict=True):
        assert flipped is not None
        assert labels[flipped] == expected.get(label, label)


@pytest.mark.parametrize("label", [label for pair in JESTER_PAIRS.items() for label in pair])
def test_a_flipped_clip_has_the_flipped_label_and_the_flipped_pixels(label: str) -> None:
    labels = list(jester_labels())
    class_id, partner = labels.index(label), flipped_ids(labels)[labels.index(label)]
    plain = Augmentation(SIZE)
    flipping = Augmentation(SIZE, flipped_ids(labels))
    outcomes = set()
    for seed in range(20):
        original, same = plain(ramp_clip(), class_id, np.random.default_rng(seed))
        frames, given = flipping(ramp_clip(), class_id, np.random.default_rng(seed))
        assert same == class_id
        assert given in (class_id, partner)
        outcomes.add(given)
        np.testing.assert_array_equal(frames, original if given == class_id else original[:, :, ::-1])
        rises = int(frames[0, 0, -1, 0]) > int(frames[0, 0, 0, 0])
        assert rises == (given == class_id)
    assert outcomes == {class_id, partner}


def test_half_of_the_clips_flip() -> None:
    flipping = Augmentation(SIZE, [1, 0])
    clip = ramp_clip(1)
    flips = sum(flipping(clip, 0, np.random.default_rng(seed))[1] for seed in range(400))
    assert 150 < flips < 250  # 200 expected, standard deviation 10


def test_a_class_whose_mirror_image_is_no_class_never_flips() -> None:
    assert flipped_ids(["Swiping Left", "Thumb Up"]) == [None, 1]
    flipping = Augmentation(SIZE, [None, 1])
    for seed in range(20):
        frames, label = flipping(ramp_clip(1), 0, np.random.default_rng(seed))
        assert label == 0
        assert frames[0, 0, -1, 0] > frames[0, 0, 0, 0]


@pytest.mark.parametrize("label", ["Point left", "SwipeRight", "swipe_left", "TURN_LEFT", "Rotating anticlockwise"])
def test_a_label_that_names_a_side_must_be_in_the_list(label: str) -> None:
    with pytest.raises(UserError, match=r"names a side, and flip_pairs.csv does not say"):
        flipped_ids(["Wave", label])
    assert flipped_ids(["Wave", label], {label: label}) == [0, 1]


@pytest.mark.parametrize("label", ["Holding upright", "Bright light", "Eating leftovers"])
def test_a_label_that_only_contains_a_side_flips(label: str) -> None:
    assert flipped_ids([label]) == [0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n", ":1: expected the header 'label,flipped'"),
        ("label,flipped\na;b\n", ":2: expected 'label,flipped', found 'a;b'"),
        ("label,flipped\na,b\na,c\n", ":3: 'a' has the partner 'b' already"),
        ("label,flipped\na,b\nc,b\n", ":3: 'b' has the partner 'a' already"),
    ],
)
def test_a_bad_list_of_pairs_is_named(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_flip_pairs(file)
    assert expected in str(caught.value)
    with pytest.raises(UserError, match="is missing"):
        read_flip_pairs(tmp_path / "none.csv")


def test_the_shipped_list_is_symmetric() -> None:
    pairs = read_flip_pairs(FLIP_PAIRS)
    assert all(pairs[flipped] == label for label, flipped in pairs.items())
    assert len(pairs) == 12


@pytest.mark.parametrize(("height", "width"), [(100, 132), (426, 240), (64, 64), (5, 300)])
def test_crops_have_the_scales_of_the_paper_and_stay_inside(height: int, width: int) -> None:
    sides = [int(min(height, width) * scale) for scale in SCALES]
    seen = set()
    for seed in range(300):
        top, left, crop_height, crop_width = random_crop(height, width, np.random.default_rng(seed))
        assert 0 <= top <= height - crop_height
        assert 0 <= left <= width - crop_width
        assert abs(sides.index(crop_height) - sides.index(crop_width)) <= 1
        seen.add((crop_height, crop_width))
    assert len(seen) == 10 or height == 5  # 4 squares and 6 of neighbouring scales


def test_crop_places_are_the_thirteen_of_tsn() -> None:
    places = {random_crop(100, 140, np.random.default_rng(seed), [0.6])[:2] for seed in range(400)}
    grid = {(top, left) for top in (0, 20, 40) for left in (0, 40, 80)}
    assert places == grid | {(10, 20), (10, 60), (30, 20), (30, 60)}


def test_all_frames_share_one_crop() -> None:
    clip = ramp_clip(frames=6)
    frames, _ = Augmentation(SIZE, [0], colour_jitter=0.0)(clip, 0, np.random.default_rng(5))
    assert frames.shape == (6, SIZE, SIZE, 3)
    assert frames.dtype == np.uint8
    assert frames.flags.c_contiguous
    np.testing.assert_array_equal(frames[..., :2], np.broadcast_to(frames[:1, ..., :2], frames[..., :2].shape))
    assert frames[:, 0, 0, 2].tolist() == [0, 1, 2, 3, 4, 5]  # and the frames keep their order


def test_augmentation_is_its_generator_and_nothing_else() -> None:
    augment = Augmentation(SIZE, [1, 0], colour_jitter=0.3)
    first = augment(ramp_clip(), 0, np.random.default_rng((1, 2)))
    again = augment(ramp_clip(), 0, np.random.default_rng((1, 2)))
    other = augment(ramp_clip(), 0, np.random.default_rng((1, 3)))
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1] == again[1]
    assert (first[0] != other[0]).any()


def test_colour_jitter_worked_by_hand() -> None:
    class Fixed(np.random.Generator):
        """Brightness 1.2, contrast 0.5, saturation 0."""

        def uniform(self, *_: object, **__: object) -> np.ndarray:  # type: ignore[override]
            return np.array([1.2, 0.5, 0.0])

    clip = np.zeros((2, 2, 2, 3), np.uint8)
    clip[0], clip[1] = (100, 100, 100), (200, 0, 0)
    # Luma 100 and 59.8, their mean 79.9; saturation 0 leaves luma l, then 1.2 (0.5 l + 0.5 * 79.9).
    jittered = jitter_colours(clip, 0.5, Fixed(np.random.PCG64(0)))
    assert jittered[0, 0, 0].tolist() == [108, 108, 108]
    assert jittered[1, 1, 1].tolist() == [84, 84, 84]


def test_colour_jitter_of_no_strength_changes_nothing() -> None:
    clip = ramp_clip()
    np.testing.assert_array_equal(jitter_colours(clip, 0.0, np.random.default_rng(0)), clip)


def test_colour_jitter_is_one_for_the_whole_clip() -> None:
    clip = np.repeat(ramp_clip(1), 3, axis=0)
    jittered = jitter_colours(clip, 0.4, np.random.default_rng(3))
    np.testing.assert_array_equal(jittered[0], jittered[2])
    assert (jittered != clip).any()
