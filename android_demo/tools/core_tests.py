"""Compile the Android core and run its tests on the JVM: ``python -m android_demo.tools.core_tests --model STREAM``.

The tests go over golden vectors of the artefact, which are written first. What they compared is what hop 7 of the
parity ladder reads: ``sth parity ARTEFACT --apps build/golden/kotlin.json``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from android_demo.tools.kotlin import CORE, class_path, compile_kotlin, core, core_tests, require_java
from android_demo.tools.libraries import ROOT, paths
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli

EXAMPLES = """examples:
  python -m android_demo.tools.core_tests --model STREAM.tflite      writes build/golden/vectors and kotlin.json
  python -m android_demo.tools.core_tests                            over the vectors that are there
"""
GOLDEN = ROOT / "build" / "golden"
MAIN = "org.sthmobile.gesture.core.golden.CoreTestsKt"


def names_of_tests(sources: Path) -> list[str]:
    """Names of all test classes in a folder: those whose files end in Test."""
    return [".".join(file.relative_to(sources).with_suffix("").parts) for file in sorted(sources.rglob("*Test.kt"))]


def run_core_tests(golden: Path, report: Path | None = None) -> dict[str, Any]:
    """Counts of the tests over a folder of golden vectors: passed, failed, ignored, seconds.

    Args:
        report: what was compared with the golden vectors goes here, if all tests pass.

    Raises:
        UserError: no such folder, a tool that is not here, an error of the compiler, or a test that fails.
    """
    if not (golden / "manifest.json").is_file():
        raise UserError(f"{golden} holds no golden vectors; write them with sth golden")
    core_jar, tests = compile_kotlin(core()), compile_kotlin(core_tests())
    properties = [f"-Dgolden={golden}"]
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        properties.append(f"-Dgolden.report={report}")
    files = [core_jar, tests, *paths("core", "platform", "test")]
    names = names_of_tests(CORE / "test" / "kotlin")
    command = [require_java(), "-XX:+UseSerialGC", *properties, "-cp", class_path(files), MAIN, *names]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        raise UserError(f"tests of the Android core fail:\n{ended.stdout.strip()}\n{ended.stderr.strip()}")
    return json.loads(ended.stdout.splitlines()[-1])


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("python -m android_demo.tools.core_tests", __doc__, EXAMPLES)
    parser.add_argument("--model", type=Path, metavar="ARTEFACT", help="write the vectors of this stream first")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of these vectors; default 0")
    parser.add_argument("--golden", type=Path, metavar="DIR", default=GOLDEN / "vectors", help="where vectors lie")
    parser.add_argument("--json", type=Path, metavar="FILE", default=GOLDEN / "kotlin.json",
                        help="write here what was compared; default build/golden/kotlin.json")  # fmt: skip
    return parser.parse_args(arguments)


def main() -> None:
    arguments = parse(sys.argv[1:])
    if arguments.model:
        from mobile.apps.golden.vectors import (
            write_golden,  # a runtime comes with it, which the tests alone do not need
        )
        from mobile.events.score import read_thresholds

        thresholds = read_thresholds(None, arguments.model)
        write_golden(arguments.model, thresholds, arguments.golden, arguments.seed)
    counts = run_core_tests(arguments.golden, arguments.json)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['ignored']} skipped in {counts['seconds']} s")
    print(f"{arguments.json}: what was compared; sth parity --apps takes it")


if __name__ == "__main__":
    run_cli(main)
