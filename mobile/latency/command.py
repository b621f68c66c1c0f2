"""Latency of artefacts on a device: ``sth latency [--device D] [--against tsn tsm] [ARTEFACT ...]``.

Without an artefact, STH-MobileNetV2 at 8 x 224 x 224 is built with random weights (time does not depend on them) for
LiteRT and ExecuTorch.

host: in this process, in interleaved rounds. android: over adb, by the benchmark mode of the app, or where it is not
installed by a bare runner in /data/local/tmp. ios: over Apple's devicectl, by the benchmark mode of the app with models
that were built into it; needs a Mac. all: the three of them, each into a file of its own; what is not there is not run.
An emulated device gives no time: `sth arm64` compares its logits.

On a phone the file of --json (usually build/latency/ID.json) is written after each row. Whatever breaks a run off, the
same command goes on with what is missing. A hot phone is waited for; a row whose thermal state changed says so.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mobile.deploy.exported import MODES
from mobile.interface.contract import load_contract
from mobile.latency import host as latency_host
from mobile.latency.devices import lab
from mobile.latency.devices.device import DeviceError
from mobile.latency.devices.host import HostDevice
from mobile.latency.devices.plan import Plan
from mobile.latency.rivals import CLIP, EXPORT_SOURCES, RIVALS, Field, build_usual, field_of
from mobile.latency.table import box_plot, missed_limits, note_on_int8, show
from mobile.schemas.latency import Latency, LatencyRow
from training.common.command_line import command_parser
from training.common.errors import UserError
from training.common.pictures import check_picture
from training.engine.provenance import code_version, write_result

EXAMPLES = """examples:
  sth latency --against tsn tsm                 the table of the README
  sth latency --mode stream --against tsn clip  one streamed frame against one frame, and against the clip
  sth latency --against tsn build/artefacts/*.tflite build/artefacts/*.pte --json latency.json
  sth latency --device android --against tsn --json mobile/results/devices/pixel_7.json
  sth latency --device ios --serial 00008110-000A build/artefacts/*_stream_*.mlpackage
  sth latency --device all build/artefacts/*_stream_* --json latency.json    latency_host.json, ...
"""
HOST = "host"
DEVICES = {
    HOST: ("litert", "executorch", "coreml"),
    "android": ("litert", "executorch"),
    "ios": ("coreml", "executorch"),
}
"""What runs where."""
ALL = "all"
EMULATED = "arm64"
BUILD = Path("build/latency")


def measure_host(artefacts: Sequence[Path], *, against: Sequence[str], plan: Plan, folder: Path) -> Latency:
    """Artefacts and their rivals on this computer.

    Raises:
        UserError: an artefact that does not load, or one whose runtime cannot be timed here.
    """
    field = field_of(artefacts, against, folder)
    rows = latency_host.measure(field, plan)
    device = HostDevice().describe()
    return Latency(
        code_version=code_version(), device=device, threads=plan.threads, rounds=plan.rounds, warm_up=plan.warm_up,
        note=note_on_int8(rows, device.int8_dot_product), rows=_with_ratios(rows, field), method=latency_host.METHOD,
    )  # fmt: skip


def _with_ratios(rows: Sequence[LatencyRow], field: Field) -> tuple[LatencyRow, ...]:
    return tuple(
        dataclasses.replace(row, ratio_to={
            short: row.median_ms / rows[rival].median_ms for short, rival in field.rivals.get(number, {}).items()
        })
        for number, row in enumerate(rows)
    )  # fmt: skip


def measure_phone(kind: str, artefacts: Sequence[Path], arguments: argparse.Namespace, target: Path | None) -> Latency:
    """Artefacts and their rivals on a phone; its file is written row by row.

    Raises:
        DeviceError: what is wrong with the phone.
    """
    method = lab.open_method(kind, arguments.serial)
    field = field_of(artefacts, arguments.against, arguments.build)
    target = target or BUILD / f"{method.device.describe().id}.json"
    return lab.measure(field, method, plan_of(arguments), target)


def plan_of(arguments: argparse.Namespace) -> Plan:
    """How often to measure, as the command line says."""
    return Plan(threads=arguments.threads, rounds=arguments.rounds, warm_up=arguments.warm_up, seed=arguments.seed)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth latency", __doc__, EXAMPLES)
    parser.add_argument("artefacts", nargs="*", type=Path, metavar="ARTEFACT", help=".tflite, .pte or .mlpackage")
    parser.add_argument("--device", default=HOST, help=f"{', '.join(DEVICES)} or {ALL}; default {HOST}")
    parser.add_argument("--serial", metavar="S", help="which phone, where there are several")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--against", nargs="*", default=[], metavar="RIVAL",
                        help=f"rivals of the same size: {', '.join(RIVALS)}; {CLIP}: a stream's own clip")  # fmt: skip
    parser.add_argument("--mode", default="clip", choices=MODES, help="of what is built when no artefact is given")
    parser.add_argument("--precision", nargs="*", default=["int8"], choices=["int8", "fp16", "fp32"],
                        help="of what is built when no artefact is given")  # fmt: skip
    parser.add_argument("--size", type=int, default=224, help="of what is built when no artefact is given")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--build", type=Path, default=BUILD, help="where built networks are kept")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="box plot, .png or .svg")
    parsed = parser.parse_args(arguments)
    # `--against tsn tsm a.tflite` reads naturally: what is no rival's name is an artefact
    others = [word for word in parsed.against if word not in (*RIVALS, CLIP)]
    for word in others:
        if not Path(word).suffix:
            parser.error(f"--against {word}: expected {', '.join(RIVALS)}, {CLIP}, or the path of an artefact")
    parsed.artefacts += [Path(word) for word in others]
    parsed.against = [word for word in parsed.against if word not in others]
    return parsed


def devices_of(word: str) -> list[str]:
    """The kinds of devices that --device names.

    Raises:
        UserError: it is none, or an emulated one.
    """
    if word == EMULATED:
        raise DeviceError("no time", "an emulated arm64 gives no time; sth arm64 compares its logits")
    if word not in (*DEVICES, ALL):
        raise UserError(f"device is {word!r}; expected one of {', '.join((*DEVICES, ALL))}")
    return list(DEVICES) if word == ALL else [word]


def measure(kind: str, artefacts: Sequence[Path], arguments: argparse.Namespace, target: Path | None) -> Latency:
    """The run of one device, in its file."""
    if kind != HOST:
        return measure_phone(kind, artefacts, arguments, target)
    found = measure_host(artefacts, against=arguments.against, plan=plan_of(arguments), folder=arguments.build)
    if target:
        write_result(target, found.to_json(), sources=EXPORT_SOURCES)
    return found


def run(kind: str, artefacts: Sequence[Path], arguments: argparse.Namespace, console: Console) -> list[str]:
    """Measure and show one device; what is wrong with the result."""
    every = arguments.device == ALL
    if every:
        artefacts = [path for path in artefacts if load_contract(path).runtime in _runtimes(kind)]
        if not artefacts:
            console.print(f"{kind}: not run: none of the artefacts is for it")
            return []
    try:
        found = measure(kind, artefacts, arguments, _part(arguments.json, kind, every))
    except DeviceError as error:
        if not every:
            raise
        if error.reason in ("absent", "tool"):
            console.print(f"{kind}: not run: {error}", markup=False)
            return []
        return [f"{kind}: {error}"]
    show(found, console)
    if arguments.plot:
        names = [f"{row.network}\n{row.runtime}\n{row.precision}" for row in found.rows]
        box_plot(names, [row.samples_ms for row in found.rows], _part(arguments.plot, kind, every) or arguments.plot)
    missed = missed_limits(found.rows, arguments.threads) if kind == HOST else []
    return [*missed, *(f"{missing.artefact} was not run: {missing.reason}" for missing in found.not_run)]


def _runtimes(kind: str) -> tuple[str, ...]:
    if kind == HOST and sys.platform != "darwin":
        return tuple(runtime for runtime in DEVICES[kind] if runtime != "coreml")
    return DEVICES[kind]


def _part(path: Path | None, kind: str, every: bool) -> Path | None:
    """The file of one device of several."""
    return path.with_name(f"{path.stem}_{kind}{path.suffix}") if path and every else path


def main() -> int:
    arguments = parse(sys.argv[1:])
    if arguments.plot:
        check_picture(arguments.plot)
    kinds, console = devices_of(arguments.device), Console()
    artefacts = arguments.artefacts or build_usual(arguments.mode, arguments.precision, arguments.size, arguments.build)
    for path in artefacts:
        if not path.exists():
            raise UserError(f"there is no artefact {path}; make one with converters/export_*.py")
    faults = [fault for kind in kinds for fault in run(kind, artefacts, arguments, console)]
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0
