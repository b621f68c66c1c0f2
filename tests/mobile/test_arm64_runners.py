"""The runners that a device gets: equal to the bit to this project's own, here and on emulated arm64.

Axes: M clips, R rows of logits per clip, T frame, S height and width, C colour, K class.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from short_bundles import SEGMENTS, SIZE, pictures, short_bundle
from tools_needed import need

from converters import export_executorch, export_tflite
from converters.shared import export
from mobile.parity.arm64.compare import TFLITE_RUNNER, Side, on_arm64, row_from
from mobile.parity.sides import Clips
from mobile.runtimes.arm64 import setup
from mobile.runtimes.arm64.build_runner import pte_runner
from mobile.runtimes.arm64.places import SETUP
from mobile.runtimes.state_keeping import reset_states
from training.common.files import sha256_of

pytestmark = pytest.mark.minutes  # four exports of a short network, a C++ program, a small emulation
MODES = [(suffix, mode) for suffix in (".tflite", ".pte") for mode in ("clip", "stream")]
CLIPS = 2


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    folder, bundle = tmp_path_factory.mktemp("artefacts"), short_bundle()
    targets = {".tflite": export_tflite.TARGET, ".pte": export_executorch.TARGET}
    return {
        (suffix, mode): export(bundle, targets[suffix], "int8", folder, clips=0, mode=mode) for suffix, mode in MODES
    }


@pytest.fixture(scope="module")
def native() -> Path:
    need("g++", "make", install="apt-get install g++ make")
    return pte_runner()


def side_of(path: Path) -> Side:
    """The artefact here, over clips of which one is another one reversed."""
    frames_TSSC = pictures(SEGMENTS, seed=6)
    return Side(path, Clips(np.stack([frames_TSSC, frames_TSSC[::-1]]), np.full(CLIPS, -1)))


def command(side: Side, native: Path, folder: Path) -> list[Any]:
    """The runner of this machine over what ``side`` saw."""
    (folder / "frames.raw").write_bytes(side.tensors.tobytes())
    words: list[Any] = ["--model", side.path, "--frames", folder / "frames.raw", "--logits", folder / "logits.raw"]
    if side.steps > 1:
        words += ["--steps", str(side.steps)]
    if side.path.suffix == ".tflite":
        return [sys.executable, TFLITE_RUNNER, *words]
    states = reset_states(side.contract)
    if states:
        (folder / "states.raw").write_bytes(b"".join(states[state.input].tobytes() for state in side.contract.states))
        words += ["--states", folder / "states.raw"]
    return [native, *words]


@pytest.mark.parametrize(("suffix", "mode"), MODES)
def test_runners_equal_the_projects_own(artefacts: Any, native: Path, tmp_path: Path, suffix: str, mode: str) -> None:
    side = side_of(artefacts[suffix, mode])
    assert not np.array_equal(side.rows[0, -1], side.rows[1, -1])  # the order of the frames is seen
    ended = subprocess.run(
        [*command(side, native, tmp_path), "--progress"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    said = json.loads(ended[-1])
    raw = np.fromfile(tmp_path / "logits.raw", said["logits_dtype"])
    quantization = side.contract.output.quantization
    rows = raw if quantization is None else quantization.to_real(raw)
    assert np.array_equal(rows.reshape(side.rows.shape), side.rows)
    assert said["model_sha256"] == sha256_of(side.path) and said["logits_sha256"] == sha256_of(tmp_path / "logits.raw")
    assert (said["inputs"], said["states"]) == (CLIPS * side.steps, len(side.contract.states))
    assert ended[:-1] == [f"{number + 1} of {said['inputs']}" for number in range(said["inputs"])]
    assert not {"step_ms", "load_ms"} & set(said)


def test_times_come_only_when_asked_for(artefacts: Any, native: Path, tmp_path: Path) -> None:
    side = side_of(artefacts[".pte", "stream"])
    words = [*command(side, native, tmp_path), "--rounds", "3", "--time"]
    said = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    assert len(said["step_ms"]) == 3 * CLIPS * SEGMENTS and all(time > 0 for time in said["step_ms"])
    assert said["load_ms"] > 0 and said["peak_kb"] > 1000
    assert np.array_equal(np.fromfile(tmp_path / "logits.raw", np.float32).reshape(side.rows.shape), side.rows)


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"--frames": "short.raw"}, 1, "expected a multiple of"),
        ({"--frames": "absent.raw"}, 1, "cannot read"),
        ({"--model": "short.raw"}, 1, "failed with ExecuTorch's error"),
        ({"--logits": "no/such/folder.raw"}, 1, "cannot write"),
        ({"--states": "short.raw"}, 1, "--states holds 5 bytes"),
        ({"--steps": "0"}, 2, "--steps is 0"),
        ({"--stepps": "3"}, 2, "there is no option --stepps"),
    ],
)
def test_faults_are_one_line_and_no_proof(
    artefacts: Any, native: Path, tmp_path: Path, change: dict[str, str], status: int, message: str
) -> None:
    (tmp_path / "short.raw").write_bytes(b"short")
    words = command(side_of(artefacts[".pte", "clip"]), native, tmp_path)
    options = dict(zip(words[1::2], words[2::2], strict=True)) | change
    ended = subprocess.run(
        [native, *(word for pair in options.items() for word in pair)], capture_output=True, text=True, cwd=tmp_path
    )
    assert ended.returncode == status
    assert message in ended.stderr.splitlines()[-1] and ended.stderr.splitlines()[-1].startswith("error: ")
    assert '"ended"' not in ended.stdout


@pytest.mark.parametrize(("suffix", "mode"), MODES)
def test_emulated_arm64_gives_the_same_logits(artefacts: Any, suffix: str, mode: str) -> None:
    need(install=SETUP, there=setup.is_ready())
    side = side_of(artefacts[suffix, mode])
    assert side.tensors.shape == (CLIPS, SEGMENTS, SIZE, SIZE, 3)
    found = row_from(side, "cortex-a76", 1.0, *on_arm64(side, "cortex-a76"))
    assert (found.differing, found.logits) == (0, side.rows.size)
