"""Emulated arm64 without the emulator: what is refused, what counts as ended, how differences are counted."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_artefacts import FakeRuntime, contract_of, faithful, install, tiny_bundle, write_artefact
from small_networks import smooth_frames

from mobile.parity.arm64 import command, compare
from mobile.parity.sides import Clips
from mobile.runtimes.arm64 import debian, emulator, setup
from mobile.runtimes.arm64.emulator import Emulator
from training.common.errors import UserError

CLIPS, STEP = 3, 0.25


@pytest.fixture
def side(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> compare.Side:
    """The tiny bundle over three clips, as if a runtime computed it faithfully."""
    bundle = tiny_bundle()
    contract = bundle.contract("executorch", "int8", layout="THWC", quantized_input=True, quantized_output=False)
    path = write_artefact(tmp_path / "tiny.pte", contract)
    compute = faithful(bundle)
    install(monkeypatch, {path.name: FakeRuntime(lambda tensor: compute(tensor)[None])})
    frames = smooth_frames(CLIPS, bundle.spec.segments, bundle.spec.size, seed=1).numpy()
    return compare.Side(path, Clips(frames, np.full(CLIPS, -1)))


ENDED = {"runtime": "executorch 1.0 (XNNPACK)", "machine": "aarch64", "threads": 1}


def test_equal_logits_are_identical(side: compare.Side) -> None:
    row = compare.row_from(side, "max", STEP, side.rows.copy(), ENDED)
    assert (row.clips, row.logits, row.differing, row.largest_steps) == (CLIPS, CLIPS * 27, 0, 0)
    assert (row.cpu, row.frames_sha256) == ("max", hashlib.sha256(side.tensors.tobytes()).hexdigest())
    assert len({rows.tobytes() for rows in side.rows}) == CLIPS  # the clips are told apart


def test_differing_logits_are_counted_in_steps(side: compare.Side) -> None:
    other = side.rows.copy()
    other[0, 0, 3] += STEP
    other[2, 0, 7] -= 3 * STEP
    row = compare.row_from(side, "max", STEP, other, ENDED)
    assert row.differing == 2 and row.largest_steps == pytest.approx(3, abs=1e-4)


def said(side: compare.Side, logits: Path, **changes: Any) -> dict[str, Any]:
    """The last line of a run of ``side`` that wrote ``logits``."""
    return {
        **ENDED, "model_sha256": side.sha256, "frames_sha256": side.frames_sha256, "inputs": CLIPS,
        "logits_sha256": hashlib.sha256(logits.read_bytes()).hexdigest(), "logits_dtype": "float32", **changes,
    }  # fmt: skip


def fake_machine(monkeypatch: pytest.MonkeyPatch, side: compare.Side, **changes: Any) -> None:
    """Runs that write the logits of this machine and say what ``said`` says."""

    def run(self: Emulator, program: Path, words: Sequence[Any], each: Any) -> dict[str, Any]:
        given = dict(zip(words[::2], words[1::2], strict=False))
        assert Path(given["--frames"]).read_bytes() == side.tensors.tobytes() and given["--model"].is_absolute()
        given["--logits"].write_bytes(side.rows.tobytes())
        return said(side, given["--logits"], **changes)

    monkeypatch.setattr(setup, "require", lambda: None)
    monkeypatch.setattr(Emulator, "run", run)
    monkeypatch.setattr(compare, "pte_runner", lambda machine: Path(f"/runner/{machine}"))


def test_a_run_of_what_was_meant_counts(monkeypatch: pytest.MonkeyPatch, side: compare.Side) -> None:
    fake_machine(monkeypatch, side)
    rows, _ = compare.on_arm64(side, "max")
    assert np.array_equal(rows, side.rows)


@pytest.mark.parametrize("what", ["model_sha256", "frames_sha256", "logits_sha256", "machine", "inputs"])
def test_a_run_of_something_else_does_not_count(monkeypatch: pytest.MonkeyPatch, side: compare.Side, what: str) -> None:
    fake_machine(monkeypatch, side, **{what: "another"})
    with pytest.raises(UserError, match=f"{what} is another"):
        compare.on_arm64(side, "max")


def test_only_int8_of_the_two_runtimes_is_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle, clips = tiny_bundle(), Clips(np.zeros((1, 4, 32, 32, 3), np.uint8), np.zeros(1))
    fp32 = write_artefact(tmp_path / "tiny.tflite", contract_of(bundle, "fp32"))
    install(monkeypatch, {fp32.name: FakeRuntime(faithful(bundle, "fp32"))})
    with pytest.raises(UserError, match="int8 is compared"):
        compare.Side(fp32, clips)
    with pytest.raises(UserError, match=r"expected a \.tflite or a \.pte"):
        compare.Side(tmp_path / "tiny.mlpackage", clips)


def script(monkeypatch: pytest.MonkeyPatch, code: str) -> dict[str, Any]:
    """A program of this machine in place of an emulated one."""
    monkeypatch.setattr(setup, "require", lambda: None)
    monkeypatch.setattr(Emulator, "command", lambda self, program, words: [sys.executable, "-c", code])
    return Emulator("max").run(Path("program"), [])


def test_the_last_line_is_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    assert script(monkeypatch, """print('1 of 1'); print('{"ended": true, "inputs": 3}')""")["inputs"] == 3


@pytest.mark.parametrize(
    "code",
    [
        "print('1 of 2')",
        """print('{"ended": true'); import os; os._exit(0)""",
        """print('{"inputs": 2}')""",
        """print('{"ended": true}'); raise SystemExit(1)""",
        "import sys; sys.exit('error: no such model')",
    ],
)
def test_a_program_that_did_not_end_well_is_no_success(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    with pytest.raises(UserError, match="program on an emulated max did not end well"):
        script(monkeypatch, code)


def test_programs_do_not_see_the_callers_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/this/machine")
    code = """import os, json; print(json.dumps({"ended": True, "seen": sorted(os.environ)}))"""
    assert "LD_LIBRARY_PATH" not in script(monkeypatch, code)["seen"]


def test_without_setup_the_command_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(setup, "_STAMP", tmp_path / "absent")
    for ask in (lambda: Emulator("max"), emulator.version):
        with pytest.raises(UserError, match=r"sth arm64-setup"):
            ask()


def test_setup_says_what_it_needs_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UserError, match="Linux on x86_64"):
        setup.make()
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="no apt-get here; this needs Debian"):
        setup.make()


def test_sources_of_another_release_are_derived(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(debian, "release", lambda: "bookworm")
    monkeypatch.setattr(debian, "_SOURCES", tmp_path)
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "made").mkdir()
    with pytest.raises(UserError, match="no apt sources of Debian's bookworm"):
        debian._write_sources("trixie", tmp_path / "made")
    own = "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\n"
    (tmp_path / "sources.list.d" / "debian.sources").write_text(own)
    (tmp_path / "sources.list.d" / "other.list").write_text("deb http://mirror/other stable main\n")
    debian._write_sources("trixie", tmp_path / "made")
    (made,) = (tmp_path / "made").iterdir()
    assert made.read_text() == own.replace("bookworm", "trixie")


def test_a_run_goes_on_where_it_was_stopped(monkeypatch: pytest.MonkeyPatch, side: compare.Side) -> None:
    asked: list[str] = []

    def on_arm64(side: compare.Side, cpu: str, each: Any) -> tuple[np.ndarray, dict[str, Any]]:
        asked.append(cpu)
        return side.rows, ENDED

    monkeypatch.setattr(command, "on_arm64", on_arm64)
    before = {command._key(row): row for row in command._rows(side, ["cortex-a53"], {}, STEP)}
    rows = list(command._rows(side, ["cortex-a53", "max"], before, STEP))
    assert asked == ["cortex-a53", "max"] and [row.cpu for row in rows] == ["cortex-a53", "max"]
    changed = {(*key[:3], "another runtime"): row for key, row in before.items()}
    assert len(list(command._rows(side, ["cortex-a53"], changed, STEP))) == 1 and asked[2:] == ["cortex-a53"]
