"""The clip index: which clips a split holds, where they lie and what they show."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.clips.source import UNLABELLED
from training.common.errors import UserError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class ClipRecord:
    """One clip: a video file or a folder of numbered pictures."""

    path: Path
    label: int
    """Class id, `source.UNLABELLED` where the label was never published."""
    name: str
    """The clip's id in its data set, for messages to people."""
    subject: str = ""
    """Who was recorded, where the data set says so: people must not be in two splits."""


@dataclass(frozen=True)
class ClipIndex:
    """The clips of one split of one data set, with the label list that its ids count in."""

    labels: list[str]
    records: list[ClipRecord]
    split: str
    origin: Path
    """The file that lists the clips."""

    def __len__(self) -> int:
        return len(self.records)


class LabelIds:
    """Class ids of label names, with messages that help where a name is unknown."""

    def __init__(self, labels: Sequence[str], origin: str) -> None:
        self.labels = list(labels)
        self._ids = {label: position for position, label in enumerate(self.labels)}
        self._origin = origin

    def of(self, label: str, where: str) -> int:
        """Id of `label`. Raises UserError with `where` (file and line) for a label that is not listed."""
        if label in self._ids:
            return self._ids[label]
        close = difflib.get_close_matches(label, self.labels, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise UserError(f"{where}: the label {label!r} is not one of the {len(self.labels)} of {self._origin}{hint}")


@dataclass(frozen=True)
class PublishedClip:
    """One clip as an annotation file has it; `label` is None where none was published, `where` is file and line."""

    path: Path
    label: str | None
    name: str
    where: str
    subject: str = ""


def index_of(
    clips: Sequence[PublishedClip],
    published: Sequence[str],
    labels: Sequence[str] | None,
    *,
    listed_in: str,
    split: str,
    origin: Path,
) -> ClipIndex:
    """The index of published clips.

    Args:
        published: the data set's label list, which `listed_in` names.
        labels: a checkpoint's label list, which the ids then count in; the published one if None.

    Raises:
        UserError: no clips, a clip that comes twice, or a label that is not listed; with file and line.
    """
    if not clips:
        raise UserError(f"{origin} lists no clips of the split {split!r}")
    ids = LabelIds(published, listed_in)
    given = LabelIds(labels, "the given label list") if labels is not None else ids
    records: list[ClipRecord] = []
    seen: dict[str, str] = {}
    for clip in clips:
        if clip.name in seen:
            raise UserError(f"{clip.where}: the clip {clip.name} was in {seen[clip.name]} already")
        seen[clip.name] = clip.where
        label = UNLABELLED
        if clip.label is not None:
            ids.of(clip.label, clip.where)
            label = given.of(clip.label, clip.where)
        records.append(ClipRecord(clip.path, label, clip.name, clip.subject))
    return ClipIndex(given.labels, records, split, origin)


def first_folder(candidates: Sequence[Path], expected: str) -> Path:
    """The first that is a folder. Raises UserError that says what was expected."""
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise UserError(
        f"{candidates[0]} is not a folder: expected {expected} in it; clips that lie elsewhere are given as"
        " 'ANNOTATIONS::CLIPS_FOLDER'"
    )


def read_text(path: Path, holds: str) -> str:
    """The text of a UTF-8 file, with or without a byte order mark. Raises UserError; see `numbered_lines`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} is missing: it should hold {holds}") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder: expected a text file with {holds}") from None
    except PermissionError:
        raise UserError(f"{path} cannot be read: no permission; it should hold {holds}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path}:{line}: not UTF-8 text; expected {holds}") from None


def numbered_lines(path: Path, holds: str) -> Iterator[tuple[int, str]]:
    """Yields (line number from 1, stripped line) of the text file, blank lines left out.

    Args:
        path: a UTF-8 text file, with or without a byte order mark.
        holds: what the file holds, for the message when it is missing ("the clips of the split 'train'").
    """
    text = read_text(path, holds)
    for number, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            yield number, content.strip()


def checked_split(split: str, known: Sequence[str], origin: Path) -> str:
    """Returns `split`, or raises UserError that lists the splits there are."""
    if split in known:
        return split
    raise UserError(f"{origin} has no split {split!r}; it has {', '.join(known) or 'none'}")


def numbered_splits(exists: Callable[[str, int], bool]) -> list[str]:
    """Of train1, validation1, train2, ... validation3 those that are there (data sets with three splits)."""
    return [f"{part}{number}" for number in (1, 2, 3) for part in ("train", "validation") if exists(part, number)]


def whole_split(split: str) -> str:
    """The split with its number: the first where none is given."""
    return split if split[-1:].isdecimal() else f"{split}1"
