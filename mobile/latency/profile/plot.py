"""Pictures of profiles: the time of each role, artefact beside artefact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mobile.schemas.layers import ProfiledArtefact
from training.common.pictures import drawing


def plot_profiles(found: Sequence[ProfiledArtefact], target: Path) -> None:
    """Draw the time in each block of the network, stacked by role, one panel an artefact; PNG or SVG."""
    from matplotlib import colormaps

    inches = (8, 2.4 * len(found) + 0.6)
    with drawing(target, len(found), inches=inches, sharex=True, squeeze=False) as (figure, panels):
        roles = list(dict.fromkeys(role for artefact in found for role in artefact.roles()))
        colours = dict(zip(roles, colormaps["tab20"].colors, strict=False))  # type: ignore[attr-defined]
        limit = 1.05 * max(sum(parts.values()) for artefact in found for parts in by_block(artefact).values()) / 1000
        for axes, artefact in zip(panels[:, 0], found, strict=True):
            _bars(axes, artefact, colours)
            axes.set(ylabel="ms", ylim=(0, limit))
            axes.set_title(f"{artefact.artefact}: {artefact.kernels_us / 1000:.1f} ms", fontsize="medium")
        panels[-1, 0].tick_params(axis="x", rotation=60)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize="small")


def _bars(axes: Any, artefact: ProfiledArtefact, colours: dict[str, Any]) -> None:
    blocks = by_block(artefact)
    bottom = [0.0] * len(blocks)
    for role, colour in colours.items():
        heights = [parts.get(role, 0.0) / 1000 for parts in blocks.values()]
        axes.bar(list(blocks), heights, bottom=bottom, color=colour, label=role)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]


def by_block(artefact: ProfiledArtefact) -> dict[str, dict[str, float]]:
    """Microseconds by block and role, in the order of execution; what has no layer counts to the block before."""
    found: dict[str, dict[str, float]] = {}
    block = "stem"
    for kernel in artefact.kernels:
        if kernel.layer is not None:
            words = kernel.layer.split(".")
            block = f"block {words[1]}" if words[0] == "blocks" else words[0]
        parts = found.setdefault(block, {})
        role = kernel.role or "moving data"
        parts[role] = parts.get(role, 0.0) + kernel.us
    return found
