"""Reads the Jester format exactly as 20BN published it (Something-Something v1 has the same).

Files of a data set::

    jester-v1-labels.csv        one label a line; the line's place is the class id
    jester-v1-train.csv         id;label
    jester-v1-validation.csv    id;label
    jester-v1-test.csv          id
    20bn-jester-v1/<id>/        00001.jpg, 00002.jpg, ...
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.clips.index import SPLITS, ClipIndex, ClipRecord, LabelIds, checked_split, numbered_lines
from training.clips.source import UNLABELLED
from training.errors import UserError

_LABELS_SUFFIX = "-labels.csv"


def find_prefix(folder: Path) -> str | None:
    """Prefix of the csv files in `folder` ("jester-v1"), None where there is no `*-labels.csv`."""
    found = sorted(path.name for path in folder.glob(f"*{_LABELS_SUFFIX}"))
    if len(found) > 1:
        raise UserError(f"{folder} holds {len(found)} label lists ({', '.join(found)}): keep one data set a folder")
    return found[0][: -len(_LABELS_SUFFIX)] if found else None


def find(path: Path) -> Path | None:
    """`path` if it is a folder with a label list."""
    return path if path.is_dir() and find_prefix(path) is not None else None


def splits_of(folder: Path) -> list[str]:
    """The splits that have a csv in `folder` with something in it."""
    prefix = find_prefix(folder)
    files = {split: folder / f"{prefix}-{split}.csv" for split in SPLITS}
    return [split for split, file in files.items() if file.is_file() and file.stat().st_size]


def read_jester(
    folder: Path, split: str, *, clips_folder: Path | None = None, labels: Sequence[str] | None = None
) -> ClipIndex:
    """Index of one split.

    Args:
        folder: holds the csv files.
        split: "train", "validation" or "test"; test clips have no label.
        clips_folder: holds one folder of numbered pictures a clip; looked for beside the csv files if None.
        labels: a checkpoint's label list, which the ids then count in; the published list if None.

    Raises:
        UserError: names the file and the line that is not as published, and what was expected there.
    """
    prefix = find_prefix(folder)
    if prefix is None:
        raise UserError(f"{folder} holds no label list: expected jester-v1-labels.csv")
    published = read_label_list(folder / f"{prefix}{_LABELS_SUFFIX}")
    csv = folder / f"{prefix}-{checked_split(split, SPLITS, folder)}.csv"
    labelled = split != "test"
    rows = _read_rows(csv, LabelIds(published, f"{prefix}{_LABELS_SUFFIX}"), split, labelled)
    clips = clips_folder if clips_folder is not None else _find_clips(folder, prefix, rows)
    if not clips.is_dir():
        raise UserError(f"{clips} is not a folder: expected one folder of numbered jpg files for each clip in it")
    if labels is None:
        return ClipIndex(published, [ClipRecord(clips / name, label, name) for name, label, _ in rows], split, csv)
    ids = LabelIds(labels, "the given label list")
    records = [
        ClipRecord(clips / name, ids.of(published[label], f"{csv}:{line}") if labelled else UNLABELLED, name)
        for name, label, line in rows
    ]
    return ClipIndex(list(labels), records, split, csv)


def read_label_list(path: Path) -> list[str]:
    """The labels of a `*-labels.csv`. Raises UserError where it is missing, empty or has a label twice."""
    labels: dict[str, int] = {}
    for number, label in numbered_lines(path, "one label a line"):
        if label in labels:
            raise UserError(f"{path}:{number}: the label {label!r} was on line {labels[label]} already")
        if ";" in label:
            raise UserError(f"{path}:{number}: expected one label and nothing else, found {label!r}")
        labels[label] = number
    if not labels:
        raise UserError(f"{path} is empty: expected one label a line")
    return list(labels)


def _read_rows(csv: Path, ids: LabelIds, split: str, labelled: bool) -> list[tuple[str, int, int]]:
    """(clip id, class id, line number) of each line."""
    expected = "id;label" if labelled else "id"
    rows: list[tuple[str, int, int]] = []
    lines: dict[str, int] = {}
    for number, line in numbered_lines(csv, f"the clips of the split {split!r}, one {expected!r} a line"):
        where = f"{csv}:{number}"
        fields = [field.strip() for field in line.split(";")]
        if len(fields) != (2 if labelled else 1) or not all(fields) or "," in fields[0]:
            raise UserError(f"{where}: expected {expected!r}, found {line[:80]!r}")
        name = fields[0]
        if name in lines:
            raise UserError(f"{where}: the clip {name} was on line {lines[name]} already; each clip has one line")
        lines[name] = number
        rows.append((name, ids.of(fields[1], where) if labelled else UNLABELLED, number))
    if not rows:
        raise UserError(f"{csv} is empty: expected the clips of the split {split!r}, one {expected!r} a line")
    return rows


def _find_clips(folder: Path, prefix: str, rows: list[tuple[str, int, int]]) -> Path:
    official = folder / f"20bn-{prefix}"
    for candidate in (official, folder.parent / official.name, folder / "clips"):
        if candidate.is_dir():
            return candidate
    if any((folder / name).is_dir() for name, _, _ in rows[:100]):
        return folder  # the clips' folders lie among the csv files
    raise UserError(
        f"{folder} has no clips: expected {official}/<id>/00001.jpg (Jester's archive unpacked);"
        f" clips that lie elsewhere are given as '{folder}::CLIPS_FOLDER'"
    )
