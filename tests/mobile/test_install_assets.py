"""Artefacts on their way into the apps: whole, fitting, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mobile.apps import install_assets
from mobile.apps.install_assets import ANDROID, IOS, install
from mobile.bundle import SHIPPED_CAUSAL
from mobile.events.settings import thresholds_path
from mobile.interface.contract import contract_path, report_path
from training.common.errors import UserError
from training.common.files import sha256_of, write_json
from training.rendered import jester_labels

SHIPPED = thresholds_path(SHIPPED_CAUSAL)
SUFFIX = {"litert": ".tflite", "executorch": ".pte", "coreml": ".mlpackage"}


def contract(runtime: str, mode: str) -> dict[str, object]:
    tensor = {"name": "x", "shape": [1], "layout": "T", "dtype": "float32", "quantization": None}
    rule = {"segments": 8, "size": 96, "mean": [0.5] * 3, "std": [0.5] * 3, "crop_fraction": 0.875}
    return {
        "version": 2, "runtime": runtime, "precision": "int8", "network": "n", "options": {}, "mode": mode,
        "preprocess": rule, "input": tensor, "output": tensor, "labels": list(jester_labels()), "states": [],
        "frames_per_second": 4.0,
    }  # fmt: skip


def make_artefact(folder: Path, runtime: str = "litert", mode: str = "stream", name: str = "net") -> Path:
    """An artefact with its side files; its bytes are no network."""
    folder.mkdir(parents=True, exist_ok=True)
    artefact = folder / f"{name}{SUFFIX[runtime]}"
    if runtime == "coreml":
        artefact.mkdir()
        (artefact / "weights.bin").write_bytes(name.encode())
    else:
        artefact.write_bytes(name.encode())
    write_json(contract_path(artefact), contract(runtime, mode))
    write_json(report_path(artefact), {"sha256": sha256_of(artefact)})
    if mode == "stream":
        shutil.copyfile(SHIPPED, thresholds_path(artefact))
    return artefact


def test_all_files_arrive_unchanged_and_the_old_ones_go(tmp_path: Path) -> None:
    first = make_artefact(tmp_path / "a", name="first")
    install([first], ANDROID, tmp_path)
    pair = [make_artefact(tmp_path / "b", runtime) for runtime in ("litert", "executorch")]
    made = install(pair, ANDROID, tmp_path)
    folder = tmp_path / ANDROID.folder
    assert sorted(made) == sorted(folder.iterdir())
    assert len(made) == 8
    assert all(path.read_bytes() == (tmp_path / "b" / path.name).read_bytes() for path in made)


def test_a_clip_needs_no_thresholds_and_a_folder_is_copied(tmp_path: Path) -> None:
    made = install([make_artefact(tmp_path, "coreml", "clip")], IOS, tmp_path)
    assert [path.suffix for path in made] == [".mlpackage", ".json", ".json"]
    assert sha256_of(made[0]) == sha256_of(tmp_path / "net.mlpackage")


def swap_bytes(artefact: Path) -> None:
    artefact.write_bytes(b"another")


def wrong_background(artefact: Path) -> None:
    path = thresholds_path(artefact)
    write_json(path, json.loads(path.read_text()) | {"background": ["Juggling"]})


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (swap_bytes, "its report says"),
        (wrong_background, "Juggling"),
        (lambda artefact: thresholds_path(artefact).unlink(), "sth fit-events"),
        (lambda artefact: report_path(artefact).unlink(), "no report"),
        (lambda artefact: contract_path(artefact).unlink(), "no contract"),
        (lambda artefact: artefact.unlink(), "there is no"),
        (lambda artefact: write_json(contract_path(artefact), contract("executorch", "stream")), "export it again"),
    ],
)
def test_what_does_not_fit_is_said_and_changes_nothing(tmp_path: Path, spoil, says: str) -> None:
    install([make_artefact(tmp_path / "old", name="old")], ANDROID, tmp_path)
    before = sorted((tmp_path / ANDROID.folder).iterdir())
    artefact = make_artefact(tmp_path / "new")
    spoil(artefact)
    with pytest.raises(UserError, match=says):
        install([artefact], ANDROID, tmp_path)
    assert sorted((tmp_path / ANDROID.folder).iterdir()) == before


def test_a_runtime_that_the_app_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="for coreml; the Android app runs litert and executorch"):
        install([make_artefact(tmp_path, "coreml")], ANDROID, tmp_path)


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two artefacts are called"):
        install([make_artefact(tmp_path / "a"), make_artefact(tmp_path / "b")], ANDROID, tmp_path)


def test_the_command_wants_an_app(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        install_assets.parse([])
    assert "--android ARTEFACT" in capsys.readouterr().err
