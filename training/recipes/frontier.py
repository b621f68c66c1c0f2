"""Recipes of the frontier: four widths of the causal network and a rival, trained alike, small enough for one core.

They rank networks against each other; none of them is trained to its end (``rendered_sth`` sees five times the clips).
"""

from __future__ import annotations

import dataclasses

from training.recipe import Recipe

WIDTHS = (0.35, 0.5, 0.75, 1.0)


def name_of(width: float) -> str:
    """Of the recipe of one width: "frontier_sth_050"."""
    return f"frontier_sth_{round(100 * width):03d}"


def frontier_sth(width: float) -> Recipe:
    """The causal STH-MobileNetV2 of one width; an epoch is 1,080 rendered clips that no other epoch sees."""
    return Recipe(
        name=name_of(width),
        network="sth_mobilenet_v2",
        options={"p": 0.25, "width": width, "causal": True},
        train_data="rendered:1080:31",
        validation_data="rendered:1080:32",
        size=64,
        epochs=8,
        batch=9,
        optimizer="adamw",
        lr=1.5e-3,
        schedule="cosine",
        warmup_epochs=0.3,
        weight_decay=0.02,
        clip_gradient=5.0,
        dropout=0.1,
        crop_scales=[1.0, 0.875],
        fresh_each_epoch=True,
        workers=1,
        threads=1,
        validate_every=8,
    )


def frontier_movinet_a0() -> Recipe:
    """MoViNet-A0-Stream by the same recipe."""
    return dataclasses.replace(frontier_sth(1.0), name="frontier_movinet_a0", network="movinet_a0", options={})
