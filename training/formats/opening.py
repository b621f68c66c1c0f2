"""From what a command line says to a clip source: `--data PATH`, `--data rendered:COUNT:SEED`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.clips.files import FileClips
from training.clips.index import ClipIndex
from training.clips.source import ClipSource
from training.common.errors import UserError
from training.formats import hmdb51, jester, kinetics, something_v2, ucf101, video_folder

RENDERED, RENDERED_STREAM = "rendered", "rendered_stream"
DATA_HELP = (
    "rendered:COUNT:SEED for rendered clips; rendered_stream:COUNT:SEED for windows of rendered streams, with a label"
    " per frame; a folder of Jester, Something-Something, Kinetics-400, UCF-101 or HMDB-51"
    " as published (FOLDER#2 for the second of three splits); a folder of videos with clips.csv"
    " (file,label,subject,split) or that csv; FOLDER::CLIPS where the clips lie in another folder"
)


@dataclass(frozen=True)
class Format:
    """How a data set lies on disk.

    Attributes:
        find: where its annotations are under a path, None if this is another format.
        splits_of, read: of what `find` found.
    """

    find: Callable[[Path], Path | None]
    splits_of: Callable[[Path], list[str]]
    read: Callable[..., ClipIndex]


FORMATS: dict[str, Format] = {
    "kinetics400": Format(kinetics.find, kinetics.splits_of, kinetics.read),
    "jester": Format(jester.find, jester.splits_of, jester.read_jester),  # and Something-Something V1
    "something_v2": Format(something_v2.find, something_v2.splits_of, something_v2.read),
    "ucf101": Format(ucf101.find, ucf101.splits_of, ucf101.read),
    "hmdb51": Format(hmdb51.find, hmdb51.splits_of, hmdb51.read),
    "videos": Format(video_folder.find_csv, video_folder.splits_of, video_folder.read_video_folder),
}


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
    path, number, clips = parse_data(data)
    return open_clips(path, f"{split}{number}", labels, clips_folder=clips)


def parse_data(data: str) -> tuple[Path, str, Path | None]:
    """`FOLDER#2::CLIPS` as path of the annotations, number of the split ("" without) and folder of the clips."""
    csvs, separator, clips = data.partition("::")
    path, number = Path(csvs), ""
    if csvs[-2:-1] == "#" and csvs[-1].isdecimal() and not path.exists():
        path, number = Path(csvs[:-2]), csvs[-1]
    return path, number, Path(clips) if separator else None


def is_rendered(data: str) -> bool:
    """Whether the data are drawn when asked for, and not read."""
    return data.split(":")[0] in (RENDERED, RENDERED_STREAM)


def with_seed(data: str, seed: int) -> str:
    """``rendered:COUNT`` -> ``rendered:COUNT:SEED``, and so with ``rendered_stream``; other data as it is."""
    return f"{data}:{seed}" if is_rendered(data) and data.count(":") == 1 else data


def open_clips(
    path: Path | str, split: str, labels: Sequence[str] | None = None, *, clips_folder: Path | None = None
) -> FileClips:
    """One split of a data set on disk, its format told by its files. Raises UserError."""
    return FileClips(read_index(Path(path), split, labels, clips_folder=clips_folder))


def read_index(
    path: Path, split: str, labels: Sequence[str] | None = None, *, clips_folder: Path | None = None
) -> ClipIndex:
    """The clip index of one split, in whichever format it is. Raises UserError."""
    if clips_folder is not None and not clips_folder.is_dir():
        raise UserError(f"{clips_folder} is not a folder: expected the clips of {path} in it")
    kind, found = recognise(path)
    return FORMATS[kind].read(found, split, clips_folder=clips_folder, labels=labels)


def splits_of(path: Path) -> list[str]:
    """The splits of a data set on disk. Raises UserError."""
    kind, found = recognise(path)
    return FORMATS[kind].splits_of(found)


def recognise(path: Path) -> tuple[str, Path]:
    """Name in `FORMATS` of the format of a data set, and where its annotations are. Raises UserError."""
    if not path.exists():
        raise UserError(f"there is no {path}; expected {DATA_HELP}")
    for kind, form in FORMATS.items():
        found = form.find(path)
        if found is not None:
            return kind, found
    raise UserError(
        f"{path} holds no data set: expected jester-v1-labels.csv or labels.csv, clips.csv beside the videos, or the"
        " files of Something-Something (labels), Kinetics-400 (train.csv), UCF-101 (classInd.txt) or HMDB-51"
        " (*_test_split1.txt)"
    )


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
