"""The README's tables: they say what the result files say, and nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from result_samples import (
    ABLATION,
    ARM64,
    ARTEFACT,
    ATTENTION,
    EVENTS,
    LATENCY,
    MEMORY,
    NOISE,
    PARITY,
    PROFILE,
    RUNTIME,
    STAGES,
    STEPS,
    STUDY,
    accuracy,
    write,
)

from mobile.report import command as report
from mobile.report import layer_tables
from mobile.report.markdown import markdown
from mobile.report.readme import fill_tables, table_of
from mobile.schemas import KINDS, load_results
from mobile.schemas.reading import _build
from training.common.errors import UserError


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


def test_tables_of_speed(tmp_path: Path) -> None:
    found = load_results(write(tmp_path, runtime=RUNTIME, stages=STAGES))
    by_name = {Path(name).stem: result for name, result in found.items()}
    assert "| hybrid | 21.98 | 30.23 | 0.50 | 1.25 |  |" in table_of([by_name["runtime"]])
    stages = table_of([by_name["stages"]])
    assert "| 64 x 56 | 0.75 (1.25) |" in stages
    assert "| G multiply-adds/s | 2d | taps |" in stages and "| 64 x 56 | 2.0 | 2.0 |" in stages


def test_expected_memory_says_what_was_never_run(tmp_path: Path) -> None:
    text = "<!-- table: memory -->\n<!-- /table -->"
    lines = fill_tables(text, write(tmp_path, memory=MEMORY)).splitlines()
    assert lines[1].split(" | ")[-3:] == ["GiB on 1", "GiB on 8", "on a GPU |"]
    row = "| something_sth | sth_resnet50 | 8 x 224 x 224 | bf16 | 64 | 22.0 | 0.50 | 384 | 24.5 | 3.5 | **not run** |"
    assert lines[3] == row


def test_emulated_cpus_share_a_row_only_where_they_agree(tmp_path: Path) -> None:
    text = "<!-- table: arm64 -->\n<!-- /table -->\n<!-- table: parity -->\n<!-- /table -->"
    row = ARM64["rows"][0]
    rows = [
        {**row, "cpu": cpu, "differing": count, "largest_steps": float(count > 0)}
        for cpu, count in (("a53", 0), ("a76", 7), ("max", 0))
    ]
    hops = [
        {**PARITY["rows"][2], "hop": 6, "name": "x86 = arm64, Fake", "cpu": cpu, "status": status}
        for cpu, status in (("a53", "passed"), ("a76", "failed"), ("max", "passed"))
    ]
    tables = fill_tables(text, write(tmp_path, arm64=ARM64 | {"rows": rows}, parity=PARITY | {"rows": hops}))
    assert "| a53, max | 108 | 2916 | 0 |" in tables and "| a76 | 108 | 2916 | 7 |" in tables
    assert "| x86 = arm64, Fake, on a53, max (emulated) (`tiny.tflite`) | passed" in tables
    assert "| x86 = arm64, Fake, on a76 (emulated) (`tiny.tflite`) | failed" in tables


def test_training_tables_show_their_spread_and_what_was_never_run(tmp_path: Path) -> None:
    text = "<!-- table: ablation -->\n<!-- /table -->\n<!-- table: attention -->\n<!-- /table -->"
    lines = fill_tables(text, write(tmp_path, ablation=ABLATION, attention=ATTENTION)).splitlines()
    assert "| 6 | p = 0 | 2 | 42.5 | 40.0 | 45.0 | 19.7 |" in lines
    assert "| 7 | merge | 0 | **not run** |  |  | 45.9 |" in lines
    assert any("networks on NVIDIA 1 of seed 0; on CPU 1 of seed 1." in line for line in lines)
    assert "| layer | p 0.25, rgb, rendered:27:1 | p 0.125, rgb, rendered:27:1 |" in lines
    assert "| `two` | 0.72 (0.62 to 0.82) | 0.75 |" in lines
    assert "| all layers | 0.61 (0.56 to 0.66) | 0.62 |" in lines
    assert "| top-1 % | 90.5 (90.0 to 91.0) | 90.0 |" in lines
    assert "Networks x clips: 2 x 27, 1 x 27; mean (least to most)." in lines
