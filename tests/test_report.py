"""The README's tables and the page: they say what the result files say, and nothing else."""

from __future__ import annotations

import base64
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mobile.report import command as report
from mobile.report import layer_tables
from mobile.report.command import render_page
from mobile.report.markdown import markdown
from mobile.report.readme import fill_tables, table_of
from mobile.result_files import KINDS, load_result, load_results
from mobile.result_files.reading import _build
from training.errors import UserError

AGREEMENT = {
    "clips": 216, "largest": 0.25, "mean": 0.0125, "relative": 0.01, "sqnr_db": 41.23, "same_top1": 99.54,
    "left_top1": 97.22, "right_top1": 96.76, "within_two_steps": 99.99, "differing": 1.5,
}  # fmt: skip
PARITY: dict[str, Any] = {
    "kind": "parity", "code_version": "abc", "checkpoint": "tiny.pt", "data": "rendered:216:9",
    "rows": [
        {"hop": 1, "name": "training form = deploy form", "status": "passed", "note": "at most 0.0001",
         "agreement": AGREEMENT | {"sqnr_db": "infinite", "within_two_steps": None}, "artefact": None, "sha256": None},
        {"hop": 2, "name": "clip = stream", "status": "not run", "note": "there is no <streaming> form yet",
         "agreement": None, "artefact": None, "sha256": None},
        {"hop": 5, "name": "quantized program = Fake", "status": "failed", "note": "same top-1 for 99.5 %",
         "agreement": AGREEMENT, "artefact": "tiny.tflite", "sha256": "00"},
    ],
}  # fmt: skip
LATENCY: dict[str, Any] = {
    "kind": "latency", "code_version": "abc", "threads": 1, "rounds": 3, "note": "no int8 dot product here",
    "host": {"processor": "Some CPU", "cores": 2, "system": "Linux 6", "machine": "x86_64", "int8_dot_product": False},
    "rows": [
        {"artefact": "a.tflite", "sha256": "0" * 64, "bytes": 3_400_000, "network": "sth_mobilenet_v2",
         "precision": "int8", "input": "8 x 224 x 224", "runtime": "Fake 1", "delegate": "XNNPACK in 1",
         "median_ms": 12.0, "p90_ms": 14.0,
         "load_ms": 30.0, "peak_mb": None, "ratio_to": {"tsn": 0.9876}, "samples_ms": [11.0, 12.0, 14.5]},
        {"artefact": "b.tflite", "sha256": "1" * 64, "bytes": 3_600_000, "network": "tsn_mobilenet_v2",
         "precision": "int8", "input": "8 x 224 x 224", "runtime": "Fake 1", "delegate": "XNNPACK in 1",
         "median_ms": 13.0, "p90_ms": 13.0,
         "load_ms": 30.0, "peak_mb": 45.2, "ratio_to": {}, "samples_ms": [13.0]},
    ],
}  # fmt: skip
ARTEFACT: dict[str, Any] = {
    "kind": "artefact", "artefact": "a.tflite", "checkpoint": "tiny.pt", "code_version": "abc", "runtime": "litert",
    "precision": "int8", "sha256": "feed" * 16, "bytes": 3_400_000, "tools": {"tensorflow": "2.21.0"},
    "operators": {"CONV_2D": {"int8": 52}, "RESHAPE": {"int8": 34, "float32": 2}}, "delegate": "XNNPACK",
    "delegate_pieces": 1,
}  # fmt: skip
STRIP = base64.b64encode(cv2.imencode(".jpg", np.full((8, 32, 3), 128, np.uint8))[1].tobytes()).decode()
PREDICTIONS: dict[str, Any] = {
    "kind": "predictions", "data": "rendered:216:9",
    "clips": [
        {"name": "clip-0", "label": "Stop Sign", "strip_jpeg": STRIP,
         "predicted": {"PyTorch float": "Stop Sign", "Fake 1": "No gesture"}},
        {"name": "clip-1", "label": None, "strip_jpeg": STRIP, "predicted": {"Fake 1": "Thumb Up"}},
    ],
}  # fmt: skip
STEPS: dict[str, Any] = {
    "kind": "steps", "host": LATENCY["host"],
    "steps": [
        {"name": "export to LiteRT", "status": "done", "seconds": 61.5, "note": ""},
        {"name": "export to Core ML", "status": "failed", "seconds": 1.0, "note": "coremltools is not installed"},
        {"name": "latency", "status": "not run", "seconds": 0.0, "note": "there is no artefact"},
    ],
}  # fmt: skip
STUDY: dict[str, Any] = {
    "kind": "study", "data": "gestures",
    "rows": [{"recipe": "sth", "seed": seed, "clips": 50, "right": {"float": right, "int8": right - 1}}
             for seed, right in enumerate((40, 42, 44))],
}  # fmt: skip
EVENTS: dict[str, Any] = {
    "kind": "events", "code_version": "abc", "artefact": "a.tflite", "sha256": "0", "streams": "rendered:60:9",
    "fitted_on": "rendered:60:5", "frames_per_second": 4.0, "tolerance_ms": 1000,
    "rows": [{"rule": rule, "minutes": 60.0, "events": 200, "detections": 198, "true_detections": 192, "spurious": 2,
              "distance": 8, "precision": 96.97, "recall": 96.0, "levenshtein": 96.0, "false_per_minute": 0.1,
              "spurious_per_minute": 2 / 60, "delay_ms": delay, "median_delay_ms": delay,
              "delay_from_end_ms": -400.0, "median_delay_from_end_ms": -410.0}
             for rule, delay in (("detector", 812.4), ("TSM's rule", None))],
}  # fmt: skip


def accuracy(precision: str = "int8", right: int = 9, **changes: Any) -> dict[str, Any]:
    """10 clips of three classes, the first so many right."""
    confusion = [[right, 10 - right, 0], [0, 0, 0], [0, 0, 0]]
    return {
        "kind": "accuracy", "code_version": "abc", "model": f"tiny_{precision}.tflite", "network": "sth_mobilenet_v2",
        "runtime": "Fake 1", "precision": precision, "data": "rendered:10:9", "split": "validation", "clips": 10,
        "top1": 10.0 * right, "top5": 100.0, "labels": ["Stop Sign", "No gesture", "Thumb Up"],
        "confusion": confusion, "skipped": {}, **changes,
    }  # fmt: skip


STATES: dict[str, Any] = {
    "kind": "states", "code_version": "c1", "checkpoint": "a.pt", "data": "rendered:27:1", "clips": 27, "size": 224,
    "bytes": 30, "top1": 98.0,
    "states": [
        {"state": "state_1", "bytes": 20, "top1_without": 90.0, "top1_without_all_up_to": 90.0},
        {"state": "state_2", "bytes": 10, "top1_without": 97.0, "top1_without_all_up_to": 80.0},
    ],
}  # fmt: skip


def profiled(precision: str, us: float) -> dict[str, Any]:
    """Three kernels: 1 x 1, depthwise, and a concat in two copies; 100 G multiply-adds a second at best."""
    kernels = [
        ("GEMM", "blocks.0.project", "projection 1 x 1", "convolution", us, 2_000_000, 4000),
        ("DWConv", "blocks.1.temporal", "temporal 3 x 1", "depthwise", 2 * us, 500_000, 3000),
        ("Copy", "blocks.1.concat", "concat", "concat", us / 4, 0, 2000),
        ("Copy", "blocks.1.concat", "concat", "concat", us / 4, 0, 2000),
        ("Static Reshape", None, None, "move", 0.0, 0, 0),
    ]
    names = ("kernel", "layer", "role", "kind", "us", "macs", "bytes")
    rows = [dict(zip(names, kernel, strict=True)) for kernel in kernels]
    return {
        "artefact": f"a_{precision}.tflite", "sha256": "0", "network": "sth", "precision": precision,
        "input": "8 x 224 x 224", "runtime": "Fake 1", "method": "its own profiler", "whole_us": 4 * us,
        "peak_macs_per_second": 100e9, "peak_product": "512 x 512 x 512, GEMM",
        "kernels": [row | {"low_us": row["us"], "high_us": row["us"]} for row in rows],
    }  # fmt: skip


PROFILE: dict[str, Any] = {
    "kind": "profile", "code_version": "abc", "host": LATENCY["host"], "threads": 1, "rounds": 3, "load_average": 0.5,
    "artefacts": [profiled("int8", 1000.0), profiled("fp32", 4000.0)],
}  # fmt: skip
NOISE: dict[str, Any] = {
    "kind": "quant_debug", "code_version": "abc", "checkpoint": "tiny.pt", "data": "rendered:27:1", "clips": 27,
    "one_by_one_clips": 4, "logits_db": 18.04, "rounding_db": 21.0, "untrained_db": 9.5, "same_top1": 96.3,
    "layers": [
        {"layer": "blocks.0.project", "sqnr_db": 30.0, "rounding_db": 35.0, "weight_db": 40.0, "alone_db": 33.0,
         "spared_db": 9.6},
        {"layer": "mean", "sqnr_db": 19.0, "rounding_db": 22.0, "weight_db": None, "alone_db": 12.5, "spared_db": 15.0},
        {"layer": "classifier", "sqnr_db": 18.04, "rounding_db": 21.0, "weight_db": 42.0, "alone_db": 45.0,
         "spared_db": 9.5},
    ],
    "ranges": [
        {"layer": "mean", "low": -1.0, "high": 2.0, "least": -1.2, "most": 5.5, "below": 0.5, "above": 1.734,
         "steps": 256},
        {"layer": "classifier", "low": -9.0, "high": 9.0, "least": -3.0, "most": 4.0, "below": 0.0, "above": 0.0,
         "steps": 100},
    ],
}  # fmt: skip
MEMORY: dict[str, Any] = {
    "kind": "memory", "code_version": "c1",
    "rows": [
        {"recipe": "something_sth", "network": "sth_resnet50", "input": "8 x 224 x 224", "amp": "bf16", "batch": 64,
         "parameters": 22_000_000, "fixed_bytes": 2**29, "bytes_per_clip": 3 * 2**27, "on_gpu": "not run",
         "on": [{"processes": 1, "bytes": 49 * 2**29}, {"processes": 8, "bytes": 7 * 2**29}]},
    ],
}  # fmt: skip
ARM64: dict[str, Any] = {
    "kind": "arm64", "code_version": "abc", "checkpoint": "tiny.pt", "data": "rendered:108:1", "emulator": "qemu 10",
    "host": LATENCY["host"],
    "rows": [
        {"artefact": "a_int8.tflite", "sha256": "0", "mode": "clip", "precision": "int8", "cpu": "cortex-a53",
         "machine": "aarch64", "runtime": "Fake 1", "x86_runtime": "Fake 1", "threads": 1, "frames_sha256": "1",
         "clips": 108, "logits": 2916, "differing": 0, "largest_steps": 0.0, "agreement": {"max": 0.0}},
    ],
}  # fmt: skip
RUNTIME: dict[str, Any] = {
    "kind": "runtime", "code_version": "abc", "network": "sth_resnet50", "input": "16 x 8 x 224 x 224",
    "device": "a CPU", "torch": "2", "rounds": 3,
    "rows": [
        {"operator": operator, "parameters": 21_978_350, "multiply_adds": 30_233_690_112, "videos_per_second": speed,
         "ratio_to_tsm": speed / 0.4, "paper_ratio_to_tsm": paper}
        for operator, speed, paper in (("tsm", 0.4, 1.0), ("hybrid", 0.5, None))
    ],
}  # fmt: skip
STAGES: dict[str, Any] = {
    "kind": "stages", "code_version": "abc", "batch": 1, "segments": 8, "device": "a CPU", "torch": "2", "rounds": 2,
    "rows": [
        {"channels": 64, "size": 56, "backward": backward, "ratios": {"taps": ratio},
         "samples_s": {"2d": [1.0, 2.0], "taps": [ratio, 2 * ratio]}, "seconds_of_parts": None,
         "multiply_adds": {"2d": 3_000_000_000, "taps": 2_250_000_000}}
        for backward, ratio in ((False, 0.75), (True, 1.25))
    ],
}  # fmt: skip
ABLATION: dict[str, Any] = {
    "kind": "ablation", "code_version": "abc", "network": "sth_resnet18", "seeds": [0, 1],
    "recipe": {"segments": 8, "size": 64, "train_data": "rendered:9:1", "validation_data": "rendered:9:2", "epochs": 3},
    "rows": [
        {"table": 6, "row": "p = 0", "options": {"p": 0}, "top1": [40.0, 45.0], "paper_top1": 19.7},
        {"table": 7, "row": "merge", "options": {"variant": "merge"}, "top1": [], "paper_top1": 45.9},
    ],
}  # fmt: skip
ATTENTION: dict[str, Any] = {
    "kind": "attention", "code_version": "abc",
    "runs": [
        {"network": "sth_resnet18", "options": {"p": p, "attention": True}, "data": "rendered:27:1", "modality": "rgb",
         "split": "validation", "clips": 27, "layers": ["one", "two"], "temporal_mean": [0.5, mean],
         "temporal_std": [0.01, 0.02]}
        for p, mean in ((0.25, 0.625), (0.125, 0.75))
    ],
}  # fmt: skip
FRONTIER: dict[str, Any] = {
    "kind": "frontier", "code_version": "abc", "host": LATENCY["host"], "threads": 1, "rounds": 3, "seed": 0,
    "networks": [
        {"name": "STH 1", "network": "sth_mobilenet_v2", "options": {"width": 1.0}, "recipe": "frontier_sth_100",
         "parameters": 2_000_000, "frame_multiply_adds": 300_000_000, "top1": 90.0, "clips": 100, "size": 64},
    ],
    "rows": [{**LATENCY["rows"][0], "point": "STH 1", "size": 224, "mode": "stream"}],
    "absent": {"X3D-XS": "no operator"},
}  # fmt: skip
PREPROCESS: dict[str, Any] = {
    "kind": "preprocess_speed", "code_version": "abc", "artefact": "a.tflite", "sha256": "0",
    "frame": "640 x 480, YUV420", "input": "1 x 224 x 224", "runtime": "Fake 1", "host": LATENCY["host"],
    "rounds": 2, "burst": 2, "seed": 0, "ratio": 0.5,
    "preprocess_ms": {"median": 3.0, "p90": 3.7, "samples": [2.0, 2.0, 4.0, 4.0]},
    "inference_ms": {"median": 6.0, "p90": 7.7, "samples": [4.0, 4.0, 8.0, 8.0]},
}  # fmt: skip
ALL = {
    "profile": PROFILE, "noise": NOISE, "parity": PARITY, "latency": LATENCY, "float": accuracy("float", 10),
    "int8": accuracy(), "artefact": ARTEFACT, "predictions": PREDICTIONS, "steps": STEPS, "study": STUDY,
    "events": EVENTS, "states": STATES, "memory": MEMORY,
    "arm64": ARM64, "runtime": RUNTIME, "stages": STAGES, "frontier": FRONTIER,
    "ablation": ABLATION, "attention": ATTENTION,
    "preprocess": PREPROCESS,
}  # fmt: skip


def write(folder: Path, **contents: Any) -> Path:
    for name, content in contents.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["report", *map(str, words)])
    return report.main()


README = """# Title

<!-- table: latency -->
| old |
<!-- /table -->

Between.

<!-- table: parity -->
<!-- /table -->
The end.
"""


def test_tables_replace_what_stands_between_the_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = write(tmp_path / "results", parity=PARITY, latency=LATENCY)
    readme = tmp_path / "README.md"
    readme.write_text(README)
    assert call(monkeypatch, "--results", results, "--readme", readme, "--check") == 1
    assert readme.read_text() == README
    assert call(monkeypatch, "--results", results, "--readme", readme) == 0
    text = readme.read_text()
    assert "| old |" not in text
    assert (
        "| sth_mobilenet_v2 | Fake 1 | int8 | 8 x 224 x 224 | 12.0 | 14.0 | 0.988 | 30 |  | 3.4 | XNNPACK in 1 |"
        in text
    )
    assert "1 thread(s), 3 interleaved rounds, Some CPU, 2 cores, Linux 6, x86_64, without int8 dot product." in text
    assert "no int8 dot product here" in text
    assert "| 2 | clip = stream | **not run**: there is no <streaming> form yet |  |  |  |  |  |  |  |" in text
    assert (
        "| 5 | quantized program = Fake (`tiny.tflite`) | failed (same top-1 for 99.5 %) | 216 | 0.25 | 0.013 | 41.2 "
        "| 99.54 | 97.22 / 96.76 | 99.99 |"
    ) in text
    assert text.startswith("# Title\n\n<!-- table: latency -->\n| network")
    assert text.endswith("<!-- /table -->\nThe end.\n")
    assert call(monkeypatch, "--results", results, "--readme", readme, "--check") == 0
    assert call(monkeypatch, "--results", results, "--readme", readme) == 0
    assert readme.read_text() == text


def test_check_fails_on_a_changed_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    results = write(tmp_path / "results", parity=PARITY, latency=LATENCY)
    readme = tmp_path / "README.md"
    readme.write_text(fill_tables(README, results))
    readme.write_text(readme.read_text().replace("| 12.0 |", "| 11.0 |"))
    assert call(monkeypatch, "--results", results, "--readme", readme, "--check") == 1
    assert capsys.readouterr().err.startswith(f"error: the tables of {readme} are not what {results} gives; run `")


def test_the_other_way_round_a_new_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = write(tmp_path / "results", parity=PARITY, latency=LATENCY)
    readme = tmp_path / "README.md"
    readme.write_text(fill_tables(README, results))
    faster = json.loads(json.dumps(LATENCY))
    faster["rows"][0] |= {"median_ms": 10.0, "p90_ms": 10.0, "samples_ms": [10.0]}
    write(results, latency=faster)
    assert call(monkeypatch, "--results", results, "--readme", readme, "--check") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<!-- table: parity -->\n", "the table parity has no end"),
        ("<!-- table: latency --> <!-- table: parity --> <!-- /table -->", "begins inside of another one"),
        ("<!-- table: magic --><!-- /table -->", "there is no result file"),
        ("<!-- table: steps --><!-- /table -->", "a table is of one kind"),
        ("<!-- table: mixed --><!-- /table -->", "found Accuracy, Latency"),
    ],
)
def test_markers_that_make_no_table(tmp_path: Path, text: str, expected: str) -> None:
    write(tmp_path, parity=PARITY, latency=LATENCY, steps=STEPS)
    write(tmp_path / "mixed", one=accuracy(), two=LATENCY)
    with pytest.raises(UserError, match=expected):
        fill_tables(text, tmp_path)


def table(folder: Path, name: str) -> str:
    return fill_tables(f"<!-- table: {name} --><!-- /table -->", folder)


def test_runs_of_several_seeds_share_a_row(tmp_path: Path) -> None:
    write(tmp_path / "accuracy", seed0=accuracy(right=9), seed1=accuracy(right=7), float=accuracy("float", 10))
    text = table(tmp_path, "accuracy")
    assert "| sth_mobilenet_v2 | int8 | Fake 1 | `rendered:10:9 validation` | 10 | 2 | 80.00 (70.00 to 90.00) |" in text
    assert "| sth_mobilenet_v2 | float | Fake 1 | `rendered:10:9 validation` | 10 | 1 | 100.00 | 100.00 |" in text


def test_events_stand_beside_their_rivals(tmp_path: Path) -> None:
    filled = fill_tables("<!-- table: events --><!-- /table -->", write(tmp_path, events=EVENTS))
    assert "| detector | 96.0 | 97.0 | 96.0 | 0.10 | 812 | 812 | -400 |" in filled
    assert "| TSM's rule | 96.0 | 97.0 | 96.0 | 0.10 |  |  | -400 |" in filled
    assert "200 gestures in 60.0 minutes at 4 frames a second; the detector was fitted on `rendered:60:5`" in filled


def test_a_study_shows_its_spread(tmp_path: Path) -> None:
    write(tmp_path, gestures=STUDY)
    row = "| sth | 3 | 50 | 84.00 (80.00 to 88.00) | 82.00 (78.00 to 86.00) |"
    assert row in table(tmp_path, "gestures")


def test_artefacts_as_a_table(tmp_path: Path) -> None:
    write(tmp_path, artefact=ARTEFACT)
    assert "| 3.40 | 86 int8, 2 float32 | XNNPACK in 1 | `feedfeedfeed` |" in table(tmp_path, "artefact")


def test_a_profile_sets_int8_beside_fp32(tmp_path: Path) -> None:
    text = table(write(tmp_path, profile=PROFILE), "profile")
    start = "| 8 x 224 x 224 | Fake 1 |"
    assert f"{start} 1 x 1 and first convolutions | 2 | 1.00 | 2 | 4.00 | 0 | 0.25 |" in text
    assert f"{start} depthwise 3 x 3, temporal 3 x 1 | 0 | 2.00 | 0 | 8.00 | 0 | 0.25 |" in text
    assert f"{start} concats, sums, mean, moving data |  | 0.50 |  | 2.00 |  | 0.25 |" in text
    assert f"{start} all kernels | 2.5 | 3.50 | 1 | 14.00 | 0 | 0.25 |" in text
    assert "8 x 224 x 224: Fake 1 100 and 100. 1 thread(s), medians of 3 interleaved rounds" in text
    alone = PROFILE | {"artefacts": PROFILE["artefacts"][1:]}
    with pytest.raises(UserError, match="needs an int8 artefact and the fp32 one"):
        table(write(tmp_path, profile=alone), "profile")


def test_roles_of_a_profile() -> None:
    result = _build(KINDS["profile"], PROFILE, "profile")
    ((left, right),) = layer_tables.pairs(result)
    assert layer_tables.role_table(left, right)[1] == [
        ["temporal 3 x 1", "0.5", "2.00", "0", "8.00", "0", "0.25"],
        ["projection 1 x 1", "2.0", "1.00", "2", "4.00", "0", "0.25"],
        ["concat", "", "0.50", "", "2.00", "", "0.25"],  # two copies of one operator
        ["moving data", "", "0.00", "", "0.00", "", ""],
        ["all kernels", "2.5", "3.50", "1", "14.00", "0", "0.25"],
    ]
    assert layer_tables.role_table(right, None)[0] == ["what", "M multiply-adds", "fp32 ms", "fp32 % of peak"]
    said = layer_tables.why(left, right)
    assert said.startswith("int8 takes 0.25 of fp32's time: 1 x 1 and first convolutions 0.25 (4.0 to 1.0 ms)")
    assert said.endswith("a large matrix product takes 1.00.")


def test_noise_names_the_worst_layers_first(tmp_path: Path) -> None:
    text = table(write(tmp_path, noise=NOISE), "noise")
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| `")]
    assert rows == ["`mean`", "`blocks.0.project`", "`classifier`"]
    assert "| `mean` | 19.0 | 22.0 |  | 12.5 | 15.0 |" in text
    assert "the int8 logits are 18.0 dB" in text and "without QAT: 9.5 dB" in text
    assert "1 of 2 ranges clip more than 0.01 % of their values, most that of mean with 2.234 %." in text


def test_bars_in_cells_do_not_break_a_table() -> None:
    assert markdown(["a"], [["x|y"]]).splitlines() == ["| a |", "| --- |", "| x\\|y |"]
    assert markdown(["a", "b"], [["x", "1.5"], ["y", ""]]).splitlines()[1] == "| --- | ---: |"


BAD = {
    "no JSON": ("{", "not valid JSON"),
    "a list": ("[]", "its kind is None"),
    "unknown kind": ('{"kind": "magic"}', "its kind is 'magic'; expected one of accuracy"),
    "missing field": (json.dumps({**LATENCY, "rounds": None} | {"rows": []}), "latency.rounds is None; expected int"),
    "missing key": (json.dumps({key: PARITY[key] for key in ("kind", "rows")}), "parity.code_version is missing"),
    "a status of its own": (json.dumps(PARITY).replace('"failed"', '"good"'), "status is 'good'"),
    "not run without reason": (json.dumps(PARITY).replace("there is no <streaming> form yet", ""), "does not say why"),
    "median of other samples": (json.dumps(LATENCY).replace("12.0, 14.5", "12.5, 14.5"), "its samples have 12.5"),
    "top-1 of another matrix": (json.dumps(accuracy(top1=95.0)), "its confusion matrix says 90.0"),
    "matrix of other clips": (json.dumps(accuracy(clips=11)), "over 10 of 11 clips"),
    "a number as text": (json.dumps(accuracy(top5="100")), "accuracy.top5 is '100'; expected float"),
    "true as a number": (json.dumps(accuracy(clips=True)), "accuracy.clips is True; expected int"),
    "noise of other logits": (json.dumps(NOISE | {"logits_db": 25.0}), "the classifier's layer says 18.04"),
    "a profile of nothing": (json.dumps(PROFILE).replace("100000000000.0", "0.0"), "a peak of 0.0"),
    "logits that differ by nothing": (
        json.dumps(ARM64).replace('"differing": 0', '"differing": 3'), "the largest by 0.0 steps"
    ),
    "a ratio that its samples do not have": (
        json.dumps(STAGES).replace('"taps": 0.75', '"taps": 0.5'), "is 0.5; its samples say 0.75"
    ),
    "runs without seeds": (
        json.dumps(ABLATION).replace("[40.0, 45.0]", "[40.0, 45.0, 50.0]"), "p = 0 has 3 runs of 2 seeds"
    ),
    "a layer without its mean": (
        json.dumps(ATTENTION).replace('["one", "two"]', '["one"]'), "1 layers and 2 means of sth_resnet18"
    ),
    "a failed step without reason": (json.dumps(STEPS).replace("coremltools is not installed", ""), "the reason"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD)
def test_bad_result_files_are_refused(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        load_result(tmp_path / "bad.json")
    assert "bad.json" in str(caught.value)


def test_tables_of_speed(tmp_path: Path) -> None:
    found = load_results(write(tmp_path, runtime=RUNTIME, stages=STAGES))
    by_name = {Path(name).stem: result for name, result in found.items()}
    assert "| hybrid | 21.98 | 30.23 | 0.50 | 1.25 |  |" in table_of([by_name["runtime"]])
    stages = table_of([by_name["stages"]])
    assert "| 64 x 56 | 0.75 (1.25) |" in stages
    assert "| G multiply-adds/s | 2d | taps |" in stages and "| 64 x 56 | 2.0 | 2.0 |" in stages


def test_every_kind_is_tried_here(tmp_path: Path) -> None:
    found = load_results(write(tmp_path, **ALL))
    assert {type(result) for result in found.values()} == set(KINDS.values())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render_page(load_results(write(tmp_path_factory.mktemp("results"), **ALL)))


class Tags(HTMLParser):
    """Start tags with their attributes, and the text inside of each status badge."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.badges: list[tuple[str, str]] = []
        self._badge: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        classes = (dict(attrs).get("class") or "").split()
        self._badge = classes[1] if classes[:1] == ["status"] else None

    def handle_data(self, data: str) -> None:
        if self._badge:
            self.badges.append((self._badge, data.strip()))
            self._badge = None


def test_the_page_asks_nobody_for_anything(page: str) -> None:
    assert not re.search(r"(https?:)?//[a-z]", re.sub(r"base64,[A-Za-z0-9+/=]+", "", page))
    assert "@import" not in page
    for tag, attributes in Tags(page).tags:
        assert tag not in ("script", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "poster", "action"):
            within = tag == "a" and (attributes.get(name) or "").startswith("#")
            assert within or (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)


def test_the_page_fits_phones_and_both_colour_schemes(page: str) -> None:
    assert '<meta name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme: dark" in page
    assert "<html lang=" in page


def test_rows_that_were_not_run_look_like_nothing_else(page: str) -> None:
    badges = Tags(page).badges
    assert ("passed", "✓ 1 passed") in badges
    assert ("failed", "✗ 1 failed") in badges
    assert ("not-run", "– 1 not run") in badges
    assert [word for kind, word in badges if kind == "passed"] == ["✓ done", "✓ 1 passed", "✓ passed"]
    assert [word for kind, word in badges if kind == "not-run"] == ["– not run", "– 1 not run", "– not run"]
    assert "reason: there is no &lt;streaming&gt; form yet" in page
    assert "parity rows passed, of those that ran</dt><dd>1 of 2<" in page


def test_the_page_has_every_part(page: str) -> None:
    for words in ("12.0", "0.988", "no int8 dot product here", "feed" * 16, "3.40 MB", "XNNPACK in 1", "CONV_2D",
                  "2.21.0", "Some CPU", "-10.00", "coremltools is not installed", "clip-0"):  # fmt: skip
        assert words in page, words
    pictures = [attributes["src"] or "" for tag, attributes in Tags(page).tags if tag == "img"]
    kinds = [picture.split(";")[0] for picture in pictures]
    assert kinds == ["data:image/png"] * 4 + ["data:image/jpeg"] * 2
    dark = [attributes["srcset"] or "" for tag, attributes in Tags(page).tags if tag == "source"]
    assert len(dark) == 4 and not set(dark) & set(pictures)
    for picture in [*pictures, *dark]:
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(picture.split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None


def test_the_page_goes_down_to_classes_layers_and_operators(page: str) -> None:
    text = " ".join(page.split())
    for words in ("Where the time goes", "projection 1 x 1", "Where the error comes from", "blocks.0.project", "2.234",
                  "Operators off the delegate", "Float against int8 in each class", "not recorded"):  # fmt: skip
        assert words in text, words
    assert re.search(r"Stop Sign</td>.*?100\.0.*?90\.0.*?-10\.0", text)
    assert "Accuracy against latency" not in text  # no artefact was both scored and timed


def test_operators_off_the_delegate_are_named(tmp_path: Path) -> None:
    off = {"one": ARTEFACT | {"operators_outside": {"AVERAGE_POOL_2D": 4}, "delegate_pieces": 5},
           "two": ARTEFACT | {"operators_outside": ["aten::cat.out"], "delegate_pieces": 2},
           "three": ARTEFACT | {"operators_outside": []}}  # fmt: skip
    text = " ".join(render_page(load_results(write(tmp_path, **off))).split())
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", text)]
    found = [row[2:] for row in cells if len(row) == 4]
    assert found == [["4 AVERAGE_POOL_2D", "5"], ["none", "1"], ["aten::cat.out", "2"]]


def test_accuracy_stands_against_latency(tmp_path: Path) -> None:
    timed = json.loads(json.dumps(LATENCY))
    timed["rows"][0]["artefact"] = "tiny_int8.tflite"
    text = render_page(load_results(write(tmp_path, latency=timed, int8=accuracy())))
    row = "".join(f"<td{kind}>{cell}</td>" for kind, cell in
                  (("", "tiny_int8.tflite"), ("", "Fake 1"), ("", "int8"), (' class="figure"', "12.0"),
                   (' class="figure"', "90.00")))  # fmt: skip
    assert "Accuracy against latency" in text and row in text


def test_predictions_are_told_by_a_sign_not_by_colour_alone(page: str) -> None:
    text = " ".join(page.split())
    assert re.search(r'class="right">✓ Stop Sign', text)
    assert re.search(r'class="wrong">✗ No gesture', text)
    assert re.search(r"<li>· Thumb Up", text)


def test_what_is_absent_is_left_out(tmp_path: Path) -> None:
    page = render_page(load_results(write(tmp_path, parity=PARITY)))
    assert "Where the" not in page
    assert "Latency" not in page
    assert "Artefacts" not in page
    assert "Confusion" not in page
    with pytest.raises(UserError, match="there are no result files"):
        render_page({})


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "results", parity=PARITY)
    write(tmp_path / "artefacts", **{"a.tflite.report": ARTEFACT, "a.tflite.contract": {"version": 1}})
    target = tmp_path / "pages" / "report.html"
    words = ["--results", tmp_path / "results", "--artefacts", tmp_path / "artefacts", "--html", target]
    assert call(monkeypatch, *words) == 0
    assert "feed" * 16 in target.read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--results", "none", "--html", "page.html"], "there is no folder none"),
        (["--results", "empty", "--html", "page.html"], "there are no result files"),
        (["--results", "results", "--artefacts", "empty", "--html", "page.html"], r"holds no \*\.report\.json"),
        (["--results", "results", "--html", "file/page.html"], "cannot write file/page.html"),
        (["--results", "results", "--readme", "none.md"], r"cannot read none\.md"),
    ],
)
def test_bad_words_on_the_command_line(tmp_path: Path, monkeypatch, words: list[str], expected: str) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("results"), parity=PARITY)
    Path("empty").mkdir()
    Path("file").write_text("mine")
    with pytest.raises(UserError, match=expected):
        call(monkeypatch, *words)
    assert not Path("page.html").exists()


def test_expected_memory_says_what_was_never_run(tmp_path: Path) -> None:
    text = "<!-- table: memory -->\n<!-- /table -->"
    lines = fill_tables(text, write(tmp_path, memory=MEMORY)).splitlines()
    assert lines[1].split(" | ")[-3:] == ["GiB on 1", "GiB on 8", "on a GPU |"]
    row = "| something_sth | sth_resnet50 | 8 x 224 x 224 | bf16 | 64 | 22.0 | 0.50 | 384 | 24.5 | 3.5 | **not run** |"
    assert lines[3] == row


def test_training_tables_show_their_spread_and_what_was_never_run(tmp_path: Path) -> None:
    text = "<!-- table: ablation -->\n<!-- /table -->\n<!-- table: attention -->\n<!-- /table -->"
    lines = fill_tables(text, write(tmp_path, ablation=ABLATION, attention=ATTENTION)).splitlines()
    assert "| 6 | p = 0 | 2 | 42.5 | 40.0 | 45.0 | 19.7 |" in lines
    assert "| 7 | merge | 0 | **not run** |  |  | 45.9 |" in lines
    assert "| layer | p 0.25, rgb, rendered:27:1 | p 0.125, rgb, rendered:27:1 |" in lines
    assert "| `two` | 0.62 ± 0.02 | 0.75 ± 0.02 |" in lines
