"""Looks through a data set before training does: what it holds, and which clips cannot be used and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tqdm import tqdm

from training.clips.files import FileClips
from training.clips.sampling import centre_segment_frames, check_length
from training.clips.source import UNLABELLED, ClipError, ClipSource


@dataclass
class SplitCheck:
    """What one split holds.

    Attributes:
        per_label: clips by class id, broken ones included.
        frame_counts: frames of each clip that can be decoded.
        problems: reason by name of each clip that cannot be used.
        subjects: the people recorded, where the data says so.
    """

    clips: int
    per_label: Counter[int] = field(default_factory=Counter)
    frame_counts: list[int] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    subjects: set[str] = field(default_factory=set)


def check_clips(
    source: ClipSource, segments: int, *, title: str, progress: bool = True, decode: int | None = None
) -> SplitCheck:
    """Reads of every clip the frames that evaluation reads, and of a folder all pictures: training draws any of them.

    Args:
        segments: T, frames of one clip.
        title: stands before the progress bar.
        decode: how many clips, evenly spread, are read (None: all); of the others only the files are looked for.
    """
    count = len(source)
    chosen = None if decode is None else {place * count // min(decode, count) for place in range(min(decode, count))}
    check = SplitCheck(count)
    if isinstance(source, FileClips):
        check.subjects = {record.subject for record in source.index.records if record.subject}
    for index in tqdm(range(count), desc=title, unit="clip", disable=not progress):
        check.per_label[source.label_of(index)] += 1
        if chosen is not None and index not in chosen:
            if isinstance(source, FileClips) and not source.index.records[index].path.exists():
                record = source.index.records[index]
                check.problems[record.name] = f"missing: there is no {record.path}"
            continue
        try:
            frames = source.frame_count(index)
            check.frame_counts.append(frames)
            check_length(source.name_of(index), frames, segments)
            source.frames(index, centre_segment_frames(frames, segments)[0].tolist())
            _look_at_pictures(source, index)
        except ClipError as error:
            check.problems[error.name] = error.reason
    return check


def _look_at_pictures(source: ClipSource, index: int) -> None:
    """Decode each picture of a clip that is a folder. Raises ClipError."""
    if not isinstance(source, FileClips) or not source.index.records[index].path.is_dir():
        return
    if len({picture.shape for picture in source.iterate_frames(index)}) > 1:
        raise ClipError(source.name_of(index), "broken: its pictures have different sizes")


def warnings_of(labels: list[str], checks: Mapping[str, SplitCheck]) -> list[str]:
    """What is no error but makes results wrong: people in two splits, classes that training never sees."""
    found = []
    splits = list(checks)
    for position, first in enumerate(splits):
        for second in splits[position + 1 :]:
            if first[-1:].isdecimal() and first[-1:] != second[-1:]:
                continue  # of another of three splits, which hold the same clips
            shared = sorted(checks[first].subjects & checks[second].subjects)
            if shared:
                found.append(f"{first} and {second} show the same people: {', '.join(shared)}")
    for split, check in checks.items():
        lacking = [label for position, label in enumerate(labels) if not check.per_label[position]]
        if lacking and not check.per_label[UNLABELLED]:
            found.append(f"{split} has no clip of {', '.join(lacking)}")
    return found
