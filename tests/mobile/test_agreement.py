"""Statistics of two sides, worked by hand, and what cannot be compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mobile.schemas.agreement import compare


def test_statistics_by_hand() -> None:
    left = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 4.0], [1.0, 0.0, 0.0], [0.0, 5.0, 1.0]])
    right = left.copy()
    right[0] = [1.0, 3.0, 0.0]  # another first class, 2 away twice
    right[1, 2] = 4.5
    row = compare(left, right, np.array([0, 2, 1, 1]), step=0.5)
    assert row.clips == 4
    assert row.largest == 2.0
    assert row.mean == pytest.approx((2 + 2 + 0.5) / 12)
    assert row.relative == pytest.approx(2 / 5)
    signal, noise = 9 + 1 + 4 + 16 + 1 + 25 + 1, 4 + 4 + 0.25
    assert row.sqnr_db == pytest.approx(10 * math.log10(signal / noise))
    assert row.same_top1 == 75.0
    assert (row.left_top1, row.right_top1) == (75.0, 50.0)
    assert row.within_two_steps == pytest.approx(100 * 10 / 12)  # 2 is four steps, 0.5 is one
    assert row.differing == pytest.approx(100 * 3 / 12)


def test_equal_sides() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    row = compare(logits, logits.copy())
    assert (row.largest, row.mean, row.relative, row.same_top1) == (0, 0, 0, 100)
    assert row.sqnr_db == math.inf
    assert all(math.isnan(v) for v in (row.left_top1, row.right_top1, row.within_two_steps, row.differing))


def test_two_steps_in_float32_are_two_steps() -> None:
    step = np.float32(0.1)
    left = np.arange(6, dtype=np.float32)[None] * step
    right = left + np.float32(2) * step
    assert compare(left, right, step=float(step)).within_two_steps == 100
    assert compare(left, left + np.float32(3) * step, step=float(step)).within_two_steps == 0


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((4, 3), (4, 2)),
        ((4, 3), (1, 3)),  # would broadcast
        ((4, 3), (3,)),
        ((3,), (3,)),
        ((0, 3), (0, 3)),
        ((2, 2, 3), (2, 2, 3)),
    ],
)
def test_other_shapes_are_refused(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot compare"):
        compare(np.zeros(left), np.zeros(right))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    broken = np.zeros((2, 3))
    broken[1, 1] = value
    for pair in ((broken, np.zeros((2, 3))), (np.zeros((2, 3)), broken)):
        with pytest.raises(ValueError, match="not finite"):
            compare(*pair)


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros((2, 1), int), np.zeros(1, int)])
def test_labels_of_other_clips_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="labels do not belong"):
        compare(np.zeros((2, 3)), np.zeros((2, 3)), labels)


def test_inputs_stay_as_they_are() -> None:
    left, right = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    compare(left, right)
    assert left.min() == 1
    assert right.max() == 0
