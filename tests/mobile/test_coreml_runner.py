"""Running an .mlpackage: the runner, what it says of broken packages, and how coremltools is imported.

Axes: T frame, C colour, H row, W column, K class.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from converters.coreml.lowering import lower_to_mlpackage
from mobile.runtimes.coreml_runner import INTERPRETER, CoreMLRunner
from mobile.runtimes.coremltools_import import hidden, load_coremltools, settle_triton
from training.common.errors import UserError

pytestmark = pytest.mark.minutes  # importing coremltools takes seconds
SHAPE = (2, 3, 8, 10)


class Tiny(nn.Module):
    """One convolution and a mean: (T, 3, H, W) -> (1, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, x_TCHW: torch.Tensor) -> torch.Tensor:
        return self.conv(x_TCHW).mean(dim=(0, 2, 3), keepdim=True).reshape(1, 3)


@pytest.fixture(scope="module")
def network() -> Tiny:
    return Tiny()


@pytest.fixture(scope="module")
def package(network: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "tiny.mlpackage"
    program = torch.export.export(network, (torch.randn(SHAPE),))
    lower_to_mlpackage(program, path, "fp32", labels=["a", "b", "c"], metadata={})
    return path


def test_logits_are_float32_rows(network: Tiny, package: Path) -> None:
    x_TCHW = torch.randn(SHAPE)
    with torch.no_grad():
        expected = network(x_TCHW).numpy()
    logits = CoreMLRunner(package).run(x_TCHW.numpy().astype(np.float64))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=1e-6)


def test_other_frames_and_units_are_refused(package: Path) -> None:
    runner = CoreMLRunner(package)
    assert runner.input_shape == SHAPE
    assert (runner.runtime == INTERPRETER) == (sys.platform != "darwin")
    with pytest.raises(UserError, match=r"takes frames of \(2, 3, 8, 10\); got \(2, 8, 10, 3\)"):
        runner.run(np.zeros((2, 8, 10, 3), np.float32))
    with pytest.raises(UserError, match="compute units are 'GPU'; expected one of ALL"):
        CoreMLRunner(package, "GPU")


def test_a_mac_uses_core_ml(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for MLModel, which exists on a Mac only."""

    class Model:
        def __init__(self, path: str, compute_units: Any) -> None:
            assert (path, compute_units.name) == (str(package), "CPU_AND_NE")

        def predict(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            assert feeds["frames"].dtype == np.float32
            return {"logits": np.full((1, 3), feeds["frames"].mean(), np.float16)}

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("platform.mac_ver", lambda: ("14.5", ("", "", ""), "arm64"))
    monkeypatch.setattr(load_coremltools().models, "MLModel", Model)
    runner = CoreMLRunner(package, "CPU_AND_NE")
    assert runner.runtime == "Core ML of macOS 14.5, CPU_AND_NE"
    logits = runner.run(np.ones(SHAPE, np.float32))
    assert (logits.tolist(), logits.dtype) == ([[1, 1, 1]], np.float32)


def test_without_coremltools_it_is_a_sentence(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(UserError, match=r"coremltools is not installed.*\[coreml\]"):
        CoreMLRunner(package)


def damage_nothing_there(path: Path) -> None:
    shutil.rmtree(path)


def damage_emptied(path: Path) -> None:
    shutil.rmtree(path / "Data")
    (path / "Manifest.json").unlink()


def damage_program(path: Path) -> None:
    file = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def damage_lost_weights(path: Path) -> None:
    (path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin").unlink()


def damage_cut_weights(path: Path) -> None:
    file = path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def damage_file_instead(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("no package")


DAMAGES = [value for name, value in sorted(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_broken_package_is_one_line(package: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "broken.mlpackage"
    shutil.copytree(package, path)
    damage(path)
    with pytest.raises(UserError, match=r"broken\.mlpackage") as error:
        CoreMLRunner(path)
    assert "\n" not in str(error.value)


def test_hidden_packages_come_back() -> None:
    sys.modules.pop("colorsys", None)
    with hidden("colorsys"), pytest.raises(ImportError):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").__name__ == "colorsys"


def test_triton_does_not_follow_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton loaded after TensorFlow ends in a segmentation fault."""
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    monkeypatch.setitem(sys.modules, "triton", types.ModuleType("triton"))  # is put back as it was
    del sys.modules["triton"]
    settle_triton()
    assert sys.modules["triton"] is None


def test_a_fresh_process_is_silent_and_loads_no_tensorflow(package: Path) -> None:
    code = (
        "import sys; from mobile.runtimes.coreml_runner import CoreMLRunner; "
        f"CoreMLRunner({str(package)!r}); assert 'coremltools' in sys.modules and 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
