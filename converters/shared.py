"""What the three exporters share: the command line, the side files, and that all or nothing is written."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from converters.int8_numbers import Int8Numbers, require_same_numbers
from mobile.bundle import PRECISIONS, SHIPPED, SHIPPED_CAUSAL, Bundle, open_bundle, random_bundle, random_stem
from mobile.deploy.exported import MODES
from mobile.events.settings import thresholds_path
from mobile.interface.contract import contract_path, is_exported, report_path
from mobile.parity.command import in_words, show
from mobile.parity.ladder import Ladder
from mobile.parity.sides import read_clips
from mobile.runtimes import ArtefactRunner
from mobile.schemas.row import FAILED
from training.common.command_line import command_parser
from training.common.errors import UserError
from training.common.files import atomic_path, write_json
from training.engine.provenance import code_version

# bundle, precision, mode, path of the artefact -> its report; may raise UserError
Lower = Callable[[Bundle, str, str, Path], dict[str, Any]]
# an int8 artefact -> the numbers in it; may raise UserError
ReadNumbers = Callable[[Path], Int8Numbers]


class Target:
    """One runtime's way out.

    Attributes:
        runtime: litert, executorch or coreml.
        suffix: of its artefacts.
        lower: makes the artefact and its report.
        read_numbers: of an int8 artefact, for the proof that they are the checkpoint's.
        layout: of the artefact's input.
        state_layout: of a stream's states.
        int8_input, int8_output: whether an int8 artefact takes and gives int8 (else float32).
        stateful: whether its streams keep their states.
    """

    def __init__(
        self,
        runtime: str,
        suffix: str,
        lower: Lower,
        read_numbers: ReadNumbers,
        *,
        layout: str,
        state_layout: str,
        int8_input: bool,
        int8_output: bool,
        stateful: bool = False,
    ) -> None:
        self.runtime, self.suffix, self.lower, self.read_numbers = runtime, suffix, lower, read_numbers
        self.layout, self.state_layout = layout, state_layout
        self.int8_input, self.int8_output = int8_input, int8_output
        self.stateful = stateful


def export(
    bundle: Bundle, target: Target, precision: str, folder: Path, *, clips: int = 8, seed: int = 5,
    name: str | None = None, mode: str = "clip",
) -> Path:  # fmt: skip
    """Write artefact, contract and report into ``folder``; returns the artefact's path.

    Everything is made in a temporary folder first. A failed conversion, a float operator in an int8 artefact, a number
    in it that is not the checkpoint's, or a failed parity row leaves ``folder`` as it was.

    Args:
        clips: rendered clips for the parity rows in the report; 0 for none.
        mode: "clip", or "stream" for one frame with the states of a causal network.

    Raises:
        UserError: with the reason, and with the operator and the layer where one is at fault.
    """
    bundle.form(precision, mode, stateful=target.stateful)
    name = name or bundle.artefact_name(precision, mode, stateful=target.stateful)
    with _staging(folder) as staging:
        artefact = staging / f"{name}{target.suffix}"
        report = target.lower(bundle, precision, mode, artefact)
        if precision == "int8":
            require_same_numbers(target.read_numbers(artefact), bundle.network(precision), artefact.name)
        contract = bundle.contract(
            target.runtime,
            precision,
            layout=target.layout,
            quantized_input=target.int8_input and precision == "int8",
            quantized_output=target.int8_output and precision == "int8",
            mode=mode,
            state_layout=target.state_layout,
            stateful=target.stateful,
        )
        contract.save(contract_path(artefact))
        _copy_thresholds(bundle, artefact, mode)
        rows = _parity(bundle, artefact, clips, seed)
        content = {
            "kind": "artefact",
            "artefact": artefact.name,
            "checkpoint": Path(bundle.source).name,
            "code_version": code_version(),
            "state_bytes": sum(state.bytes for state in contract.states),
            **report,  # has the bytes of states that are kept inside
            "mode": mode,
            "stateful": contract.stateful,
            "parity_clips": f"rendered:{clips}:{seed}" if clips else None,
            "parity": [row.to_json() for row in rows],
        }
        write_json(report_path(artefact), content)
        for made in staging.iterdir():
            with atomic_path(folder / made.name) as temporary:
                shutil.move(made, temporary)
    if rows:
        show(rows, Console())
    return folder / f"{name}{target.suffix}"


def _copy_thresholds(bundle: Bundle, artefact: Path, mode: str) -> None:
    """The event detector's thresholds that belong to a checkpoint go with its streams."""
    fitted = thresholds_path(Path(bundle.source))
    if mode == "stream" and fitted.is_file():
        shutil.copyfile(fitted, thresholds_path(artefact))


class _staging:
    """A temporary folder inside ``folder`` that goes away in any case."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Path:
        self._made = not self._folder.exists()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._path = Path(tempfile.mkdtemp(prefix=".export.", dir=self._folder))
        except OSError as error:
            raise UserError(f"cannot write into {self._folder}: {error.strerror}; choose another --out") from error
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)
        if self._made:
            with contextlib.suppress(OSError):  # it holds an artefact, and stays
                self._folder.rmdir()


def _parity(bundle: Bundle, artefact: Path, clips: int, seed: int) -> list[Any]:
    if not clips:
        return []
    ladder = Ladder(bundle, read_clips(f"rendered:{clips}:{seed}", "validation", bundle.spec, bundle.labels))
    row = ladder.artefact_row(ArtefactRunner(artefact))
    rows = [*ladder.rows(), row]
    if row.status == FAILED:
        found = ", ".join(in_words(row.agreement)) or "nothing to compare"
        raise UserError(f"{artefact.name} does not compute what the checkpoint does: {found}; asked for: {row.note}")
    return sorted(rows, key=lambda r: r.hop)


def export_random(
    target: Target, name: str, *, precision: str, size: int, segments: int, classes: int, options: dict[str, Any],
    folder: Path, mode: str = "clip",
) -> Path:  # fmt: skip
    """Export a network with random weights for timing, unless ``folder`` holds it already."""
    stem = random_stem(name, precision=precision, size=size, segments=segments, options=options, mode=mode)
    made = folder / f"{stem}{target.suffix}"
    if is_exported(made):
        return made
    print(f"building {stem}{target.suffix} with random weights", file=sys.stderr)
    bundle = random_bundle(name, size=size, segments=segments, num_classes=classes, **options)
    return export(bundle, target, precision, folder, clips=0, name=stem, mode=mode)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """What the scripts and ``sth export`` take alike."""
    parser.add_argument("--out", type=Path, default=Path("build/artefacts"), metavar="DIR")
    parser.add_argument("--size", type=int, help="input size, divisible by 32; default: the checkpoint's")
    parser.add_argument("--parity-clips", type=int, default=8, metavar="N", help="rendered clips to check with")
    parser.add_argument("--seed", type=int, default=5, help="of those clips")


def parse(arguments: list[str], *, script: str, description: str, options: Sequence[str] = ()) -> argparse.Namespace:
    """The command line that all exporters have; ``options`` are switches of one of them, "--name: what it does"."""
    examples = (
        "examples:\n"
        f"  python converters/{script}                                   the shipped checkpoint, int8\n"
        f"  python converters/{script} --precision fp32 --out build/artefacts\n"
        f"  python converters/{script} --checkpoint runs/mine_qat/quantized.pt --size 128\n"
        f"  python converters/{script} --mode stream                     the shipped causal one, frame by frame\n"
    )
    parser = command_parser(f"python converters/{script}", description, examples)
    parser.add_argument("--checkpoint", type=Path, help="default: the shipped one, for a stream the causal one")
    parser.add_argument("--precision", default="int8", help=f"{', '.join(PRECISIONS)}; default int8")
    parser.add_argument("--mode", default="clip", help=f"{' or '.join(MODES)} (a causal network only); default clip")
    add_common_options(parser)
    for option in options:
        name, _, meaning = option.partition(": ")
        parser.add_argument(name, action="store_true", help=meaning)
    return parser.parse_args(arguments)


def run(target: Target, *, script: str, description: str) -> None:
    """The whole command of one exporter."""
    export_as(target, parse(sys.argv[1:], script=script, description=description))


def export_as(target: Target, arguments: argparse.Namespace) -> None:
    """Export what a command line asks for."""
    if arguments.mode not in MODES:
        raise UserError(f"mode is {arguments.mode!r}; expected one of {', '.join(MODES)}")
    shipped = SHIPPED_CAUSAL if arguments.mode == "stream" else SHIPPED
    bundle = open_bundle(arguments.checkpoint or shipped, size=arguments.size)
    artefact = export(
        bundle, target, arguments.precision, arguments.out, clips=arguments.parity_clips, seed=arguments.seed,
        mode=arguments.mode,
    )  # fmt: skip
    print(f"wrote {artefact}, {contract_path(artefact).name} and {report_path(artefact).name}")
