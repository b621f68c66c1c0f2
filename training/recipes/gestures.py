"""Recipes for a small folder of real videos with a csv: start from ImageNet weights, train for minutes."""

from __future__ import annotations

import dataclasses

from training.engine.recipe import Recipe


def gestures_sth() -> Recipe:
    """STH-MobileNetV2; give the folder and the weights: ``--set train_data=DIR validation_data=DIR weights=FILE``."""
    return Recipe(
        name="gestures_sth",
        network="sth_mobilenet_v2",
        options={"p": 0.25},
        train_data="gestures",
        validation_data="gestures",
        weights="imagenet",
        size=64,
        epochs=28,
        batch=8,
        optimizer="adamw",
        lr=5e-4,
        weight_decay=0.02,
        schedule="cosine",
        warmup_epochs=0.5,
        clip_gradient=5.0,
        dropout=0.2,
        colour_jitter=0.2,
        flip=False,
        repeat_short=True,
        cache_short_side=128,
        workers=0,
        threads=1,
        validate_every=7,
        qat_epochs=2,
        qat_correct_bias=True,
        qat_lr=1e-6,  # rounding costs little here, and a larger rate unlearns what so few clips taught
    )


def gestures_tsn() -> Recipe:
    """Plain 2-D MobileNetV2, trained the same way."""
    return dataclasses.replace(gestures_sth(), name="gestures_tsn", network="tsn_mobilenet_v2", options={})


def gestures_tsm() -> Recipe:
    """TSM-MobileNetV2, trained the same way."""
    return dataclasses.replace(gestures_sth(), name="gestures_tsm", network="tsm_mobilenet_v2", options={})
