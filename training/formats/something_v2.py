"""Reads Something-Something V2 exactly as published (V1 has the format of Jester, see `jester`).

Files of a data set, with the prefix `something-something-v2-` of the first release or without, in the folder itself
or in `labels/`::

    labels.json        {"Holding something next to something": "45", ...}, the class ids
    train.json         [{"id": "78687", "template": "Holding [something] next to [something]", ...}, ...]
    validation.json    the same
    test.json          [{"id": "1420"}, ...]
    test-answers.csv   id;label, in the present release: then the test clips have labels
    20bn-something-something-v2/<id>.webm
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from training.clips.index import (
    SPLITS,
    ClipIndex,
    PublishedClip,
    checked_split,
    first_folder,
    index_of,
    numbered_lines,
    read_text,
)
from training.common.errors import UserError

_CLIPS = "20bn-something-something-v2"
_LABELS, _ANSWERS = "labels.json", "test-answers.csv"
_SPACE = re.compile(r"\s*")
_Row = tuple[str, str, str | None]  # file and line, clip id, label


def find(path: Path) -> Path | None:
    """The `*labels.json` of a data set, None where there is none."""
    for folder in (path, path / "labels"):
        found = sorted(folder.glob(f"*{_LABELS}"))
        if len(found) > 1:
            raise UserError(f"{folder} holds {len(found)} label lists: keep one data set a folder")
        if found:
            return found[0]
    return None


def splits_of(labels_file: Path) -> list[str]:
    """The splits that have a file with something in it."""
    files = {split: _file_of(labels_file, split) for split in SPLITS}
    return [split for split, file in files.items() if file.is_file() and file.stat().st_size]


def read(
    labels_file: Path, split: str, *, clips_folder: Path | None = None, labels: Sequence[str] | None = None
) -> ClipIndex:
    """Index of one split; test clips have no label where their answers were not published.

    Raises:
        UserError: names the file and the line that is not as published, and what was expected there.
    """
    published = read_label_list(labels_file)
    file = _file_of(labels_file, checked_split(split, SPLITS, labels_file.parent))
    rows = list(_entries(file, split))
    if split == "test":
        rows = _answered(rows, labels_file)
    root = labels_file.parent.parent if labels_file.parent.name == "labels" else labels_file.parent
    clips = clips_folder or first_folder(
        [root / _CLIPS, root.parent / _CLIPS, root / "videos", root / "clips"], "<id>.webm"
    )
    suffix = "" if any((clips / name).is_dir() for _, name, _ in rows[:100]) else ".webm"  # or folders of pictures
    found = [PublishedClip(clips / f"{name}{suffix}", label, name, where) for where, name, label in rows]
    return index_of(found, published, labels, listed_in=labels_file.name, split=split, origin=file)


def read_label_list(path: Path) -> list[str]:
    """The labels of a `labels.json` in the order of their ids."""
    expected = 'an object {"label": "0", ...} with the ids 0, 1, 2, ...'
    text = read_text(path, expected)
    try:
        ids = json.loads(text)
    except ValueError as error:
        raise UserError(f"{path}:{getattr(error, 'lineno', 1)}: not valid JSON; expected {expected}") from None
    if not isinstance(ids, dict) or not ids:
        raise UserError(f"{path}:1: expected {expected}")
    by_id: dict[int, str] = {}
    for label, value in ids.items():
        number = int(value) if isinstance(value, str) and value.isdecimal() else -1
        if number in by_id or not 0 <= number < len(ids):
            line = text[: text.find(json.dumps(label, ensure_ascii=False))].count("\n") + 1
            raise UserError(f"{path}:{line}: {label!r} has the id {value!r}; expected {expected}, each id once")
        by_id[number] = label
    return [by_id[number] for number in range(len(ids))]


def _file_of(labels_file: Path, split: str) -> Path:
    return labels_file.with_name(f"{labels_file.name.removesuffix(_LABELS)}{split}.json")


def _answered(rows: Sequence[_Row], labels_file: Path) -> list[_Row]:
    """The test clips with the labels of the answers, where those were published."""
    answers = labels_file.with_name(f"{labels_file.name.removesuffix(_LABELS)}{_ANSWERS}")
    if not answers.is_file():
        return list(rows)
    found: dict[str, _Row] = {}
    for number, line in numbered_lines(answers, "one 'id;label' a line"):
        name, _, label = line.partition(";")
        if not name or not label or name in found:
            raise UserError(f"{answers}:{number}: expected 'id;label', each id once, found {line[:80]!r}")
        found[name] = (f"{answers}:{number}", name, label)
    for where, name, _ in rows:
        if name not in found:
            raise UserError(f"{where}: the clip {name} has no line in {answers}")
    return [found[name] for _, name, _ in rows]


def _entries(path: Path, split: str) -> Iterator[_Row]:
    wanted = ("id",) if split == "test" else ("id", "template")
    expected = f"an object with {' and '.join(wanted)}"
    for line, entry in _numbered_values(path, f"a list of clips, each {expected}"):
        values = [entry.get(key) for key in wanted] if isinstance(entry, dict) else []
        if not values or not all(isinstance(value, str) and value for value in values):
            raise UserError(f"{path}:{line}: expected {expected}, found {json.dumps(entry)[:80]}")
        label = None if split == "test" else str(values[1]).replace("[", "").replace("]", "")
        yield f"{path}:{line}", str(values[0]), label


def _numbered_values(path: Path, holds: str) -> Iterator[tuple[int, Any]]:
    """Yields (line number where it begins, value) of each value of a JSON list."""
    text, decoder = read_text(path, holds), json.JSONDecoder()
    position, line = _after_space(text, 0), 1
    if text[position : position + 1] != "[":
        raise UserError(f"{path}:{text[:position].count(chr(10)) + 1}: expected {holds}")
    counted, position = 0, _after_space(text, position + 1)
    more = text[position : position + 1] != "]"
    while more:
        line, counted = line + text.count("\n", counted, position), position
        try:
            value, end = decoder.raw_decode(text, position)
        except ValueError as error:
            raise UserError(f"{path}:{getattr(error, 'lineno', line)}: not valid JSON; expected {holds}") from None
        yield line, value
        position = _after_space(text, end)
        more = text[position : position + 1] == ","
        position = _after_space(text, position + 1) if more else position
    if text[position:].rstrip() != "]":
        line = text.count("\n", 0, position) + 1
        raise UserError(f"{path}:{line}: not valid JSON (a comma or the closing bracket is missing); expected {holds}")


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
