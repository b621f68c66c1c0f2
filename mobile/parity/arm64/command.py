"""Compares int8 artefacts on this machine and on emulated arm64: ``sth arm64 ARTEFACT ...``.

A row for each artefact and CPU, for ``sth parity --arm64 FILE``. Rows that FILE holds already are kept
where artefact, input, CPU and runtimes are the same, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from mobile.bundle import SHIPPED, open_bundle
from mobile.latency.timing import describe_host
from mobile.parity.arm64.compare import Side, on_arm64, row_from
from mobile.parity.arm64.rows import row_of
from mobile.parity.sides import check_artefact, read_clips
from mobile.runtimes import ArtefactRunner
from mobile.runtimes.arm64 import emulator, setup
from mobile.schemas import Arm64, Arm64Row, load_result
from mobile.schemas.row import FAILED
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.engine.provenance import code_version, write_result
from training.formats import DATA_HELP, with_seed

Key = tuple[str, str, str, str]
"""sha256 of artefact and input, CPU and runtime: what a row is of."""

SOURCES = ("training/rendered", "mobile/runtimes/arm64", "mobile/parity/arm64")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth arm64-setup
  sth arm64 build/artefacts/*_96_int8.tflite build/artefacts/*_96_int8.pte --json arm64.json
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth arm64", __doc__, EXAMPLES)
    parser.add_argument("artefacts", nargs="+", type=Path, metavar="ARTEFACT", help="int8 .tflite or .pte")
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED, help="what the artefacts were made of")
    parser.add_argument("--clips", default="rendered:108", metavar="DATA", help=DATA_HELP + "; default rendered:108")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N clips only")
    parser.add_argument("--seed", type=int, default=77, help="seed of rendered clips without one")
    parser.add_argument("--cpu", nargs="+", default=list(emulator.CPUS), metavar="NAME", help="models that qemu knows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here, each as soon as it is there")
    return parser.parse_args(arguments)


def main() -> int:
    arguments = parse(sys.argv[1:])
    setup.require()
    runners = [ArtefactRunner(path) for path in arguments.artefacts]
    bundle = open_bundle(arguments.checkpoint, size=runners[0].contract.frames.size)
    for runner in runners:
        check_artefact(runner, bundle)
    data = with_seed(arguments.clips, arguments.seed)
    clips = read_clips(data, arguments.split, bundle.spec, bundle.labels, arguments.limit)
    about = Arm64(
        code_version=code_version(), checkpoint=Path(bundle.source).name, data=data, emulator=emulator.version(),
        host=describe_host(), rows=(),
    )  # fmt: skip
    measured, rows = _measured(arguments.json), list[Arm64Row]()

    def keep(row: Arm64Row) -> None:
        rows.append(row)
        if arguments.json:  # older rows stay until they are reached: this run may be stopped too
            later = tuple(old for key, old in measured.items() if key not in map(_key, rows))
            _write(arguments.json, dataclasses.replace(about, rows=(*rows, *later)))

    for path in arguments.artefacts:
        side = Side(path, clips)
        for row in _rows(side, arguments.cpu, measured, bundle.network("int8").classifier.out.scale):
            keep(row)
    rows.sort(key=lambda row: ([path.name for path in arguments.artefacts].index(row.artefact), row.cpu))
    if arguments.json:
        _write(arguments.json, dataclasses.replace(about, rows=tuple(rows)))
    _show(rows, about, Console())
    failed = [found.name for found in (row_of(entry, data) for entry in rows) if found.status == FAILED]
    if failed:
        print(f"failed: {'; '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _rows(side: Side, cpus: list[str], measured: dict[Key, Arm64Row], step: float) -> Iterator[Arm64Row]:
    """The rows of one artefact: those measured before, then the others, computed side by side, as they end."""
    missing = []
    for cpu in cpus:
        old = measured.get((side.sha256, side.frames_sha256, cpu, side.runtime))
        if old is None:
            missing.append(cpu)
        else:
            yield old
    total = len(missing) * len(side.clips) * side.steps
    with tqdm(total=total, desc=f"{side.path.name} on arm64") as bar, ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {pool.submit(on_arm64, side, cpu, bar.update): cpu for cpu in missing}
        for run in as_completed(runs):
            yield row_from(side, runs[run], step, *run.result())


def _key(row: Arm64Row) -> Key:
    return row.sha256, row.frames_sha256, row.cpu, row.x86_runtime


def _write(file: Path, result: Arm64) -> None:
    write_result(file, {"kind": "arm64", **dataclasses.asdict(result)}, sources=SOURCES)


def _measured(file: Path | None) -> dict[Key, Arm64Row]:
    """Rows of a run before, by what they are of."""
    if file is None or not file.is_file():
        return {}
    found: Any = load_result(file)
    if not isinstance(found, Arm64):
        raise UserError(f"{file} holds another kind of result; give another --json")
    return {_key(row): row for row in found.rows}


def _show(rows: list[Arm64Row], about: Arm64, console: Console) -> None:
    table = Table("artefact", "CPU", "status", "", title=f"this machine = arm64 on {about.emulator}, {about.data}")
    for entry in rows:
        found = row_of(entry, about.data)
        table.add_row(entry.artefact, entry.cpu, found.status, found.note)
    console.print(table)


if __name__ == "__main__":
    run_cli(main)
