"""The latency harness, on a clock of its own: runtimes that take exactly as long as the test says."""

from __future__ import annotations

import dataclasses
import inspect
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from fake_artefacts import FakeRuntime, contract_of, tiny_bundle, write_artefact
from rich.console import Console

from mobile import pass_marks, runtimes
from mobile.interface.contract import Contract, report_path
from mobile.latency import command as latency
from mobile.latency import host as latency_host
from mobile.latency import rivals as latency_rivals
from mobile.latency import table as latency_table
from mobile.latency import timing
from mobile.latency.devices import plan
from mobile.latency.devices.plan import Plan
from mobile.latency.timing import Timing, interleaved
from mobile.runtimes import ArtefactRunner
from mobile.schemas import Latency, load_result
from mobile.schemas.latency import DeviceFacts, LatencyRow
from training.common.errors import UserError

Milliseconds = Callable[[int], float]


class Clock:
    """Stands in for ``time``: it moves only when a runtime computes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []
        self.rested = 0.0

    def perf_counter_ns(self) -> int:
        return round(self.now * 1e6)

    def sleep(self, seconds: float) -> None:
        self.rested += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(timing, "time", made)
    return made


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: Clock) -> Any:
    """``lab(name, milliseconds)`` makes an artefact whose n-th inference takes ``milliseconds(n)``."""
    backends: dict[str, FakeRuntime] = {}
    monkeypatch.setattr(runtimes, "_open", lambda path, threads: backends[path.name])
    monkeypatch.setattr(latency_host, "peak_memory_mb", lambda path, threads: 7.0)

    def make(name: str, milliseconds: Milliseconds, contract: Contract | None = None, runtime: str = "Fake 1") -> Path:
        def compute(tensor: np.ndarray) -> np.ndarray:
            clock.now += milliseconds(backends[name].calls)
            clock.order.append(name)
            return np.zeros(27, np.float32)

        backends[name] = FakeRuntime(compute, runtime)
        return write_artefact(tmp_path / name, contract or contract_of(tiny_bundle()), name.encode())

    return make


def constant(milliseconds: float) -> Milliseconds:
    return lambda number: milliseconds


def measure(*artefacts: Path, against: tuple[str, ...] = (), rounds: int = 4, folder: Path = Path("unused")) -> Any:
    asked = Plan(rounds=rounds, warm_up=2, seed=3)
    return latency.measure_host(list(artefacts), against=list(against), plan=asked, folder=folder).rows


def test_every_round_has_every_artefact_once(lab: Any, clock: Clock) -> None:
    names = ["a.tflite", "b.tflite", "c.tflite"]
    opened = [ArtefactRunner(lab(name, constant(1))) for name in names]
    timings = interleaved(opened, rounds=6, warm_up=2, seed=1, cool_down=0.5)
    rounds = [clock.order[start : start + 3] for start in range(0, len(clock.order), 3)]
    assert len(rounds) == 8
    assert all(sorted(found) == names for found in rounds)
    assert len({tuple(found) for found in rounds}) > 1, "nobody may always follow the same neighbour"
    assert [len(found.samples) for found in timings] == [6, 6, 6]
    assert clock.rested == 4.0


def test_the_order_repeats_with_the_seed(lab: Any, clock: Clock) -> None:
    opened = [ArtefactRunner(lab(name, constant(1))) for name in ("a.tflite", "b.tflite", "c.tflite", "d.tflite")]
    orders = []
    for seed in (4, 4, 5):
        clock.order.clear()
        interleaved(opened, rounds=5, warm_up=0, seed=seed)
        orders.append(list(clock.order))
    assert orders[0] == orders[1] != orders[2]


def test_warm_up_does_not_count(lab: Any) -> None:
    runner = ArtefactRunner(lab("a.tflite", lambda number: 900 if number <= 2 else 5))
    (found,) = interleaved([runner], rounds=3, warm_up=2)
    assert found.samples == (5, 5, 5)


def test_a_slow_minute_hits_all_alike(lab: Any, clock: Clock) -> None:
    """The machine becomes three times as slow halfway: the ratio stays."""
    slow = lambda number: 3 if number > 6 else 1  # noqa: E731
    rows = measure(lab("a.tflite", lambda n: 10 * slow(n)), lab("b.tflite", lambda n: 8 * slow(n)), rounds=9)
    assert rows[0].median_ms / rows[1].median_ms == pytest.approx(10 / 8)


def test_statistics_by_hand() -> None:
    found = Timing(tuple(float(n) for n in (3, 1, 2, 4, 5, 6, 7, 8, 9, 100)))
    assert (found.median, found.p90) == (5.5, pytest.approx(9 + 0.1 * 91))


@pytest.mark.parametrize(("rounds", "warm_up"), [(0, 1), (3, -1)])
def test_numbers_of_rounds_that_make_no_sense(rounds: int, warm_up: int) -> None:
    with pytest.raises(UserError, match=f"rounds is {rounds} and warm-up {warm_up}"):
        interleaved([], rounds=rounds, warm_up=warm_up)


def test_rivals_of_the_same_size_are_built_once(lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = []
    took = {"tsn_mobilenet_v2": 4.0, "tsm_mobilenet_v2": 5.0}

    def build(name: str, runtime: str, *, folder: Path, **like: Any) -> Path:
        asked.append((name, runtime, like))
        return lab(f"{name}_{like['precision']}.tflite", constant(took[name]))

    monkeypatch.setattr(latency_rivals, "build", build)
    two = [lab("a.tflite", constant(6)), lab("b.tflite", constant(3))]
    rows = measure(*two, against=("tsn", "tsm"))
    assert [row.artefact for row in rows] == [
        "a.tflite", "b.tflite", "tsn_mobilenet_v2_int8.tflite", "tsm_mobilenet_v2_int8.tflite"
    ]  # fmt: skip
    assert [row.ratio_to for row in rows] == [{"tsn": 1.5, "tsm": 1.2}, {"tsn": 0.75, "tsm": 0.6}, {}, {}]
    size = {"precision": "int8", "size": 32, "segments": 4, "classes": 27, "options": {"width": 0.35}}
    assert asked[0] == ("tsn_mobilenet_v2", "litert", size)


def test_core_ml_is_not_timed_in_an_interpreter(lab: Any) -> None:
    path = lab("a.mlpackage", constant(1), runtime="reference interpreter of the MIL program")
    with pytest.raises(UserError, match="Core ML exists on Apple's systems only"):
        measure(path)


def test_delegate_as_the_report_says(lab: Any) -> None:
    path = lab("a.tflite", constant(1))
    assert plan.delegate_of(path) == "unknown (no report)"
    report_path(path).write_text('{"delegate": "XNNPACK", "delegate_pieces": 1}')
    assert plan.delegate_of(path) == "XNNPACK in 1"
    report_path(path).write_text('{"runtime": "coreml"}')
    assert plan.delegate_of(path) == "none"


def _rows(*precisions: str) -> list[Any]:
    return [types.SimpleNamespace(precision=name) for name in precisions]


@pytest.mark.parametrize(
    ("dot", "precisions", "noted"),
    [
        (False, ("int8", "fp32"), True),
        (True, ("int8", "fp32"), False),
        (None, ("int8", "fp32"), False),
        (False, ("int8",), False),
        (False, ("fp32", "fp16"), False),
    ],
)
def test_int8_is_explained_only_where_it_stands_beside_fp32(dot: Any, precisions: Any, noted: bool) -> None:
    note = latency_table.note_on_int8(_rows(*precisions), dot)
    assert (note is not None and "no int8 dot product" in note) == noted


@pytest.mark.parametrize(
    ("system", "machine", "flags", "expected"),
    [
        ("linux", "x86_64", ["avx2"], False),
        ("linux", "x86_64", ["avx2", "avx_vnni"], True),
        ("linux", "aarch64", ["fp", "asimddp"], True),
        ("linux", "x86_64", [], None),
        ("darwin", "arm64", [], True),
    ],
)
def test_int8_dot_products_by_processor(monkeypatch, system, machine, flags, expected) -> None:
    monkeypatch.setattr(timing.sys, "platform", system)
    monkeypatch.setattr(timing.platform, "machine", lambda: machine)
    assert timing._has_int8_dot_product(flags) is expected


def test_host_is_described() -> None:
    host = timing.describe_host()
    assert host["processor"]
    assert host["cores"] >= 1
    assert host["memory_gb"] > 0
    assert json.loads(json.dumps(host)) == host


@pytest.mark.parametrize(
    "line",
    [
        "--against tsn tsm one.tflite two.pte",
        "one.tflite two.pte --against tsn tsm",
        "--against tsn one.tflite tsm two.pte",
    ],
)
def test_rivals_and_artefacts_may_stand_in_any_order(line: str) -> None:
    parsed = latency.parse(line.split())
    assert parsed.against == ["tsn", "tsm"]
    assert parsed.artefacts == [Path("one.tflite"), Path("two.pte")]


def test_a_rival_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        latency.parse(["--against", "tsx", "a.tflite"])
    assert caught.value.code == 2
    assert "expected sth, tsn, tsm" in capsys.readouterr().err


def test_states_of_the_timed_stream_are_within_their_limit() -> None:
    found = load_result(Path(pass_marks.__file__).parent / "results" / "latency_stream.json")
    assert isinstance(found, Latency)
    sizes = [row.state_bytes for row in found.rows if row.mode == "stream" and row.precision == "int8"]
    assert len(sizes) == 2 and all(0 < size <= pass_marks.STATE_BYTES for size in sizes)


def test_unknown_devices_and_missing_artefacts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["latency", "--device", "toaster"])
    with pytest.raises(UserError, match="device is 'toaster'; expected one of host"):
        latency.main()
    monkeypatch.setattr(sys, "argv", ["latency", str(tmp_path / "none.tflite")])
    with pytest.raises(UserError, match="there is no artefact"):
        latency.main()


def test_the_command_prints_and_writes(lab: Any, tmp_path: Path, monkeypatch, capsys) -> None:
    paths = [lab("a.tflite", lambda n: 10.0 + n), lab("b.tflite", constant(7), contract_of(tiny_bundle(), "fp32"))]
    monkeypatch.setattr(timing, "_has_int8_dot_product", lambda flags: False)
    out, plot = tmp_path / "latency.json", tmp_path / "latency.png"
    words = ["--rounds", "3", "--warm-up", "1", "--json", str(out), "--plot", str(plot)]
    monkeypatch.setattr(sys, "argv", ["latency", *map(str, paths), *words])
    monkeypatch.setenv("COLUMNS", "80")
    latency.main()
    found = load_result(out)
    assert isinstance(found, Latency)
    assert [row.median_ms for row in found.rows] == [13.0, 7.0]
    assert [row.precision for row in found.rows] == ["int8", "fp32"]
    assert (found.threads, found.rounds, found.rows[0].peak_mb) == (1, 3, 7.0)
    assert found.note is not None
    assert plot.read_bytes().startswith(b"\x89PNG")
    screen = capsys.readouterr().out
    assert "13.0" in screen
    assert "no int8 dot product" in " ".join(screen.split())


def test_the_table_keeps_its_words_at_80_columns(lab: Any) -> None:
    rows = tuple(
        dataclasses.replace(row, ratio_to={"tsn": 0.987, "tsm": 1.0}, thermal_after="moderate")
        for row in measure(lab("a.tflite", constant(12)))
    )
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    facts = DeviceFacts("android", "Nobody Phone", "Android 14")
    latency_table.show(Latency("abc", facts, 1, 4, None, rows), console)
    text = console.export_text()
    words = ("sth_mobilenet_v2", "int8, 4 x 32 x 32", "12.0", "0.987", "Nobody Phone", "moderate")
    assert all(word in text for word in words)


def test_memory_of_a_child_is_not_its_parents() -> None:
    """Linux hands the peak of the parent on to the child in ru_maxrss; a bare Python needs far less than torch."""
    source = inspect.getsource(timing._high_water_mark)
    program = f"import sys\nfrom pathlib import Path\n{source}\nprint(_high_water_mark())"
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert 1e6 < int(done.stdout) < 60e6 < psutil.Process().memory_info().rss


def test_memory_that_cannot_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = types.SimpleNamespace(returncode=1, stdout="", stderr="Traceback\nUserError: no such runtime\n")
    monkeypatch.setattr(timing.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(UserError, match=r"memory of .*a\.tflite: UserError: no such runtime"):
        timing.peak_memory_mb(tmp_path / "a.tflite", 1)


def measured(suffix: str, ratio: float, *, size: int = 224, peak_mb: float = 20.0) -> LatencyRow:
    return LatencyRow(
        f"{suffix}.{suffix}", "0" * 64, 1, "sth_mobilenet_v2", "int8", f"8 x {size} x {size}", "Fake 1", "none",
        1.0, 1.0, 100.0, peak_mb, {"tsn": ratio}, (1.0,),
    )  # fmt: skip


def test_missed_limits_are_named() -> None:
    rows = [measured("tflite", 1.03), measured("pte", 1.07), measured("tflite", 1.5, size=96)]
    assert [miss.split()[2] for miss in latency_table.missed_limits(rows, 1)] == ["1.030"]
    assert latency_table.missed_limits(rows, 2) == []
    assert "61 MB" in latency_table.missed_limits([measured("tflite", 0.9, peak_mb=61.0)], 1)[0]


def test_an_emulated_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["latency", "--device", "arm64"])
    with pytest.raises(UserError, match="an emulated arm64 gives no time"):
        latency.main()


def test_files_of_the_first_schema_are_read(tmp_path: Path) -> None:
    """The two that lie in mobile/results were written before phones were known."""
    row = measured("tflite", 1.0)
    host = {"device": "host", "processor": "Some CPU", "cores": 2, "memory_gb": 8.0, "system": "Linux 6",
            "machine": "x86_64", "int8_dot_product": False, "python": "3.11"}  # fmt: skip
    old = {"kind": "latency", "code_version": "abc", "host": host, "threads": 1, "rounds": 1, "note": None}
    (tmp_path / "old.json").write_text(json.dumps(old | {"rows": [dataclasses.asdict(row)]}))
    found = load_result(tmp_path / "old.json")
    assert isinstance(found, Latency) and found.rows == (row,)
    assert found.device.line() == "Some CPU, 2 cores, Linux 6, x86_64, without int8 dot product"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sha256": "0" * 63}, "expected 64 hexadecimal digits"),
        ({"median_ms": 1.5}, "its samples have"),
        ({"p90_ms": 1.5}, "its samples have"),
        ({"samples_ms": []}, "has no samples"),
        ({"thermal_before": "lukewarm"}, "the thermal state"),
        ({"runtime": None}, "runtime is None"),
    ],
)
def test_rows_that_contradict_themselves(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    device = dataclasses.asdict(DeviceFacts("android", "Nobody Phone", "Android 14"))
    content = {"kind": "latency", "schema": 2, "code_version": "abc", "device": device, "threads": 1, "rounds": 1,
               "note": None, "rows": [dataclasses.asdict(measured("pte", 1.0)) | changes]}  # fmt: skip
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=expected):
        load_result(tmp_path / "bad.json")
