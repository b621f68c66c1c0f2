"""From what a command line says to a clip source: `--data PATH`, `--data rendered:COUNT:SEED`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.clips import jester, video_folder
from training.clips.files import FileClips
from training.clips.index import ClipIndex
from training.clips.source import ClipSource
from training.errors import UserError

RENDERED, RENDERED_STREAM = "rendered", "rendered_stream"
DATA_HELP = (
    "rendered:COUNT:SEED for rendered clips; rendered_stream:COUNT:SEED for windows of rendered streams, with a label"
    " per frame; a folder with jester-v1-*.csv; a folder of videos with clips.csv"
    " (file,label,subject,split) or that csv; CSVS::CLIPS where the clips lie in another folder"
)


def open_data(data: str, split: str, labels: Sequence[str] | None = None) -> ClipSource:
    """The clips that a command line means.

    Args:
        data: see `DATA_HELP`.
        split: "train", "validation" or "test"; other names where the csv of a video folder has them. Rendered
            clips have no splits, their seed alone says which they are: train and evaluate on different seeds.
        labels: the label list that the class ids must count in (a checkpoint's).

    Raises:
        UserError: says what is missing or wrong, and where.
    """
    if is_rendered(data):
        return _open_rendered(data, labels)
    csvs, separator, clips = data.partition("::")
    return open_clips(Path(csvs), split, labels, clips_folder=Path(clips) if separator else None)


def is_rendered(data: str) -> bool:
    """Whether the data are drawn when asked for, and not read."""
    return data.split(":")[0] in (RENDERED, RENDERED_STREAM)


def open_clips(
    path: Path | str, split: str, labels: Sequence[str] | None = None, *, clips_folder: Path | None = None
) -> FileClips:
    """One split of a data set on disk, its format told by its files. Raises UserError."""
    return FileClips(read_index(Path(path), split, labels, clips_folder=clips_folder))


def read_index(
    path: Path, split: str, labels: Sequence[str] | None = None, *, clips_folder: Path | None = None
) -> ClipIndex:
    """The clip index of one split, in the Jester format or of a folder of videos. Raises UserError."""
    if _is_jester(path):
        return jester.read_jester(path, split, clips_folder=clips_folder, labels=labels)
    return video_folder.read_video_folder(_csv_of(path), split, clips_folder=clips_folder, labels=labels)


def splits_of(path: Path) -> list[str]:
    """The splits of a data set on disk. Raises UserError."""
    return jester.splits_of(path) if _is_jester(path) else video_folder.splits_of(_csv_of(path))


def _is_jester(path: Path) -> bool:
    if not path.exists():
        raise UserError(f"there is no {path}; expected {DATA_HELP}")
    return path.is_dir() and jester.find_prefix(path) is not None


def _csv_of(path: Path) -> Path:
    csv = video_folder.find_csv(path)
    if csv is None:
        raise UserError(f"{path} holds no data set: expected jester-v1-labels.csv, or clips.csv beside the videos")
    return csv


def _open_rendered(data: str, labels: Sequence[str] | None) -> ClipSource:
    fields = data.split(":")
    if len(fields) != 3 or not all(field.isdecimal() for field in fields[1:]) or int(fields[1]) == 0:
        raise UserError(f"{data!r} is no rendered data: expected {fields[0]}:COUNT:SEED, as {fields[0]}:2000:7")
    from training.rendered import RenderedClips, RenderedWindows  # here, since they themselves import this package

    make = RenderedClips if fields[0] == RENDERED else RenderedWindows
    source = make(int(fields[1]), seed=int(fields[2]))
    if labels is not None and list(labels) != source.labels:
        raise UserError(f"{data} has the {len(source.labels)} labels of Jester; the network was trained on others")
    return source
