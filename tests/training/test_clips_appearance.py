"""Strong augmentation of looks: the clip changes, its motion and its shape do not."""

from __future__ import annotations

import numpy as np
import pytest

from training.clips.appearance import turned, vary_appearance
from training.clips.augment import Augmentation
from training.rendered import RenderedClips


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    return RenderedClips(27, 3, height=64, width=80).frames(0, [2, 9, 16, 23])


def test_looks_change_from_seed_to_seed_and_repeat_with_the_seed(clip: np.ndarray) -> None:
    made = [vary_appearance(clip, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert made[0].shape == clip.shape and made[0].dtype == np.uint8
    np.testing.assert_array_equal(made[0], made[1])
    assert np.abs(made[0].astype(int) - made[2]).mean() > 3


def test_the_motion_stays(clip: np.ndarray) -> None:
    """Without noise, frames that are equal before are equal after, and a moving hand still moves."""
    still = np.repeat(clip[:1], 4, axis=0)
    turned_still = turned(still, np.random.default_rng(4))
    assert all(np.array_equal(frame, turned_still[0]) for frame in turned_still)
    changed = turned(clip, np.random.default_rng(4))
    assert not np.array_equal(changed, clip)
    assert np.abs(np.diff(changed.astype(int), axis=0)).mean() > 0.5 * np.abs(np.diff(clip.astype(int), axis=0)).mean()


def test_strength_zero_changes_nothing(clip: np.ndarray) -> None:
    np.testing.assert_array_equal(vary_appearance(clip, np.random.default_rng(5), 0.0), clip)
    np.testing.assert_array_equal(turned(clip, np.random.default_rng(5), 0.0), clip)


def test_a_recipes_strength_reaches_the_clips(clip: np.ndarray) -> None:
    plain, label = Augmentation(48)(clip, 3, np.random.default_rng(6))
    strong, same = Augmentation(48, appearance=1.0)(clip, 3, np.random.default_rng(6))
    assert (label, same, strong.shape) == (3, 3, plain.shape)
    assert np.abs(strong.astype(int) - plain).mean() > 3
