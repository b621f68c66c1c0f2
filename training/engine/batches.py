"""The batches that a recipe trains and validates on."""

from __future__ import annotations

import dataclasses

from training.clips import CachedClips, ClipDataset, ClipLoader, as_modality
from training.engine import distributed
from training.engine.recipe import Recipe
from training.formats import is_rendered, open_data
from training.rendered import KeptFrames, RenderedClips


def open_loader(
    recipe: Recipe, *, training: bool, size: int, labels: list[str] | None = None, whole: bool = False
) -> ClipLoader:
    """Batches of the recipe's training or validation clips; of each, the part of this process or the ``whole``."""
    split, data = ("train", recipe.train_data) if training else ("validation", recipe.validation_data)
    source = open_data(data, split, labels)
    # evaluation reads the files themselves: a cached frame is resized twice, a phone's once
    if training and recipe.cache_short_side and not is_rendered(data):
        source = CachedClips(source, short_side=recipe.cache_short_side)
    if recipe.frame_cache and isinstance(source, RenderedClips):
        source = KeptFrames(source, recipe.frame_cache)
    source = as_modality(source, recipe.modality, frame_size=recipe.frame_size, flow_cache=recipe.flow_cache)
    dataset = ClipDataset(
        source,
        dataclasses.replace(recipe.input_spec(), segments=recipe.frames(), size=size),
        training=training,
        seed=recipe.seed,
        flip=recipe.flip,
        colour_jitter=recipe.colour_jitter,
        appearance=recipe.appearance,
        scales=recipe.crop_scales,
        repeat_short=recipe.repeat_short,
        fresh_each_epoch=recipe.fresh_each_epoch and training,
        per_frame=recipe.supervision == "frame",
    )
    here = distributed.Ranks() if whole else distributed.current()
    least = here.size * recipe.accumulate
    if training and (recipe.batch % least or len(dataset) < least):
        raise distributed.shared_error(
            f"a batch is {recipe.batch} of {len(dataset)} clips; {here.size} processes that accumulate"
            f" {recipe.accumulate} parts need a multiple of {least}"
        )
    pin_memory = distributed.device_named(recipe.device).type == "cuda"
    return ClipLoader(
        dataset, recipe.batch, workers=recipe.workers, on_error="skip" if training or recipe.skip_broken else "stop",
        pin_memory=pin_memory, rank=here.rank, ranks=here.size,
    )  # fmt: skip
