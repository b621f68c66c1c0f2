"""Reads HMDB-51 and its three splits as published.

Files of a data set, the lists in the folder itself or in `testTrainMulti_7030_splits/`::

    brush_hair_test_split1.txt (2, 3)    <name>.avi 1, with 1 for training, 2 for testing, 0 for neither
    brush_hair/<name>.avi                perhaps in a folder hmdb51_org, hmdb51 or videos

The clips for testing are the splits validation1 to validation3; train and validation mean the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.clips.index import (
    ClipIndex,
    PublishedClip,
    checked_split,
    index_of,
    numbered_lines,
    numbered_splits,
    whole_split,
)
from training.common.errors import UserError

_LIST = re.compile(r"(?P<label>.+)_test_split(?P<number>[123])\.txt")
_CODES = {"train": "1", "validation": "2"}
_EXPECTED = "'<name>.avi 1' with 1 for training, 2 for testing or 0 for neither"


def find(path: Path) -> Path | None:
    """The folder with the lists of a data set, None where there is none."""
    return next((f for f in (path, path / "testTrainMulti_7030_splits") if any(f.glob("*_test_split1.txt"))), None)


def splits_of(folder: Path) -> list[str]:
    """train1, validation1, train2, ... for the lists that there are."""
    return numbered_splits(lambda part, number: any(folder.glob(f"*_test_split{number}.txt")))


def read(
    folder: Path, split: str, *, clips_folder: Path | None = None, labels: Sequence[str] | None = None
) -> ClipIndex:
    """Index of one split; the labels are the classes that have lists, in alphabetical order.

    Raises:
        UserError: names the file and the line that is not as published, and what was expected there.
    """
    split = checked_split(whole_split(split), splits_of(folder), folder)
    names = [_LIST.fullmatch(file.name) for file in folder.glob("*_test_split?.txt")]
    published = sorted({found["label"] for found in names if found})
    root = folder.parent if folder.name == "testTrainMulti_7030_splits" else folder
    clips = clips_folder or _find_clips(root, published)
    found = [
        PublishedClip(clips / label / name, label, f"{label}/{name}", where)
        for label in published
        for where, name in _rows(folder / f"{label}_test_split{split[-1]}.txt", _CODES[split[:-1]])
    ]
    return index_of(found, published, labels, listed_in="the lists", split=split, origin=folder)


def _rows(path: Path, wanted: str) -> Iterator[tuple[str, str]]:
    """Yields (file and line, file name) of the lines with the code `wanted`."""
    for number, line in numbered_lines(path, f"one clip a line, {_EXPECTED}"):
        name, _, code = line.rpartition(" ")
        if not name.strip().endswith(".avi") or code not in ("0", "1", "2"):
            raise UserError(f"{path}:{number}: expected {_EXPECTED}, found {line[:80]!r}")
        if code == wanted:
            yield f"{path}:{number}", name.strip()


def _find_clips(root: Path, labels: Sequence[str]) -> Path:
    for candidate in (root, *(root / name for name in ("hmdb51_org", "hmdb51", "videos"))):
        if any((candidate / label).is_dir() for label in labels):
            return candidate
    raise UserError(
        f"{root} has no clips: expected {root / labels[0]}/<name>.avi (HMDB's archives unpacked); clips that lie"
        " elsewhere are given as 'ANNOTATIONS::CLIPS_FOLDER'"
    )
