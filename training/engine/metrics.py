"""Scores of a classifier over a data set.

Axes: M clips of the data set, K class.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.common.pictures import drawing


def spread(values: Sequence[float], digits: int) -> str:
    """The mean over some seeds, with the least and the most where there are several."""
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def confusion_matrix(predicted_M: np.ndarray, labels_M: np.ndarray, classes: int) -> np.ndarray:
    """Counts (K, K): row the true class, column the predicted one."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels_M, predicted_M), 1)
    return counts


def scores(logits_MK: np.ndarray, labels_M: np.ndarray) -> dict[str, Any]:
    """Top-1 and top-5 in per cent, the number of clips, and the confusion matrix.

    Raises:
        ValueError: no clips, or shapes that do not belong together.
    """
    if len(labels_M) == 0 or logits_MK.shape[0] != len(labels_M):
        raise ValueError(f"logits {logits_MK.shape} and {len(labels_M)} labels do not make a score")
    order = np.argsort(-logits_MK, axis=1, kind="stable")
    top5 = (order[:, :5] == labels_M[:, None]).any(axis=1)
    return {
        "clips": len(labels_M),
        "top1": 100.0 * float((order[:, 0] == labels_M).mean()),
        "top5": 100.0 * float(top5.mean()),
        "confusion": confusion_matrix(order[:, 0], labels_M, logits_MK.shape[1]).tolist(),
    }


def plot_confusion(confusion: list[list[int]], labels: list[str], target: Path | str, title: str) -> None:
    """Draw a confusion matrix, rows in per cent of their class, as PNG or SVG by the target's suffix.

    Raises:
        UserError: another suffix.
    """
    counts = np.asarray(confusion, dtype=float)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    inches = max(5.0, 0.32 * len(labels) + 2.5)
    with drawing(target, inches=(inches, inches * 0.92)) as (_, axes):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=7)
        axes.set_yticks(range(len(labels)), labels, fontsize=7)
        axes.set(xlabel="predicted", ylabel="true", title=title)
        for row, column in zip(*np.nonzero(shares >= 0.5), strict=True):
            colour = "white" if shares[row, column] > 50 else "black"
            axes.text(column, row, f"{shares[row, column]:.0f}", ha="center", va="center", fontsize=6, color=colour)
