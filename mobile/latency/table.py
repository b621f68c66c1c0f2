"""What a person sees of a latency run: the table on the screen, the box plot, notes and missed limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from mobile import pass_marks
from mobile.latency.rivals import CLIP
from mobile.runtimes import SUFFIXES
from mobile.schemas.latency import Latency, LatencyRow
from training.common.pictures import drawing


def show(result: Latency, console: Console) -> None:
    """Print the table, readable at 80 columns, and what must be said of it."""
    shorts = sorted({short for row in result.rows for short in row.ratio_to})
    figures = ["median\nms", "p90\nms", *(f"/ {short}" for short in shorts), "load\nms", "peak\nMB", "size\nMB"]
    columns = [Column(name, justify="right") for name in figures]
    title = f"{result.device.name}, {result.threads_line}, {result.method}"
    table = Table(Column("what", min_width=22), *columns, title=title, expand=True)
    for row in result.rows:
        about = [row.network, f"{row.precision}, {row.input}", row.runtime, row.delegate, row.heat]
        table.add_row(
            "\n".join(line for line in about if line), f"{row.median_ms:.1f}", f"{row.p90_ms:.1f}",
            *(f"{row.ratio_to[short]:.3f}" if short in row.ratio_to else "" for short in shorts),
            f"{row.load_ms:.0f}", "" if row.peak_mb is None else f"{row.peak_mb:.0f}", f"{row.bytes / 1e6:.1f}",
        )  # fmt: skip
    console.print(table)
    for missing in result.not_run:
        console.print(f"not run: {missing.artefact}: {missing.reason}", markup=False)
    if result.note:
        console.print(result.note, markup=False)


def note_on_int8(rows: Sequence[LatencyRow], int8_dot_product: bool | None) -> str | None:
    """What the table must say where int8 stands beside fp32."""
    if int8_dot_product is not False or not {"int8", "fp32"} <= {row.precision for row in rows}:
        return None
    return (
        "This CPU has no int8 dot product: XNNPACK widens int8 to int16 and multiplies pairs, which is about as fast "
        "as its fp32. int8 gains size here, not time; on CPUs with dot products (phones since about 2018) it gains "
        "both."
    )


def missed_limits(rows: Sequence[LatencyRow], threads: int) -> list[str]:
    """Which limits of ``mobile.pass_marks`` the rows miss. They hold for int8 STH, 8 x 224 x 224, one thread."""
    misses = []
    for row in rows:
        size = "1 x 224 x 224" if row.mode == "stream" else "8 x 224 x 224"
        if (row.network.split(",")[0], row.precision, row.input) != ("sth_mobilenet_v2", "int8", size):
            continue
        for rival, limit in _limits(row).items():
            ratio = row.ratio_to.get(rival)
            if threads == 1 and ratio is not None and ratio > limit:
                took = f"{row.artefact} takes {ratio:.3f} times the time of {rival}"
                misses.append(f"{took}; at most {limit:.3f} was asked")
        if row.peak_mb is not None and row.peak_mb > pass_marks.PEAK_MEMORY_MB:
            misses.append(f"{row.artefact} needs {row.peak_mb:.0f} MB; at most {pass_marks.PEAK_MEMORY_MB:.0f}")
    return misses


def _limits(row: LatencyRow) -> dict[str, float]:
    """The largest ratio to each rival."""
    if row.mode == "stream":
        return {"tsn": pass_marks.STREAM_RATIO_TO_FRAME, CLIP: pass_marks.STREAM_RATIO_TO_CLIP}
    return {"tsn": pass_marks.RATIO_TO_TSN[SUFFIXES[Path(row.artefact).suffix]]}


def box_plot(names: Sequence[str], samples: Sequence[Sequence[float]], target: Path) -> None:
    """Draw milliseconds of single inferences, one box a name, as PNG or SVG by the target's suffix."""
    with drawing(target, inches=(8, 0.6 * len(names) + 1.5)) as (_, axes):
        axes.boxplot(samples, orientation="horizontal", tick_labels=names)
        axes.set(xlabel="ms for one inference", title="Latency of single inferences")
        axes.invert_yaxis()
        axes.grid(axis="x", alpha=0.3)
