"""Clips as items of a torch data set: sampled, cropped, flipped and still uint8.

Normalisation comes after collation (`InputSpec.to_network`): a quarter of the bytes to move.

Axes: N clips, T frames, S height and width, 3 colours in the order RGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from training.clips.augment import SCALES, Augmentation, Label
from training.clips.flip import flipped_ids
from training.clips.input_spec import InputSpec
from training.clips.sampling import centre_segment_frames, check_length, random_segment_frames
from training.clips.source import UNLABELLED, ClipSource, WindowSource
from training.common.errors import UserError

_CLIP_STREAM = 1  # keeps the clips' random numbers apart from those of other users of the same seed


class ClipItem(NamedTuple):
    """One video: uint8 (C, T, S, S, 3) of its C clips (1 in training), class id (or ids (T,)), number in the source."""

    frames_CTHWC: torch.Tensor
    label: Label
    number: int


class ClipBatch(NamedTuple):
    """What the training loop sees.

    frames_NTHWC: uint8 (N, T, S, S, 3); with C clips per video, C neighbouring rows belong to one video.
    labels_N, indices_N: int64 of the videos (N / C rows with C clips per video); labels (N, T) of windows.
    errors: the clips of this batch that could not be used, as ClipErrors, and what ends the run, as other errors.
    """

    frames_NTHWC: torch.Tensor
    labels_N: torch.Tensor
    indices_N: torch.Tensor
    errors: list[UserError]


class ClipDataset(Dataset[ClipItem | UserError]):
    """A source's clips, ready for the network but for the normalisation.

    An item is a function of (seed, epoch, index) alone, whatever came before and in whichever process: a
    resumed run sees the same clips. A clip that cannot be used gives its ClipError as the item; `ClipLoader`
    decides what to do.

    Args:
        source: the clips.
        spec: T, S and the centre crop of evaluation.
        training: random frame of each segment and augmentation; else centre frames and the centre crop.
        seed: of sampling and augmentation, >= 0.
        flip: flips half of the training clips, with their labels (`flip_pairs.csv`).
        colour_jitter, appearance, scales: see `Augmentation`.
        clips_per_video: evaluation only.
        crops: evaluation only: 1 (the centre) or 3 (`InputSpec.three_crops_resize`); C is clips_per_video * crops.
        repeat_short: repeats frames of videos shorter than T instead of refusing them.
        fresh_each_epoch: training sees new clips in every epoch; the source must be endless.
        per_frame: items are windows with a label for each frame, from a `WindowSource`.

    Raises:
        UserError: the options do not fit the source.
    """

    def __init__(
        self,
        source: ClipSource,
        spec: InputSpec,
        *,
        training: bool,
        seed: int = 0,
        flip: bool = True,
        colour_jitter: float = 0.0,
        appearance: float = 0.0,
        scales: Sequence[float] = SCALES,
        clips_per_video: int = 1,
        crops: int = 1,
        repeat_short: bool = False,
        fresh_each_epoch: bool = False,
        per_frame: bool = False,
    ) -> None:
        if len(source) == 0:
            raise UserError("the data holds no clips")
        if training and source.label_of(0) == UNLABELLED:
            raise UserError("this split has no labels (they were never published): train on the split 'train'")
        if fresh_each_epoch and not getattr(source, "endless", False):
            raise UserError("fresh_each_epoch needs rendered clips: other data has the same clips in every epoch")
        self._windows = source if isinstance(source, WindowSource) else None
        if per_frame and self._windows is None:
            raise UserError("a label for each frame needs windows of streams (rendered_stream:COUNT:SEED)")
        if not per_frame and self._windows is not None:
            raise UserError("windows of streams have a label for each frame, and here a clip needs one in all")
        self.source, self.spec, self.training, self.seed = source, spec, training, seed
        if crops not in (1, 3):
            raise UserError(f"crops is {crops}; expected 1 (the centre) or 3")
        self.clips_per_video = 1 if training else clips_per_video
        self.crops = 1 if training else crops
        self._repeat_short, self._fresh = repeat_short, fresh_each_epoch
        ids = flipped_ids(source.labels) if training and flip else None
        self._augment = Augmentation(
            spec.size, ids, scales=tuple(scales), colour_jitter=colour_jitter, appearance=appearance
        )
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """The epoch of items asked for by their index alone."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, key: int | tuple[int, int]) -> ClipItem | UserError:
        """Item by index, or by (epoch, index): persistent workers never hear of `set_epoch`."""
        epoch, index = key if isinstance(key, tuple) else (self._epoch, key)
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        try:
            return self._item(epoch, index)
        except UserError as error:  # not only a clip's own: a folder that cannot be written crosses to the loader too
            return error

    def _item(self, epoch: int, index: int) -> ClipItem:
        place = index + epoch * len(self) if self._fresh else index
        rng = np.random.default_rng((_CLIP_STREAM, self.seed, epoch, index))
        label: Label
        if self._windows is not None:
            wanted_CT = self._windows.window_frames(place, self.spec.segments)[None]
            label = self._windows.frame_labels(place, wanted_CT[0].tolist())
        else:
            wanted_CT = self._choose(place, rng)
            label = self.source.label_of(place)
        frames = self.source.frames(place, wanted_CT.ravel().tolist())
        if self.training:
            frames, label = self._augment(frames, label, rng)
        elif self.crops == 3:
            frames = self.spec.three_crops_resize(frames)
        else:
            frames = self.spec.centre_crop_resize(frames)
        clips, segments = wanted_CT.shape
        size = self.spec.size
        shaped = torch.from_numpy(np.ascontiguousarray(frames)).view(
            self.crops * clips, segments, size, size, self.spec.channels
        )
        return ClipItem(shaped, label, place)

    def _choose(self, place: int, rng: np.random.Generator) -> np.ndarray:
        """Frame numbers (clips, T)."""
        count, segments = self.source.frame_count(place), self.spec.segments
        repeated = check_length(self.source.name_of(place), count, segments, self._repeat_short)
        if repeated is not None:
            return np.tile(repeated, (self.clips_per_video, 1))
        if self.training:
            return random_segment_frames(count, segments, rng)[None]
        return centre_segment_frames(count, segments, self.clips_per_video)


def collate(items: Sequence[ClipItem | UserError]) -> ClipBatch:
    """Stacks the good items and lists the others; a batch may hold no good one (frames of shape (0,))."""
    good = [item for item in items if isinstance(item, ClipItem)]
    return ClipBatch(
        frames_NTHWC=torch.cat([item.frames_CTHWC for item in good] or [torch.empty(0, dtype=torch.uint8)]),
        labels_N=torch.from_numpy(np.array([item.label for item in good], dtype=np.int64)),
        indices_N=torch.tensor([item.number for item in good], dtype=torch.int64),
        errors=[item for item in items if not isinstance(item, ClipItem)],
    )
