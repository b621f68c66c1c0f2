"""Pictures of the page: each drawn twice, for light and for dark, and kept inside of the page."""

from __future__ import annotations

import base64
import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mobile.schemas import Accuracy, Latency
from training.common.pictures import drawing

_COLOURS = {"light": ("#ffffff", "#1b1f24"), "dark": ("#1d2126", "#e4e8ec")}  # --card and --text of the template


@dataclasses.dataclass(frozen=True)
class Picture:
    """Data URIs of the same picture; ``alt`` says what it shows to who cannot see it."""

    light: str
    dark: str
    alt: str


def picture(draw: Callable[[Path], None], alt: str) -> Picture:
    """What ``draw`` writes into a .png."""
    return Picture(_drawn(draw, "light"), _drawn(draw, "dark"), alt)


def _drawn(draw: Callable[[Path], None], scheme: str) -> str:
    from matplotlib import rc_context

    back, text = _COLOURS[scheme]
    inks = ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor", "xtick.color", "ytick.color",
            "boxplot.boxprops.color", "boxplot.whiskerprops.color", "boxplot.capprops.color",
            "boxplot.flierprops.color", "boxplot.flierprops.markeredgecolor")  # fmt: skip
    style: Any = dict.fromkeys(inks, text) | dict.fromkeys(
        ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor"), back
    )
    with tempfile.TemporaryDirectory() as folder, rc_context(style):
        target = Path(folder) / "picture.png"
        draw(target)
        return "data:image/png;base64," + base64.b64encode(target.read_bytes()).decode()


@dataclasses.dataclass(frozen=True)
class Point:
    """An artefact that was both scored and timed."""

    name: str
    runtime: str
    precision: str
    milliseconds: float
    top1: float


def frontier(accuracies: Sequence[Accuracy], timings: Sequence[Latency]) -> list[Point]:
    """Accuracy against latency: the artefacts, by the names of their files, that have both."""
    found = []
    for score in accuracies:
        for timing in timings:
            found += [
                Point(score.model, score.runtime, score.precision, row.median_ms, score.top1)
                for row in timing.rows
                if row.artefact == score.model
            ]
    return found


def plot_frontier(points: Sequence[Point], target: Path) -> None:
    """Draw top-1 against the median time of one inference, a colour a precision and a marker a runtime."""
    with drawing(target, inches=(6.4, 4.2)) as (_, axes):
        precisions = list(dict.fromkeys(point.precision for point in points))
        runtimes = list(dict.fromkeys(point.runtime for point in points))
        for point in points:
            axes.plot(
                point.milliseconds, point.top1, "osD^v"[runtimes.index(point.runtime) % 5], markersize=9,
                color=f"C{precisions.index(point.precision)}", label=f"{point.precision}, {point.runtime}",
            )  # fmt: skip
        top, slowest = max(point.top1 for point in points), max(point.milliseconds for point in points)
        low = min(point.top1 for point in points)
        axes.set(xlabel="median ms of one inference", ylabel="top-1, %", xlim=(0, 1.15 * slowest),
                 ylim=(max(0.0, low - max(2.0, top - low)), min(100.5, top + 1.5)))  # fmt: skip
        axes.grid(alpha=0.3)
        handles, labels = axes.get_legend_handles_labels()
        unique = dict(zip(labels, handles, strict=True))
        axes.legend(unique.values(), unique.keys(), fontsize="small", loc="lower right")
