"""An emulated arm64 device over a real adb: it runs the ExecuTorch runner and the LiteRT wheel, and gives no time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adb_peer import Emulated, Lab, Peer, lab  # noqa: F401 (a fixture)
from tools_needed import need

from mobile.latency.devices.android import FOLDER, AndroidDevice
from mobile.latency.devices.bare_runner import BARE, native
from mobile.latency.devices.device import DeviceError
from mobile.latency.devices.plan import Plan
from mobile.runtimes import ArtefactRunner
from mobile.runtimes.arm64.build_runner import TFLITE_RUNNER
from training.common.files import sha256_of

pytestmark = pytest.mark.long
arm64 = pytest.importorskip("mobile.runtimes.arm64", reason="this project has no mobile.runtimes.arm64")
CLIPS = 2


@pytest.fixture
def peer(lab: Lab) -> Peer:  # noqa: F811
    from mobile.runtimes.arm64 import setup
    from mobile.runtimes.arm64.places import QEMU, ROOT, WHEELS

    need(install="sth arm64-setup", there=setup.is_ready())
    return lab.plug(
        size="200m", also=[WHEELS], emulated=Emulated(ROOT / "usr", QEMU), variables={"PYTHONPATH": str(WHEELS)}
    )


def rows_on(device: AndroidDevice, command: list[str], files: list[Path], artefact: Path, tensors: np.ndarray) -> Any:
    """What the device's runner writes for input tensors, in real numbers, and its last line."""
    contract = ArtefactRunner(artefact).contract
    for file in (*files, artefact, artefact.with_name(f"{artefact.name}.contract.json")):
        device.push(file, f"{FOLDER}/{file.name}")
    local = artefact.with_name("frames.raw")
    local.write_bytes(tensors.tobytes())
    device.push(local, f"{FOLDER}/frames.raw")
    words = [*command, "--model", f"{FOLDER}/{artefact.name}", "--frames", f"{FOLDER}/frames.raw"]
    said = device.run([*words, "--logits", f"{FOLDER}/logits.raw"], timeout=500)
    device.pull(f"{FOLDER}/logits.raw", artefact.with_name("logits.raw"))
    last = json.loads(said.strip().splitlines()[-1])
    raw = np.fromfile(artefact.with_name("logits.raw"), last["logits_dtype"]).reshape(len(tensors), -1)
    point = contract.output.quantization
    return raw if point is None else point.to_real(raw), last


@pytest.mark.parametrize("runtime", ["executorch", "litert"])
def test_logits_of_an_arm64_device_are_those_of_this_machine(peer: Peer, tmp_path: Path, runtime: str) -> None:
    from converters import export_executorch, export_tflite
    from mobile.runtimes.arm64.build_runner import pte_runner

    device = AndroidDevice()
    assert device.run(["uname", "-m"]).strip() == "aarch64"
    build = {"executorch": export_executorch, "litert": export_tflite}[runtime].build_random
    options = {"width": 0.35, "p": 0.25}
    artefact = build("sth_mobilenet_v2", precision="int8", size=32, segments=4, classes=27, options=options,
                     folder=tmp_path, mode="clip")  # fmt: skip
    runner = ArtefactRunner(artefact)
    frames = np.random.default_rng(3).integers(0, 256, (CLIPS, 4, 32, 32, 3), dtype=np.uint8)
    tensors = np.stack([runner.input_tensor(clip) for clip in frames])
    expected = np.concatenate([runner.rows(clip) for clip in frames])
    if runtime == "executorch":
        program = pte_runner("aarch64")
        command, files = ["sh", f"{FOLDER}/run.sh", program.name], list(native(program).files)
        assert BARE / "run.sh" in files
    else:
        script = TFLITE_RUNNER
        command, files = ["python3", f"{FOLDER}/{script.name}"], [script]
    found, last = rows_on(device, command, files, artefact, tensors)
    assert (last["machine"], last["model_sha256"], last["ended"]) == ("aarch64", sha256_of(artefact), True)
    assert np.array_equal(found, expected) and not np.array_equal(found[0], found[1])


def test_it_gives_no_time(peer: Peer, tmp_path: Path) -> None:
    from mobile.latency.devices import lab as device_lab
    from mobile.latency.rivals import Field

    peer.path("/system/bin/getprop").write_text("#!/bin/sh\necho '[ro.hardware]: [ranchu]'\n")

    class Method:
        name, device, chooses_threads = "none", AndroidDevice(), True

    with pytest.raises(DeviceError, match="times of an emulator mean nothing"):
        device_lab.measure(Field((), {}), Method(), Plan(), tmp_path / "device.json")  # type: ignore[arg-type]
