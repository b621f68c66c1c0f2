"""Recipes of the frontier: four widths of the causal network and a rival, trained alike.

They rank networks against each other; none of them is trained to its end (``rendered_sth`` sees 2.5 times the clips).
"""

from __future__ import annotations

import dataclasses

from training.engine.recipe import Recipe
from training.recipes.rendered import small_rendered

WIDTHS = (0.35, 0.5, 0.75, 1.0)


def name_of(width: float) -> str:
    """Of the recipe of one width: "frontier_sth_050"."""
    return f"frontier_sth_{round(100 * width):03d}"


def frontier_sth(width: float) -> Recipe:
    """The causal STH-MobileNetV2 of one width; an epoch is 2,700 rendered clips that no other epoch sees."""
    return dataclasses.replace(
        small_rendered(),
        name=name_of(width),
        options={"p": 0.25, "width": width, "causal": True},
        train_data="rendered:2700:31",
        validation_data="rendered:1080:32",
        epochs=8,
        validate_every=8,
    )


def frontier_movinet_a0() -> Recipe:
    """MoViNet-A0-Stream by the same recipe."""
    return dataclasses.replace(frontier_sth(1.0), name="frontier_movinet_a0", network="movinet_a0", options={})
