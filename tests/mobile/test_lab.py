"""The device lab over devices that are made up here: what is kept, what is gone on with, what is believed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_artefacts import contract_of, tiny_bundle, write_artefact

from mobile.latency import command as latency
from mobile.latency.devices import adb, lab
from mobile.latency.devices.android import AndroidDevice
from mobile.latency.devices.android_facts import facts_of, is_awake, thermal_of
from mobile.latency.devices.bare_runner import BareRunner, litert_in_python, native, read_last_line
from mobile.latency.devices.device import Device, DeviceError, Thermal
from mobile.latency.devices.host import HostDevice
from mobile.latency.devices.plan import Plan, read_report, row_of
from mobile.latency.devices.process import Ended, run_program
from mobile.latency.rivals import Field
from mobile.report.readme import latency_tables
from mobile.schemas import load_result
from mobile.schemas.latency import DeviceFacts, Latency, LatencyRow
from training.common.errors import UserError
from training.common.files import sha256_of

PLAN = Plan(rounds=3, warm_up=2)
PHONE = DeviceFacts("android", "Nobody Phone", "Android 14", soc="S1", id="0123456789ab")


class FakePhone(Device):
    """A phone that is as hot as the test says."""

    kind = "android"

    def __init__(self, facts: DeviceFacts = PHONE) -> None:
        self.facts, self.heat = facts, Thermal("none")

    def describe(self) -> DeviceFacts:
        return self.facts

    def push(self, local: Path, remote: str) -> None: ...

    def run(self, command: Sequence[str], *, timeout: float) -> str:
        return ""

    def pull(self, remote: str, local: Path) -> None: ...

    def thermal(self) -> Thermal:
        return self.heat


class FakeMethod:
    """Each artefact takes 10 ms per letter of its stem, or fails as the test says."""

    name = "fake method"
    chooses_threads = True

    def __init__(self, faults: dict[str, DeviceError] | None = None, facts: DeviceFacts = PHONE) -> None:
        self.device = FakePhone(facts)
        self.faults, self.measured = faults or {}, []

    def measure(self, artefact: Path, plan: Plan) -> LatencyRow:
        if artefact.name in self.faults:
            raise self.faults[artefact.name]
        self.measured.append(artefact.name)
        took = 10.0 * len(artefact.stem)
        return row_of(artefact, [took] * plan.rounds, runtime="Fake 1", load_ms=1.0, peak_mb=None)


@pytest.fixture
def field(tmp_path: Path) -> Field:
    names = ("aa.tflite", "b.tflite", "cccc.tflite")
    paths = [write_artefact(tmp_path / name, contract_of(tiny_bundle()), name.encode()) for name in names]
    return Field(tuple(paths), {0: {"tsn": 1, "tsm": 2}})


def measure(field: Field, target: Path, *, says: list[str] | None = None, **options: Any) -> Latency:
    said = [] if says is None else says
    return lab.measure(field, FakeMethod(**options), PLAN, target, said.append)


def test_rows_and_ratios_are_in_the_file(field: Field, tmp_path: Path) -> None:
    found = measure(field, tmp_path / "phone.json")
    assert load_result(tmp_path / "phone.json") == found
    assert [row.median_ms for row in found.rows] == [20, 10, 40] and found.not_run == ()
    assert found.rows[0].ratio_to == {"tsn": 2.0, "tsm": 0.5} and found.rows[1].ratio_to == {}
    assert found.rows[0].sha256 == sha256_of(field.artefacts[0])


@pytest.mark.parametrize("reason", ["lost", "slow", "full", "asleep", "hot", "unauthorized", "truncated"])
def test_a_run_that_is_broken_off_goes_on(field: Field, tmp_path: Path, reason: str) -> None:
    target, says = tmp_path / "phone.json", []
    with pytest.raises(DeviceError, match=r"oh dear \(1 of 3 rows are in .*phone.json; the same command") as caught:
        measure(field, target, faults={"b.tflite": DeviceError(reason, "oh dear")})
    assert caught.value.reason == reason
    half = load_result(target)
    assert isinstance(half, Latency)
    assert [row.artefact for row in half.rows] == ["aa.tflite"]
    assert [(row.artefact, row.reason) for row in half.not_run] == [
        ("b.tflite", "oh dear"), ("cccc.tflite", lab.BROKEN_OFF),
    ]  # fmt: skip
    assert "| `b.tflite` | **not run**: oh dear |" in latency_tables([half])
    method = FakeMethod()
    whole = lab.measure(field, method, PLAN, target, says.append)
    assert method.measured == ["b.tflite", "cccc.tflite"] and says == [f"1 of 3 rows are in {target} already"]
    assert whole.rows[0].samples_ms == half.rows[0].samples_ms and whole.rows[0].ratio_to == {"tsn": 2.0, "tsm": 0.5}
    method = FakeMethod()
    lab.measure(field, method, PLAN, target, says.append)
    assert len(method.measured) == 3, "a complete run is measured anew"


def test_a_changed_artefact_is_measured_again(field: Field, tmp_path: Path) -> None:
    target = tmp_path / "phone.json"
    with pytest.raises(DeviceError):
        measure(field, target, faults={"cccc.tflite": DeviceError("lost", "gone")})
    field.artefacts[0].write_bytes(b"another one")
    method = FakeMethod()
    found = lab.measure(field, method, PLAN, target, print)
    assert method.measured == ["aa.tflite", "cccc.tflite"] and found.rows[0].sha256 == sha256_of(field.artefacts[0])


def test_an_artefact_that_fails_does_not_end_the_run(field: Field, tmp_path: Path) -> None:
    found = measure(field, tmp_path / "phone.json", faults={"aa.tflite": DeviceError("failed", "no such operator")})
    assert [row.artefact for row in found.rows] == ["b.tflite", "cccc.tflite"]
    assert [row.reason for row in found.not_run] == ["no such operator"]


def test_a_lost_first_row_leaves_the_old_file(field: Field, tmp_path: Path) -> None:
    target = tmp_path / "phone.json"
    measure(field, target)
    before = target.read_bytes()
    with pytest.raises(DeviceError, match="0 of 3 rows"):
        measure(field, target, faults={"aa.tflite": DeviceError("lost", "gone")})
    assert target.read_bytes() == before


def test_another_phone_does_not_go_on(field: Field, tmp_path: Path) -> None:
    target = tmp_path / "phone.json"
    with pytest.raises(DeviceError):
        measure(field, target, faults={"b.tflite": DeviceError("lost", "gone")})
    before = target.read_bytes()
    with pytest.raises(UserError, match=r"holds a run of Nobody Phone .* that was broken off"):
        measure(field, target, facts=dataclasses.replace(PHONE, id="ba9876543210"))
    assert target.read_bytes() == before


def test_hot_phones_are_waited_for(field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    method, says = FakeMethod(), []
    method.device.heat = Thermal("severe", 41.0)

    def sleep(seconds: float) -> None:
        method.device.heat = Thermal("none")

    cool_down = Device.cool_down
    monkeypatch.setattr(Device, "cool_down", lambda self, **options: cool_down(self, sleep=sleep, **options))
    assert len(lab.measure(field, method, PLAN, tmp_path / "phone.json", says.append).rows) == 3
    assert len(says) == 1 and "thermal state severe, battery 41 degrees" in says[0]


@pytest.mark.parametrize(
    ("state", "battery", "hot"),
    [("none", 45.0, False), ("light", 20.0, True), ("unknown", 41.0, True), ("unknown", 30.0, False),
     ("unknown", None, False)],
)  # fmt: skip
def test_what_counts_as_hot(state: str, battery: float | None, hot: bool) -> None:
    assert Thermal(state, battery).is_hot is hot


def test_emulators_give_no_time(field: Field, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="is emulated") as caught:
        measure(field, tmp_path / "phone.json", facts=dataclasses.replace(PHONE, emulated=True))
    assert caught.value.reason == "no time" and not (tmp_path / "phone.json").exists()
    rows = measure(field, tmp_path / "phone.json").rows
    with pytest.raises(ValueError, match="times of an emulator mean nothing"):
        Latency("abc", dataclasses.replace(PHONE, emulated=True), 1, 3, None, rows)


def app_report(artefact: Path, **changes: Any) -> str:
    """As BenchmarkReport.kt and BenchmarkReport.swift write it."""
    return json.dumps({
        "kind": "android_benchmark", "schema": 1, "status": "done", "error": None, "run": "r1",
        "sha256": sha256_of(artefact), "runtime": "Fake 1", "load_ms": 9.0, "first_ms": 30.0, "peak_mb": None,
        "thermal_before": "none", "thermal_after": "none", "samples_ms": [3.0, 1.0, 2.0], **changes,
    }, indent=2)  # fmt: skip


@pytest.mark.parametrize("kind", ["android_benchmark", "ios_benchmark"])
def test_the_report_of_an_app_is_a_row(field: Field, kind: str) -> None:
    row = read_report(app_report(field.artefacts[0], kind=kind), field.artefacts[0], "r1", PLAN)
    assert (row.median_ms, row.p90_ms, row.first_ms, row.peak_mb) == (2.0, pytest.approx(2.8), 30.0, None)
    assert row.network == "sth_mobilenet_v2" and row.input == "4 x 32 x 32" and row.heat == ""
    assert (row.runtime, row.runtime_version) == ("Fake 1", None)
    for said, name in (("1", "Fake 1"), ("2.1", "Fake 1 2.1")):
        told = read_report(app_report(field.artefacts[0], runtime_version=said), field.artefacts[0], "r1", PLAN)
        assert (told.runtime, told.runtime_version) == (name, said)
    hot = read_report(app_report(field.artefacts[0], thermal_after="moderate"), field.artefacts[0], "r1", PLAN)
    assert hot.heat == "thermal state changed: none to moderate"
    facts = dataclasses.replace(PHONE)
    text = latency_tables([Latency("abc", facts, 1, 3, None, (hot,), method="benchmark mode of the app")])
    assert "2.0 (*)" in text and "(*) `aa.tflite`: thermal state changed: none to moderate." in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "failed", "error": "no memory"}, "did not run: no memory"),
        ({"run": "r0"}, "run 'r0' instead of 'r1'"),
        ({"sha256": "f" * 64}, "ran another aa.tflite"),
        ({"sha256": None}, "ran another aa.tflite"),
        ({"samples_ms": [1.0, 2.0]}, "3 samples were asked for"),
        ({"samples_ms": [1.0, 0.0, 2.0]}, "is not whole"),
        ({"samples_ms": None}, "3 samples were asked for"),
        ({"load_ms": None}, "is not whole"),
        ({"thermal_before": "lukewarm"}, "is not whole"),
        ({"runtime_version": 3}, "is not whole"),
        ({"schema": 2}, "has schema 2"),
        ({"kind": "latency"}, "cut off, or none"),
    ],
)
def test_reports_that_are_not_believed(field: Field, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(DeviceError, match=expected):
        read_report(app_report(field.artefacts[0], **changes), field.artefacts[0], "r1", PLAN)


def test_half_a_report(field: Field) -> None:
    text = app_report(field.artefacts[0])
    with pytest.raises(DeviceError, match="cut off") as caught:
        read_report(text[: len(text) // 2], field.artefacts[0], "r1", PLAN)
    assert caught.value.reason == "truncated"


def last_line(artefact: Path, **changes: Any) -> str:
    """As pte_runner.cpp and litert_runner.py end."""
    content = {"runtime": "Fake 1", "model_sha256": sha256_of(artefact), "load_ms": 9.0, "peak_kb": 2000,
               "step_ms": [50, 9, 8, 3, 1, 2], "ended": True}  # fmt: skip
    return f"a warning\n{json.dumps(content | changes)}\n"


def test_the_last_line_of_a_bare_runner_is_a_row(field: Field) -> None:
    row = read_last_line(last_line(field.artefacts[0]), field.artefacts[0], PLAN)
    assert row.samples_ms == (3, 1, 2) and row.first_ms == 50 and row.peak_mb == pytest.approx(2.048)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (lambda path: last_line(path)[:60], "did not run"),
        (lambda path: "", "the runner said nothing"),
        (lambda path: last_line(path) + "Segmentation fault\n", "did not run: Segmentation fault"),
        (lambda path: last_line(path, model_sha256="f" * 64), "ran another file"),
        (lambda path: last_line(path, ended=False), "ran another file"),
        (lambda path: last_line(path, step_ms=[1, 2]), "6 steps were asked for, 2 ran"),
    ],
)
def test_last_lines_that_are_not_believed(field: Field, said: Callable[[Path], str], expected: str) -> None:
    with pytest.raises(DeviceError, match=expected):
        read_last_line(said(field.artefacts[0]), field.artefacts[0], PLAN)


def test_a_bare_runner_on_this_computer(field: Field, tmp_path: Path) -> None:
    """The whole way, with a program that does nothing but answer."""
    program = tmp_path / "runner" / "pte_runner"
    program.parent.mkdir()
    (program.parent / "libfake.so").write_bytes(b"a library")
    program.write_text(
        '#!/bin/sh\nfolder=${LD_LIBRARY_PATH}\n[ -f "$folder/libfake.so" ] || exit 1\n'
        'sum=$(sha256sum "$2" | cut -c 1-64)\n[ "$(wc -c < "$4")" = 12288 ] || exit 1\necho "loading"\n'
        'echo "{\\"runtime\\": \\"Fake 1\\", \\"model_sha256\\": \\"$sum\\", \\"load_ms\\": 1, \\"peak_kb\\": 9,'
        ' \\"step_ms\\": [6, 5, 4, 3, 2, 1], \\"ended\\": true}"\n'
    )
    contract = contract_of(tiny_bundle(), runtime="executorch")
    artefact = write_artefact(tmp_path / "a.pte", dataclasses.replace(contract, runtime="executorch"))
    method = BareRunner(HostDevice(), [native(program)], str(tmp_path / "device"))
    row = method.measure(artefact, PLAN)
    assert row.samples_ms == (3, 2, 1) and row.first_ms == 6 and row.sha256 == sha256_of(artefact)
    with pytest.raises(DeviceError, match="this device runs executorch, not litert") as caught:
        method.measure(field.artefacts[0], PLAN)
    assert caught.value.reason == "failed"
    assert litert_in_python().files[0].is_file()


def test_programs_have_an_end() -> None:
    assert run_program(["sh", "-c", "sleep 30 & sleep 30"], timeout=0.2) == Ended(None, "", "")
    assert run_program(["sh", "-c", "echo a; echo b >&2; exit 3"], timeout=20) == Ended(3, "a\n", "b\n")
    with pytest.raises(DeviceError, match="there is no program no-such; buy one"):
        run_program(["no-such"], timeout=1, install="buy one")


def test_the_host_is_a_device(tmp_path: Path) -> None:
    device = HostDevice()
    (tmp_path / "a").write_text("content")
    device.push(tmp_path / "a", str(tmp_path / "there" / "a"))
    device.pull(str(tmp_path / "there" / "a"), tmp_path / "b")
    assert (tmp_path / "b").read_text() == "content" and device.describe().kind == "host"
    assert device.run(["echo", "hello"], timeout=20) == "hello\n"
    for command, timeout, reason in ((["false"], 20, "failed"), (["sleep", "9"], 0.1, "slow")):
        with pytest.raises(DeviceError) as caught:
            device.run(command, timeout=timeout)
        assert caught.value.reason == reason


LISTS = {  # what `adb devices -l` prints; none of it was recorded from a phone
    "none": ("", "absent", "there is no Android device: plug a phone in"),
    "untrusted": ("123 unauthorized usb:1-1 transport_id:1", "unauthorized", "123 does not trust this computer"),
    "no rules": ("123 no permissions (missing udev rules?); see [http://x] usb:1-1", "unauthorized", "udev rules"),
    "offline": ("123 offline transport_id:1", "lost", "123 is offline"),
    "recovery": ("123 recovery transport_id:1", "lost", "in the state recovery"),
    "two": ("123 device model:Pixel_7\nabc unauthorized usb:2-1", "several", r"123 \(Pixel 7\), abc \(unauthorized\)"),
}


@pytest.mark.parametrize("name", LISTS)
def test_phones_that_cannot_be_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, reason, expected = LISTS[name]
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    monkeypatch.setattr(adb, "run_program", lambda words, **_: Ended(0, f"List of devices attached\n{lines}\n\n", ""))
    with pytest.raises(DeviceError, match=expected) as caught:
        AndroidDevice()
    assert caught.value.reason == reason


def test_a_computer_without_adb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"there is no program adb; .* apt-get install adb") as caught:
        AndroidDevice()
    assert caught.value.reason == "tool"


def test_what_a_phone_says_of_itself() -> None:
    """Texts in the form of AOSP's dumps; not recorded from a phone."""
    cpu = "processor\t: 0\nFeatures\t: fp asimd crc32 asimddp\n"
    found = facts_of(
        "serial", "[ro.product.model]: [Pixel 7]\n[ro.hardware]: [cheetah]\n", cpu, "MemTotal: 7812345 kB", "8\n"
    )
    assert (found.name, found.soc, found.cores, found.memory_gb) == ("Pixel 7", "cheetah", 8, 7.5)
    assert found.int8_dot_product is True and found.system == "Android ? (API ?)" and "serial" not in repr(found)
    assert facts_of("s", "[ro.hardware]: [ranchu]\n", "", "", "").emulated
    assert thermal_of("Thermal Status: 2\n", "  temperature: 305\n") == Thermal("moderate", 30.5)
    assert thermal_of("Can't find service: thermalservice", "") == Thermal("unknown", None)
    assert [is_awake(text) for text in ("  mWakefulness=Dozing\n", "mWakefulness=Awake", "")] == [False, True, None]


def test_all_devices(field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """What is not there is not run, and says so; a phone that is lost is an error."""

    def open_method(kind: str, serial: str | None) -> FakeMethod:
        if kind == "ios":
            raise DeviceError("tool", "there is no program xcrun")
        return FakeMethod({"b.tflite": DeviceError("lost", "gone")})

    asked: list[str] = []
    monkeypatch.setattr(lab, "open_method", open_method)
    monkeypatch.setattr(
        latency, "measure_host", lambda artefacts, **_: asked.append("host") or measure(field, tmp_path / "h.json")
    )
    words = [*map(str, field.artefacts), "--rounds", "3", "--warm-up", "2", "--json", str(tmp_path / "out.json")]
    monkeypatch.setattr("sys.argv", ["latency", "--device", "all", *words])
    assert latency.main() == 1
    said = capsys.readouterr()
    assert asked == ["host"] and "android: gone (1 of 3 rows" in said.err
    assert "ios: not run: none of the artefacts is for it" in said.out
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out_android.json", "out_host.json"]
