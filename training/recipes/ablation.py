"""The recipe of the ablation: STH-ResNet-18 on rendered gestures, small enough for a table of many runs."""

from __future__ import annotations

import dataclasses

from training.engine.recipe import Recipe
from training.recipes.rendered import small_rendered


def ablation() -> Recipe:
    """One run; ``training.tables ablation`` changes options and seed only."""
    return dataclasses.replace(
        small_rendered(),
        name="ablation",
        network="sth_resnet18",
        options={"p": 0.25},
        train_data="rendered:1350:31",
        validation_data="rendered:540:32",
        epochs=12,
        batch=27,
        lr=1e-3,
        validate_every=12,
    )
