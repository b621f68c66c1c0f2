"""STH-Conv's Triton kernels without a GPU: interpreted against PyTorch's convolutions, compiled, chosen by time.

``test_cuda`` runs them on one; ``sth tables stages --device cuda`` says how fast they are.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from triton_cases import QUICK, SLOW

from training.operators import STHConv, choice, triton_conv
from training.operators import sth as dense
from training.operators.lowerings import LOWERINGS

ROOT = Path(__file__).parents[2]
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="Triton is not installed here (it comes with PyTorch on Linux)"
)
ROUNDING = {"float32": 2e-6, "float16": 2e-3, "bfloat16": 2e-2}  # of the largest value; sums are float32


def found_by(program: str, folder: Path, *arguments: str, **environment: str) -> Any:
    """What a program of this folder writes as JSON."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tests" / program), *arguments, str(folder / "found.json")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, **environment},
        capture_output=True, text=True, timeout=3000, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-6000:]
    return json.loads((folder / "found.json").read_text())


def assert_rounding(found: dict[str, dict[str, float]], cases: list[dict[str, Any]]) -> None:
    assert list(found) == [str(case) for case in cases]
    for case in cases:
        differences = found[str(case)]
        assert {"output", "gradient of the input", "gradient of spatial", "gradient of temporal"} <= differences.keys()
        assert max(differences.values()) < ROUNDING[case.get("dtype", "float32")], (case, differences)


@needs_triton
@pytest.mark.minutes
def test_interpreted_kernels_equal_pytorchs_convolutions(tmp_path: Path) -> None:
    assert_rounding(found_by("triton_cases.py", tmp_path, "quick", TRITON_INTERPRET="1"), QUICK)


@needs_triton
@pytest.mark.long
def test_interpreted_kernels_equal_pytorchs_convolutions_in_all_cases(tmp_path: Path) -> None:
    assert_rounding(found_by("triton_cases.py", tmp_path, "slow", TRITON_INTERPRET="1"), SLOW)


@needs_triton
@pytest.mark.minutes
def test_kernels_compile_for_gpus_that_are_not_here(tmp_path: Path) -> None:
    """To machine code, by the compiler that comes with Triton; half precision on its tensor cores."""
    rows = found_by("triton_compiled.py", tmp_path)
    assert {(row["capability"], row["dtype"]) for row in rows} == {(90, "bfloat16"), (80, "float16"), (75, "float32")}
    assert len(rows) == 12 and all(row["bytes"] > 1000 for row in rows)
    for row in rows:  # few channels leave the small blocks, many leave all
        assert 0 < row["configurations"][0] < row["configurations"][1] == (5 if "weight" in row["kernel"] else 9), row
    assert all(row["tensor_cores"] > 0 for row in rows if row["dtype"] != "float32")


# --- which way is taken ---------------------------------------------------------------------------


def operator_and_clip() -> tuple[STHConv, torch.Tensor]:
    return STHConv(8, 8, segments=2), torch.randn(4, 8, 5, 5)


def test_on_a_cpu_without_the_interpreter_pytorch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    operator, x = operator_and_clip()
    assert not triton_conv.serves(operator.hybrid, x)
    monkeypatch.setattr(dense, "triton_conv", None)  # would raise
    torch.testing.assert_close(operator(x), LOWERINGS["masked"](operator, x))


def test_the_switch_and_a_missing_triton_leave_it_to_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    operator, x = operator_and_clip()
    monkeypatch.setenv(triton_conv.SWITCH, "0")
    assert not triton_conv.serves(operator.hybrid, x)
    monkeypatch.delenv(triton_conv.SWITCH)
    monkeypatch.setitem(sys.modules, "training.operators.triton_kernels", None)  # an import of it fails
    triton_conv._imported.cache_clear()
    try:
        assert not triton_conv.serves(operator.hybrid, x)
        assert not triton_conv.serves(operator.hybrid, x.double())
    finally:
        triton_conv._imported.cache_clear()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_chosen", {})


def slow(way: Callable[[torch.Tensor], torch.Tensor], calls: list[str]) -> Callable[[torch.Tensor], torch.Tensor]:
    def call(x: torch.Tensor) -> torch.Tensor:
        calls.append("slow")
        time.sleep(0.02)
        return way(x)

    return call


@pytest.mark.usefixtures("fresh")
def test_the_faster_way_is_kept_for_each_shape() -> None:
    weight, calls = torch.randn(3, requires_grad=True), []  # type: ignore[var-annotated]
    x = torch.randn(2, 3)

    def quick(x: torch.Tensor) -> torch.Tensor:
        return x * weight

    assert choice.pays("a", quick, slow(quick, calls), x, [weight])
    assert len(calls) == choice.WARM_UP + choice.CALLS
    assert choice.pays("a", quick, slow(quick, calls), x, [weight])
    assert len(calls) == choice.WARM_UP + choice.CALLS  # measured once
    assert not choice.pays("a", slow(quick, calls), quick, x[:1], [weight])  # another shape
    assert not choice.pays("b", slow(quick, calls), quick, x, [weight])  # another operator
    assert weight.grad is None


@pytest.mark.usefixtures("fresh")
def test_a_kernel_that_fails_does_not_pay(caplog: pytest.LogCaptureFixture) -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no kernel image is available")

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert not choice.pays("a", broken, torch.relu, torch.ones(1), [])
    assert [record.message.count("no kernel image") for record in caplog.records] == [1]


@pytest.mark.usefixtures("fresh")
def test_deterministic_results_do_not_depend_on_a_clock() -> None:
    calls: list[str] = []
    torch.use_deterministic_algorithms(True)
    try:
        assert not choice.pays("a", torch.relu, slow(torch.relu, calls), torch.ones(1), [])
    finally:
        torch.use_deterministic_algorithms(False)
    assert not calls
