"""Recipes on the embedded rendered gestures: they train anywhere, without a download."""

from __future__ import annotations

import dataclasses

from training.engine.recipe import Recipe


def rendered_sth() -> Recipe:
    """The shipped checkpoint. One epoch is 2,700 clips that no other epoch sees."""
    return Recipe(
        name="rendered_sth",
        network="sth_mobilenet_v2",
        options={"p": 0.25, "width": 0.5},
        train_data="rendered:2700:1",
        validation_data="rendered:540:2",
        size=96,
        early_size=64,
        early_epochs=14,
        epochs=20,
        batch=27,
        optimizer="adamw",
        lr=2e-3,
        schedule="cosine",
        warmup_epochs=0.3,
        weight_decay=0.02,
        clip_gradient=5.0,
        dropout=0.1,
        crop_scales=[1.0, 0.875],
        fresh_each_epoch=True,
        workers=1,
        threads=1,
        validate_every=2,
        qat_epochs=2,
        qat_lr=1e-4,
    )


def small_rendered() -> Recipe:
    """What recipes of many short runs on rendered clips have in common: the shipped one's, all at 64 pixels."""
    return dataclasses.replace(rendered_sth(), size=64, early_size=0, early_epochs=0, qat_lr=Recipe.qat_lr)


def rendered_sth_causal() -> Recipe:
    """The causal network, trained the same way: its temporal kernels see the present and the past only."""
    options = {"p": 0.25, "width": 0.5, "causal": True}
    return dataclasses.replace(rendered_sth(), name="rendered_sth_causal", options=options)


def rendered_stream() -> Recipe:
    """The causal network fine-tuned for streams: a label per frame, windows of four seconds.

    Start from what ``rendered_sth_causal`` gave: ``--set init=runs/rendered_sth_causal-seed0/final.pt``.
    """
    return dataclasses.replace(
        rendered_sth_causal(),
        name="rendered_stream",
        train_data="rendered_stream:2700:21",
        validation_data="rendered_stream:270:22",
        supervision="frame",
        window=16,
        early_epochs=3,
        epochs=5,
        batch=14,
        lr=5e-4,
        validate_every=1,
    )


def rendered_stream_long() -> Recipe:
    """More of the same, all at the final size, on windows that it has not seen.

    Start from what ``rendered_stream`` gave: ``--set init=runs/rendered_stream-seed0/final.pt``.
    """
    return dataclasses.replace(
        rendered_stream(),
        name="rendered_stream_long",
        train_data="rendered_stream:2700:23",
        early_epochs=0,
        epochs=4,
        validate_every=2,
    )


def rendered_stream_few() -> Recipe:
    """Temporal kernels only in eight blocks of sixteen, so that the stream carries less than half.

    Start from what ``rendered_stream_long`` gave. ``sth state-cost`` measured which states earn their bytes:
    ``--set init=runs/rendered_stream_long-seed0/final.pt``.
    """
    long = rendered_stream_long()
    return dataclasses.replace(
        long,
        name="rendered_stream_few",
        options={**long.options, "temporal_blocks": [1, 3, 5, 11, 12, 14, 15, 16]},
        train_data="rendered_stream:2700:25",
    )


def rendered_stream_fewer() -> Recipe:
    """The shipped causal checkpoint: two blocks less, those whose states the network of eight missed least.

    Start from what ``rendered_stream_few`` gave: ``--set init=runs/rendered_stream_few-seed0/final.pt``.
    """
    few = rendered_stream_few()
    return dataclasses.replace(
        few,
        name="rendered_stream_fewer",
        options={**few.options, "temporal_blocks": [1, 11, 12, 14, 15, 16]},
        train_data="rendered_stream:2700:27",
        epochs=3,
        validate_every=1,
    )


def rendered_tsn() -> Recipe:
    """Plain 2-D MobileNetV2, trained the same way: what can be told from frames without their order."""
    return dataclasses.replace(rendered_sth(), name="rendered_tsn", network="tsn_mobilenet_v2", options={"width": 0.5})


def rendered_tsm() -> Recipe:
    """TSM-MobileNetV2, trained the same way."""
    return dataclasses.replace(rendered_sth(), name="rendered_tsm", network="tsm_mobilenet_v2", options={"width": 0.5})
