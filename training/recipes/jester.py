"""Recipes on 20BN-Jester (needs its owner's registration), with the paper's schedule; its network is the last."""

from __future__ import annotations

import dataclasses

from training.engine.recipe import Recipe
from training.recipes.something import something_sth


def jester_sth() -> Recipe:
    """STH-MobileNetV2 at 224; give the folder: ``--set train_data=DIR validation_data=DIR``."""
    return Recipe(
        name="jester_sth",
        network="sth_mobilenet_v2",
        options={"p": 0.25},
        train_data="20bn-jester",
        validation_data="20bn-jester",
        weights="imagenet",
        workers=8,
        amp="bf16",
        checkpoint_minutes=15.0,
    )


def jester_tsn() -> Recipe:
    """Plain 2-D MobileNetV2, trained the same way."""
    return dataclasses.replace(jester_sth(), name="jester_tsn", network="tsn_mobilenet_v2", options={})


def jester_tsm() -> Recipe:
    """TSM-MobileNetV2, trained the same way."""
    return dataclasses.replace(jester_sth(), name="jester_tsm", network="tsm_mobilenet_v2", options={})


def jester_sth_resnet50() -> Recipe:
    """STH-ResNet-50 of Table 3; ``segments=16`` for its second row."""
    data = "20bn-jester"
    return dataclasses.replace(something_sth(), name="jester_sth_resnet50", train_data=data, validation_data=data)
