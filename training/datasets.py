"""Check a published data set before a long run: ``sth data check NAME PATH``.

Counts the clips by label and compares with what was published, finds missing and broken files, and draws a contact
sheet. The exit status is 1 if a clip cannot be used.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from training.clips.sheet import contact_sheet, one_clip_per_label
from training.clips.source import ClipSource
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import write_json
from training.formats import open_clips
from training.formats.check import SplitCheck, check_clips, warnings_of
from training.formats.opening import parse_data, recognise, splits_of
from training.formats.report import as_json, print_checks
from training.rendered import write_picture

EXAMPLES = """examples:
  sth data check something_v1 ~/something
  sth data check kinetics400 ~/annotations::/disk/kinetics --decode 500
  sth data check ucf101 ~/ucf#2 --sheet ucf.jpg --json ucf.json
"""


@dataclasses.dataclass(frozen=True)
class Published:
    """A data set as its owners describe it.

    Attributes:
        form: key of ``training.formats.opening.FORMATS``.
        classes: length of the label list; 0 if it is the user's own.
        clips: by split, where the number is fixed.
    """

    form: str
    classes: int
    clips: Mapping[str, int] = dataclasses.field(default_factory=dict)


_HMDB = {f"{part}{number}": count for number in (1, 2, 3) for part, count in (("train", 3570), ("validation", 1530))}
DATASETS = {
    "jester": Published("jester", 27, {"train": 118562, "validation": 14787, "test": 14743}),
    "something_v1": Published("jester", 174, {"train": 86017, "validation": 11522, "test": 10960}),
    "something_v2": Published("something_v2", 174, {"train": 168913, "validation": 24777, "test": 27157}),
    "kinetics400": Published("kinetics400", 400),  # the lists shrank from release to release
    "ucf101": Published("ucf101", 101, {"train1": 9537, "validation1": 3783, "train2": 9586, "validation2": 3734,
                                        "train3": 9624, "validation3": 3696}),
    "hmdb51": Published("hmdb51", 51, _HMDB),
    "videos": Published("videos", 0),
}  # fmt: skip


def check(
    name: str, data: str, *, segments: int, decode: int | None
) -> tuple[dict[str, SplitCheck], list[str], ClipSource]:
    """What each split holds, notes for people, and the first split's clips.

    Args:
        data: ``FOLDER``, ``FOLDER#2`` or ``FOLDER::CLIPS``.
        decode: clips of each split that are decoded, evenly spread; None decodes all. Files are looked for in any case.

    Raises:
        UserError: bad annotations (with file and line), or another data set than ``name``.
    """
    published = DATASETS[name]
    path, number, clips = parse_data(data)
    _expect(name, path)
    splits = [split for split in splits_of(path) if split.endswith(number)]
    if not splits:
        raise UserError(f"{data} has no split to check")
    # bad lines show before the first clip is decoded
    sources = {split: open_clips(path, split, clips_folder=clips) for split in splits}
    checks = {split: check_clips(source, segments, title=split, decode=decode) for split, source in sources.items()}
    first = sources[splits[0]]
    notes = warnings_of(first.labels, checks)
    if published.classes not in (0, len(first.labels)):
        notes.append(f"{name} was published with {published.classes} classes; here are {len(first.labels)}")
    for split, found in checks.items():
        if found.clips != published.clips.get(split, found.clips):
            notes.append(f"{split} was published with {published.clips[split]} clips; here are {found.clips}")
    return checks, notes, first


def _expect(name: str, path: Path) -> None:
    kind, found = recognise(path)
    if kind == "jester" and name in ("jester", "something_v1"):  # one format, told apart by the names of its files
        kind, wanted = ("something_v1" if found.name.startswith("something") else "jester"), name
    else:
        wanted = DATASETS[name].form
    if kind != wanted:
        raise UserError(f"{path} holds {kind}, not {name}; give its own name, or the folder of {name}")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth data", __doc__, EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="count clips, find missing and broken files, draw a contact sheet")
    checking.add_argument(
        "name", choices=sorted(DATASETS), metavar="NAME", help=f"one of {', '.join(sorted(DATASETS))}"
    )
    checking.add_argument("data", metavar="PATH", help="FOLDER, FOLDER#2 for a split of three, FOLDER::CLIPS")
    checking.add_argument("--segments", type=int, default=8, metavar="T", help="frames that a clip needs (default: 8)")
    checking.add_argument("--decode", type=int, metavar="N", help="decode N clips of each split only (default: all)")
    checking.add_argument("--sheet", type=Path, metavar="FILE", help="contact sheet, .jpg or .png"
                          " (default: build/datasets/NAME.jpg)")  # fmt: skip
    checking.add_argument("--json", type=Path, metavar="FILE", help="write the findings there too")
    return parser.parse_args(arguments)


def main() -> int:
    arguments = parse(sys.argv[1:])
    for name, value, least in (("segments", arguments.segments, 1), ("decode", arguments.decode, 0)):
        if value is not None and value < least:
            raise UserError(f"--{name} is {value}; expected at least {least}")
    checks, notes, source = check(arguments.name, arguments.data, segments=arguments.segments, decode=arguments.decode)
    console = Console()
    bad = print_checks(console, source.labels, checks, notes)
    target = arguments.sheet or Path("build/datasets") / f"{arguments.name}.jpg"
    write_picture(target, contact_sheet(source, one_clip_per_label(source, 30)))
    console.print(f"wrote {target}")
    if arguments.json:
        write_json(arguments.json, as_json(source.labels, checks, notes))
    return 1 if bad else 0


if __name__ == "__main__":
    run_cli(main)
