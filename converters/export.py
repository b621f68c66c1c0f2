"""Export a checkpoint to any target: ``sth export [CHECKPOINT] --to tflite|executorch|coreml|all``.

``all`` runs each target in a process of its own: TensorFlow and PyTorch conflict in one process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from converters.shared import add_common_options
from mobile.bundle import PRECISIONS
from mobile.deploy.exported import MODES
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli

TARGETS = ("tflite", "executorch", "coreml")
EXAMPLES = """examples:
  sth export --to all                                       the shipped checkpoint, int8, for all three runtimes
  sth export runs/mine_qat/quantized.pt --to tflite --size 128
  sth export --to executorch --mode stream                  the shipped causal network, frame by frame
  sth export --random tsn_mobilenet_v2 --to tflite --size 224   random weights: for timing only
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth export", __doc__, EXAMPLES)
    parser.add_argument(
        "checkpoint", type=Path, nargs="?", help="default: the shipped one, for a stream the causal one"
    )
    parser.add_argument("--to", required=True, choices=(*TARGETS, "all"))
    parser.add_argument("--precision", default="int8", choices=PRECISIONS, help="default int8")
    parser.add_argument("--mode", default="clip", choices=tuple(MODES), help="stream: a causal network; default clip")
    add_common_options(parser)
    parser.add_argument("--neural-engine", action="store_true", help="Core ML only: see converters/export_coreml.py")
    parser.add_argument("--stateful", action="store_true", help="Core ML only: a stream that keeps its states")
    random = parser.add_argument_group("a network with random weights, for timing")
    random.add_argument("--random", metavar="NETWORK", help="in place of a checkpoint")
    random.add_argument("--options", type=json.loads, default={}, metavar="JSON", help='such as {"p": 0.25}')
    random.add_argument("--segments", type=int, default=8, help="frames of a clip; default 8")
    random.add_argument("--classes", type=int, default=27, help="default 27")
    return parser.parse_args(arguments)


def script_arguments(arguments: argparse.Namespace, target: str) -> list[str]:
    """The command line of one target's own script."""
    words = ["--precision", arguments.precision, "--mode", arguments.mode, "--out", str(arguments.out),
             "--parity-clips", str(arguments.parity_clips), "--seed", str(arguments.seed)]  # fmt: skip
    if arguments.checkpoint:
        words += ["--checkpoint", str(arguments.checkpoint)]
    if arguments.size:
        words += ["--size", str(arguments.size)]
    if target == "coreml":
        words += [f"--{name}" for name in ("neural-engine", "stateful") if getattr(arguments, name.replace("-", "_"))]
    return words


def export_random_network(arguments: argparse.Namespace) -> Path:
    """Export a network with random weights in this process; returns the artefact.

    Raises:
        UserError: a target or a network that has no such export.
    """
    if arguments.to not in ("tflite", "executorch"):
        raise UserError(f"--random goes to tflite or executorch; --to is {arguments.to}")
    exporter: Any = importlib.import_module(f"converters.export_{arguments.to}")
    return Path(exporter.build_random(
        arguments.random, precision=arguments.precision, size=arguments.size or 224, segments=arguments.segments,
        classes=arguments.classes, options=arguments.options, folder=arguments.out, mode=arguments.mode,
    ))  # fmt: skip


def main() -> int:
    arguments = parse(sys.argv[1:])
    if arguments.random:
        print(f"wrote {export_random_network(arguments)}")
        return 0
    if arguments.to != "all":
        sys.argv[1:] = script_arguments(arguments, arguments.to)
        importlib.import_module(f"converters.export_{arguments.to}").main()
        return 0
    failed = []
    for target in TARGETS:
        module = [sys.executable, "-m", f"converters.export_{target}"]
        if subprocess.run([*module, *script_arguments(arguments, target)], check=False).returncode:
            failed.append(target)
    if failed:
        print(f"error: failed: {', '.join(failed)}; the messages are above", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    run_cli(main)
