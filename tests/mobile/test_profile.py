"""Where the time goes: multiply-adds against PyTorch's own counter, kernels against layers, and both real profilers."""

from __future__ import annotations

import dataclasses
import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_artefacts import contract_of, tiny_bundle, write_artefact
from torch.utils.flop_counter import FlopCounterMode

from converters import export_executorch
from converters.shared import export
from mobile import pass_marks
from mobile.bundle import random_bundle
from mobile.latency.profile import command as profile
from mobile.latency.profile import peak
from mobile.latency.profile.network_operators import (
    CONCAT,
    CONV,
    DEPTHWISE,
    MOVE,
    SUM,
    Op,
    kind_of_kernel,
    match,
    ops_of,
)
from mobile.latency.profile.peak import SIZES, fastest, product_profilers
from mobile.latency.profile.plot import by_block
from mobile.latency.profile.profilers import Samples, litert, open_profiler
from mobile.latency.profile.profilers.executorch import ExecuTorchProfiler
from mobile.schemas import load_result
from training.common.errors import UserError

KERNELS = {CONV: "Fully Connected (NC, QS8, QC8W) GEMM", DEPTHWISE: "Convolution (NHWC, QC8) DWConv",
           CONCAT: "Copy (NC, X8)", SUM: "Add (ND)", "mean": "Mean (ND) Reduce"}  # fmt: skip


@pytest.fixture(scope="module")
def ops() -> list[Op]:
    return ops_of(contract_of(tiny_bundle()))


def test_multiply_adds_are_those_of_pytorchs_counter(ops: list[Op]) -> None:
    network, spec = tiny_bundle().floating, tiny_bundle().spec
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(torch.zeros(spec.segments, 3, spec.size, spec.size))
    assert sum(op.macs for op in ops) == counter.get_total_flops() // 2
    assert {op.layer for op in ops if op.kind in (CONV, DEPTHWISE)} == set(network.convs())


def test_bytes_follow_from_shapes_and_precision(ops: list[Op]) -> None:
    network, size = tiny_bundle().floating, tiny_bundle().spec.size
    project = network.convs()["blocks.0.project"]
    pixels = tiny_bundle().spec.segments * (size // 2) ** 2
    outputs, inputs = project.weight.shape[:2]
    found = next(op for op in ops if op.layer == "blocks.0.project")
    assert found.macs == pixels * outputs * inputs
    assert found.bytes == pixels * (inputs + outputs) + inputs * outputs + 4 * outputs
    wide = {op.layer: op for op in ops_of(contract_of(tiny_bundle(), "fp32"))}[found.layer]
    assert wide.bytes == 4 * (found.bytes - 4 * outputs) + 4 * outputs and wide.macs == found.macs


def test_roles_tell_time_from_space(ops: list[Op]) -> None:
    roles = {op.layer.rsplit(".", 1)[-1]: op.role for op in ops}
    assert roles["temporal"] == "temporal 3 x 1" and roles["spatial"] == "depthwise 3 x 3"
    assert roles["concat"] == "concat" and roles["sum"] == "residual sum" and roles["head"] == "head 1 x 1"


def test_a_streams_operators_have_their_block() -> None:
    causal = random_bundle("sth_mobilenet_v2", size=32, segments=4, num_classes=5, width=0.35, p=0.25, causal=True)
    contract = dataclasses.replace(contract_of(causal), mode="stream")
    layers = [op.layer for op in ops_of(contract)]
    assert "blocks.3.past" in layers and "blocks.3.concat" in layers and "blocks.2.sum" in layers
    assert len(set(layers)) == len(layers)
    clip = sum(op.macs for op in ops_of(contract_of(causal)))
    stream = sum(op.macs for op in ops_of(contract))
    assert 4 * stream == pytest.approx(clip, rel=0.01)


def kernels_of(ops: list[Op]) -> list[str]:
    return [KERNELS[op.kind] for op in ops]


def test_kernels_find_their_layers(ops: list[Op]) -> None:
    names = kernels_of(ops)
    at = next(index for index, op in enumerate(ops) if op.kind == CONCAT)
    names[at:at] = ["Static Reshape (NC)", names[at]]  # a view, and a concat in two copies
    found = match(names, ops)
    assert [op for index, op in enumerate(found) if index not in (at, at + 1)] == ops
    assert found[at] is None and found[at + 1] is ops[at]


def test_kernels_of_another_network_find_none(ops: list[Op]) -> None:
    names = kernels_of(ops)
    assert match(names[1:], ops) == [None] * (len(ops) - 1)
    swapped = [names[1], names[0], *names[2:]]
    assert kind_of_kernel(names[0]) != kind_of_kernel(names[1])
    assert set(match(swapped, ops)) == {None}
    assert kind_of_kernel("Transpose (ND, X8)") == MOVE


class FakeProfiler:
    """Every kernel takes a known time, a little more in each run."""

    runtime, method = "Fake 1", "the test's own"

    def __init__(self, names: list[str], us: list[float]) -> None:
        self.names, self.us, self.runs = tuple(names), np.asarray(us), 0

    def run(self) -> None:
        self.runs += 1

    def samples(self) -> Samples:
        rows = [self.us * (1 + 0.1 * number) for number in range(self.runs)]
        return Samples(self.names, np.stack(rows), np.asarray([row.sum() + 10 for row in rows]))


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ops: list[Op]) -> Path:
    us = [max(op.macs / 1000, 1.0) for op in ops]
    monkeypatch.setattr(profile, "open_profiler", lambda path, **_: FakeProfiler(kernels_of(ops), us))
    made = {size: FakeProfiler([KERNELS[CONV]], [np.prod(size) / 4000]) for size in SIZES}
    monkeypatch.setattr(profile, "product_profilers", lambda *_: made)
    return write_artefact(tmp_path / "tiny.tflite", contract_of(tiny_bundle()))


def test_shares_of_the_peak(faked: Path) -> None:
    (found,), _ = profile.profile([faked], threads=1, rounds=3, warm_up=1, seed=0)
    # runs 1, 2 and 3 count: the median is that of run 2, for the network and for the products alike
    assert found.peak_macs_per_second == pytest.approx(4e9 / 1.2)
    for kernel in found.kernels:
        if kernel.macs >= 1000:
            assert kernel.us == pytest.approx(kernel.macs / 1000 * 1.2)
            assert found.share_of_peak(kernel.macs, kernel.us) == pytest.approx(0.25)
    roles = found.roles()
    assert sum(us for us, _, _ in roles.values()) == pytest.approx(found.kernels_us)
    assert sum(macs for _, macs, _ in roles.values()) == sum(kernel.macs for kernel in found.kernels)
    blocks = by_block(found)
    assert sum(sum(parts.values()) for parts in blocks.values()) == pytest.approx(found.kernels_us)
    assert "block 16" in blocks and "classifier" in blocks
    assert found.whole_us == pytest.approx(found.kernels_us + 10)


def test_the_command_writes_a_result(faked: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    target, picture = tmp_path / "profile.json", tmp_path / "profile.png"
    monkeypatch.setattr(sys, "argv", ["profile", str(faked), "--rounds", "2", "--json", str(target),
                                      "--plot", str(picture)])  # fmt: skip
    profile.main()
    said = capsys.readouterr().out
    assert "the test's own" in said and "by what it does" in said and "temporal 3 x 1" in said
    result: Any = load_result(target)
    assert result.rounds == 2 and result.artefacts[0].precision == "int8"
    assert picture.read_bytes().startswith(b"\x89PNG")
    content = json.loads(target.read_text())
    content["artefacts"][0]["kernels"][0]["us"] *= 2
    target.write_text(json.dumps(content))
    with pytest.raises(UserError, match="lie outside of their quartiles"):
        load_result(target)


def test_what_cannot_be_profiled(tmp_path: Path, faked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="Core ML's profiler exists on Apple's systems only"):
        open_profiler(tmp_path / "a.mlpackage")
    with pytest.raises(UserError, match="is no artefact"):
        open_profiler(tmp_path / "a.onnx")
    with pytest.raises(UserError, match="rounds is 0"):
        profile.profile([faked], threads=1, rounds=0, warm_up=1, seed=0)
    with pytest.raises(UserError, match="no matrix product in fp16"):
        product_profilers("litert", "fp16", 1, 0)


def products_of(runtime: str, precision: str) -> dict[Any, Samples]:
    """Three rounds of each matrix product, in kernels of the precision, by its size."""
    profilers = product_profilers(runtime, precision, 1, 0)
    for _ in range(3):
        for profiler in profilers.values():
            profiler.run()
    seen = {size: profiler.samples() for size, profiler in profilers.items()}
    for samples in seen.values():
        kernel = next(name for name in samples.kernels if kind_of_kernel(name) == CONV)
        assert ("F32" in kernel) == (precision == "fp32") and "GEMM" in kernel
        assert samples.op_us.shape == (3, len(samples.kernels))
    return seen


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_litert_profiles_a_matrix_product(precision: str) -> None:
    seen = products_of("litert", precision)
    for samples in seen.values():
        assert (samples.op_us.sum(1) <= samples.whole_us + len(samples.kernels)).all()
    small, large = (np.min(seen[size].op_us.sum(1)) for size in (SIZES[0], SIZES[-1]))
    assert large > 4 * small  # 32 times the multiply-adds
    assert fastest(seen).macs_per_second > 1e8


def test_another_layout_of_events_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    profiler = next(iter(product_profilers("litert", "int8", 1, 0).values()))
    monkeypatch.setattr(litert, "_EVENT", struct.Struct("<QI4xQQ16x16xQQI4x"))
    with pytest.raises(UserError, match="lays out its events in another way"):
        profiler.run()


def test_a_model_that_litert_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"no model at all, but long enough to be looked at" * 10)
    with pytest.raises(UserError, match=r"LiteRT cannot profile .*a\.tflite: LiteRtCreateModelFromFile failed"):
        open_profiler(tmp_path / "a.tflite")


@pytest.mark.minutes
@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_executorch_profiles_a_matrix_product(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = ((64, 32, 32), (256, 256, 256))
    monkeypatch.setattr(peak, "SIZES", sizes)
    seen = products_of("executorch", precision)
    for samples in seen.values():
        assert samples.whole_us.shape == (3,)
        assert (samples.op_us.sum(1) <= samples.whole_us).all()
        assert samples.without_first(1).op_us.shape[0] == 2
    small, large = (np.min(seen[size].op_us.sum(1)) for size in sizes)
    assert large > 8 * small  # 256 times the multiply-adds
    assert fastest(seen).macs_per_second > 1e8


def test_a_product_that_the_clock_cannot_time_is_left_out() -> None:
    kernel = ("Fully Connected (NC, QS8, QC8W) GEMM",)
    unseen = Samples(kernels=kernel, op_us=np.zeros((3, 1)), whole_us=np.ones(3))
    seen = Samples(kernels=kernel, op_us=np.full((3, 1), 2.0), whole_us=np.full(3, 3.0))
    assert fastest({(8, 8, 8): unseen, (100, 100, 100): seen}).macs_per_second == pytest.approx(5e11)
    with pytest.raises(UserError, match="clock"):
        fastest({(8, 8, 8): unseen})


def test_the_committed_profiles_know_every_layer() -> None:
    """Real kernels of both runtimes found their layers, all of them."""
    found = [
        load_result(path) for path in sorted((Path(pass_marks.__file__).parent / "results" / "profile").glob("*.json"))
    ]
    artefacts = [artefact for result in found for artefact in result.artefacts]
    assert len({(a.runtime, a.precision, a.input) for a in artefacts}) == len(artefacts) == 8
    options = {"width": 1.0, "p": 0.25}
    names = {op.layer for op in ops_of(dataclasses.replace(contract_of(tiny_bundle()), options=options))}
    for artefact in artefacts:
        assert {kernel.layer for kernel in artefact.kernels} - {None} == names, artefact.artefact
        assert 0.9 < artefact.kernels_us / artefact.whole_us < 1.1, artefact.artefact
        assert all(0 <= (artefact.share_of_peak(k.macs, k.us) or 0) < 1.25 for k in artefact.kernels)


@pytest.mark.long
def test_executorch_profiles_a_whole_network(tmp_path: Path) -> None:
    """Every convolution of a real .pte finds its layer, and XNNPACK's kernels are int8 ones."""
    path = export(tiny_bundle(), export_executorch.TARGET, "int8", tmp_path, clips=0)
    (found,), _ = profile.profile([path], threads=1, rounds=2, warm_up=1, seed=0)
    layers = {kernel.layer for kernel in found.kernels}
    assert {op.layer for op in ops_of(contract_of(tiny_bundle()))} <= layers
    assert all("Q" in kernel.kernel for kernel in found.kernels if kernel.kind in (CONV, DEPTHWISE))
    assert 0 < found.kernels_us and found.peak_macs_per_second > 1e8
    assert "ETDump" in found.method
    (tmp_path / "bad.pte").write_bytes(b"nothing")
    with pytest.raises(UserError, match="ExecuTorch cannot load"):
        ExecuTorchProfiler(tmp_path / "bad.pte")
