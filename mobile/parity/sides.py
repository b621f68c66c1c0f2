"""The sides of a parity row: clips read once, and their logits by each form of the network in PyTorch.

Axes: M clips, R rows of logits per clip, T frame, S height and width, C colour, K class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from mobile.bundle import Bundle
from mobile.deploy.exported import Form
from mobile.deploy.stream import StreamNetwork
from mobile.runtimes import ArtefactRunner
from training.clips import ClipDataset, ClipLoader
from training.clips.input_spec import InputSpec
from training.clips.source import WindowSource
from training.common.errors import UserError
from training.formats import is_rendered, open_data


@dataclasses.dataclass(frozen=True)
class Clips:
    """Preprocessed clips: uint8 (M, T, S, S, 3), labels (M,), -1 where unknown, and names.

    Windows of streams have ``frame_labels`` (M, T) instead, -1 where any answer will do.
    """

    frames: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...] = ()
    frame_labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def known_labels(self) -> np.ndarray | None:
        """Class ids (M,); None where a clip has none."""
        return self.labels if (self.labels >= 0).all() else None


def read_clips(data: str, split: str, spec: InputSpec, labels: Iterable[str], limit: int | None = None) -> Clips:
    """Decode and preprocess the clips of a data set, once for all sides of all rows.

    A data set with other labels than the network's is taken without labels: rows then compare logits only.

    Raises:
        UserError: bad data or a clip that cannot be used.
    """
    source = open_data(data, split)
    known = list(source.labels) == list(labels)
    windows = isinstance(source, WindowSource)
    dataset = ClipDataset(source, spec, training=False, repeat_short=not is_rendered(data), per_frame=windows)
    count = min(len(dataset), limit or len(dataset))
    frames, ids, names = [], [], []
    for batch in tqdm(
        ClipLoader(dataset, 1), total=count, desc="reading clips", unit="clip", mininterval=2, leave=False
    ):
        frames.append(batch.frames_NTHWC.numpy())
        ids.append(batch.labels_N[0].numpy())
        names.append(source.name_of(int(batch.indices_N[0])))
        if len(ids) == count:
            break
    given, unknown = np.stack(ids), np.full(len(ids), -1)
    if windows:
        return Clips(np.concatenate(frames), unknown, tuple(names), given if known else None)
    return Clips(np.concatenate(frames), given if known else unknown, tuple(names))


def rows_of(predict: Callable[[np.ndarray], np.ndarray], clips: Clips, what: str) -> np.ndarray:
    """Logits (M, R, K) of one side, R rows per clip; ``predict`` takes uint8 frames (T, S, S, 3)."""
    bar = tqdm(clips.frames, desc=what, unit="clip", mininterval=2, leave=False)
    made = [np.asarray(predict(frames_TSSC)) for frames_TSSC in bar]
    return np.stack([logits.reshape(-1, logits.shape[-1]) for logits in made])


def torch_predictor(module: Callable[[torch.Tensor], torch.Tensor], spec: InputSpec, *, folded: bool) -> Any:
    """A side computed by PyTorch; ``folded`` networks take (T, 3, S, S), others (1, T, 3, S, S)."""

    @torch.no_grad()
    def predict(frames_TSSC: np.ndarray) -> np.ndarray:
        x_NTCHW = spec.to_network(torch.from_numpy(frames_TSSC)[None])
        return module(x_NTCHW[0] if folded else x_NTCHW).numpy()

    return predict


def simulated(form: Form) -> Callable[[torch.Tensor], torch.Tensor]:
    """A form as PyTorch computes its exported program: in float32 between quantize and dequantize."""
    convs = list(form.network.convs().values())

    def run(x_TCHW: torch.Tensor) -> torch.Tensor:
        for conv in convs:
            conv.whole_numbers = False
        try:
            return form.module(x_TCHW)
        finally:
            for conv in convs:
                conv.whole_numbers = True

    return run


def streamed(stream: StreamNetwork) -> Callable[[torch.Tensor], torch.Tensor]:
    """A clip (T, 3, S, S) frame by frame through the streaming form, from empty states -> (T, K)."""

    def run(x_TCHW: torch.Tensor) -> torch.Tensor:
        rows, states = [], list(stream.reset())
        for frame_1CHW in x_TCHW.split(1):
            row_1K, *states = stream(frame_1CHW, *states)
            rows.append(row_1K)
        return torch.cat(rows)

    return run


def check_artefact(runner: ArtefactRunner, bundle: Bundle) -> None:
    """Raises:
    UserError: the artefact is of another network, size or label list than the bundle.
    """
    contract = runner.contract
    for what, theirs, ours in (
        ("the network", contract.network, bundle.name),
        ("the input", contract.frames, bundle.spec),
        ("the label list", contract.labels, bundle.labels),
    ):
        if theirs != ours:
            raise UserError(f"{runner.path}: {what} is not that of {bundle.source}; give its own --checkpoint")
