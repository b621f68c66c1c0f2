"""Golden vectors for the apps: ``sth golden --model STREAM --out DIR``, and ``--check DIR``.

A folder holds ``manifest.json`` and raw little-endian arrays in C order: camera frames with what they become, a stream
with logits and states, logits with events. Kotlin and Swift must reproduce all of it from the rules of
``mobile.interface.camera_frames`` and ``resize_rule``, ``mobile.runtimes.input_tensor`` and
``mobile.events.detector``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mobile.apps.golden.camera import add_camera, check_camera, opencv_version
from mobile.apps.golden.events import add_events, check_events, exponential_points
from mobile.apps.golden.files import MANIFEST, GoldenFolder, GoldenWriter
from mobile.apps.golden.stream import add_stream, check_stream
from mobile.events.score import read_thresholds
from mobile.events.settings import Thresholds, load_thresholds
from mobile.interface.camera_frames import RULES
from mobile.interface.contract import Contract, contract_path, load_contract
from mobile.runtimes import StreamRunner
from training.common.command_line import command_parser
from training.common.errors import UserError
from training.common.files import atomic_path, sha256_of, write_json
from training.engine.provenance import code_version

EXAMPLES = """examples:
  sth golden --model build/artefacts/sth_mobilenet_v2_causal_stream_96_int8.tflite --out golden
  sth golden --check golden
  sth golden --check golden --model MODEL.tflite
"""
THRESHOLDS = "thresholds.json"


def write_golden(model: Path, thresholds: Thresholds, out: Path, seed: int) -> None:
    """Write the folder ``out``, whole or not at all; an older one is replaced.

    Raises:
        UserError: no streaming artefact, thresholds that do not fit its labels, or a folder of other things.
    """
    if out.exists() and not (out / MANIFEST).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} holds other things than golden vectors; give a new folder")
    runner = StreamRunner(model)
    contract = runner.contract
    with atomic_path(out) as temporary:
        writer = GoldenWriter(temporary)
        content: dict[str, Any] = {
            "made_of": {
                "artefact": model.name,
                "sha256": sha256_of(model),
                "runtime": runner.runtime,
                "code_version": code_version(),
                "seed": seed,
                "opencv": opencv_version(),
            },
            "contract": writer.add_json(contract_path(model).name, contract.to_json()),
            "thresholds": writer.add_json(THRESHOLDS, thresholds.to_json()),
            "rules": RULES,
            "camera": add_camera(writer, contract, seed),
            "stream": add_stream(writer, runner, seed),
            "events": add_events(writer, thresholds, contract.labels, contract.frames_per_second, seed),
            "exponential": exponential_points(),
        }
        worst = max(case["opencv_largest_difference"] for case in content["camera"])
        content["made_of"]["opencv_largest_difference"] = worst
        writer.finish(content)


def check_golden(out: Path, model: Path | None = None) -> dict[str, Any]:
    """Read a folder back and compute again what needs no artefact, and with one the stream too.

    The stream must come out the same to the bit, which can be asked only of the runtime and kind of processor that
    wrote it.

    Returns:
        What was checked, for ``--json``.

    Raises:
        UserError: a file is not as the manifest says, or holds other values than the code computes.
    """
    folder = GoldenFolder(out)
    manifest, path = folder.manifest, out / MANIFEST
    try:
        if manifest["rules"] != RULES:
            raise UserError(f"{path} is of other rules than mobile/interface/camera_frames.py; write the folder again")
        contract = _contract(folder)
        counts = {
            "camera": check_camera(folder, contract),
            "events": check_events(folder, load_thresholds(out / manifest["thresholds"]), contract.labels),
            "stream": None if model is None else _check_model(folder, model),
        }
        return {
            "kind": "golden",
            "folder": out.name,
            "bytes": folder.bytes,
            "files": len(manifest["files"]),
            "made_of": manifest["made_of"],
            "checked": counts,
        }
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"{path} is no whole manifest ({error!r}); write the folder again") from error


def _contract(folder: GoldenFolder) -> Contract:
    artefact = folder.folder / folder.manifest["made_of"]["artefact"]
    if contract_path(artefact).name != folder.manifest["contract"]:
        raise UserError(
            f"{folder.folder / MANIFEST}: {folder.manifest['contract']} is not the contract of {artefact.name}"
        )
    return load_contract(artefact)


def _check_model(folder: GoldenFolder, model: Path) -> int:
    runner = StreamRunner(model)
    if sha256_of(model) != folder.manifest["made_of"]["sha256"]:
        raise UserError(f"{model} is not the artefact that {folder.folder / MANIFEST} was made of; write it again")
    if runner.contract != _contract(folder):
        raise UserError(f"{contract_path(model)} is not {folder.folder / folder.manifest['contract']}; write it again")
    return check_stream(folder, runner)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth golden", __doc__, EXAMPLES)
    parser.add_argument("--model", type=Path, metavar="ARTEFACT", help="a streaming artefact")
    parser.add_argument("--thresholds", type=Path, metavar="FILE", help="default: ARTEFACT.events.json, if it is there")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="DIR", help="write the vectors here")
    where.add_argument("--check", type=Path, metavar="DIR", help="check what was written; with --model the stream too")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of pictures and logits; default 0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write here what was written or checked")
    parsed = parser.parse_args(arguments)
    if parsed.out and not parsed.model:
        parser.error("--out needs --model")
    if parsed.check and parsed.thresholds:
        parser.error("--check takes the thresholds of its folder")
    if parsed.seed < 0:
        parser.error("--seed is at least 0")
    return parsed


def main() -> None:
    arguments = parse(sys.argv[1:])
    folder: Path = arguments.out or arguments.check
    if arguments.out:
        write_golden(arguments.model, read_thresholds(arguments.thresholds, arguments.model), folder, arguments.seed)
    summary = check_golden(folder, arguments.model)
    if arguments.json:
        write_json(arguments.json, summary)
    counts, made_of = summary["checked"], summary["made_of"]
    stream = "not run (no --model)" if counts["stream"] is None else f"of {counts['stream']} frames"
    print(
        f"{folder}: {summary['files']} files, {summary['bytes'] / 1e6:.2f} MB; {counts['camera']} camera frames, "
        f"at most {made_of['opencv_largest_difference']} from {made_of['opencv']}; "
        f"{counts['events']} sequences of events; stream {stream}"
    )
