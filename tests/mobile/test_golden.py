"""Golden vectors: written the same each time, whole, and a check that finds whatever is wrong with them."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_artefacts
import numpy as np
import pytest

from mobile import runtimes
from mobile.apps.golden import vectors as golden
from mobile.apps.golden.events import bits, exponential_points, from_bits, sequences
from mobile.apps.golden.files import GoldenFolder
from mobile.apps.golden.vectors import check_golden, write_golden
from mobile.events.settings import Thresholds
from mobile.interface.contract import Contract, Quantization, StateSpec, TensorSpec
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.common.files import sha256_of
from training.rendered import jester_labels

MODEL = "stream.tflite"


def stream_contract(*, quantized: bool = True) -> Contract:
    """One frame of 32 pixels, two states; int8 with frames last in colours, or float with colours first."""
    kind, point = ("int8", Quantization("int8", 1 / 128, 0)) if quantized else ("float32", None)
    shape, layout = ((1, 32, 32, 3), "THWC") if quantized else ((1, 3, 32, 32), "TCHW")
    states = [("state_1", (1, 2, 16, 5)), ("state_4", (1, 2, 4, 7))]
    return Contract(
        runtime="litert", precision="int8" if quantized else "fp32", network="sth_mobilenet_v2", options={},
        mode="stream", frames=InputSpec(segments=8, size=32), labels=jester_labels(), frames_per_second=4.0,
        input=TensorSpec("frames", shape, layout, kind, point),
        output=TensorSpec("logits", (1, 27), "TK", kind, Quantization("int8", 0.125, -3) if quantized else None),
        states=tuple(StateSpec(n, f"{n}_next", s, "NTPC", kind, -7.0 if quantized else 0.0, point) for n, s in states),
    )  # fmt: skip


def install(patch: pytest.MonkeyPatch, folder: Path, contract: Contract, content: bytes = b"an artefact") -> Path:
    fake_artefacts.install(patch, {MODEL: fake_artefacts.FakeStream(contract)})
    return fake_artefacts.write_artefact(folder / MODEL, contract, content)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of golden vectors, read and copied but never changed; its artefact lies beside it."""
    folder = tmp_path_factory.mktemp("golden")
    with pytest.MonkeyPatch.context() as patch:
        write_golden(install(patch, folder, stream_contract()), Thresholds(), folder / "vectors", 0)
    return folder / "vectors"


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "vectors"))


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def test_the_same_bytes_twice_and_others_for_another_seed(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = install(monkeypatch, tmp_path, stream_contract())
    write_golden(model, Thresholds(), tmp_path / "vectors", 0)
    assert sha256_of(tmp_path / "vectors") == sha256_of(written)
    write_golden(model, Thresholds(), tmp_path / "vectors", 1)  # replaces the older folder
    older, newer = manifest_of(written)["files"], manifest_of(tmp_path / "vectors")["files"]
    assert older.keys() == newer.keys()
    same = {name for name in older if older[name] == newer[name]}
    assert same == {f"{MODEL}.contract.json", "thresholds.json", "events/fast/times_ms.bin", "events/slow/times_ms.bin"}


def test_what_is_in_the_folder(written: Path) -> None:
    manifest = manifest_of(written)
    assert manifest["made_of"]["sha256"] == sha256_of(written.parent / MODEL)
    assert manifest["made_of"]["opencv_largest_difference"] <= 1
    assert manifest["rules"]["yuv"]["range"] == "full"
    cases = manifest["camera"]
    assert {case["rotation"] for case in cases} == {0, 90, 180, 270}
    assert {case["order"] for case in cases} >= {"I420", "NV12", "NV21", "bgra"}
    places = [place for case in cases for place in case["channels"].values()]
    assert {place["pixel_stride"] for place in places} == {1, 2, 4}
    assert manifest["stream"]["state_frames"] == list(range(1, 13))
    assert sum(path.stat().st_size for path in written.rglob("*.bin")) < 4e6
    for name, about in manifest["files"].items():
        assert hashlib.sha256((written / name).read_bytes()).hexdigest() == about["sha256"]


def test_pictures_are_never_alike_when_turned_or_mirrored(written: Path) -> None:
    folder = GoldenFolder(written)
    for case in folder.manifest["camera"]:
        resized = folder.array(case["resized"]).astype(int)
        for other in (resized[::-1], resized[:, ::-1], resized.swapaxes(0, 1), resized[..., ::-1], resized.mean()):
            assert np.abs(resized - other).mean() > 5
        np.testing.assert_array_equal(folder.array(case["tensor"])[0], resized - 128)


def test_the_stream_is_the_backends_own(written: Path) -> None:
    folder, contract = GoldenFolder(written), stream_contract()
    backend, about = fake_artefacts.FakeStream(contract), folder.manifest["stream"]
    states = {state.input: np.full(state.shape, -7, np.int8) for state in contract.states}
    for number, tensor in enumerate(folder.array(about["inputs"])):
        found = backend.step({"frames": tensor, **states}, ["logits", "state_1_next", "state_4_next"])
        states = {name: found[f"{name}_next"] for name in states}
        for name, state in states.items():
            np.testing.assert_array_equal(folder.array(about["states"][name])[number], state)
        wanted = np.float32(0.125) * (found["logits"][0].astype(np.float32) + 3)
        np.testing.assert_array_equal(folder.array(about["logits"])[number], wanted)


def test_events_of_all_kinds(written: Path) -> None:
    steady, *others = manifest_of(written)["events"]
    begins = [event["label"] for event in steady["events"] if event["kind"] == "begin"]
    assert any(one == next_one for one, next_one in itertools.pairwise(begins))
    times = GoldenFolder(written).array(steady["times_ms"]).tolist()
    before_stalls = {time for time, after in itertools.pairwise(times) if after - time > 1000}
    ends = {event["time_ms"] for event in steady["events"] if event["kind"] == "end"}
    assert len(before_stalls) == 2 and before_stalls & ends
    assert all(about["events"] and about["events_at_reset"] for about in (steady, *others))
    assert [about["rate_warning"] for about in (steady, *others[:2])] == [False, True, True]
    assert all(from_bits(event["confidence_bits"]) == event["confidence"] for event in steady["events"])


def test_bits() -> None:
    assert (bits(1.0), bits(-2.0)) == ("3ff0000000000000", "c000000000000000")
    assert from_bits(bits(0.1)) == 0.1
    points = exponential_points()
    assert len(points) == 50
    assert (points[0]["y"], points[-1]["y"]) == (1.0, 0.0)
    assert points[-2]["y"] == pytest.approx(np.exp(-64.0), rel=1e-12)


def test_other_thresholds_and_labels() -> None:
    """No background at all, long durations, another rate."""
    thresholds = Thresholds(background=(), hold_ms=3000, repeat_ms=2000, gap_ms=300)
    made = sequences(thresholds, ["a", "b"], 1.0, 0)
    assert all(one.logits_FK.shape == (len(one.times_ms), 2) for one in made)
    assert all(np.diff(one.times_ms).min() > 0 for one in made)


def test_a_check_passes(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_golden(written)["checked"] == {"camera": 10, "events": 4, "stream": None}
    install(monkeypatch, written.parent, stream_contract())
    assert check_golden(written, written.parent / MODEL)["checked"]["stream"] == 12


def test_a_float_artefact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = install(monkeypatch, tmp_path, stream_contract(quantized=False))
    write_golden(model, Thresholds(), tmp_path / "vectors", 0)
    check_golden(tmp_path / "vectors", model)
    folder = GoldenFolder(tmp_path / "vectors")
    case = folder.manifest["camera"][0]
    wanted = (folder.array(case["resized"]).astype(np.float64).transpose(2, 0, 1) - 128) / 128
    np.testing.assert_allclose(folder.array(case["tensor"])[0], wanted, atol=1e-6)


def flip(path: Path) -> None:
    """Another lowest bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def forge(folder: Path, name: str) -> None:
    """A flipped bit, and the manifest's sha256 with it."""
    flip(folder / name)
    edit(folder, lambda manifest: manifest["files"][name].update(sha256=sha256_of(folder / name)))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = manifest_of(folder)
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def editing(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    return lambda folder: edit(folder, change)


def describing(**changes: Any) -> Callable[[Path], object]:
    """One file described in another way."""
    return editing(lambda manifest: manifest["files"][RESIZED].update(changes))


RESIZED, LUMA = "camera/bgra_padded/resized.bin", "camera/i420_packed/y.bin"
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit": (lambda folder: flip(folder / RESIZED), f"{RESIZED} was changed"),
    "a missing file": (lambda folder: (folder / LUMA).unlink(), f"cannot read .*{LUMA}: No such file"),
    "a file too many": (lambda folder: (folder / "stray.bin").touch(), "stray.bin is not in the manifest"),
    "a cut file": (lambda folder: (folder / LUMA).write_bytes(b"1"), f"{LUMA} has 1 bytes; its manifest says 25344"),
    "another shape": (describing(shape=[32, 32, 4]), f"{RESIZED}: uint8 of shape"),
    "a turned shape": (describing(shape=[32, 3, 32]), f"{RESIZED} is uint8"),
    "another type": (describing(type="int8"), f"{RESIZED} is int8"),
    "an unknown type": (describing(type="int7"), "no whole description"),
    "another layout": (describing(layout="HW"), f"{RESIZED}: uint8 of shape"),
    "a forged result": (lambda folder: forge(folder, RESIZED), f"{RESIZED} differs .* in 1 of 3072 values"),
    "a forged camera": (lambda folder: forge(folder, LUMA), "camera/i420_packed/upright.bin differs"),
    "another stride": (
        editing(lambda m: m["camera"][0]["channels"]["Y"].update(row_stride=999)),
        "i420_packed: a buffer of 25344",
    ),
    "another rotation": (editing(lambda m: m["camera"][8].update(rotation=180)), "upright.bin differs"),
    "an event less": (editing(lambda m: m["events"][0]["events"].pop()), "events of steady"),
    "another confidence": (editing(lambda m: m["events"][1]["events"][0].update(confidence_bits=bits(0.5))), "of fast"),
    "an exponential": (editing(lambda m: m["exponential"][3].update(y_bits=bits(1.0))), r"exponential\(-0\."),
    "other rules": (editing(lambda m: m["rules"]["yuv"].update(range="video")), "of other rules"),
    "another version": (editing(lambda m: m.update(version=99)), "is of version 99"),
    "another kind": (editing(lambda m: m.update(kind="latency")), "is no manifest"),
    "a part less": (editing(lambda m: m.pop("camera")), "no whole manifest.*camera"),
    "a file outside": (editing(lambda m: m["files"].update({"../x": {}})), "outside of its folder"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "cannot read manifest of golden vectors"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_check_finds(fault: str, copied: Path) -> None:
    break_it, message = FAULTS[fault]
    break_it(copied)
    with pytest.raises(UserError, match=message) as caught:
        check_golden(copied)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["stream/logits.bin", "stream/state_4.bin", "stream/inputs.bin"])
def test_a_check_with_the_artefact_finds(name: str, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = install(monkeypatch, copied.parent, stream_contract())
    forge(copied, name)
    check_golden(copied)
    with pytest.raises(UserError, match=r"stream/.*\.bin differs"):
        check_golden(copied, model)


def test_another_artefact(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = install(monkeypatch, copied.parent, stream_contract(), b"another")
    with pytest.raises(UserError, match=r"stream\.tflite is not the artefact"):
        check_golden(copied, model)


def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = install(monkeypatch, tmp_path, stream_contract())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    with pytest.raises(UserError, match="full holds other things"):
        write_golden(model, Thresholds(), tmp_path / "full", 0)
    with pytest.raises(UserError, match="let no gesture of the golden streams through"):
        write_golden(model, Thresholds(hold_ms=10**7), tmp_path / "vectors", 0)
    assert not (tmp_path / "vectors").exists()


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    model, out, report = install(monkeypatch, tmp_path, stream_contract()), tmp_path / "vectors", tmp_path / "a.json"
    write = ["golden", "--model", str(model), "--out", str(out), "--seed", "5", "--json", str(report)]
    monkeypatch.setattr(sys, "argv", write)
    golden.main()
    assert "10 camera frames" in capsys.readouterr().out
    summary = json.loads(report.read_text())
    assert (summary["kind"], summary["made_of"]["seed"], summary["checked"]["stream"]) == ("golden", 5, 12)
    monkeypatch.setattr(sys, "argv", ["golden", "--check", str(out)])
    golden.main()
    assert "stream not run (no --model)" in capsys.readouterr().out
    for wrong in (["--out", "x"], ["--check", "x", "--out", "y"], ["--check", "x", "--thresholds", "y"], []):
        with pytest.raises(SystemExit):
            golden.parse(wrong)


@pytest.mark.minutes
def test_a_litert_stream(tmp_path: Path) -> None:
    from converters.export_tflite import TARGET
    from converters.shared import export

    options = {**fake_artefacts.OPTIONS, "causal": True}
    bundle = fake_artefacts.random_bundle("sth_mobilenet_v2", size=64, segments=4, **options)
    bundle.labels = jester_labels()
    model = export(bundle, TARGET, "int8", tmp_path, clips=0, mode="stream")
    write_golden(model, Thresholds(), tmp_path / "vectors", 0)
    assert check_golden(tmp_path / "vectors", model)["checked"]["stream"] == 12
    folder = GoldenFolder(tmp_path / "vectors")
    logits_FK = folder.array(folder.manifest["stream"]["logits"])
    assert np.abs(np.diff(logits_FK, axis=0)).max() > 0
    assert runtimes.StreamRunner(model).runtime == folder.manifest["made_of"]["runtime"]
