"""Reads Kinetics-400 as published: one csv a split, clips cut by their times.

Files of a data set, in the folder itself or in `annotations/`; `kinetics_train.csv` and the like are known too::

    train.csv       label,youtube_id,time_start,time_end,split  (and is_cc in the first release)
    val.csv         the same; also validate.csv
    test.csv        the same; without the label in the first release
    train/<youtube_id>_<start>_<end>.mp4, seconds of six digits, perhaps in a folder of the label
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.clips.index import ClipIndex, LabelIds, PublishedClip, checked_split, index_of, numbered_lines
from training.common.errors import UserError

_NAMES = {"train": ("train",), "validation": ("val", "validate", "validation"), "test": ("test",)}
_COLUMNS = ("youtube_id", "time_start", "time_end")
_EXPECTED = "the header 'label,youtube_id,time_start,time_end,split' and one clip a line"
_SUFFIXES = (".mp4", ".mkv", ".webm", "")


def find(path: Path) -> Path | None:
    """The folder with the csv files of a data set, None where there are none."""
    for folder in (path, path / "annotations"):
        if any(_speaks_of_youtube(file) for file in _files(folder).values()):
            return folder
    return None


def _files(folder: Path) -> dict[str, Path]:
    """The csv of each split that has one."""
    found = {}
    for split, names in _NAMES.items():
        pattern = re.compile(rf"(.*[_-])?({'|'.join(names)})\.csv")
        files = sorted(file for file in folder.glob("*.csv") if pattern.fullmatch(file.name))
        if files:
            found[split] = files[0]
    return found


def _speaks_of_youtube(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return b"youtube_id" in stream.readline(4096)
    except OSError:
        return False


def splits_of(folder: Path) -> list[str]:
    """The splits that have a csv with something in it."""
    return [split for split, file in _files(folder).items() if file.stat().st_size]


def read(
    folder: Path, split: str, *, clips_folder: Path | None = None, labels: Sequence[str] | None = None
) -> ClipIndex:
    """Index of one split; the labels are those of train.csv in alphabetical order (no list is published).

    Many of the clips are gone from where they were: `sth data check` counts them.

    Raises:
        UserError: names the file and the line that is not as published, and what was expected there.
    """
    files = _files(folder)
    file = files[checked_split(split, list(files), folder)]
    rows = list(_rows(file))
    listing = files.get("train", file)
    listed = rows if listing == file else list(_rows(listing))
    published = sorted({label for _, label, _ in listed if label is not None})
    ids = LabelIds(published, listing.name)
    for line, label, _ in rows:
        if label is not None:
            ids.of(label, f"{file}:{line}")  # before the clips are looked for by it
    root = clips_folder or (folder.parent if folder.name == "annotations" else folder)
    layout = _layout_of(root, split, file, rows)
    clips = [PublishedClip(layout(root, label, name), label, name, f"{file}:{line}") for line, label, name in rows]
    return index_of(clips, published, labels, listed_in=listing.name, split=split, origin=file)


def _rows(path: Path) -> Iterator[tuple[int, str | None, str]]:
    """Yields (line number, label, clip name) of each line."""
    header: list[str] | None = None
    for number, line in numbered_lines(path, _EXPECTED):
        fields = [field.strip() for field in next(csv.reader([line]))]
        where = f"{path}:{number}"
        if header is None:
            header = fields
            if missing := [column for column in _COLUMNS if column not in header]:
                raise UserError(f"{where}: expected {_EXPECTED}; {missing[0]} is missing in {line[:80]!r}")
            continue
        if len(fields) != len(header):
            raise UserError(f"{where}: expected {len(header)} fields ({','.join(header)}), found {line[:80]!r}")
        row = dict(zip(header, fields, strict=True))
        start, end = row["time_start"], row["time_end"]
        if not row["youtube_id"] or not start.isdecimal() or not end.isdecimal() or row.get("label") == "":
            raise UserError(f"{where}: expected a label, an id and whole seconds, found {line[:80]!r}")
        yield number, row.get("label"), f"{row['youtube_id']}_{int(start):06d}_{int(end):06d}"
    if header is None:
        raise UserError(f"{path} is empty: expected {_EXPECTED}")


class _Layout:
    """Where the clips of a split lie under the root."""

    def __init__(self, folder: str, by_label: bool, underscores: bool, suffix: str) -> None:
        self.folder, self.by_label, self.underscores, self.suffix = folder, by_label, underscores, suffix

    def __call__(self, root: Path, label: str | None, name: str) -> Path:
        inner = (label or "").replace(" ", "_") if self.underscores else label or ""
        return root / self.folder / (inner if self.by_label else "") / f"{name}{self.suffix}"


def _layout_of(root: Path, split: str, file: Path, rows: Sequence[tuple[int, str | None, str]]) -> _Layout:
    """The layout by which the first clip that is there is found; others may be gone."""
    folders = [name for name in (*_NAMES[split], "") if (root / name).is_dir()]
    labelled = [(False, False), (True, False), (True, True)]
    layouts = [_Layout(name, *kind, suffix) for name, kind, suffix in itertools.product(folders, labelled, _SUFFIXES)]
    for _, label, name in rows[:500]:
        for layout in layouts:
            if layout(root, label, name).exists():
                return layout
    raise UserError(
        f"{root} has no clips of {file.name}: expected {root / _NAMES[split][0]}/[label/]<youtube_id>_<start>_<end>.mp4"
        " with six digits each; clips that lie elsewhere are given as 'ANNOTATIONS::CLIPS_FOLDER'"
    )
