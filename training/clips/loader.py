"""Batches of clips in an order that a resumed run repeats; broken ones are skipped and counted or refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from training.clips.dataset import ClipBatch, ClipDataset, collate
from training.clips.source import ClipError
from training.common.errors import UserError

_ORDER_STREAM = 2  # keeps the order's random numbers apart from those of other users of the same seed


class _Batches(Sampler[list[tuple[int, int]]]):
    """Batches of (epoch, index): shuffled, without a short last one in training, in order in evaluation.

    The order is that of all processes: each takes every ``ranks``-th clip of a training batch, and of all clips in
    evaluation, so that each clip is counted once, however many processes there are.
    """

    def __init__(self, length: int, batch_size: int, training: bool, seed: int, rank: int, ranks: int) -> None:
        self._length, self._batch_size, self._training, self._seed = length, batch_size, training, seed
        self._rank, self._ranks = rank, ranks
        self.epoch = self.start_batch = 0

    def __len__(self) -> int:
        if self._training:
            return max(1, self._length // self._batch_size)
        return math.ceil(len(range(self._rank, self._length, self._ranks)) / self._share)

    @property
    def _share(self) -> int:
        return math.ceil(self._batch_size / self._ranks)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = np.arange(self._length)
        if self._training:
            np.random.default_rng((_ORDER_STREAM, self._seed, self.epoch)).shuffle(order)
            batches = [order[start : start + self._batch_size] for start in self._starts(self._batch_size)]
            batches = [batch[self._rank :: self._ranks] for batch in batches]
        else:
            mine = order[self._rank :: self._ranks]
            batches = [mine[start : start + self._share] for start in self._starts(self._share)]
        for batch in batches[self.start_batch :]:
            yield [(self.epoch, int(index)) for index in batch]

    def _starts(self, size: int) -> range:
        return range(0, len(self) * size, size)


class ClipLoader:
    """Iterates over one epoch of `ClipBatch`es.

    Args:
        dataset: its `training` and `seed` also rule the order.
        batch_size: videos of one batch, of all processes together; skipped clips make it smaller.
        workers: processes that decode; 0 decodes in this one. The batches do not depend on it.
        on_error: "skip" leaves clips out that cannot be used and counts them, "stop" raises their ClipError.
            If None, training skips and evaluation stops.
        pin_memory: for a GPU.
        rank, ranks: this process and how many there are; each gives its part of a batch.

    Attributes:
        skipped: reason by name of every clip that was left out so far.
        position: batches of this epoch that were given or left out so far; `start_batch` of a run that resumes here.
    """

    def __init__(
        self,
        dataset: ClipDataset,
        batch_size: int,
        *,
        workers: int = 0,
        on_error: Literal["skip", "stop"] | None = None,
        pin_memory: bool = False,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.dataset = dataset
        self.skipped: dict[str, str] = {}
        self.position = 0
        self._stops = on_error == "stop" or (on_error is None and not dataset.training)
        self._gives_empty = ranks > 1 and dataset.training
        self._is_part = ranks > 1 and not dataset.training
        self._batches = _Batches(len(dataset), batch_size, dataset.training, dataset.seed, rank, ranks)
        self._loader = DataLoader(
            dataset,
            batch_sampler=self._batches,
            num_workers=workers,
            collate_fn=collate,
            pin_memory=pin_memory,
            persistent_workers=workers > 0,
            generator=torch.Generator(),  # else each iteration would draw from the generator that dropout uses
            worker_init_fn=_init_worker,
        )

    def set_epoch(self, epoch: int, start_batch: int = 0) -> None:
        """The epoch that the next iteration gives, from `start_batch` on (a run resumed inside an epoch)."""
        self._batches.epoch, self._batches.start_batch = epoch, start_batch
        self.position = start_batch

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return len(self._batches)

    def __iter__(self) -> Iterator[ClipBatch]:
        """Yields batches of one clip at least; one of several processes trains on empty ones too, to stay in step.

        Raises:
            ClipError: a clip cannot be used and `on_error` is "stop".
            UserError: no clip of the whole epoch can be used (of one process's part of an evaluation: none is given).
        """
        gave_any = self._batches.start_batch > 0
        error: UserError | None = None
        for number, batch in enumerate(self._loader, start=self._batches.start_batch + 1):
            self.position = number
            for error in batch.errors:
                if self._stops or not isinstance(error, ClipError):
                    raise error
                self.skipped[error.name] = error.reason
            gave_any = gave_any or len(batch.labels_N) > 0
            if len(batch.labels_N) or self._gives_empty:
                yield batch
        if error is not None and not gave_any and not self._is_part:
            raise UserError(f"none of the {len(self.dataset)} clips can be used; the last one: {error}")


def _init_worker(worker: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
