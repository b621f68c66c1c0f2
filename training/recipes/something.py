"""Recipes on Something-Something V1 and V2 (need their owner's registration), with the paper's network and schedule."""

from __future__ import annotations

from training.engine.recipe import Recipe


def something_sth() -> Recipe:
    """STH-ResNet-50 of Table 7 at 8 x 224 x 224; the folder: ``--set train_data=DIR validation_data=DIR``.

    A rival is one word: ``--set options.variant=tsm`` (``training.operators.VARIANTS`` lists them). Tables 7 and 8 add
    ``options.attention=true`` and ``options.dilation=true``; Table 2 has ``segments=16`` too, and for the second stream
    ``modality=flow flow_cache=DIR``.
    """
    return Recipe(
        name="something_sth",
        network="sth_resnet50",
        options={"variant": "hybrid", "p": 0.25},
        train_data="something-something",
        validation_data="something-something",
        frame_size=[256, 340],
        weights="imagenet",
        workers=8,
        amp="bf16",
        checkpoint_minutes=15.0,
    )
