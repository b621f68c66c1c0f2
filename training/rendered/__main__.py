"""Command line of the rendered gestures: `sth render --help`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from training.common.command_line import command_parser
from training.common.errors import run_cli
from training.rendered.clips import RenderedClips
from training.rendered.contact_sheet import contact_sheet
from training.rendered.jester_layout import write_jester_layout, write_picture

_EXAMPLES = """examples:
  sth render --out data/rendered --clips 540 --seed 7
      540 clips, 20 of each gesture, laid out on disk as Jester is
  sth render --out data/rendered --clips 2700 --validation 270 --test 270 --force
      2,700 clips, of which 270 to validate with and 270 to test with, in place of the data set that is there
  sth render --contact-sheet gestures.jpg
      one picture with a clip of every gesture

Clips need not be written to be trained on: the recipes render them on the fly.
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    description = "Render the 27 Jester gestures as short clips of an articulated hand."
    parser = command_parser("sth render", description, _EXAMPLES)
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help="write the clips there, in Jester's layout")
    add("--clips", type=int, default=540, metavar="N", help="clips in all (default: %(default)s)")
    add("--validation", type=int, metavar="N", help="of them, to validate with (default: a tenth)")
    add("--test", type=int, metavar="N", help="of them, to test with, unlabelled (default: a tenth)")
    add("--seed", type=int, default=0, help="another seed, other clips (default: %(default)s)")
    add("--height", type=int, default=100, help="of the pictures, pixels (default: %(default)s)")
    add("--width", type=int, default=132, help="of the pictures, pixels (default: %(default)s)")
    add("--force", action="store_true", help="replace a data set that is in DIR")
    add("--contact-sheet", type=Path, metavar="FILE", help="write a .jpg or .png with every gesture")
    options = parser.parse_args(arguments)
    if options.out is None and options.contact_sheet is None:
        parser.error("nothing to do: give --out DIR, --contact-sheet FILE, or both")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Write what the command line asks for."""
    options = parse(arguments)
    source = RenderedClips(options.clips, options.seed, height=options.height, width=options.width)
    if options.out is not None:
        tenth = options.clips // 10
        held_out = {
            "validation": tenth if options.validation is None else options.validation,
            "test": tenth if options.test is None else options.test,
        }
        splits = {"train": options.clips - sum(held_out.values()), **held_out}
        began = time.perf_counter()
        write_jester_layout(source, options.out, splits, force=options.force)
        wanted = ", ".join(f"{count} {name}" for name, count in splits.items())
        print(f"wrote {options.clips} clips ({wanted}) to {options.out} in {time.perf_counter() - began:.0f} s")
    if options.contact_sheet is not None:
        write_picture(options.contact_sheet, contact_sheet(source))
        print(f"wrote {options.contact_sheet}")
    return 0


if __name__ == "__main__":
    run_cli(main)
