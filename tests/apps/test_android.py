"""The Android app: its core on the JVM over golden vectors, and the APK with the models that were installed."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from tools_needed import need, need_android_on_linux

from android_demo.tools import apk, check_apk, preprocess_speed
from android_demo.tools.api_level import unguarded
from android_demo.tools.app_tests import run_app_tests, sheet
from android_demo.tools.core_tests import run_core_tests
from android_demo.tools.libraries import LIST, read_libraries
from android_demo.tools.native import EXECUTORCH, native_libraries
from android_demo.tools.programs import RUNTIME, delegate_formats, faults
from android_demo.tools.read_in_runtime import read_all
from android_demo.tools.recording import record
from converters import export_executorch, export_tflite
from mobile.apps.golden.vectors import write_golden
from mobile.apps.install_assets import ANDROID, install
from mobile.bundle import SHIPPED_CAUSAL, open_bundle
from mobile.events.score import read_thresholds
from mobile.interface.contract import load_contract
from mobile.report.readme import table_of
from mobile.schemas import PreprocessSpeed, load_result
from training.common.errors import UserError
from training.common.files import sha256_of, write_json

pytestmark = pytest.mark.minutes
INSTALL = "android_demo/install_tools.sh"
KTLINT = apk.ROOT / "build" / "android" / "npm" / "node_modules" / "@naturalcycles" / "ktlint" / "resources" / "ktlint"


@pytest.fixture(scope="module")
def tools() -> None:
    there = all(library.path.is_file() for library in read_libraries())
    need("java", "javac", "aapt", "zipalign", "apksigner", install=INSTALL, there=there)


@pytest.fixture(scope="module")
def streams(tools: None, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The shipped streams as artefacts of both runtimes of the app."""
    from converters.shared import export

    folder, bundle = tmp_path_factory.mktemp("streams"), open_bundle(SHIPPED_CAUSAL)
    return [
        export(bundle, module.TARGET, "int8", folder, clips=0, mode="stream")
        for module in (export_tflite, export_executorch)
    ]


def test_core_over_golden_vectors(streams: list[Path], tmp_path: Path) -> None:
    model = streams[0]
    write_golden(model, read_thresholds(None, model), tmp_path / "vectors", seed=4)
    counts = run_core_tests(tmp_path / "vectors", tmp_path / "kotlin.json")
    assert counts["passed"] > 50 and counts["failed"] == counts["ignored"] == 0
    report = json.loads((tmp_path / "kotlin.json").read_text())
    assert report["made_of"]["sha256"] == sha256_of(model)
    kinds = {row["name"].split("/")[0] for row in report["rows"]}
    assert {"camera", "stream", "events"} <= kinds
    assert all(row["differing"] == 0 for row in report["rows"]), report["rows"]
    kept = apk.ROOT / "build" / "golden" / "kotlin.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tmp_path / "kotlin.json", kept)


def test_the_screen_is_drawn(streams: list[Path], tmp_path: Path) -> None:
    """Texts, sizes and what is blank are checked on the JVM; here, what the pictures say to each other."""
    said = record(streams[0], tmp_path / "recording", seed=0)
    counts = run_app_tests(tmp_path / "recording", tmp_path / "pictures")
    assert counts["passed"] >= 7 and counts["failed"] == counts["ignored"] == 0 and len(said["gestures"]) == 4
    light, dark = (cv2.imread(str(tmp_path / "pictures" / f"screen_{name}.png")) for name in ("light", "dark"))
    assert light.shape == dark.shape == (1080, 540, 3)
    rows = light.shape[0] // 3
    assert np.array_equal(light[:rows], dark[:rows]) and light[:rows].std() > 10  # the video's frame
    assert light[2 * rows :].mean() > 200 and dark[2 * rows :].mean() < 60
    shown = cv2.imread(str(apk.ROOT / "android_demo" / "screens.jpg"))
    assert shown.shape == sheet(tmp_path / "pictures").shape


def test_wrong_golden_vectors_fail(streams: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    write_golden(streams[0], read_thresholds(None, streams[0]), folder, seed=4)
    manifest = json.loads((folder / "manifest.json").read_text())
    changed = folder / manifest["camera"][0]["resized"]
    content = bytearray(changed.read_bytes())
    content[100] ^= 64
    changed.write_bytes(content)
    with pytest.raises(UserError, match="tests of the Android core fail"):
        run_core_tests(folder)


@pytest.fixture(scope="module")
def built(streams: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The APK with these streams."""
    before = {file.name: file.read_bytes() for file in apk.MODELS.iterdir()} if apk.MODELS.is_dir() else {}
    try:
        install(streams, ANDROID)
        return apk.build(tmp_path_factory.mktemp("apk") / "gestures.apk")
    finally:
        shutil.rmtree(apk.MODELS, ignore_errors=True)
        if before:
            apk.MODELS.mkdir(parents=True)
            for name, content in before.items():
                (apk.MODELS / name).write_bytes(content)


def test_the_apk_holds_the_models_and_no_fault(built: Path, streams: list[Path], tmp_path: Path) -> None:
    assert check_apk.check(built) == []
    with zipfile.ZipFile(built) as archive:
        for model in streams:
            (tmp_path / model.name).write_bytes(archive.read(f"assets/models/{model.name}"))
            assert sha256_of(tmp_path / model.name) == sha256_of(model)
            assert f"assets/models/{model.name}.contract.json" in archive.namelist()
            assert archive.getinfo(f"assets/models/{model.name}").compress_type == zipfile.ZIP_STORED


def test_the_apks_own_native_libraries_read_its_models(built: Path, streams: list[Path]) -> None:
    """Every logit and state of ExecuTorch's program is the host's to the bit; TensorFlow Lite rounds otherwise."""
    need_android_on_linux()
    readings = {reading.artefact: reading for reading in read_all(built, seed=5)}
    assert {name: reading.sha256 for name, reading in readings.items()} == {m.name: sha256_of(m) for m in streams}
    litert, executorch = (readings[model.name] for model in streams)
    assert executorch.identical and executorch.runtime == f"ExecuTorch {EXECUTORCH} (XnnpackBackend)"
    assert executorch.logits.values == executorch.rows * 27 == 32 * 27 and executorch.states.values > 100_000
    point = load_contract(streams[0]).output.quantization
    assert point and litert.logits.largest <= 4.5 * point.scale and litert.same_class >= 0.9 * litert.rows


def test_newer_calls_are_found_and_stand_behind_a_question(tools: None, tmp_path: Path) -> None:
    apk.MODELS.mkdir(parents=True, exist_ok=True)  # aapt wants the folder of assets
    _, r = apk.resources(tmp_path)
    found = apk.require_old_phones(apk.app_classes(r))
    assert any("ThermalStatus" in what for whats in found.values() for what in whats)
    assert unguarded({"org.sthmobile.gesture.ui.Words": ["referenced class android.new.Thing"]}) != []


def test_preprocessing_is_timed_beside_inference(streams: list[Path], tmp_path: Path) -> None:
    found = preprocess_speed.measure(streams[0], rounds=2, warm_up=20, seed=1)
    assert found["sha256"] == sha256_of(streams[0]) and found["frame"] == "640 x 480"
    assert all(found[key]["median"] > 0 for key in ("preprocess_ms", "inference_ms")) and found["ratio"] > 0
    write_json(tmp_path / "speed.json", found)
    result = load_result(tmp_path / "speed.json")
    assert isinstance(result, PreprocessSpeed)
    assert f"{result.ratio:.2f}" in table_of([result]) and streams[0].name in table_of([result])
    write_json(tmp_path / "speed.json", {**found, "ratio": found["ratio"] / 2})
    with pytest.raises(UserError, match="its samples say"):
        load_result(tmp_path / "speed.json")


def test_programs_that_the_native_library_would_refuse_are_named(streams: list[Path]) -> None:
    program, runtime = streams[1].read_bytes(), native_libraries("executorch")[f"lib/arm64-v8a/{RUNTIME}"]
    assert faults(program, runtime) == [] and delegate_formats(program) == {b"XN01"}
    assert "its format is ET99" in faults(program[:6] + b"99" + program[8:], runtime)[0]
    assert "its XNNPACK format is XN77" in faults(program.replace(b"XN01", b"XN77"), runtime)[0]
    assert "lacks the operator aten::unheard_of" in faults(program + b"\0aten::unheard_of\0", runtime)[0]
    assert faults(program + b"\0aten::permute_copy\0", runtime) == []
    assert "no ExecuTorch program" in faults(streams[0].read_bytes(), runtime)[0]


def test_an_apk_with_faults_is_refused(tools: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no"):
        check_apk.check(tmp_path / "absent.apk")
    with zipfile.ZipFile(tmp_path / "unsigned.apk", "w") as archive:
        archive.writestr("classes.dex", b"dex")
    with pytest.raises(UserError, match="verifying failed"):
        check_apk.check(tmp_path / "unsigned.apk")


def test_components_that_any_app_may_start_are_named() -> None:
    exported = "A: android:exported(0x01010010)=(type 0x12)0xffffffff"
    name = 'A: android:name(0x01010003)="{}"'
    tree = "\n".join(
        [f"E: activity {name.format('.Open')} {exported}",
         f"E: activity {name.format('.Guarded')} {exported} A: android:permission(0x01010006)=\"a.b\"",
         f"E: activity {name.format('.Main')} {exported} {name.format('android.intent.category.LAUNCHER')}",
         f"E: service {name.format('.Inner')}"]
    )  # fmt: skip
    assert check_apk.open_components(tree) == [".Open"]


def test_ktlint_is_clean() -> None:
    need("java", install=INSTALL, there=KTLINT.is_file())
    apk.run([KTLINT, "--relative", "android_demo/**/*.kt", "android_demo/**/*.kts"], "ktlint")


def test_the_list_of_libraries_names_checksums() -> None:
    libraries = read_libraries(LIST)
    assert len({library.path.name for library in libraries}) == len(libraries) > 20
    assert all(int(library.sha256, 16) for library in libraries)
