"""Recipes on Kinetics-400, and from its weights on UCF-101 and HMDB-51, with the paper's network at 16 frames.

The paper says for how long it trains on Something-Something and Jester only. The schedules here are those of TSM's
published scripts (mit-han-lab/temporal-shift-module, ``scripts/train_tsm_kinetics_rgb_16f.sh``: 50 epochs, the rate,
which grows with the batch, falls after 20 and 40; ``scripts/finetune_tsm_ucf101_rgb_8f.sh``), but for the paper's
weight decay. TSM has no script for HMDB-51, which takes UCF-101's. Nobody has trained by them here.
"""

from __future__ import annotations

import dataclasses

from training.engine.recipe import Recipe
from training.recipes.something import something_sth


def kinetics_sth() -> Recipe:
    """STH-ResNet-50 of Table 4 from ImageNet weights; the folder: ``--set train_data=DIR validation_data=DIR``."""
    return dataclasses.replace(
        something_sth(),
        name="kinetics_sth",
        train_data="kinetics400",
        validation_data="kinetics400",
        segments=16,
        validate_every=5,
        skip_broken=True,  # some of the clips are gone even from its owners' copies
    )


def ucf101_sth() -> Recipe:
    """Table 5, from Kinetics weights: ``--finetune KINETICS.pt --set train_data=DIR#1 validation_data=DIR#1``."""
    return dataclasses.replace(
        kinetics_sth(),
        name="ucf101_sth",
        train_data="ucf101",
        validation_data="ucf101",
        lr=0.001,
        epochs=25,
        milestones=[10, 20],
        dropout=0.8,
        validate_every=1,
        skip_broken=False,
    )


def hmdb51_sth() -> Recipe:
    """Table 5, as UCF-101; ``DIR#2`` and ``DIR#3`` are the other splits."""
    return dataclasses.replace(ucf101_sth(), name="hmdb51_sth", train_data="hmdb51", validation_data="hmdb51")
