"""Reads UCF-101 and its three splits as published.

Files of a data set, the lists in the folder itself or in `ucfTrainTestlist/`::

    classInd.txt                 1 ApplyEyeMakeup
    trainlist01.txt (02, 03)     ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1
    testlist01.txt (02, 03)      ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi
    UCF-101/<class>/<name>.avi

The test lists are the splits validation1 to validation3; train and validation mean the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.clips.index import (
    ClipIndex,
    PublishedClip,
    checked_split,
    first_folder,
    index_of,
    numbered_lines,
    numbered_splits,
    whole_split,
)
from training.common.errors import UserError

_FILES = {"train": "trainlist0{}.txt", "validation": "testlist0{}.txt"}
_GROUP = re.compile(r"_g(\d+)_c\d+$")


def find(path: Path) -> Path | None:
    """The folder with the lists of a data set, None where there is none."""
    return next((f for f in (path, path / "ucfTrainTestlist") if (f / "classInd.txt").is_file()), None)


def splits_of(folder: Path) -> list[str]:
    """train1, validation1, train2, ... for the lists that there are."""
    return numbered_splits(lambda part, number: (folder / _FILES[part].format(number)).is_file())


def read(
    folder: Path, split: str, *, clips_folder: Path | None = None, labels: Sequence[str] | None = None
) -> ClipIndex:
    """Index of one split. Clips of one group of a class show the same person (`ClipRecord.subject`).

    Raises:
        UserError: names the file and the line that is not as published, and what was expected there.
    """
    split = checked_split(whole_split(split), splits_of(folder), folder)
    published = _read_classes(folder / "classInd.txt")
    file = folder / _FILES[split[:-1]].format(split[-1])
    root = folder.parent if folder.name == "ucfTrainTestlist" else folder
    clips = clips_folder or first_folder(
        [root / "UCF-101", root.parent / "UCF-101", root / "videos"], "<class>/<name>.avi"
    )
    rows = list(_rows(file, published, labelled=split.startswith("train")))
    found = []
    for where, label, name in rows:
        group = _GROUP.search(name)
        subject = f"{label} {group[1]}" if group else ""
        found.append(PublishedClip(clips / label / f"{name}.avi", label, name, where, subject))
    return index_of(found, published, labels, listed_in="classInd.txt", split=split, origin=file)


def _read_classes(path: Path) -> list[str]:
    classes: list[str] = []
    for number, line in numbered_lines(path, "one class a line, '1 ApplyEyeMakeup'"):
        fields = line.split()
        if len(fields) != 2 or fields[0] != str(len(classes) + 1) or fields[1] in classes:
            expected = f"'{len(classes) + 1} Class' with a new class"
            raise UserError(f"{path}:{number}: expected {expected}, found {line[:80]!r}")
        classes.append(fields[1])
    return classes


def _rows(path: Path, classes: list[str], *, labelled: bool) -> Iterator[tuple[str, str, str]]:
    """Yields (file and line, class, clip name) of each line."""
    expected = "'Class/v_Class_g01_c01.avi" + (" 1'" if labelled else "'")
    for number, line in numbered_lines(path, f"one clip a line, {expected}"):
        where = f"{path}:{number}"
        fields = line.split()
        label, slash, name = fields[0].partition("/")
        if len(fields) != (2 if labelled else 1) or not slash or not name.endswith(".avi") or "/" in name:
            raise UserError(f"{where}: expected {expected}, found {line[:80]!r}")
        if labelled and label in classes and fields[1] != str(classes.index(label) + 1):
            raise UserError(
                f"{where}: {label} is class {classes.index(label) + 1} of classInd.txt, found {fields[1]!r}"
            )
        yield where, label, name.removesuffix(".avi")
