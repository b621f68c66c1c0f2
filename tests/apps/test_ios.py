"""The iOS app as far as Linux goes: its package's tests over golden vectors, syntax and style of every Swift file."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_benchmarks import BATTERY, DEVICE, TYPES, faults, kotlin_keys
from tools_needed import need

from converters import export_coreml, export_executorch, export_tflite
from converters.int8_numbers import numbers_of
from converters.shared import Target, export
from mobile.apps.golden.camera import add_camera
from mobile.apps.golden.files import GoldenWriter
from mobile.apps.golden.vectors import write_golden
from mobile.apps.install_assets import IOS as IOS_APP
from mobile.apps.install_assets import install
from mobile.bundle import SHIPPED_CAUSAL, Bundle, open_bundle
from mobile.events.score import read_thresholds
from mobile.interface.contract import contract_path, load_contract
from mobile.parity.golden_rows import app_rows
from mobile.schemas.row import PASSED
from training.common.files import sha256_of

pytestmark = pytest.mark.minutes
IOS = Path(__file__).resolve().parents[2] / "ios_demo"
CORE = IOS / "GestureCore"
TOOLS = Path(os.environ.get("STH_TOOLS") or Path.home() / ".cache" / "sth-tools") / "swift" / "bin"
PATH = os.pathsep.join([str(TOOLS), os.environ.get("PATH", "")])
APP_FILES = sorted((IOS / "App").rglob("*.swift"))
APP_TESTS = sorted((IOS / "AppTests").rglob("*.swift"))
GOLDEN_TESTS = sorted((CORE / "Tests" / "GestureCoreTests" / "Golden").glob("*.swift"))
DECLARATIONS = Path(__file__).resolve().parents[1] / "support" / "apple_declarations"
FRAMEWORKS = ("CoreVideo", "AVFoundation", "CoreML", "ExecuTorch", "os", "UIKit", "SwiftUI", "PhotosUI")
"""In the order of their imports."""


def run(
    *command: str | Path, environment: dict[str, str] | None = None, folder: Path = IOS, characters: int = 3000
) -> str:
    """All that a tool says; the test fails where the tool does."""
    words = [str(word) for word in command]
    ended = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": PATH, **(environment or {})}
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said[-characters:]
    return said


@pytest.fixture(scope="module")
def swift() -> None:
    there = all(shutil.which(name, path=PATH) for name in ("swift", "swiftc", "swift-format", "swiftlint"))
    need(install="ios_demo/install_tools.sh", there=there)


@pytest.fixture(scope="module")
def golden(swift: None, tmp_path_factory: pytest.TempPathFactory) -> Golden:
    """Golden vectors of the shipped stream, camera frames for Core ML, and the app's folder of models."""
    folder, bundle = tmp_path_factory.mktemp("ios"), open_bundle(SHIPPED_CAUSAL)
    stream = export(bundle, export_tflite.TARGET, "int8", folder, clips=0, mode="stream")
    write_golden(stream, read_thresholds(None, stream), folder / "vectors", seed=4)
    targets = (export_coreml.TARGET, export_coreml.target_of(stateful=True), export_executorch.TARGET)
    models = [export(bundle, hollow(target), "int8", folder, clips=0, mode="stream") for target in targets]
    install(models, IOS_APP, folder)
    write_camera(models[0], folder / "coreml")
    return Golden(folder, stream)


@dataclasses.dataclass(frozen=True)
class Golden:
    """What the tests of the package read and write, in one folder."""

    folder: Path
    stream: Path

    def environment(self, vectors: str = "vectors") -> dict[str, str]:
        names = {
            "STH_GOLDEN": vectors, "STH_GOLDEN_COREML": "coreml", "STH_GOLDEN_RESULT": "swift.json",
            "STH_BENCHMARKS": "benchmarks", "STH_MODELS": str(IOS_APP.folder),
        }  # fmt: skip
        return {name: str(self.folder / place) for name, place in names.items()}


def hollow(target: Target) -> Target:
    """A target whose artefacts have all side files, as the exporter writes them, and no network: conversion is slow."""

    lowered: list[Bundle] = []

    def lower(bundle: Bundle, precision: str, mode: str, artefact: Path) -> dict[str, Any]:
        lowered.append(bundle)
        if artefact.suffix == ".mlpackage":
            artefact.mkdir()
            artefact /= "weights.bin"
        artefact.write_bytes(target.runtime.encode())
        return {"sha256": sha256_of(artefact.parent if artefact.name == "weights.bin" else artefact)}

    return Target(
        target.runtime, target.suffix, lower, lambda _: numbers_of(lowered[-1].network("int8")),
        layout=target.layout, state_layout=target.state_layout, int8_input=target.int8_input,
        int8_output=target.int8_output, stateful=target.stateful,
    )  # fmt: skip


def write_camera(artefact: Path, out: Path) -> None:
    """A golden folder with camera frames only, as an artefact's contract asks for them."""
    writer, contract = GoldenWriter(out), load_contract(artefact)
    writer.finish(
        {
            "made_of": {"artefact": artefact.name},
            "contract": writer.add_json(contract_path(artefact).name, contract.to_json()),
            "thresholds": "",
            "camera": add_camera(writer, contract, seed=6),
            "events": [],
            "exponential": [],
            "stream": {"frames": 0, "inputs": "", "logits": "", "state_frames": [], "states": {}},
        }
    )


def test_gesture_core_over_golden_vectors(golden: Golden) -> None:
    """Every test of the package, the app's sources that need Foundation only among what it compiles."""
    said = run("swift", "test", "--disable-sandbox", folder=CORE, environment=golden.environment())
    counts = re.findall(r"Executed (\d+) tests?, with (?:(\d+) tests? skipped and )?(\d+) failures", said)[-1]
    print(f"swift test: {counts[0]} tests, {counts[1] or 0} skipped, {counts[2]} failures")
    assert int(counts[0]) > 70 and not counts[1] and counts[2] == "0", said[-2000:]
    result = golden.folder / "swift.json"
    report = json.loads(result.read_text())
    assert report["side"] == "Swift" and report["made_of"]["sha256"] == sha256_of(golden.stream)
    kinds = {row["name"].rsplit("/", 1)[0] for row in report["rows"]}
    assert {"events", "stream"} <= {kind.split("/")[0] for kind in kinds} and any("coreml/camera" in k for k in kinds)
    assert len(report["rows"]) > 60 and all(row["differing"] == 0 for row in report["rows"]), report["rows"]
    row = next(row for row in app_rows([result], [golden.stream]) if row.name.endswith("Swift"))
    assert row.status == PASSED and row.sha256 == sha256_of(golden.stream)
    kept = IOS.parent / "build" / "golden" / "swift.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(result, kept)


def test_both_apps_write_one_benchmark_schema(golden: Golden) -> None:
    """After the test above, in which Swift wrote one file of a run that ended well and one of a run that failed."""
    assert kotlin_keys() == (TYPES.keys(), DEVICE.keys(), BATTERY.keys())
    for status in ("done", "failed"):
        content = json.loads((golden.folder / "benchmarks" / f"{status}.json").read_text())
        assert content["status"] == status and content["kind"] == "ios_benchmark" and content["schema"] == 1
        found = faults(content, TYPES) + faults(content["device"], DEVICE) + faults(content["battery"], BATTERY)
        assert found == []
        assert all(isinstance(sample, (int, float)) for sample in content["samples_ms"] or ())


def test_wrong_golden_vectors_fail(golden: Golden) -> None:
    """U for V in one camera frame, the frames of an event sequence reversed, one bit of an exponential."""
    spoilt = golden.folder / "spoilt"
    shutil.copytree(golden.folder / "vectors", spoilt)
    manifest = json.loads((spoilt / "manifest.json").read_text())
    channels = next(frame["channels"] for frame in manifest["camera"] if "U" in frame["channels"])
    channels["U"], channels["V"] = channels["V"], channels["U"]
    logits = spoilt / manifest["events"][0]["logits"]
    classes = len(json.loads((spoilt / manifest["contract"]).read_text())["labels"])
    np.fromfile(logits, "<f4").reshape(-1, classes)[::-1].tofile(logits)
    point = manifest["exponential"][-1]
    point["y_bits"] = f"{int(point['y_bits'], 16) ^ 1:016x}"
    (spoilt / "manifest.json").write_text(json.dumps(manifest))
    words = ("swift", "test", "--disable-sandbox", "--skip-build", "--filter", "GoldenTests")
    with pytest.raises(AssertionError) as failed:
        run(*words, folder=CORE, environment=golden.environment("spoilt"), characters=100_000)
    names = set(re.findall(r"GoldenTests[. ](test\w+)\]? : ", str(failed.value)))
    assert {"testCameraFrames", "testEvents", "testExponential"} <= names, names


def test_every_file_parses(swift: None) -> None:
    """Of the app; those of the package are compiled above."""
    assert len(APP_FILES) > 15 and APP_TESTS
    run("swiftc", "-frontend", "-parse", *APP_FILES, *APP_TESTS)


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has the frameworks themselves: ios_demo/check_on_mac.sh")
def test_the_app_uses_the_package_as_it_is(swift: None, tmp_path: Path) -> None:
    """The compiler's types and isolation of the whole app over the package, without what is internal in it.

    What the app uses of Apple's frameworks is declared in ``tests/apple_declarations``, by hand and without content:
    this says that the app fits the package and itself, not that it fits the frameworks.
    """
    run("swift", "build", "--disable-sandbox", folder=CORE)
    for name in FRAMEWORKS:
        words = ("-suppress-warnings", "-parse-as-library", "-module-name", name, "-I", tmp_path)
        run("swiftc", "-emit-module", *words, "-o", tmp_path / f"{name}.swiftmodule", DECLARATIONS / f"{name}.swift")
    strict = [
        "swiftc", "-swift-version", "6", "-warnings-as-errors", "-parse-as-library",
        "-I", str(tmp_path), "-I", str(CORE / ".build" / "debug" / "Modules"),
    ]  # fmt: skip
    module = tmp_path / "GestureDemo.swiftmodule"
    run(*strict, "-emit-module", "-enable-testing", "-module-name", "GestureDemo", "-o", module, *APP_FILES)
    helpers = [file for file in GOLDEN_TESTS if file.name != "GoldenTests.swift"]
    run(*strict, "-typecheck", "-module-name", "GestureDemoTests", *APP_TESTS, *helpers)


def test_style_is_clean(swift: None) -> None:
    run(
        "swift-format", "lint", "--strict", "--recursive", "App", "AppTests", "GestureCore/Sources", "GestureCore/Tests"
    )
    run("swiftlint", "lint", "--quiet", "--strict")
