"""The rows of the ladder for one bundle, its clips and its artefacts.

Axes: M clips, T frame, S height and width, C colour, K class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from mobile import pass_marks
from mobile.bundle import Bundle
from mobile.deploy.stream import StreamNetwork
from mobile.parity.arm64.rows import arm64_rows
from mobile.parity.golden_rows import app_rows
from mobile.parity.judge import judge, judge_stream, status
from mobile.parity.sides import Clips, check_artefact, read_clips, rows_of, simulated, streamed, torch_predictor
from mobile.runtimes import ArtefactRunner
from mobile.schemas.agreement import Agreement, compare
from mobile.schemas.row import FAILED, NOT_RUN, Row
from training.common.errors import UserError
from training.common.files import sha256_of


class Ladder:
    """Rows for one bundle over a set of clips; each side is computed once."""

    def __init__(self, bundle: Bundle, clips: Clips) -> None:
        self.bundle, self.clips = bundle, clips
        self._rows: dict[str, np.ndarray] = {}
        self._sides: dict[str, np.ndarray] = {}
        self._artefacts: dict[str, tuple[str, str, str]] = {}

    def side(self, name: str) -> np.ndarray:
        """Logits (M, K) of "training", "float", "int8", "float exported", "int8 exported", or of an artefact that
        had its row, by its path."""
        if name not in self._sides:
            self._sides[name] = self.rows_of_side(name).mean(axis=1, dtype=np.float32)
        return self._sides[name]

    def rows_of_side(self, name: str) -> np.ndarray:
        """Logits (M, R, K) of a side; also of "float stream" and "int8 stream", frame by frame."""
        if name not in self._rows:
            self._rows[name] = rows_of(self._predictor(name), self.clips, name)
        return self._rows[name]

    def has(self, name: str) -> bool:
        """Whether the logits of a side are computed already."""
        return name in self._sides

    def _predictor(self, name: str) -> Any:
        bundle = self.bundle
        modules: dict[str, Callable[[], Any]] = {
            "training": lambda: bundle.training,
            "float": lambda: bundle.form("fp32").module,
            "int8": lambda: bundle.form("int8").module,
            "float exported": lambda: bundle.program("float").module(),
            "int8 simulated": lambda: simulated(bundle.form("int8")),
            "int8 exported": lambda: bundle.program("int8").module(),
            "float stream": lambda: streamed(cast(StreamNetwork, bundle.form("fp32", "stream").module)),
            "int8 stream": lambda: streamed(cast(StreamNetwork, bundle.form("int8", "stream").module)),
        }
        return torch_predictor(modules[name](), bundle.spec, folded=name != "training")

    @property
    def step(self) -> float:
        """Scale of the int8 logits."""
        return self.bundle.network("int8").classifier.out.scale

    def rows(self) -> list[Row]:
        """Hops 1 to 4 and 6, which need no artefact."""
        rows = [
            self._float_row(1, "training form = deploy form", "training", "float", pass_marks.TRAINING_DEPLOY_RELATIVE),
            *self._streams(),
            self._float_row(3, "eager = exported, float", "float", "float exported", pass_marks.EXPORTED_RELATIVE),
        ]
        if self.bundle.int8 is None:
            rows.append(Row(4, "float ~ int8", NOT_RUN, "the checkpoint holds no int8 network"))
        else:
            rows += [self._exported_int8(), self._quantization()]
        return [*rows, Row(6, "x86 = phone", NOT_RUN, "no phone was given")]

    def _compare(self, left: np.ndarray, right: np.ndarray, step: float | None = None) -> Agreement:
        return compare(left, right, self.clips.known_labels, step=step)

    def _float_row(self, hop: int, name: str, left: str, right: str, limit: float) -> Row:
        agreement = self._compare(self.side(left), self.side(right))
        return Row(
            hop,
            name,
            status(agreement.relative <= limit),
            f"relative difference at most {limit:g}",
            agreement,
        )

    def _exported_int8(self) -> Row:
        agreement = self._compare(self.side("int8 simulated"), self.side("int8 exported"), self.step)
        return Row(3, "eager = exported, int8", status(agreement.largest == 0), "identical", agreement)

    def _streams(self) -> list[Row]:
        """Hop 2 in PyTorch: after every frame, not only over the clip."""
        if not self.bundle.floating.per_frame:
            return [Row(2, "clip = stream", NOT_RUN, "the network is not causal: it cannot run as a stream")]
        limit = pass_marks.STREAM_FLOAT_RELATIVE
        agreement = self._every_frame("float", "float stream")
        note = f"relative difference at most {limit:g} after every frame"
        rows = [Row(2, "clip = stream, float", status(agreement.relative <= limit), note, agreement)]
        if self.bundle.int8 is not None:
            agreement = self._every_frame("int8", "int8 stream")
            note = "identical after every frame"
            rows.append(Row(2, "clip = stream, int8", status(agreement.largest == 0), note, agreement))
        return rows

    def _every_frame(self, clip: str, stream: str, step: float | None = None) -> Agreement:
        """Agreement of all frames' logits, a frame counted as a clip."""
        left, right = (self.rows_of_side(name) for name in (clip, stream))
        labels = self.clips.known_labels
        frames = None if labels is None else np.repeat(labels, left.shape[1])
        return compare(left.reshape(-1, left.shape[2]), right.reshape(-1, right.shape[2]), frames, step=step)

    def stream_rows(self) -> list[Row]:
        """Hop 2 for each runtime of which both the clip and the stream of a precision had their rows."""
        rows = []
        clips = {key: path for path, key in self._artefacts.items() if key[2] == "clip"}
        for stream, (runtime, precision, mode) in self._artefacts.items():
            clip = clips.get((runtime, precision, "clip"))
            if mode != "stream" or clip is None:
                continue
            agreement = self._every_frame(clip, stream, self.step if precision == "int8" else None)
            passed, note = judge_stream(Path(stream), precision, agreement)
            name, artefact = f"clip = stream in {runtime}, {precision}", Path(stream).name
            rows.append(
                Row(2, name, status(passed), f"{note}, after every frame", agreement, artefact, sha256_of(stream))
            )
        return rows

    def _quantization(self) -> Row:
        frames = self.clips.frame_labels is not None
        agreement = self._labelled_frames() if frames else self._compare(self.side("training"), self.side("int8"))
        limit, what = pass_marks.INT8_TOP1_LOSS, "frames of streams" if frames else "clips"
        name = "float ~ int8, frames of streams" if frames else "float ~ int8"
        if not frames and self.clips.known_labels is None:
            return Row(4, name, NOT_RUN, "the clips have other labels: no top-1 to compare", agreement)
        lost = agreement.left_top1 - agreement.right_top1
        # one clip of a small set weighs more than the limit: a set must be able to show the difference
        if agreement.clips < 100 / limit:
            note = f"{agreement.clips} {what} cannot show {limit} points; give {math.ceil(100 / limit)} or more"
            return Row(4, name, NOT_RUN, note, agreement)
        return Row(4, name, status(lost <= limit), f"int8 loses at most {limit} points of top-1", agreement)

    def _labelled_frames(self) -> Agreement:
        """Float and int8 on those frames of streams that have a label; a frame counts as a clip."""
        assert self.clips.frame_labels is not None
        labels = self.clips.frame_labels.reshape(-1)
        left, right = (self.rows_of_side(side) for side in ("float", "int8"))
        known = labels >= 0
        left, right = (rows.reshape(-1, rows.shape[2])[known] for rows in (left, right))
        return compare(left, right, labels[known])

    def artefact_row(self, runner: ArtefactRunner) -> Row:
        """Hop 5 for one artefact.

        Raises:
            UserError: the artefact is of another network, size or label list than the checkpoint.
        """
        check_artefact(runner, self.bundle)
        precision = runner.contract.precision
        side = str(runner.path)
        self._rows[side] = rows_of(runner.rows, self.clips, runner.path.name)
        self._artefacts[side] = (runner.runtime, precision, runner.contract.mode)
        right = self.side(side)
        step = self.step if precision == "int8" else None
        name = f"quantized program = {runner.runtime}" if step else f"PyTorch = {runner.runtime}, {precision}"
        artefact, digest = runner.path.name, sha256_of(runner.path)
        try:
            agreement = self._compare(self.side("int8" if precision == "int8" else "float"), right, step)
        except ValueError as error:  # logits that are not finite, or of another shape
            return Row(5, name, FAILED, str(error), None, artefact, digest)
        passed, note = judge(precision, agreement)
        return Row(5, name, status(passed), note, agreement, artefact, digest)


def run_ladder(
    bundle: Bundle,
    data: str,
    split: str,
    artefacts: list[Path],
    *,
    limit: int | None = None,
    threads: int = 1,
    apps: Sequence[Path] = (),
    arm64: Sequence[Path] = (),
) -> list[Row]:
    """All rows of one bundle and its artefacts.

    Args:
        apps: what the tests of the apps wrote over golden vectors of one of the artefacts.
        arm64: what ``sth arm64`` wrote of them.

    Raises:
        UserError: bad data, windows of streams for a network that is not causal, or an artefact that does not load or
            belong to the bundle.
    """
    runners = [ArtefactRunner(path, threads=threads) for path in artefacts]
    clips = read_clips(data, split, bundle.spec, bundle.labels, limit)
    if clips.frame_labels is not None and not bundle.floating.per_frame:
        raise UserError(f"{data} has a label per frame, and {bundle.source} an answer per clip; give it clips")
    ladder = Ladder(bundle, clips)
    rows = ladder.rows() + [ladder.artefact_row(runner) for runner in runners] + ladder.stream_rows()
    rows += arm64_rows(arm64, artefacts) + app_rows(apps, artefacts)
    return sorted(rows, key=lambda row: row.hop)
