"""What a frontier says: its table, who leads at MoViNet-A0's top-1, and the picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mobile.schemas import Frontier, FrontierNetwork, FrontierRow
from training.common.pictures import drawing

RIVAL = "MoViNet-A0"
PRECISIONS = ("fp32", "int8")
_FRAME = ("stream", "frame")


def sizes_of(found: Frontier) -> list[int]:
    """The input sizes that were timed."""
    return sorted({row.size for row in found.rows})


def fastest(found: Frontier, name: str, size: int, precision: str, modes: Sequence[str] = _FRAME) -> FrontierRow | None:
    """The fastest build of a network, None where it has none of these modes."""
    rows = [row for row in found.rows if (row.point, row.size, row.precision) == (name, size, precision)]
    return min((row for row in rows if row.mode in modes), key=lambda row: row.median_ms, default=None)


def table_cells(found: Frontier) -> tuple[list[str], list[list[str]]]:
    """Header and rows: one row a network."""
    sizes, largest = sizes_of(found), max(sizes_of(found))
    header = ["network", "top-1 %", "M param.", "M mul-adds / frame"]
    header += [f"{precision} ms / frame at {size}" for size in sizes for precision in PRECISIONS]
    header += [f"{precision} ms / clip at {largest}" for precision in PRECISIONS]
    header += ["int8 MB", f"int8 state KB at {largest}"]
    rows = []
    for network in found.networks:
        cells = [fastest(found, network.name, size, p) for size in sizes for p in PRECISIONS]
        clips = [fastest(found, network.name, largest, p, ("clip",)) for p in PRECISIONS]
        last = cells[-1] or clips[-1]
        rows.append([
            network.name, "" if network.top1 is None else f"{network.top1:.1f}", f"{network.parameters / 1e6:.2f}",
            f"{network.frame_multiply_adds / 1e6:.0f}",
            *("" if row is None else f"{row.median_ms:.2f}" for row in cells),
            *("" if row is None else f"{row.median_ms:.1f}" for row in clips),
            "" if last is None else f"{last.bytes / 1e6:.1f}",
            f"{last.state_bytes / 1e3:.0f}" if last is not None and last.state_bytes else "",
        ])  # fmt: skip
    return header, rows


def sentences(found: Frontier) -> list[str]:
    """Who leads at the rival's top-1, one sentence for each size and precision; what was not trained or timed."""
    said = [_verdict(found, size, precision) for size in sizes_of(found) for precision in PRECISIONS]
    missing = [network.name for network in found.networks if network.recipe and network.top1 is None]
    if missing:
        said.append(f"Not trained yet: {', '.join(missing)}.")
    return [
        *(sentence for sentence in said if sentence),
        *(f"{name}: not run, {why}." for name, why in found.absent.items()),
    ]


def _verdict(found: Frontier, size: int, precision: str) -> str:
    rival, time = _named(found, RIVAL), fastest(found, RIVAL, size, precision)
    if rival is None or rival.top1 is None or time is None:
        return ""
    ours = [
        (row, network) for network in found.networks if network.name != RIVAL and network.top1 is not None
        and (row := fastest(found, network.name, size, precision)) is not None
    ]  # fmt: skip
    good = [(row, network) for row, network in ours if (network.top1 or 0) >= rival.top1]
    begin = f"{precision} at {size}, {RIVAL}: {rival.top1:.1f} % in {time.median_ms:.2f} ms a frame; "
    if not good:
        return f"{begin}**no width of ours reaches that top-1**."
    row, network = min(good, key=lambda pair: pair[0].median_ms)
    ratio = row.median_ms / time.median_ms
    outcome = "we lead" if ratio < 1 else "**we do not lead**"
    return f"{begin}{network.name}: {network.top1:.1f} % in {row.median_ms:.2f} ms, {ratio:.2f} of its time: {outcome}."


def scale_of(found: Frontier) -> str:
    """How small the experiment is, from the runs themselves."""
    trained = [network for network in found.networks if network.top1 is not None]
    if not trained:
        return ""
    first = trained[0]
    return (
        f"One seed, {first.epochs} epochs of `{first.trained_on}` at {first.size} pixels from scratch, "
        f"{first.clips} unseen clips of `{first.scored_on}` in float: it ranks networks that had little training, all "
        "the same, and says nothing of what they reach with more of it."
    )


def _named(found: Frontier, name: str) -> FrontierNetwork | None:
    return next((network for network in found.networks if network.name == name), None)


def plot(found: Frontier, target: Path) -> None:
    """Top-1 against the time of a frame, a panel for each size and precision, as PNG or SVG by the target's suffix."""
    sizes = sizes_of(found)
    inches = (8, 3.2 * len(sizes))
    with drawing(target, len(sizes), 2, inches=inches, dpi=90, squeeze=False, sharey=True) as (_, axes):
        for row, size in zip(axes, sizes, strict=True):
            for panel, precision in zip(row, PRECISIONS, strict=True):
                _panel(panel, found, size, precision)
            row[0].set_ylabel("top-1 %")


def _panel(panel, found: Frontier, size: int, precision: str) -> None:  # type: ignore[no-untyped-def]
    ours: list[tuple[float, float]] = []
    for network in found.networks:
        row, top1 = fastest(found, network.name, size, precision), network.top1
        if row is None or top1 is None:
            continue
        at = (row.median_ms, top1)
        rival = network.name == RIVAL
        ours += [] if rival else [at]
        panel.plot(*at, "s" if rival else "o", color="tab:red" if rival else "tab:blue")
        place: dict[str, Any] = {"xytext": (6, -10)} if rival else {"xytext": (0, 5), "rotation": 40}
        panel.annotate(network.name, at, textcoords="offset points", fontsize=8, **place)
    panel.plot(*(zip(*sorted(ours), strict=True) if ours else ([], [])), color="tab:blue", alpha=0.4)
    panel.set(title=f"{precision}, {size} x {size}", xlabel="ms a frame")
    panel.margins(0.2)
    panel.set_xlim(left=0)
    panel.grid(alpha=0.3)
