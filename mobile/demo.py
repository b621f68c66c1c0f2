"""The main job: export a checkpoint to every target in int8, check parity, time it, score it, and report.

Axes: M clips, T frame, S height and width, K class.
"""

from __future__ import annotations

import argparse
import base64
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Column, Table

from mobile.bundle import SHIPPED, Bundle, open_bundle
from mobile.commands import run_logged
from mobile.interface.contract import report_path
from mobile.latency import command as latency
from mobile.latency.devices.plan import Plan
from mobile.latency.table import show
from mobile.latency.timing import describe_host
from mobile.parity.command import result_of as ladder_result
from mobile.parity.command import show as show_ladder
from mobile.parity.golden_rows import app_rows
from mobile.parity.ladder import Ladder
from mobile.parity.sides import read_clips
from mobile.report.command import write_page
from mobile.runtimes import ArtefactRunner
from mobile.schemas import load_result
from mobile.schemas.row import FAILED, NOT_RUN, Row
from mobile.steps import NotRun, StepRunner
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import read_json, write_json
from training.engine.metrics import scores
from training.engine.provenance import code_version
from training.formats import DATA_HELP, with_seed

EXAMPLES = """examples:
  sth demo                                  the shipped checkpoint on rendered clips
  sth demo --clips DIR --count 50           the first 50 validation clips of your own data
  sth demo --checkpoint runs/mine_qat/quantized.pt --out build/mine
"""
TARGETS = {
    "LiteRT": ("tflite", ".tflite"),
    "ExecuTorch": ("executorch", ".pte"),
    "Core ML": ("coreml", ".mlpackage"),
}
_FILES = ("parity", "latency", "predictions", "steps", "accuracy_float", "accuracy_int8", *(
    f"accuracy_{suffix[1:]}" for _, suffix in TARGETS.values()))  # fmt: skip
_SHOWN_CLIPS, _STRIP_HEIGHT = 12, 96


class Demo:
    """One run of the main job; its files are in ``out``: artefacts/, results/ and report.html.

    Args:
        data: see ``training.clips.DATA_HELP``.
        count: the first so many clips.
    """

    def __init__(
        self, bundle: Bundle, data: str, split: str, out: Path, *, count: int, seed: int, rounds: int, console: Console
    ) -> None:
        self.bundle, self.data, self.split, self.out = bundle, data, split, out
        self.count, self.seed, self.rounds, self.console = count, seed, rounds, console
        self.artefacts: dict[str, Path] = {}
        self.problems: dict[str, str] = {}
        self.ladder: Ladder | None = None
        self.runtimes: dict[str, str] = {}
        self.written: list[Path] = []

    def export(self, target: str) -> None:
        """Run one converter in a process of its own: their libraries do not bear each other.

        Raises:
            UserError: it failed; its whole output is in a log file.
        """
        word, suffix = TARGETS[target]
        folder, log = self.out / "artefacts", self.out / "artefacts" / f"{word}.log"
        log.unlink(missing_ok=True)
        command = ["export", self.bundle.source, "--to", word, "--precision", "int8", "--out", str(folder),
                   "--size", str(self.bundle.spec.size), "--parity-clips", "2", "--seed", str(self.seed)]  # fmt: skip
        try:
            with self.console.status(f"sth export --to {word} runs, its output goes to {log}"):
                run_logged(command, log)
        except UserError as error:
            self.problems[target] = str(error)
            raise
        self.artefacts[target] = folder / f"{self.bundle.artefact_name('int8')}{suffix}"
        self.written.append(report_path(self.artefacts[target]))

    def parity(self) -> None:
        """The ladder over the clips, with a row for every target.

        Raises:
            UserError: bad clips, or a row failed; the rows are written all the same.
        """
        clips = read_clips(self.data, self.split, self.bundle.spec, self.bundle.labels, self.count)
        ladder = Ladder(self.bundle, clips)
        rows = sorted(
            [*ladder.rows(), *(self._artefact_row(ladder, target) for target in TARGETS), *app_rows((), ())],
            key=lambda r: r.hop,
        )
        self.ladder = ladder
        show_ladder(rows, self.console)
        self._write("parity", ladder_result(self.bundle, self.data, rows))
        failed = [row.name for row in rows if row.status == FAILED]
        if failed:
            raise UserError(f"the ladder fails at: {'; '.join(failed)}")

    def _artefact_row(self, ladder: Ladder, target: str) -> Row:
        name = f"quantized program = {target}"
        if target not in self.artefacts:
            return Row(5, name, NOT_RUN, f"there is no artefact: {self.problems.get(target, 'it was not exported')}")
        try:
            runner = ArtefactRunner(self.artefacts[target])
            self.runtimes[target] = runner.runtime
            return ladder.artefact_row(runner)
        except UserError as error:
            return Row(5, name, FAILED, str(error), None, self.artefacts[target].name)

    def latency(self) -> None:
        """Host latency of the artefacts that this host's runtimes run.

        Raises:
            NotRun: there are none.
        """
        timed = [path for target, path in self.artefacts.items() if target != "Core ML" or sys.platform == "darwin"]
        if not timed:
            raise NotRun("there is no artefact that this host can time")
        plan = Plan(rounds=self.rounds, warm_up=2, seed=self.seed)
        found = latency.measure_host(timed, against=[], plan=plan, folder=self.out / "artefacts")
        show(found, self.console)
        self._write("latency", found.to_json())
        if "Core ML" in self.artefacts and len(timed) < len(self.artefacts):
            self.console.print("   Core ML is not timed here: it exists on Apple's systems only")

    def accuracy(self) -> None:
        """Top-1 of the float network, the quantized program and every artefact, from the ladder's logits.

        Raises:
            NotRun: no ladder, or clips whose labels the network does not know.
        """
        if self.ladder is None:
            raise NotRun("the clips could not be read")
        self._write("predictions", self._predictions(self.ladder))
        labels_M = self.ladder.clips.known_labels
        if labels_M is None:
            raise NotRun("the clips have other labels than the network, or none")
        columns = [Column(name, overflow="fold") for name in ("model", "runtime")]
        table = Table(*columns, "precision", "clips", Column("top-1", no_wrap=True), Column("top-5", no_wrap=True))
        for name, (side, about) in self._sides().items():
            result = scores(self.ladder.side(side), labels_M)
            table.add_row(about["model"], about["runtime"], about["precision"], str(result["clips"]),
                          f"{result['top1']:.2f} %", f"{result['top5']:.2f} %")  # fmt: skip
            self._write(f"accuracy_{name}", {
                "kind": "accuracy", "code_version": code_version(), **about, "network": self.bundle.name,
                "data": self.data, "split": self.split, "labels": list(self.bundle.labels), **result, "skipped": {},
            })  # fmt: skip
        self.console.print(table)

    def _sides(self) -> dict[str, tuple[str, dict[str, str]]]:
        """What was evaluated: name of the result file -> side of the ladder, model, runtime and precision."""
        checkpoint = Path(self.bundle.source).name
        sides = {
            "float": ("training", {"model": checkpoint, "runtime": "PyTorch", "precision": "float"}),
            "int8": ("int8", {"model": f"{checkpoint}, quantized program", "runtime": "PyTorch", "precision": "int8"}),
        }
        for target, runtime in self.runtimes.items():
            path = self.artefacts[target]
            if self.ladder is not None and self.ladder.has(str(path)):
                about = {"model": path.name, "runtime": runtime, "precision": "int8"}
                sides[f"{path.suffix[1:]}"] = (str(path), about)
        return sides

    def _predictions(self, ladder: Ladder) -> dict[str, Any]:
        """The first clips as the network sees them, with the first class by each side."""
        first = {about["runtime"] + (" " + about["precision"] if about["runtime"] == "PyTorch" else ""):
                 ladder.side(side).argmax(1) for side, about in self._sides().values()}  # fmt: skip
        clips, labels = ladder.clips, self.bundle.labels
        shown = [
            {
                "name": clips.names[index],
                "label": labels[clips.labels[index]] if clips.labels[index] >= 0 else None,
                "strip_jpeg": strip_jpeg(clips.frames[index]),
                "predicted": {name: labels[predicted_M[index]] for name, predicted_M in first.items()},
            }
            for index in range(min(_SHOWN_CLIPS, len(clips)))
        ]
        return {"kind": "predictions", "data": self.data, "clips": shown}

    def _write(self, name: str, content: dict[str, Any]) -> None:
        path = self.out / "results" / f"{name}.json"
        write_json(path, content)
        self.written.append(path)

    def report(self, steps: list[dict[str, Any]]) -> None:
        """The page over what this run wrote."""
        self._write("steps", {"kind": "steps", "host": describe_host(), "steps": steps})
        write_page({str(path): load_result(path) for path in self.written}, self.out / "report.html")

    def forget_older_results(self) -> None:
        """Remove the result files of an earlier run, so that no later reader takes them for this one's.

        Raises:
            UserError: the folder cannot be made or written to.
        """
        try:
            (self.out / "artefacts").mkdir(parents=True, exist_ok=True)
            (self.out / "report.html").unlink(missing_ok=True)
            for name in _FILES:
                (self.out / "results" / f"{name}.json").unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"cannot write into {self.out}: {error.strerror}; choose another --out") from error


def strip_jpeg(frames_TSSC: np.ndarray) -> str:
    """Frames side by side as a small JPEG in base64."""
    height = min(_STRIP_HEIGHT, frames_TSSC.shape[1])
    small = [cv2.resize(frame, (height, height), interpolation=cv2.INTER_AREA) for frame in frames_TSSC]
    picture = cv2.cvtColor(np.concatenate(small, axis=1), cv2.COLOR_RGB2BGR)
    return base64.b64encode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes()).decode()


def expected_seconds(bundle: Bundle, count: int) -> list[float]:
    """What the seven steps took on two slow cores; the runner corrects it by the pace that it sees."""
    pixels = (bundle.spec.size / 96) ** 2
    return [50, 60, 30, 5 + 0.4 * count * pixels, 18 * pixels, 1, 3]


def run_demo(demo: Demo) -> StepRunner:
    """All steps; those after a failed one run where they can."""
    steps = StepRunner(expected_seconds(demo.bundle, demo.count), demo.console)
    for target, (word, _) in TARGETS.items():
        steps.run(f"export to {target} in int8 (sth export --to {word})", lambda target=target: demo.export(target))  # type: ignore[misc]
    steps.run(f"parity ladder on {demo.data}: does every runtime compute the same?", demo.parity)
    steps.run(f"latency on this host, one thread, {demo.rounds} rounds", demo.latency)
    steps.run("top-1 of every artefact", demo.accuracy)
    steps.run(f"write {demo.out / 'report.html'}", lambda: demo.report(steps.steps))
    return steps


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth demo", __doc__, EXAMPLES)
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED, help="default: the shipped one")
    parser.add_argument("--clips", metavar="DATA", help=DATA_HELP + "; default: rendered clips")
    parser.add_argument("--split", default="validation", help="of DATA")
    parser.add_argument("--count", type=int, default=216, metavar="N", help="clips; default 216")
    parser.add_argument("--rounds", type=int, default=20, help="of the latency; default 20")
    parser.add_argument("--out", type=Path, default=Path("build/demo"), metavar="DIR")
    parser.add_argument("--seed", type=int, default=9, help="of rendered clips and of the latency's input and order")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the steps and all results here")
    parsed = parser.parse_args(arguments)
    if parsed.count < 1 or parsed.rounds < 1 or parsed.seed < 0:
        parser.error("--count and --rounds are at least 1, --seed at least 0")
    return parsed


def main() -> int:
    arguments = parse(sys.argv[1:])
    bundle = open_bundle(arguments.checkpoint)
    bundle.network("int8")
    data = with_seed(arguments.clips or f"rendered:{arguments.count}", arguments.seed)
    console = Console()
    demo = Demo(bundle, data, arguments.split, arguments.out, count=arguments.count, seed=arguments.seed,
                rounds=arguments.rounds, console=console)  # fmt: skip
    demo.forget_older_results()
    steps = run_demo(demo)
    if arguments.json:
        results = {path.stem: read_json(path, "result file") for path in demo.written}
        write_json(arguments.json, {"kind": "steps", "host": describe_host(), "steps": steps.steps, "results": results})
    if (demo.out / "report.html").is_file():
        console.print(f"the report: {(demo.out / 'report.html').resolve().as_uri()}", soft_wrap=True)
    if steps.failed:
        print(f"error: failed: {'; '.join(steps.failed)}", file=sys.stderr)
    return 1 if steps.failed else 0


if __name__ == "__main__":
    run_cli(main)
