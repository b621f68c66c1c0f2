"""Reads a folder of video files with a csv: `file,label,subject,split`; `subject` may be missing."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.clips.index import ClipIndex, ClipRecord, LabelIds, checked_split, numbered_lines
from training.common.errors import UserError

_REQUIRED = ("file", "label", "split")
_OPTIONAL = ("subject",)
_EXPECTED = "a header 'file,label,subject,split' (subject may be missing) and one clip a line"


def find_csv(path: Path) -> Path | None:
    """The csv of a data set given as the csv itself or as its folder (clips.csv, or the only csv there)."""
    if path.is_file():
        return path
    named = path / "clips.csv"
    if named.is_file():
        return named
    found = sorted(path.glob("*.csv"))
    return found[0] if len(found) == 1 else None


def splits_of(path: Path) -> list[str]:
    """The splits that the csv names, in the order in which they come."""
    return list(dict.fromkeys(row["split"] for _, row in _rows(path)))


def read_video_folder(
    path: Path, split: str, *, clips_folder: Path | None = None, labels: Sequence[str] | None = None
) -> ClipIndex:
    """Index of one split.

    Args:
        path: the csv.
        split: a value of the column `split`.
        clips_folder: holds the files; if None, the csv's folder and `clips/` in it are looked through.
        labels: the label list that the ids count in (a checkpoint's); if None, the labels of all splits of
            the csv in alphabetical order, so that each split counts alike.

    Raises:
        UserError: names the csv and the line that is wrong, and what was expected there.
    """
    rows = list(_rows(path))
    listed = sorted({row["label"] for _, row in rows})
    known = list(labels) if labels is not None else listed
    ids = LabelIds(known, "the given label list")
    folders = [clips_folder] if clips_folder is not None else [path.parent, path.parent / "clips"]
    for folder in folders[:1]:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder: expected the video files that {path} lists in it")
    checked_split(split, list(dict.fromkeys(row["split"] for _, row in rows)), path)
    records = [
        ClipRecord(
            path=_place(folders, row["file"]),
            label=ids.of(row["label"], f"{path}:{number}"),
            name=row["file"],
            subject=row.get("subject", ""),
        )
        for number, row in rows
        if row["split"] == split
    ]
    return ClipIndex(known, records, split, path)


def _place(folders: list[Path], name: str) -> Path:
    # A file that is nowhere keeps its likeliest place, so that the message at decoding names it.
    return next((folder / name for folder in folders if (folder / name).exists()), folders[-1] / name)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, row) of the checked csv."""
    header: list[str] | None = None
    lines: dict[str, int] = {}
    for number, line in numbered_lines(path, _EXPECTED):
        fields = [field.strip() for field in next(csv.reader([line]))]
        if header is None:
            header = _checked_header(fields, f"{path}:{number}")
            continue
        if len(fields) != len(header):
            raise UserError(
                f"{path}:{number}: expected {len(header)} fields ({','.join(header)}),"
                f" found {len(fields)}: {line[:80]!r}"
            )
        row = dict(zip(header, fields, strict=True))
        empty = [column for column in _REQUIRED if not row[column]]
        if empty:
            raise UserError(f"{path}:{number}: the field {empty[0]!r} is empty in {line[:80]!r}")
        if row["file"] in lines:
            raise UserError(
                f"{path}:{number}: the file {row['file']} was on line {lines[row['file']]} already;"
                " each file has one line"
            )
        lines[row["file"]] = number
        yield number, row
    if not lines:
        raise UserError(f"{path} lists no clips: expected {_EXPECTED}")


def _checked_header(fields: list[str], where: str) -> list[str]:
    missing = [column for column in _REQUIRED if column not in fields]
    unknown = [column for column in fields if column not in _REQUIRED + _OPTIONAL]
    if len(fields) == 1 and (";" in fields[0] or "\t" in fields[0]):
        raise UserError(f"{where}: fields are separated by commas, found {fields[0][:80]!r}; expected {_EXPECTED}")
    if missing or unknown or len(set(fields)) != len(fields):
        raise UserError(f"{where}: expected {_EXPECTED}, found the header {','.join(fields)[:80]!r}")
    return fields
