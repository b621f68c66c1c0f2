"""The iOS device over a stand-in of ``xcrun devicectl``: a script that answers in the form of Xcode 15's JSON.

Nothing here was recorded from a Mac or from a phone: it shows that commands are put together as meant, and that what
comes back is not believed too easily.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_artefacts import contract_of, tiny_bundle, write_artefact

from mobile.latency.devices import lab
from mobile.latency.devices.device import DeviceError
from mobile.latency.devices.ios import IosDevice, fault
from mobile.latency.devices.ios_app import IosApp
from mobile.latency.devices.plan import Plan
from mobile.latency.rivals import Field
from training.common.files import sha256_of

PLAN = Plan(rounds=3, warm_up=1, threads=2)
STAND_IN = """#!{python}
import json, pathlib, shutil, sys
folder = pathlib.Path({folder!r})
words = sys.argv[1:]
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")
scene = json.loads((folder / "scene.json").read_text())
at = words.index("--json-output")
answer, words = words[at + 1], words[:at] + words[at + 2:]
verb = " ".join(words[1:4])
def end(result, status=0, said=""):
    pathlib.Path(answer).write_text(json.dumps({{"info": {{"outcome": "success"}}, "result": result}}))
    print(said)
    sys.exit(status)
if verb in scene.get("faults", {{}}):
    print(scene["faults"][verb], file=sys.stderr)
    sys.exit(1)
if words[1:3] == ["list", "devices"]:
    end({{"devices": scene["devices"]}})
if verb == "device info lockState":
    end({{"passcodeRequired": scene.get("locked", False), "unlockedSinceBoot": True}})
if verb == "device copy from":
    source = folder / words[words.index("--source") + 1]
    if not source.is_file():
        print("ERROR: The file does not exist", file=sys.stderr)
        sys.exit(1)
    shutil.copyfile(source, words[words.index("--destination") + 1])
    end({{}})
if verb == "device copy to":
    target = folder / words[words.index("--destination") + 1]
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(words[words.index("--source") + 1], target)
    end({{}})
if verb == "device process launch":
    options = dict(zip(words[words.index("--benchmark") + 1::2], words[words.index("--benchmark") + 2::2]))
    run = options["--run"]
    report = folder / "Documents" / "benchmark" / (run + ".json")
    if "report" in scene:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(scene["report"] | {{"run": run}}))
    end({{}}, 0, scene.get("says", "sth-benchmark: done RUN PATH").replace("RUN", run))
sys.exit("unknown: " + verb)
"""


def phone(number: int = 1, **connection: Any) -> dict[str, Any]:
    return {
        "identifier": f"0000-{number}",
        "connectionProperties": {"pairingState": "paired", "tunnelState": "connected", "transportType": "wired"}
        | connection,
        "deviceProperties": {"name": f"Phone {number}", "osVersionNumber": "17.4", "developerModeStatus": "enabled"},
        "hardwareProperties": {"platform": "iOS", "marketingName": "iPhone 15", "productType": "iPhone15,4",
                               "udid": f"UDID-{number}", "reality": "physical", "cpuType": {"name": "arm64e"}},
    }  # fmt: skip


class Mac:
    """The stand-in's scene, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        program = folder / "bin" / "xcrun"
        program.write_text(STAND_IN.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)
        self.set(devices=[phone()])

    def set(self, **scene: Any) -> None:
        self.scene = {"devices": [phone()]} | scene
        (self.folder / "scene.json").write_text(json.dumps(self.scene))

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mac:
    made = Mac(tmp_path / "mac")
    monkeypatch.setenv("PATH", f"{made.folder / 'bin'}:/usr/bin:/bin")
    return made


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    return write_artefact(tmp_path / "a.pte", contract_of(tiny_bundle(), runtime="executorch"))


def report(artefact: Path, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "ios_benchmark", "schema": 1, "status": "done", "error": None, "sha256": sha256_of(artefact),
        "runtime": "ExecuTorch (XNNPACK)", "load_ms": 9.0, "first_ms": 30.0, "peak_mb": 4.0,
        "thermal_before": "none", "thermal_after": "light", "samples_ms": [3.0, 1.0, 2.0],
    } | changes  # fmt: skip


def test_a_row_of_the_app(mac: Mac, artefact: Path, tmp_path: Path) -> None:
    mac.set(report=report(artefact))
    method = lab.open_method("ios", None)
    assert isinstance(method, IosApp)
    found = lab.measure(Field((artefact,), {}), method, PLAN, tmp_path / "ios.json")
    assert found.device.name == "Apple iPhone 15" and found.device.system == "iOS 17.4" and "UDID" not in str(found)
    assert found.threads is None and found.threads_line == "threads by the runtime's choice"
    row = found.rows[0]
    assert (row.median_ms, row.thermal_after) == (2.0, "light")
    launch = next(call for call in mac.calls if "launch" in call)
    assert launch[:5] == ["devicectl", "device", "process", "launch", "--json-output"]
    assert launch[6:11] == ["--console", "--terminate-existing", "--device", "0000-1", "org.sthmobile.gesture"]
    assert launch[11] == "--"
    words = launch[launch.index("--") + 1 :]
    assert words[:5] == ["--benchmark", "--model", "a.pte", "--runtime", "executorch"]
    assert words[words.index("--threads") + 1] == "2" and words[words.index("--warm-up") + 1] == "1"
    assert method.device.thermal().is_hot, "what the app said last is how hot it is"
    naps: list[float] = []
    method.device.cool_down(say=lambda line: None, sleep=naps.append)
    method.device.cool_down(say=lambda line: None, sleep=naps.append)
    assert len(naps) == 1 and not method.device.thermal().is_hot


def test_files_go_into_and_out_of_the_apps_folder(mac: Mac, tmp_path: Path) -> None:
    device = IosDevice()
    (tmp_path / "a").write_text("content")
    device.push(tmp_path / "a", "Documents/a")
    device.pull("Documents/a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "content"
    copy = mac.calls[-1]
    assert copy[copy.index("--domain-type") + 1] == "appDataContainer"
    with pytest.raises(DeviceError, match="does not exist"):
        device.pull("Documents/none", tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        ({"report": {"status": "failed", "error": "no memory"}}, "did not run: no memory"),
        ({"report": {"sha256": "f" * 64}}, "ran another a.pte"),
        ({"says": "sth-benchmark: failed RUN there is no model a.pte"}, "did not run: there is no model a.pte"),
        ({"says": ""}, "does not exist"),
    ],
)
def test_runs_that_are_not_believed(mac: Mac, artefact: Path, scene: dict[str, Any], expected: str) -> None:
    mac.set(**scene | ({"report": report(artefact, **scene["report"])} if "report" in scene else {}))
    with pytest.raises(DeviceError, match=expected) as caught:
        IosApp(IosDevice()).measure(artefact, PLAN)
    assert caught.value.reason == "failed"


def test_devices_that_cannot_be_used(mac: Mac, artefact: Path) -> None:
    for devices, reason, expected in (
        ([], "absent", "there is no iOS device: plug one in"),
        ([phone(tunnelState="unavailable")], "absent", "there is no iOS device"),
        ([phone(1), phone(2)], "several", r"say --serial with one of UDID-1 \(Phone 1\), UDID-2 \(Phone 2\)"),
        ([phone(pairingState="unpaired")], "unauthorized", "tap Trust"),
    ):
        mac.set(devices=devices)
        with pytest.raises(DeviceError, match=expected) as caught:
            IosDevice()
        assert caught.value.reason == reason
    mac.set(devices=[phone(1), phone(2)], locked=True)
    device = IosDevice("Phone 2")
    assert device.udid == "UDID-2"
    with pytest.raises(DeviceError, match="Phone 2 is locked") as caught:
        IosApp(device).measure(artefact, PLAN)
    assert caught.value.reason == "asleep"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Unable to launch org.sthmobile.gesture because the device was not, or could not be, unlocked.", "asleep"),
        ("ERROR: The device disconnected immediately after connecting.", "lost"),
        ("The application is not installed on the device", "tool"),
        ("No space left on device", "full"),
    ],
)
def test_messages_of_devicectl(mac: Mac, artefact: Path, said: str, reason: str) -> None:
    mac.set(faults={"device process launch": said})
    with pytest.raises(DeviceError) as caught:
        IosApp(IosDevice()).measure(artefact, PLAN)
    assert caught.value.reason == reason


def test_a_computer_without_xcode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="there is no program xcrun; Xcode 15") as caught:
        IosDevice()
    assert caught.value.reason == "tool" and fault("all is well", "it") is None
