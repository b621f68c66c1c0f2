"""Pictures of the noise that int8 adds: layer by layer, and one layer at a time."""

from __future__ import annotations

from pathlib import Path

from mobile.schemas.layers import QuantDebug
from training.common.pictures import drawing


def plot_noise(result: QuantDebug, target: Path) -> None:
    """Draw the SQNR after each layer, and below it that of the logits with one layer in int8; PNG or SVG."""
    single = any(row.alone_db is not None for row in result.layers)
    with drawing(target, 1 + single, inches=(8, 3.2 + 2.6 * single), sharex=True, squeeze=False) as (_, panels):
        places = range(len(result.layers))
        top = panels[0, 0]
        top.plot(places, [row.sqnr_db for row in result.layers], marker=".", label="int8 against float")
        top.plot(places, [row.rounding_db for row in result.layers], marker=".", label="rounding of activations alone")
        top.set(ylabel="SQNR, dB", title=f"{result.checkpoint}: after each layer")
        top.legend(fontsize="small")
        top.grid(alpha=0.3)
        if single:
            below = panels[1, 0]
            below.bar(places, [row.alone_db or 0.0 for row in result.layers])
            below.set(ylabel="SQNR of logits, dB", title="with this layer alone in int8: low is bad")
            below.grid(axis="y", alpha=0.3)
        panels[-1, 0].set_xticks(list(places), [row.layer for row in result.layers], rotation=90, fontsize=6)
