"""The Android device over a real adb and a real adbd: files, commands, and what goes wrong with a phone.

``getprop``, ``dumpsys``, ``pm``, ``am``, ``input`` and ``pidof`` are stand-ins (tests/adb_stand_ins): scripts in the
form of Android's output, not recorded from a phone.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest
from adb_peer import Lab, lab, wait_for  # noqa: F401 (a fixture)

from mobile.latency.devices.adb import choose
from mobile.latency.devices.android import FOLDER, AndroidDevice
from mobile.latency.devices.device import DeviceError
from training.common.files import sha256_of

pytestmark = pytest.mark.minutes


def random_file(path: Path, megabytes: float) -> Path:
    path.write_bytes(os.urandom(int(megabytes * 2**20)))
    return path


def test_describe_push_run_pull(lab: Lab, tmp_path: Path) -> None:  # noqa: F811
    peer = lab.plug()
    device = AndroidDevice()
    facts = device.describe()
    assert (facts.kind, facts.name, facts.soc) == ("android", "Nobody Stand-in 1", "Nobody S1")
    assert facts.system == "Android 14 (API 34)" and facts.cores and facts.memory_gb and not facts.emulated
    assert facts.id and peer.serial not in str(facts)
    local = random_file(tmp_path / "a model's file.bin", 3)
    remote = f"{FOLDER}/a model's file.bin"
    device.push(local, remote)
    assert peer.path(remote).read_bytes() == local.read_bytes()
    pushed = peer.path(remote).stat().st_mtime_ns
    device.push(local, remote)
    assert peer.path(remote).stat().st_mtime_ns == pushed, "what is there already was sent again"
    assert device.run(["sh", "-c", 'printf "%s|" "$@"', "sh", "two words", "$HOME", "it's"]) == "two words|$HOME|it's|"
    device.pull(remote, tmp_path / "back.bin")
    assert sha256_of(tmp_path / "back.bin") == sha256_of(local)
    with pytest.raises(DeviceError, match="with status 7: oh dear") as caught:
        device.run(["sh", "-c", "echo oh dear >&2; exit 7"])
    assert caught.value.reason == "failed"
    with pytest.raises(DeviceError, match="there is no /data/local/tmp/absent"):
        device.pull("/data/local/tmp/absent", tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_adbd_dies_in_the_middle_of_a_push(lab: Lab, tmp_path: Path) -> None:  # noqa: F811
    peer = lab.plug(size="90m")
    device, local, remote = AndroidDevice(), random_file(tmp_path / "big.bin", 40), f"{FOLDER}/big.bin"
    faults: list[DeviceError] = []

    def push() -> None:
        try:
            device.push(local, remote)
        except DeviceError as error:
            faults.append(error)

    pushing = threading.Thread(target=push)
    pushing.start()
    part = peer.path(f"{remote}.part")
    wait_for(lambda: part.exists() and part.stat().st_size, "the push")
    peer.freeze()
    assert 0 < part.stat().st_size < local.stat().st_size
    peer.kill()
    pushing.join(30)
    assert not pushing.is_alive()
    assert [fault.reason for fault in faults] == ["lost"], faults
    assert not peer.path(remote).exists(), "half of a file must not bear its name"
    peer.start()
    AndroidDevice(peer.serial).push(local, remote)
    assert sha256_of(peer.path(remote)) == sha256_of(local)


def test_adbd_dies_in_the_middle_of_a_run(lab: Lab) -> None:  # noqa: F811
    """adb itself returns 0 then, with what was said so far."""
    peer = lab.plug()
    device = AndroidDevice()
    threading.Timer(1.0, peer.kill).start()
    with pytest.raises(DeviceError, match=r"went away in the middle|broke|is gone|offline") as caught:
        device.run(["sh", "-c", "echo half; sleep 4; echo whole"], timeout=20)
    assert caught.value.reason == "lost"
    with pytest.raises(DeviceError) as caught:
        AndroidDevice()
    assert caught.value.reason in ("lost", "absent")


def test_a_device_that_reboots(lab: Lab, tmp_path: Path) -> None:  # noqa: F811
    peer = lab.plug()
    device = AndroidDevice()
    device.push(random_file(tmp_path / "model.bin", 1), f"{FOLDER}/model.bin")
    peer.reboot()
    again = AndroidDevice(peer.serial)
    assert again.describe() == device.describe()
    assert again.adb.sha256(f"{FOLDER}/model.bin") == sha256_of(tmp_path / "model.bin")


def test_an_unplugged_device_is_not_waited_for_for_ever(lab: Lab) -> None:  # noqa: F811
    peer = lab.plug()
    device = AndroidDevice()
    peer.unplug()
    started = time.monotonic()
    with pytest.raises(DeviceError, match="in 2 s: is it still plugged in") as caught:
        device.run(["true"], timeout=2)
    assert caught.value.reason == "slow" and time.monotonic() - started < 10


@pytest.mark.parametrize("believed", [False, True])
def test_a_full_disk(lab: Lab, tmp_path: Path, believed: bool) -> None:  # noqa: F811
    """Seen before the push; and where df says that there is room, by what adb says."""
    peer = lab.plug(size="4m")
    if believed:
        df = peer.path("/system/bin/df")
        df.write_text("#!/bin/sh\necho 'Filesystem 1K-blocks Used Available Use% Mounted on\nnone 9 0 999999 0% /'\n")
        df.chmod(0o755)
    device, small = AndroidDevice(), random_file(tmp_path / "small.bin", 1)
    expected = "no space left on" if believed else "4 MB left in .*, 6 MB are needed"
    with pytest.raises(DeviceError, match=expected) as caught:
        device.push(random_file(tmp_path / "big.bin", 6), f"{FOLDER}/big.bin")
    assert caught.value.reason == "full"
    assert [file.name for file in peer.path(FOLDER).iterdir()] == []
    device.push(small, f"{FOLDER}/small.bin")


def test_a_truncated_file(lab: Lab, tmp_path: Path) -> None:  # noqa: F811
    peer = lab.plug()
    device, local, remote = AndroidDevice(), random_file(tmp_path / "model.bin", 1), f"{FOLDER}/model.bin"
    peer.path(FOLDER).mkdir()
    peer.path(remote).write_bytes(local.read_bytes()[:5000])  # of an earlier version of the lab, or of a person
    device.push(local, remote)
    assert sha256_of(peer.path(remote)) == sha256_of(local)
    cutter = peer.path("/system/bin/sha256sum")  # what arrives is cut off before it is looked at
    cutter.write_text('#!/bin/sh\ncase $1 in *.part) truncate -s 1000 "$1" ;; esac\nexec /usr/bin/sha256sum "$@"\n')
    cutter.chmod(0o755)
    other = random_file(tmp_path / "other.bin", 1)
    with pytest.raises(DeviceError, match="did not arrive whole") as caught:
        device.push(other, f"{FOLDER}/other.bin")
    assert caught.value.reason == "truncated"
    assert sorted(file.name for file in peer.path(FOLDER).iterdir()) == ["model.bin"]


def test_two_devices_need_a_serial(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    first, second = lab.plug(), lab.plug()
    first.path("/data/local/tmp/mark").write_text("first")
    second.path("/data/local/tmp/mark").write_text("second")
    with pytest.raises(DeviceError, match="there are 2 Android devices; say --serial") as caught:
        AndroidDevice()
    assert first.serial in str(caught.value) and second.serial in str(caught.value)
    assert AndroidDevice(second.serial).run(["cat", "/data/local/tmp/mark"]) == "second"
    monkeypatch.setenv("ANDROID_SERIAL", first.serial)
    assert AndroidDevice().run(["cat", "/data/local/tmp/mark"]) == "first"
    with pytest.raises(DeviceError, match=r"there is no Android device 10\.77\.9\.9") as caught:
        choose("10.77.9.9")
    assert caught.value.reason == "absent"


def test_a_phone_that_sleeps_or_is_hot(lab: Lab) -> None:  # noqa: F811
    peer = lab.plug()
    device = AndroidDevice()
    state = peer.path("/data/local/tmp/standin_wakefulness")
    state.write_text("Asleep")
    device.wake()
    assert not state.exists(), "it was not woken"
    state.write_text("Asleep")
    peer.path("/data/local/tmp/standin_locked").touch()
    with pytest.raises(DeviceError, match="is asleep") as caught:
        device.wake()
    assert caught.value.reason == "asleep"
    assert (device.thermal().state, device.thermal().battery_c) == ("none", 29.1)
    heat, said = peer.path("/data/local/tmp/standin_heat"), []
    heat.write_text("3")
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            heat.write_text("0")

    assert device.cool_down(say=said.append, sleep=nap).state == "none"
    assert len(naps) == 2 and len(said) == 1 and "severe" in said[0]
    heat.write_text("4")
    with pytest.raises(DeviceError, match=r"too hot \(thermal state critical, battery 29 degrees\)") as caught:
        device.cool_down(limit=30, poll=10, say=said.append, sleep=lambda seconds: None)
    assert caught.value.reason == "hot"


@pytest.fixture
def artefacts(tmp_path: Path) -> list[Path]:
    """For the stand-in of the app, which does not run them."""
    from fake_artefacts import contract_of, tiny_bundle, write_artefact

    contract = contract_of(tiny_bundle())
    return [
        write_artefact(tmp_path / f"{name}.tflite", contract, os.urandom(2**20)) for name in ("one", "two", "three")
    ]


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """``sth latency --device android`` in this process."""
    from mobile.latency import command as latency

    monkeypatch.setattr("sys.argv", ["latency", "--device", "android", *map(str, words)])
    return latency.main()


def test_a_run_that_a_reboot_breaks_off_goes_on(
    lab: Lab,  # noqa: F811
    artefacts: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Over real adb; the app that answers is the stand-in of ``am``."""
    from mobile.latency.devices.android_app import FILES
    from mobile.schemas import Latency, load_result

    peer, target = lab.plug(), tmp_path / "phone.json"
    peer.path("/data/local/tmp/standin_app").touch()
    second = peer.path(f"{FILES}/models/{artefacts[1].name}")
    waiting = threading.Thread(target=lambda: (wait_for(second.exists, "the second push", 300), peer.kill()))
    waiting.start()
    with pytest.raises(DeviceError, match=r"1 of 3 rows are in .*phone.json; the same command goes on"):
        command(monkeypatch, *artefacts, "--rounds", 5, "--json", target)
    waiting.join(60)
    half = load_result(target)
    assert isinstance(half, Latency) and [row.artefact for row in half.rows] == ["one.tflite"]
    peer.start()
    assert command(monkeypatch, *artefacts, "--rounds", 5, "--json", target, "--serial", peer.serial) == 0
    whole = load_result(target)
    assert isinstance(whole, Latency)
    assert [row.artefact for row in whole.rows] == ["one.tflite", "two.tflite", "three.tflite"]
    assert whole.rows[0] == half.rows[0] and whole.not_run == () and whole.method == "benchmark mode of the app"
    assert [row.sha256 for row in whole.rows] == [sha256_of(path) for path in artefacts]
    assert whole.rows[0].samples_ms == (11, 12, 13, 14, 15) and "none to light" in whole.rows[0].heat
    assert "1 of 3 rows are in" in capsys.readouterr().out


def test_a_bare_runner_on_a_device_without_the_app(
    lab: Lab,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stream in LiteRT and in ExecuTorch, timed for real by the programs that are pushed."""
    from converters.export_executorch import build_random as for_executorch
    from converters.export_tflite import build_random as for_litert
    from mobile.schemas import Latency, load_result

    options = {"width": 0.35, "p": 0.25, "causal": True}
    streams = [
        build("sth_mobilenet_v2", precision="int8", size=64, segments=4, classes=27, options=options,
              folder=tmp_path / "models", mode="stream")
        for build in (for_litert, for_executorch)
    ]  # fmt: skip
    peer = lab.plug(size="300m", also=[Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()])
    python = peer.path("/system/bin/python3")
    python.write_text(f'#!/bin/sh\nexec {Path(sys.prefix).resolve()}/bin/python "$@"\n')
    python.chmod(0o755)
    target = tmp_path / "device.json"
    assert command(monkeypatch, *streams, "--rounds", 7, "--warm-up", 2, "--json", target) == 0
    found = load_result(target)
    assert isinstance(found, Latency) and found.method == "bare runner"
    assert [row.runtime.split()[0] for row in found.rows] == ["LiteRT", "executorch"]
    for row, stream in zip(found.rows, streams, strict=True):
        assert row.sha256 == sha256_of(stream) and row.mode == "stream" and row.state_bytes > 0
        assert len(row.samples_ms) == 7 and 0 < row.median_ms < 1000 and row.thermal_before == "none"
