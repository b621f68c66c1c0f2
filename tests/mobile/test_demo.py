"""The main job: every step, a step that fails, and what is reported then."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_artefacts import FakeRuntime, contract_of, faithful, tiny_bundle, write_artefact, write_checkpoint
from rich.console import Console

from mobile import commands, demo, runtimes
from mobile.interface.contract import report_path
from mobile.latency import host as latency_host
from mobile.parity.ladder import Ladder
from mobile.schemas import Accuracy, Parity, Predictions, Steps, load_results
from mobile.steps import NotRun, StepRunner, duration
from training.common.errors import UserError

RUNTIMES = {"tflite": "litert", "executorch": "executorch", "coreml": "coreml"}
SUFFIXES = {word: suffix for word, suffix in demo.TARGETS.values()}


class Exporters:
    """Stands in for the converters' processes: writes artefacts of the tiny network, or fails."""

    def __init__(self) -> None:
        self.broken: dict[str, str] = {}
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], *, stdout: Any, **_: Any) -> Any:
        self.commands.append(command)
        word = command[command.index("--to") + 1]
        if word in self.broken:
            stdout.write(f"a line\nerror: {self.broken[word]}\n".encode())
            return types.SimpleNamespace(returncode=1)
        folder = Path(command[command.index("--out") + 1])
        name = tiny_bundle().artefact_name("int8") + SUFFIXES[word]
        path = write_artefact(folder / name, contract_of(tiny_bundle(), runtime=RUNTIMES[word]))
        report = {
            "kind": "artefact", "artefact": name, "checkpoint": "tiny.pt", "code_version": "abc", "sha256": "feed",
            "runtime": RUNTIMES[word], "precision": "int8", "bytes": 11, "tools": {"torch": "2"},
            "operators": {"CONV_2D": {"int8": 3}}, "delegate": "XNNPACK", "delegate_pieces": 1,
        }  # fmt: skip
        report_path(path).write_text(json.dumps(report))
        stdout.write(f"wrote {path}\n".encode())
        return types.SimpleNamespace(returncode=0)


_SIDES: dict[str, np.ndarray] = {}


class WarmLadder(Ladder):
    """A ladder that computes PyTorch's sides of the two clips once for all tests."""

    def side(self, name: str) -> np.ndarray:
        if name in self._sides:
            return super().side(name)
        if name not in _SIDES:
            _SIDES[name] = super().side(name)
        return _SIDES[name]


@pytest.fixture
def exporters(monkeypatch: pytest.MonkeyPatch) -> Exporters:
    made = Exporters()
    compute = faithful(tiny_bundle())
    monkeypatch.setattr(commands, "subprocess", types.SimpleNamespace(run=made, STDOUT=-2))
    monkeypatch.setattr(demo, "Ladder", WarmLadder)
    monkeypatch.setattr(demo, "open_bundle", lambda path: tiny_bundle())
    monkeypatch.setattr(runtimes, "_open", lambda path, threads: FakeRuntime(compute, f"Fake {path.suffix}"))
    monkeypatch.setattr(latency_host, "peak_memory_mb", lambda path, threads: 5.0)
    return made


def run(monkeypatch: pytest.MonkeyPatch, out: Path, *words: object) -> int:
    line = ["demo", "--count", "2", "--rounds", "2", "--out", str(out), "--json", str(out / "all.json")]
    monkeypatch.setattr(sys, "argv", [*line, *map(str, words)])
    return demo.main()


@pytest.mark.minutes
def test_the_whole_job(exporters: Exporters, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    assert run(monkeypatch, tmp_path) == 0
    assert [command[command.index("--to") + 1] for command in exporters.commands] == list(RUNTIMES)
    assert all(command[:4] == [sys.executable, "-m", "mobile", "export"] for command in exporters.commands)
    results = load_results(tmp_path / "results")
    assert set(results) == {
        "accuracy_float", "accuracy_int8", "accuracy_tflite", "accuracy_pte", "accuracy_mlpackage", "latency",
        "parity", "predictions", "steps",
    }  # fmt: skip
    parity, steps = results["parity"], results["steps"]
    assert isinstance(parity, Parity)
    assert [row.status for row in parity.rows if row.hop == 5] == ["passed"] * 3
    assert isinstance(steps, Steps)
    assert [step.status for step in steps.steps] == ["done"] * 6
    screen = capsys.readouterr().out
    assert [line for line in screen.splitlines() if line.startswith("7 of 7: write")]
    assert "left in all" in " ".join(screen.split())
    page = (tmp_path / "report.html").read_text()
    assert all(word in page for word in ("rendered-9-000001", "Fake .tflite", "sth_mobilenet_v2_32_int8.mlpackage"))
    everything = json.loads((tmp_path / "all.json").read_text())
    assert len(everything["steps"]) == 7
    assert set(results) <= set(everything["results"])


@pytest.mark.minutes
def test_scores_are_those_of_the_same_clips(exporters, monkeypatch, tmp_path: Path) -> None:
    run(monkeypatch, tmp_path)
    results = load_results(tmp_path / "results")
    scored = [result for result in results.values() if isinstance(result, Accuracy)]
    assert {result.clips for result in scored} == {2}
    assert {result.runtime for result in scored} == {"PyTorch", "Fake .tflite", "Fake .pte", "Fake .mlpackage"}
    predictions = results["predictions"]
    assert isinstance(predictions, Predictions)
    for clip in predictions.clips:
        assert clip.predicted["Fake .pte"] == clip.predicted["PyTorch int8"]


@pytest.mark.minutes
def test_core_ml_is_not_timed_off_a_mac(exporters, monkeypatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    run(monkeypatch, tmp_path)
    rows = json.loads((tmp_path / "results" / "latency.json").read_text())["rows"]
    assert [row["runtime"] for row in rows] == ["Fake .tflite", "Fake .pte"]
    assert "Core ML is not timed here" in capsys.readouterr().out


@pytest.mark.minutes
def test_a_failed_export_does_not_end_the_job(exporters, monkeypatch, tmp_path: Path, capsys) -> None:
    exporters.broken["coreml"] = "coremltools is not installed"
    assert run(monkeypatch, tmp_path) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == "error: failed: export to Core ML in int8 (sth export --to coreml)"
    assert "failed: coremltools is not installed (whole output: " in " ".join(captured.out.split())
    rows = json.loads((tmp_path / "results" / "parity.json").read_text())["rows"]
    missing = [row for row in rows if row["name"] == "quantized program = Core ML"]
    [(status, note)] = [(row["status"], row["note"]) for row in missing]
    assert status == "not run" and note.startswith("there is no artefact: coremltools is not installed")
    assert (tmp_path / "artefacts" / "coreml.log").read_text().startswith("a line\n")
    page = (tmp_path / "report.html").read_text()
    assert "✗ failed" in page
    assert "there is no artefact: coremltools is not installed" in page


@pytest.mark.minutes
def test_a_runtime_that_computes_something_else_fails_the_job(exporters, monkeypatch, tmp_path: Path, capsys) -> None:
    other = FakeRuntime(lambda tensor: np.arange(27, dtype=np.float32), "Wrong 1")
    right = FakeRuntime(faithful(tiny_bundle()), "Right 1")
    monkeypatch.setattr(runtimes, "_open", lambda path, threads: other if path.suffix == ".pte" else right)
    assert run(monkeypatch, tmp_path) == 1
    assert "the ladder fails at: quantized program = Wrong 1" in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "results" / "accuracy_pte.json").is_file()


@pytest.mark.minutes
def test_without_any_artefact_the_rest_is_reported(exporters, monkeypatch, tmp_path: Path) -> None:
    exporters.broken = dict.fromkeys(RUNTIMES, "no disk")
    assert run(monkeypatch, tmp_path) == 1
    steps = load_results(tmp_path / "results")["steps"]
    assert isinstance(steps, Steps)
    assert [step.status for step in steps.steps] == ["failed"] * 3 + ["done", "not run", "done"]


def test_clips_that_cannot_be_read(exporters, monkeypatch, tmp_path: Path) -> None:
    assert run(monkeypatch, tmp_path, "--clips", tmp_path / "none") == 1
    steps = load_results(tmp_path / "results")["steps"]
    assert isinstance(steps, Steps)
    assert [step.status for step in steps.steps] == ["done"] * 3 + ["failed", "done", "not run"]
    assert steps.steps[3].note.startswith("there is no ")


@pytest.mark.minutes
def test_results_of_an_earlier_run_are_gone(exporters, monkeypatch, tmp_path: Path) -> None:
    assert run(monkeypatch, tmp_path) == 0
    (tmp_path / "results" / "mine.txt").write_text("kept")
    exporters.broken = dict.fromkeys(RUNTIMES, "no disk")
    run(monkeypatch, tmp_path)
    left = {path.name for path in (tmp_path / "results").iterdir()}
    assert left == {
        "accuracy_float.json", "accuracy_int8.json", "mine.txt", "parity.json", "predictions.json", "steps.json"
    }  # fmt: skip


def test_bad_words_on_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    with pytest.raises(UserError, match="there is no checkpoint"):
        run(monkeypatch, tmp_path / "out", "--checkpoint", tmp_path / "none.pt")
    float_only = write_checkpoint(tmp_path / "float.pt", quantized=None)
    with pytest.raises(UserError, match="holds no int8 network"):
        run(monkeypatch, tmp_path / "out", "--checkpoint", float_only)
    with pytest.raises(SystemExit):
        run(monkeypatch, tmp_path / "out", "--count", 0)
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("mine")
    whole = write_checkpoint(tmp_path / "whole.pt")
    with pytest.raises(UserError, match=r"cannot write into .*file/out"):
        run(monkeypatch, tmp_path / "file" / "out", "--checkpoint", whole)


def runner(*seconds: float) -> StepRunner:
    return StepRunner(seconds, Console(file=open("/dev/null", "w")))


def test_steps_say_how_they_ended() -> None:
    steps = runner(1, 1, 1, 1)

    def fail(error: Exception) -> int:
        raise error

    assert steps.run("a", lambda: 5) == 5
    assert steps.run("b", lambda: fail(UserError("bad [file]"))) is None
    assert steps.run("c", lambda: fail(NotRun("no Mac"))) is None
    assert steps.run("d", lambda: fail(OSError(28, "No space left on device", "x.json"))) is None
    assert [(step["status"], step["note"]) for step in steps.steps] == [
        ("done", ""), ("failed", "bad [file]"), ("not run", "no Mac"), ("failed", "x.json: No space left on device")
    ]  # fmt: skip
    assert steps.failed == ["b", "d"]
    with pytest.raises(ZeroDivisionError):
        runner(1).run("a bug is no failed step", lambda: 1 / 0)


def test_time_left_follows_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 30.0])
    monkeypatch.setattr("mobile.steps.time", types.SimpleNamespace(perf_counter=lambda: next(now)))
    steps = runner(10, 20, 40)
    assert steps.seconds_left == 70
    steps.run("three times as long as expected", lambda: None)
    assert steps.seconds_left == 180


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "5 s"), (42, "40 s"), (99, "100 s"), (100, "2 min"), (600, "10 min")]
)
def test_durations_for_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        demo.parse(["--help"])
    assert caught.value.code == 0
    assert "examples:" in capsys.readouterr().out
