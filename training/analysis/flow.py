"""Compute the optical flow of a data set before training: ``sth flow DATA --cache DIR``.

Training computes what the cache lacks, in its worker processes; a cache that is whole keeps the GPU busy.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
from rich.console import Console
from tqdm import tqdm

from training.clips import as_modality
from training.clips.flow import FlowClips
from training.clips.source import ClipError
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import write_json
from training.formats import DATA_HELP, open_data

EXAMPLES = """examples:
  sth flow ~/something --cache flow/something --workers 16
  sth flow ~/ucf#1 --split train validation --cache flow/ucf
  sth train something_sth --set modality=flow flow_cache=flow/something train_data=... weights=imagenet
"""


def prepare(
    data: str, split: str, cache: Path, *, frame_size: Sequence[int], workers: int = 0
) -> tuple[int, int, dict[str, str]]:
    """Fill the cache with one split: how many clips were computed and how many there are; reason by name of bad ones.

    Raises:
        UserError: bad data, or a cache that cannot be written.
    """
    source = as_modality(open_data(data, split), "flow", frame_size=frame_size, flow_cache=cache)
    assert isinstance(source, FlowClips)
    one = functools.partial(_prepare, source)
    computed, bad = 0, {}
    with multiprocessing.get_context("fork").Pool(workers) if workers else _Here() as pool:
        bar = tqdm(pool.imap_unordered(one, range(len(source))), total=len(source), desc=split, unit="clip")
        for found in bar:
            if isinstance(found, ClipError):
                bad[found.name] = found.reason
            elif isinstance(found, str):
                raise UserError(found)
            else:
                computed += found
    return computed, len(source), bad


class _Here:
    """A pool of no process but this one."""

    imap_unordered = staticmethod(map)

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _prepare(source: FlowClips, index: int) -> bool | ClipError | str:
    """Whether the flow of a clip was computed now, what is wrong with the clip, or what ends the work."""
    cv2.setNumThreads(0)
    try:
        return source.prepare(index)
    except ClipError as error:
        return error
    except UserError as error:
        return str(error)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth flow", __doc__, EXAMPLES)
    parser.add_argument("data", help=DATA_HELP)
    parser.add_argument("--split", nargs="+", default=["train", "validation"], help="default: train and validation")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR", help="one for each data set")
    parser.add_argument("--frame-size", type=int, nargs="*", default=[256, 340], metavar="PIXELS",
                        help="height and width as in the recipe, none leaves frames (default: 256 340)")  # fmt: skip
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: this one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings there too")
    return parser.parse_args(arguments)


def main() -> int:
    arguments = parse(sys.argv[1:])
    if arguments.workers < 0:
        raise UserError(f"--workers is {arguments.workers}; expected at least 0")
    if len(arguments.frame_size) not in (0, 2) or min(arguments.frame_size, default=1) < 1:
        raise UserError(f"--frame-size is {arguments.frame_size}; expected a height and a width, or none")
    console, report, broken = Console(), {}, 0
    for split in arguments.split:
        computed, clips, bad = prepare(
            arguments.data, split, arguments.cache, frame_size=arguments.frame_size, workers=arguments.workers
        )
        console.print(f"{split}: {clips} clips, {computed} computed now, {len(bad)} cannot be used")
        for name, reason in list(bad.items())[:20]:
            console.print(f"  {name}: {reason}", soft_wrap=True, highlight=False)
        report[split] = {"clips": clips, "computed": computed, "problems": bad}
        broken += len(bad)
    if arguments.json:
        write_json(arguments.json, {"kind": "flow", "data": arguments.data, "splits": report})
    return 1 if broken else 0


if __name__ == "__main__":
    run_cli(main)
