"""Reads the Jester format exactly as 20BN published it (Something-Something v1 has the same).

Files of a data set, without the prefix ``jester-v1-`` in the present release, in the folder itself or in ``labels/``::

    jester-v1-labels.csv        one label a line; the line's place is the class id
    jester-v1-train.csv         id;label
    jester-v1-validation.csv    id;label
    jester-v1-test.csv          id
    test-answers.csv            id;label, in the present release: then the test clips have labels
    20bn-jester-v1/<id>/        00001.jpg, 00002.jpg, ...
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.clips.index import SPLITS, ClipIndex, ClipRecord, LabelIds, checked_split, numbered_lines
from training.clips.source import UNLABELLED
from training.common.errors import UserError

_LABELS, _ANSWERS = "labels.csv", "test-answers.csv"


def find(path: Path) -> Path | None:
    """The label list of a data set, None where there is none. A plain `labels.csv` is one if a split's csv is there."""
    for folder in (path, path / "labels"):
        lists = sorted(folder.glob(f"*-{_LABELS}")) if folder.is_dir() else []
        plain = folder / _LABELS
        if plain.is_file() and any(_file_of(plain, split).is_file() for split in SPLITS):
            lists.append(plain)
        if len(lists) > 1:
            names = ", ".join(file.name for file in lists)
            raise UserError(f"{folder} holds {len(lists)} label lists ({names}): keep one data set a folder")
        if lists:
            return lists[0]
    return None


def splits_of(labels_file: Path) -> list[str]:
    """The splits that have a csv beside the label list with something in it."""
    files = {split: _file_of(labels_file, split) for split in SPLITS}
    return [split for split, file in files.items() if file.is_file() and file.stat().st_size]


def _file_of(labels_file: Path, split: str) -> Path:
    """The csv of a split; of the test clips the one that has their labels too, where there is one."""
    prefix = labels_file.name.removesuffix(_LABELS)
    answers = labels_file.with_name(f"{prefix}{_ANSWERS}")
    return answers if split == "test" and answers.is_file() else labels_file.with_name(f"{prefix}{split}.csv")


def read_jester(
    labels_file: Path, split: str, *, clips_folder: Path | None = None, labels: Sequence[str] | None = None
) -> ClipIndex:
    """Index of one split.

    Args:
        labels_file: the label list; the other csv files lie beside it.
        split: "train", "validation" or "test"; test clips have no label where their answers were not published.
        clips_folder: holds one folder of numbered pictures a clip; looked for beside the csv files if None.
        labels: a checkpoint's label list, which the ids then count in; the published list if None.

    Raises:
        UserError: names the file and the line that is not as published, and what was expected there.
    """
    published = read_label_list(labels_file)
    csv = _file_of(labels_file, checked_split(split, SPLITS, labels_file.parent))
    labelled = split != "test" or csv.name.endswith(_ANSWERS)
    rows = _read_rows(csv, LabelIds(published, labels_file.name), split, labelled)
    clips = clips_folder if clips_folder is not None else _find_clips(labels_file, rows)
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


def _find_clips(labels_file: Path, rows: list[tuple[str, int, int]]) -> Path:
    folder = labels_file.parent.parent if labels_file.parent.name == "labels" else labels_file.parent
    official = folder / f"20bn-{labels_file.name.removesuffix(_LABELS).removesuffix('-') or 'jester-v1'}"
    for candidate in (official, folder.parent / official.name, folder / "clips"):
        if candidate.is_dir():
            return candidate
    if any((folder / name).is_dir() for name, _, _ in rows[:100]):
        return folder  # the clips' folders lie among the csv files
    raise UserError(
        f"{folder} has no clips: expected {official}/<id>/00001.jpg (Jester's archive unpacked);"
        f" clips that lie elsewhere are given as '{folder}::CLIPS_FOLDER'"
    )
