"""How far two sides of a parity row are apart: statistics, never a bare yes or no.

Axes: M clips, K class.
"""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Statistics of two sets of logits (M, K) for the same clips.

    Attributes:
        largest, mean: absolute difference.
        relative: ``largest`` over the largest absolute logit of the left side.
        sqnr_db: signal (left) to difference, in dB; infinite when equal.
        same_top1: share of clips with the same first class, in per cent.
        left_top1, right_top1: accuracy in per cent, where labels are known.
        within_two_steps, differing: share of logits within two quantization steps, and not equal, in per cent; NaN
            where there is no step.
    """

    clips: int
    largest: float
    mean: float
    relative: float
    sqnr_db: float
    same_top1: float
    left_top1: float
    right_top1: float
    within_two_steps: float
    differing: float


def compare(
    left_MK: np.ndarray,
    right_MK: np.ndarray,
    labels_M: np.ndarray | None = None,
    *,
    step: float | None = None,
) -> Agreement:
    """Compare two sides.

    Args:
        step: the scale of the int8 logits.

    Raises:
        ValueError: different shapes (broadcasting would hide them), no clips, labels of other clips, or values that
            are not finite.
    """
    if left_MK.shape != right_MK.shape or left_MK.ndim != 2 or left_MK.shape[0] == 0:
        raise ValueError(f"cannot compare logits of shapes {left_MK.shape} and {right_MK.shape}")
    if labels_M is not None and labels_M.shape != left_MK.shape[:1]:
        raise ValueError(f"{labels_M.shape} labels do not belong to {left_MK.shape[0]} clips")
    left, right = left_MK.astype(np.float64), right_MK.astype(np.float64)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ValueError("logits are not finite")
    difference = np.abs(left - right)
    noise, signal = float((difference**2).sum()), float((left**2).sum())
    top_left, top_right = left.argmax(1), right.argmax(1)
    known = labels_M is not None
    return Agreement(
        clips=left.shape[0],
        largest=float(difference.max()),
        mean=float(difference.mean()),
        relative=float(difference.max() / max(np.abs(left).max(), 1e-12)),
        sqnr_db=float("inf") if noise == 0 else float(10 * np.log10(max(signal, 1e-30) / noise)),
        same_top1=100 * float((top_left == top_right).mean()),
        left_top1=100 * float((top_left == labels_M).mean()) if known else float("nan"),
        right_top1=100 * float((top_right == labels_M).mean()) if known else float("nan"),
        within_two_steps=float("nan") if step is None else 100 * float((difference < 2.5 * step).mean()),
        differing=float("nan") if step is None else 100 * float((difference > 0.5 * step).mean()),
    )
