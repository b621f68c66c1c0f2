"""The recipe of the ablation: STH-ResNet-18 on rendered gestures, small enough for a table of many runs."""

from __future__ import annotations

from training.recipe import Recipe


def ablation() -> Recipe:
    """One run; ``training.tables ablation`` changes options and seed only."""
    return Recipe(
        name="ablation",
        network="sth_resnet18",
        options={"p": 0.25},
        train_data="rendered:1350:31",
        validation_data="rendered:540:32",
        size=64,
        epochs=6,
        batch=18,
        optimizer="adamw",
        lr=1e-3,
        schedule="cosine",
        warmup_epochs=0.3,
        weight_decay=0.02,
        clip_gradient=5.0,
        dropout=0.1,
        crop_scales=[1.0, 0.875],
        fresh_each_epoch=True,
        workers=1,
        threads=1,
        validate_every=6,
    )
