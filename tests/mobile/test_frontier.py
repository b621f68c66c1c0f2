"""The frontier: its recipes, the command on tiny artefacts, and what it says of who leads."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from fake_artefacts import FakeStream, write_artefact

from mobile import runtimes
from mobile.bundle import Bundle, random_bundle
from mobile.report.frontier import RIVAL, fastest, plot, sentences, table_cells
from mobile.report.readme import table_of
from mobile.schemas import Frontier, load_result
from mobile.studies import frontier
from training.common.errors import UserError
from training.common.files import write_json
from training.engine.recipe import check
from training.recipes import recipe


def test_the_recipes_differ_in_the_network_only() -> None:
    trained = [recipe(point.recipe) for point in frontier.POINTS if point.recipe]
    assert [r.options.get("width") for r in trained] == [0.35, 0.5, 0.75, 1.0, None]
    for chosen in trained:
        check(chosen)
        same = dataclasses.replace(chosen, name="", network="", options={})
        assert same == dataclasses.replace(trained[0], name="", network="", options={})
    points = [point for point in frontier.POINTS if point.recipe]
    assert [(r.network, r.options) for r in trained] == [(p.network, p.options) for p in points]


def result(name: str, top1: float) -> dict[str, Any]:
    """What a training leaves."""
    return {"recipe": dataclasses.asdict(recipe(name)), "seconds": 60.0, "validation": {"top1": top1, "clips": 1080}}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return random_bundle("sth_mobilenet_v2", size=32, segments=2, num_classes=5, width=0.35, causal=True)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundle: Bundle) -> argparse.Namespace:
    """Artefacts of a fake runtime, trainings that only leave a result, and the arguments of the command."""

    def build(
        name: str, runtime: str, *, precision: str, size: int, mode: str, folder: Path, options: Any, **_: Any
    ) -> Path:
        contract = bundle.contract(runtime, precision, layout="THWC", quantized_input=precision == "int8",
                                   quantized_output=precision == "int8", mode="stream")  # fmt: skip
        words = [name, *map(str, options.values()), mode, str(size), precision]
        return write_artefact(folder / f"{'_'.join(words)}.tflite", contract)

    def train(words: list[str], log: Path) -> None:
        write_json(log.parent / "result.json", result(words[1], 61.0 if words[1].endswith("a0") else 70.0))

    monkeypatch.setattr(frontier, "build", build)
    monkeypatch.setattr(frontier, "run_logged", train)
    monkeypatch.setattr(runtimes, "_open", lambda path, threads: FakeStream(runtimes.load_contract(path)))
    words = ["--only", "STH 0.5", RIVAL, "MobileNetV2", "--sizes", "32", "--rounds", "3"]
    for name, place in (("out", "runs"), ("build", "build"), ("json", "frontier.json")):
        words += [f"--{name}", str(tmp_path / place)]
    monkeypatch.setattr("sys.argv", ["frontier", *words])
    return frontier.parse(words)


@pytest.mark.minutes
def test_the_command(lab: argparse.Namespace, capsys: pytest.CaptureFixture[str]) -> None:
    frontier.main()
    found = load_result(lab.json)
    assert isinstance(found, Frontier)
    assert [network.name for network in found.networks] == ["STH 0.5", RIVAL, "MobileNetV2"]
    assert [network.top1 for network in found.networks] == [70.0, 61.0, None]
    # stream in two precisions; stream and clip in fp32 and, with two kinds of swish, in int8; frame and clip
    assert len(found.rows) == 2 + 6 + 4
    assert {row.mode for row in found.rows if row.point == "MobileNetV2"} == {"frame", "clip"}
    assert "STH 0.5" in capsys.readouterr().out
    assert table_of([found]).startswith("| network | top-1 % |")
    target = lab.json.with_suffix(".png")
    plot(found, target)
    assert target.read_bytes()[:4] == b"\x89PNG"


def test_a_second_run_trains_nothing_again(lab: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    point = frontier.chosen_points(["STH 0.5"])[0]
    frontier.train(point, lab)
    monkeypatch.setattr(frontier, "run_logged", lambda words, log: pytest.fail("trained twice"))
    frontier.train(point, lab)
    assert frontier.scored(point, lab)["top1"] == 70.0


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(UserError, match="MoViNet-A0"):
        frontier.chosen_points(["MoViNet-A9"])


def made(tmp_path: Path, **milliseconds: dict[str, float]) -> Frontier:
    """A result with these times of a frame by network and precision, and these top-1."""
    tops = {"STH 0.35": 50.0, "STH 1": 70.0, RIVAL: 60.0}
    networks = [
        {"name": name, "network": "n", "options": {}, "recipe": "r", "parameters": 10**6, "frame_multiply_adds": 10**7,
         **({"top1": tops[name], "clips": 9, "size": 64, "epochs": 1} if name in tops else {})}
        for name in [*tops, "STH 0.5"]
    ]  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"artefact": "a", "sha256": "0" * 64, "bytes": 10**6, "network": "n", "precision": precision,
         "input": "1 x 64 x 64",
         "runtime": "r", "delegate": "d", "median_ms": time, "p90_ms": time, "load_ms": 1.0, "peak_mb": None,
         "ratio_to": {}, "samples_ms": [time], "mode": "stream", "state_bytes": 1000, "point": name, "size": 64}
        for precision, times in milliseconds.items() for name, time in times.items()
    ]  # fmt: skip
    path = tmp_path / "frontier.json"
    write_json(path, {"kind": "frontier", "code_version": "1", "host": {}, "threads": 1, "rounds": 1, "seed": 0,
                      "networks": networks, "rows": rows, "absent": {"X3D-XS": "it has a reason"}})  # fmt: skip
    found = load_result(path)
    assert isinstance(found, Frontier)
    return found


def test_who_leads(tmp_path: Path) -> None:
    found = made(
        tmp_path, fp32={"STH 0.35": 1.0, "STH 1": 3.0, RIVAL: 2.0}, int8={"STH 0.35": 1.0, "STH 1": 3.0, RIVAL: 4.0}
    )
    said = sentences(found)
    assert "STH 1: 70.0 % in 3.00 ms, 1.50 of its time: **we do not lead**" in said[0]
    assert "0.75 of its time: we lead" in said[1]
    assert said[2:] == ["Not trained yet: STH 0.5.", "X3D-XS: not run, it has a reason."]
    none = made(tmp_path, fp32={"STH 0.35": 1.0, RIVAL: 2.0})
    assert "no width of ours reaches that top-1" in sentences(none)[0]
    slow = dataclasses.replace(found.rows[0], point=RIVAL, median_ms=9.0, p90_ms=9.0, samples_ms=(9.0,))
    twice = dataclasses.replace(found, rows=(*found.rows, slow))
    row = fastest(twice, RIVAL, 64, "fp32")
    assert row is not None
    assert row.median_ms == 2.0
    header, rows = table_cells(found)
    assert len(rows) == 4
    assert all(len(cells) == len(header) for cells in rows)


def test_rows_of_unknown_networks_are_refused(tmp_path: Path) -> None:
    made(tmp_path, fp32={RIVAL: 1.0})
    path = tmp_path / "frontier.json"
    content = json.loads(path.read_text())
    content["networks"] = content["networks"][:1]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=RIVAL):
        load_result(path)
