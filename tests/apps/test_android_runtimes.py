"""Artefacts in the runtimes of an APK, on this machine: a comparison that must see what differs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from short_bundles import short_bundle
from tools_needed import need, need_android_on_linux

from android_demo.tools.android_on_linux import ABI
from android_demo.tools.apk_runtimes import ApkRuntimes
from android_demo.tools.libraries import read_libraries
from android_demo.tools.native import EXECUTORCH, native_libraries
from android_demo.tools.read_in_runtime import IN_WHEEL, Host, difference, line_of, must_be_identical, read_all, results
from converters import export_executorch, export_tflite
from converters.shared import export
from mobile.interface.contract import contract_path
from training.common.errors import UserError

pytestmark = pytest.mark.minutes


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A short network as clip and stream of ExecuTorch, and as stream of LiteRT."""
    folder, bundle = tmp_path_factory.mktemp("artefacts"), short_bundle()
    wanted = ((export_executorch, "clip"), (export_executorch, "stream"), (export_tflite, "stream"))
    return [export(bundle, module.TARGET, "int8", folder, clips=0, mode=mode) for module, mode in wanted]


@pytest.fixture(scope="module")
def small_apk(models: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an APK holds of models and native libraries, without the app."""
    need("java", install="android_demo/install_tools.sh", there=all(each.path.is_file() for each in read_libraries()))
    need_android_on_linux()
    file = tmp_path_factory.mktemp("apk") / "small.apk"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in native_libraries("litert", "executorch").items():
            archive.writestr(name, content)
        for path in (side for model in models for side in (model, contract_path(model))):
            archive.write(path, f"assets/models/{path.name}")
    return file


def test_clips_and_streams_are_read_as_here(small_apk: Path, models: list[Path]) -> None:
    readings = list(read_all(small_apk, seed=2))
    assert sorted(reading.artefact for reading in readings) == sorted(model.name for model in models)
    programs = [reading for reading in readings if must_be_identical(reading)]
    assert {reading.mode for reading in programs} == {"clip", "stream"}
    for reading in programs:
        assert reading.identical and reading.same_class == reading.rows and "logits identical" in line_of(reading)
        assert bool(reading.states.values) == (reading.mode == "stream")


def test_states_that_are_kept_too_long_are_seen(small_apk: Path, tmp_path: Path) -> None:
    """A comparison that would pass whatever the library does is none."""
    runtimes = ApkRuntimes(small_apk, tmp_path / "apk")
    stream = next(model for model in runtimes.models if model.suffix == ".pte" and "stream" in model.name)
    host = Host(stream, seed=2)
    _, raw = runtimes.run(stream, host.tensors.tobytes(), len(host.tensors), tmp_path)
    logits, states = results(host, raw)
    first = slice(0, host.steps)
    assert np.array_equal(logits[first], host.logits[first])
    found = difference([host.logits], [logits])
    assert found.values == host.logits.size and 0 < found.differing < found.values and found.largest > 0
    assert difference(list(host.states.values()), list(states.values())).differing > 0
    with pytest.raises(UserError, match="bytes of results"):
        results(host, raw[:-1])


def test_a_number_that_is_none_differs() -> None:
    one = np.array([1.0, 2.0, 3.0], np.float32)
    assert difference([one], [one]).differing == 0
    found = difference([one, one], [np.array([1.0, np.nan, 3.0], np.float32), one + 1])
    assert (found.values, found.differing) == (6, 4)


def test_a_model_that_the_library_refuses_is_said(small_apk: Path, tmp_path: Path) -> None:
    runtimes = ApkRuntimes(small_apk, tmp_path / "apk")
    model = next(model for model in runtimes.models if model.suffix == ".pte")
    model.write_bytes(model.read_bytes()[:5000])
    with pytest.raises(UserError, match=f"does not run {model.name}"):
        runtimes.run(model, bytes(100), 1, tmp_path)
    assert not list(Path.cwd().glob("hs_err_pid*"))  # Java's, of a library that ends it


def test_an_apk_without_models_or_libraries_is_refused(small_apk: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no"):
        ApkRuntimes(tmp_path / "absent.apk", tmp_path / "0")
    with zipfile.ZipFile(small_apk) as archive, zipfile.ZipFile(tmp_path / "bare.apk", "w") as bare:
        for name in archive.namelist():
            if name.startswith(f"lib/{ABI}/"):
                bare.writestr(name, archive.read(name))
    with pytest.raises(UserError, match="holds nothing in assets/models/"):
        ApkRuntimes(tmp_path / "bare.apk", tmp_path / "1")


@pytest.mark.long  # fetches PyTorch, half a GB
def test_the_python_package_of_the_same_version_reads_as_here(small_apk: Path) -> None:
    readings = [reading for reading in read_all(small_apk, seed=2, wheel=True) if reading.side == IN_WHEEL]
    assert len(readings) == 2 and all(reading.identical for reading in readings)
    assert all(reading.runtime.startswith(f"executorch {EXECUTORCH}.") for reading in readings)
