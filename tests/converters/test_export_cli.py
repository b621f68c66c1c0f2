"""What the three exporters share: bad input, and that a failure leaves the folder as it was."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_artefacts import SEGMENTS, SIZE, FakeRuntime, faithful, install, tiny_bundle, write_checkpoint

from converters import export_coreml, export_executorch, export_tflite
from converters.int8_numbers import Int8Numbers, numbers_of, require_same_numbers
from converters.shared import Target, export, export_random, run
from mobile.bundle import Bundle
from mobile.interface.contract import contract_path, load_contract, report_path
from mobile.schemas import Artefact, load_result
from training.common.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
NAME = f"sth_mobilenet_v2_{SIZE}_int8.fake"
REPORT = {"runtime": "litert", "precision": "int8", "sha256": "0", "bytes": 3, "tools": {}, "operators": {}}


def write_new(bundle: Bundle, precision: str, mode: str, path: Path) -> dict[str, Any]:
    path.write_bytes(b"new")
    return {**REPORT, "precision": precision}


def held_numbers(path: Path) -> Int8Numbers:
    network = tiny_bundle().int8
    assert network is not None
    return numbers_of(network)


def target(
    lower: Any = write_new, runtime: str = "litert", suffix: str = ".fake", numbers: Any = held_numbers
) -> Target:
    return Target(
        runtime, suffix, lower, numbers, layout="THWC", state_layout="NTPC", int8_input=True, int8_output=True
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny.pt")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoint: Path) -> Any:
    """Runs an exporter's command into ``tmp_path / "out"``; later words win over earlier ones."""

    def call(*words: object, to: Target | None = None) -> None:
        defaults = ["--checkpoint", checkpoint, "--out", tmp_path / "out", "--parity-clips", 0]
        monkeypatch.setattr(sys, "argv", ["export", *map(str, [*defaults, *words])])
        run(to or target(), script="export_fake.py", description="")

    return call


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_artefact_contract_and_report_are_written(command: Any, tmp_path: Path, capsys) -> None:
    command()
    path = tmp_path / "out" / NAME
    assert set(content_of(path.parent)) == {NAME, f"{NAME}.contract.json", f"{NAME}.report.json"}
    contract, report = load_contract(path), load_result(report_path(path))
    assert contract.frames == tiny_bundle().spec
    assert contract.labels == tiny_bundle().labels
    assert contract.input.shape == (SEGMENTS, SIZE, SIZE, 3)
    assert contract.input.quantization is not None
    assert (contract.input.quantization.scale, contract.input.quantization.zero_point) == (1 / 128, 0)
    assert isinstance(report, Artefact)
    assert (report.artefact, report.checkpoint) == (NAME, "tiny.pt")
    assert capsys.readouterr().out.split() == [
        "wrote",
        f"{path},",
        f"{NAME}.contract.json",
        "and",
        f"{NAME}.report.json",
    ]


def test_targets_share_a_folder_without_mixing_their_files(command: Any, tmp_path: Path) -> None:
    command(to=target())
    command(to=target(runtime="executorch", suffix=".other"))
    found = [load_contract((tmp_path / "out" / NAME).with_suffix(suffix)).runtime for suffix in (".fake", ".other")]
    assert found == ["litert", "executorch"]
    assert len(content_of(tmp_path / "out")) == 6


def test_float_artefacts_have_float_borders(command: Any, tmp_path: Path) -> None:
    command("--precision", "fp32", "--size", 64)
    contract = load_contract(tmp_path / "out" / "sth_mobilenet_v2_64_fp32.fake")
    assert (contract.input.dtype, contract.output.dtype, contract.input.shape[1]) == ("float32", "float32", 64)


def _text(path: Path) -> Path:
    path.write_text("not a checkpoint")
    return path


def _other_file(path: Path) -> Path:
    torch.save({"model": {}}, path)
    return path


def _other_network(path: Path) -> Path:
    return write_checkpoint(path, network="tsm_mobilenet_v2")


def _other_quantized(path: Path) -> Path:
    return write_checkpoint(path, quantized={"points": {}, "convs": {}})


BAD_CHECKPOINTS = {
    "missing": (lambda path: path, "there is no checkpoint"),
    "text": (_text, "is no checkpoint"),
    "something else of PyTorch": (_other_file, "is no checkpoint of this project"),
    "without labels": (lambda path: write_checkpoint(path, labels=None), "lacks labels"),
    "another label list": (lambda path: write_checkpoint(path, labels=["a", "b"]), "the weights are not those of"),
    "another network's weights": (_other_network, "the weights are not those of tsm_mobilenet_v2"),
    "an unknown network": (lambda path: write_checkpoint(path, network="magic"), "magic"),
    "another network's int8": (_other_quantized, "the quantized state belongs to another network"),
    "no int8": (lambda path: write_checkpoint(path, quantized=None), "holds no int8 network"),
    "a size that does not fit": (
        lambda path: write_checkpoint(path, input=dataclasses.asdict(tiny_bundle().spec) | {"size": 50}),
        "size is 50",
    ),
    "no input size": (lambda path: write_checkpoint(path, input={"segments": SEGMENTS, "colour": 3}), "bad.pt"),
}


@pytest.mark.parametrize(("make", "expected"), BAD_CHECKPOINTS.values(), ids=BAD_CHECKPOINTS)
def test_bad_checkpoints_give_one_clear_line(command: Any, tmp_path: Path, make: Any, expected: str) -> None:
    path = make(tmp_path / "bad.pt")
    with pytest.raises(UserError, match=expected) as caught:
        command("--checkpoint", path)
    assert "\n" not in str(caught.value)
    assert "bad.pt" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--precision", "int4"], "precision is 'int4'; expected one of int8, fp16, fp32"),
        (["--size", 100], "size is 100; expected a positive multiple of 32"),
    ],
)
def test_values_that_no_exporter_takes(command: Any, tmp_path: Path, words: list[Any], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        command(*words)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to(command: Any, tmp_path: Path) -> None:
    """Below a regular file: root may write everywhere else."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"cannot write into .*Not a directory; choose another --out"):
        command("--out", tmp_path / "file" / "out")
    assert (tmp_path / "file").read_text() == "mine"


def _fails_after_writing(error: Exception) -> Any:
    def lower(bundle: Bundle, precision: str, mode: str, path: Path) -> dict[str, Any]:
        path.write_bytes(b"half")
        raise error

    return lower


@pytest.mark.parametrize("error", [UserError("op in layer"), RuntimeError("bug"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("older", [True, False])
def test_a_failed_conversion_leaves_the_folder_as_it_was(command: Any, tmp_path: Path, error, older: bool) -> None:
    folder = tmp_path / "out"
    if older:
        command()
        before = content_of(folder)
    with pytest.raises(type(error)):
        command(to=target(_fails_after_writing(error)))
    if older:
        assert content_of(folder) == before
    else:
        assert not folder.exists()


@pytest.mark.parametrize(
    "change", [{"weight": 1}, {"weight_scales": 1e-9}, {"bias": 1}, {"source": (1.0, 0)}, {"output": (1.0, 0)}], ids=str
)
def test_a_number_that_is_not_the_checkpoints_fails_the_export(command: Any, tmp_path: Path, change: Any) -> None:
    """Weights, scales, biases and zero points are compared one by one at every int8 export."""
    [(field, value)] = change.items()

    def numbers(path: Path) -> Int8Numbers:
        held = held_numbers(path)
        layer = held.layers["blocks.3.project"]
        if not isinstance(value, tuple):
            array = getattr(layer, field).copy()
            array.flat[0] += array.dtype.type(value)
            value_now: Any = array
        else:
            value_now = value
        changed = {**held.layers, "blocks.3.project": dataclasses.replace(layer, **{field: value_now})}
        return dataclasses.replace(held, layers=changed)

    with pytest.raises(UserError, match=r"does not hold what the checkpoint holds of blocks\.3\.project: ") as caught:
        command(to=target(numbers=numbers))
    assert ("its weight" if field == "weight" else field.replace("_", " ")) in str(caught.value)
    assert not (tmp_path / "out").exists()
    command("--precision", "fp32", to=target(numbers=numbers))  # float artefacts hold no such numbers


def test_layers_and_points_are_those_of_the_checkpoint_and_no_others(tmp_path: Path) -> None:
    network = tiny_bundle().int8
    assert network is not None
    held = numbers_of(network)
    more = dataclasses.replace(held, layers={**held.layers, "again": held.layers["head"]})
    with pytest.raises(UserError, match="1 convolutions more"):
        require_same_numbers(more, network, "it")
    with pytest.raises(UserError, match=r"0\.5 with 3"):
        require_same_numbers(dataclasses.replace(held, points=[*held.points, (0.5, 3)]), network, "it")
    require_same_numbers(numbers_of(network, "float16", real_bias=True), network, "it")


def test_a_folder_that_was_there_stays(command: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError):
        command(to=target(_fails_after_writing(UserError("no"))))
    assert content_of(tmp_path / "out") == {}


def _with_parity(monkeypatch: pytest.MonkeyPatch, compute: Any, folder: Path, lower: Any = write_new) -> Path:
    name = "checked.tflite"
    install(monkeypatch, {name: FakeRuntime(compute)})
    return export(tiny_bundle(), target(lower, suffix=".tflite"), "int8", folder, clips=1, name="checked")


@pytest.mark.minutes
def test_the_report_holds_the_parity_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = _with_parity(monkeypatch, faithful(tiny_bundle()), tmp_path)
    rows = {row["name"]: row for row in json.loads(report_path(path).read_text())["parity"]}
    assert rows["quantized program = Fake 1.0"]["status"] == "passed"
    assert rows["quantized program = Fake 1.0"]["sha256"] == hashlib.sha256(b"new").hexdigest()
    assert rows["clip = stream"]["status"] == "not run"


@pytest.mark.minutes
def test_a_failed_parity_row_keeps_the_older_artefact(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _with_parity(monkeypatch, faithful(tiny_bundle()), tmp_path)
    before = content_of(tmp_path)

    def other(bundle: Bundle, precision: str, mode: str, path: Path) -> dict[str, Any]:
        path.write_bytes(b"other")
        return dict(REPORT)

    with pytest.raises(UserError, match=r"checked\.tflite does not compute what the checkpoint does"):
        _with_parity(monkeypatch, lambda tensor: np.arange(27, dtype=np.float32), tmp_path, other)
    assert content_of(tmp_path) == before


def test_networks_for_timing_are_built_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made: list[Path] = []
    seen: list[Bundle] = []

    def lower(bundle: Bundle, precision: str, mode: str, path: Path) -> dict[str, Any]:
        made.append(path)
        seen.append(bundle)
        return write_new(bundle, precision, mode, path)

    like = {"precision": "int8", "size": 32, "segments": 2, "classes": 5, "options": {"width": 0.35}}
    numbers = lambda path: numbers_of(seen[-1].network("int8"))  # noqa: E731
    first = export_random(target(lower, numbers=numbers), "tsn_mobilenet_v2", **like, folder=tmp_path)  # type: ignore[arg-type]
    again = export_random(target(lower, numbers=numbers), "tsn_mobilenet_v2", **like, folder=tmp_path)  # type: ignore[arg-type]
    assert (first, len(made)) == (again, 1)
    assert first.name == "tsn_mobilenet_v2_width0.35_2x32_int8.fake"
    contract = load_contract(first)
    assert (contract.network, contract.options, len(contract.labels)) == ("tsn_mobilenet_v2", {"width": 0.35}, 5)
    assert capsys.readouterr().err.count("building") == 1


def test_the_three_targets() -> None:
    found = [
        (module.TARGET.runtime, module.TARGET.suffix) for module in (export_tflite, export_executorch, export_coreml)
    ]
    assert found == [("litert", ".tflite"), ("executorch", ".pte"), ("coreml", ".mlpackage")]


@pytest.mark.minutes
def test_scripts_run_from_anywhere(tmp_path: Path) -> None:
    script = ROOT / "converters" / "export_coreml.py"
    words = [sys.executable, str(script), "--checkpoint", "none.pt", "--out", "out"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: there is no checkpoint none.pt; give a .pt file that training.train wrote"
    ]
    assert list(tmp_path.iterdir()) == []


def test_side_files_are_beside_the_artefact() -> None:
    path = Path("folder/a.b.tflite")
    assert contract_path(path) == Path("folder/a.b.tflite.contract.json")
    assert report_path(path) == Path("folder/a.b.tflite.report.json")
