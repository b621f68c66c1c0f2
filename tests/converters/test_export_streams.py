"""Streams of all three runtimes: one piece, int8 with the network's numbers at the border, and the rows of the clip.

Axes: T frame, S height and width, C colour, K class, P pixel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from short_bundles import REACH, SEGMENTS, SIZE, STATES, STH, TSM, pictures, short_bundle

from converters import export_coreml, export_executorch, export_tflite
from converters.coreml.inspect_mlpackage import Dataflow, read_points, require_int8
from converters.shared import Target, export
from converters.tflite.graph import Graph
from converters.tflite.lowering import lower_to_tflite
from converters.xnnpack.inspect_pte import read_pte
from converters.xnnpack.lowering import lower_to_pte
from mobile.bundle import Bundle
from mobile.deploy.blocks import HybridBlock
from mobile.deploy.exported import form_of, next_name
from mobile.deploy.stream import temporal_blocks
from mobile.interface.contract import Contract, load_contract, report_path
from mobile.runtimes import ArtefactRunner, StreamRunner
from mobile.runtimes.executorch_runner import ExecuTorchRunner
from mobile.runtimes.litert_runner import LiteRTRunner
from mobile.runtimes.mil_program import read_mil_program
from training.common.errors import UserError
from training.common.files import read_json

pytestmark = pytest.mark.minutes  # twelve exports of a short network
TARGETS: dict[str, Target] = {
    "litert": export_tflite.TARGET,
    "executorch": export_executorch.TARGET,
    "coreml": export_coreml.TARGET,
}
_EXTERNAL = {"input": 1, "output": 2}  # flags of XNNPACK's values


class Exported:
    """Artefacts of one network, each made when it is first asked for."""

    def __init__(self, folder: Path, name: str = STH) -> None:
        self.bundle: Bundle = short_bundle(name)
        self.reach = REACH[name]
        self._folder = folder
        self._made: dict[tuple[str, str, str], Path] = {}

    def path(self, runtime: str, precision: str, mode: str = "stream") -> Path:
        key = runtime, precision, mode
        if key not in self._made:
            self._made[key] = export(self.bundle, TARGETS[runtime], precision, self._folder, clips=0, mode=mode)
        return self._made[key]

    def report(self, runtime: str, precision: str, mode: str = "stream") -> dict[str, Any]:
        return read_json(report_path(self.path(runtime, precision, mode)), "report")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return Exported(tmp_path_factory.mktemp("streams"))


@pytest.fixture(scope="module")
def tsm(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return Exported(tmp_path_factory.mktemp("tsm_streams"), TSM)


def streamed(runner: StreamRunner, frames_TSSC: np.ndarray) -> np.ndarray:
    """Logits (T, K), frame by frame from the states as they are."""
    return np.stack([runner.step(frame_SSC) for frame_SSC in frames_TSSC])


def in_pytorch(bundle: Bundle, precision: str, frames_TSSC: np.ndarray) -> np.ndarray:
    """Logits (T, K) of a clip of any length by the clip form."""
    network = bundle.network(precision)
    clipped = [block if isinstance(block, HybridBlock) else block.shift for block in temporal_blocks(network).values()]
    for layer in clipped:
        layer.segments = len(frames_TSSC)
    try:
        with torch.no_grad():
            return network.frame_logits(bundle.spec.to_network(torch.from_numpy(frames_TSSC)[None])[0]).numpy()
    finally:
        for layer in clipped:
            layer.segments = network.segments


@pytest.mark.parametrize("mode", ["clip", "stream"])
@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("runtime", ["litert", "executorch"])
def test_the_delegate_takes_one_piece(exported: Exported, runtime: str, precision: str, mode: str) -> None:
    report = exported.report(runtime, precision, mode)
    assert report["delegate_pieces"] == 1
    assert not report["operators_outside"]
    computed = {kind: set(types) for kind, types in report["operators"].items() if kind != "Convert"}
    assert set().union(*computed.values()) == {"int8" if precision == "int8" else "float32"}, computed


@pytest.mark.parametrize("mode", ["clip", "stream"])
def test_core_ml_computes_in_int8(exported: Exported, mode: str) -> None:
    require_int8(read_mil_program(exported.path("coreml", "int8", mode)))


def test_tflite_has_no_variables_and_no_foreign_operators(exported: Exported) -> None:
    for precision in ("int8", "fp32"):
        graph = Graph.read(exported.path("litert", precision))
        kinds = {op.kind for op in graph.ops}
        assert not kinds & {"CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"}
        assert not any(tensor.isVariable for tensor in graph.tensors)
        assert {op.customCode for op in graph.model.operatorCodes} == {None}


def points_of(states: Any) -> list[tuple[float, int]]:
    return [(float(np.float32(state.scale)), state.zero_point) for state in states]


def test_states_have_the_networks_scales_and_zero_points(exported: Exported) -> None:
    states = exported.bundle.form("int8", "stream").states
    wanted = points_of(states)
    assert len(wanted) == STATES
    for runtime in ("litert", "executorch"):
        contract: Contract = load_contract(exported.path(runtime, "int8"))
        assert {state.dtype for state in contract.states} == {"int8"}
        assert points_of(state.quantization for state in contract.states) == wanted
        assert [state.reset for state in contract.states] == [zero for _, zero in wanted]
    assert border_of_tflite(exported.path("litert", "int8"), [state.name for state in states]) == (wanted, wanted)
    entries, results = border_of_pte(exported.path("executorch", "int8"))
    assert (entries[1:], results[1:]) == (wanted, wanted)
    points = read_points(exported.path("coreml", "int8"))
    assert [points[state.name] for state in states] == [(state.scale, state.zero_point) for state in states]


def border_of_tflite(path: Path, names: list[str]) -> tuple[list[tuple[float, int]], ...]:
    """Scale and zero point of the states as inputs and as outputs; each output is computed by an operator."""
    graph = Graph.read(path)
    inputs, outputs = graph.signature()
    assert all(outputs[f"{name}_next"] in graph.producer for name in names)
    sides = []
    for tensors in ([inputs[name] for name in names], [outputs[f"{name}_next"] for name in names]):
        assert {graph.dtype(tensor) for tensor in tensors} == {"int8"}
        kept = [graph.tensors[tensor].quantization for tensor in tensors]
        sides.append([(float(point.scale[0]), int(point.zeroPoint[0])) for point in kept])
    return tuple(sides)


def border_of_pte(path: Path) -> tuple[list[tuple[float, int] | None], ...]:
    """Scale and zero point of the delegate's inputs and outputs; None where it is real."""
    piece = read_pte(path).pieces[0]
    computed = {node["xnode_union"]["output_id"] for node in piece._nodes}
    sides = []
    for side, flag in _EXTERNAL.items():
        ends = sorted(
            (tensor["external_id"], number)
            for number, (tensor, _, _) in piece._values.items()
            if tensor["flags"] & flag
        )
        if side == "output":
            assert {number for _, number in ends} <= computed
        sides.append([piece._point(number) if piece._type(number) == "qint8" else None for _, number in ends])
    return tuple(sides)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("runtime", list(TARGETS))
def test_rows_of_the_stream_are_rows_of_the_clip(exported: Exported, runtime: str, precision: str) -> None:
    """After every frame: two clips with a reset in between, and two clips that are one stream.

    A frame's logits depend on ``REACH`` frames before it, so the later rows of a clip that begins in mid-stream are
    those of the stream too, in the runtime itself.
    """
    compare_stream_and_clip(exported, runtime, precision)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_rows_of_tsms_stream_are_rows_of_its_clip(tsm: Exported, precision: str) -> None:
    """In one piece, and every new state a slice that nothing else reads."""
    compare_stream_and_clip(tsm, "litert", precision)
    report = tsm.report("litert", precision)
    assert (report["delegate_pieces"], report["operators_outside"]) == (1, {})
    computed = {kind: set(types) for kind, types in report["operators"].items() if kind != "Convert"}
    assert set().union(*computed.values()) == {"int8" if precision == "int8" else "float32"}, computed
    graph = Graph.read(tsm.path("litert", precision))
    inputs, outputs = graph.signature()
    for state in tsm.bundle.form(precision, "stream").states:
        made = outputs[next_name(state.name)]
        assert graph.producer[made].kind in ("SLICE", "STRIDED_SLICE")
        assert made not in inputs.values()
        assert not any(made in op.inputs for op in graph.ops)


def test_tsms_stream_is_not_for_executorch(tsm: Exported) -> None:
    """Its states are slices of channels, with which XNNPACK fails in the program's first step."""
    with pytest.raises(UserError, match="makes a state; expected a slice of rows"):
        tsm.path("executorch", "int8")


def compare_stream_and_clip(exported: Exported, runtime: str, precision: str) -> None:
    reach = exported.reach
    clip = ArtefactRunner(exported.path(runtime, precision, "clip"))
    stream = StreamRunner(exported.path(runtime, precision))

    def compare(got: np.ndarray, wanted: np.ndarray) -> None:
        if precision == "int8":
            np.testing.assert_array_equal(got, wanted)
        else:
            assert np.abs(got - wanted).max() <= 1e-5 * np.abs(wanted).max()

    both = np.concatenate([pictures(SEGMENTS, 1), pictures(SEGMENTS, 2)])
    apart = np.concatenate([clip.rows(both[:SEGMENTS]), clip.rows(both[SEGMENTS:])])
    assert len(np.unique(apart, axis=0)) > SEGMENTS
    for number in (0, SEGMENTS):
        stream.reset()
        compare(streamed(stream, both[number : number + SEGMENTS]), apart[number : number + SEGMENTS])
    stream.reset()
    rows = streamed(stream, both)
    compare(rows[:SEGMENTS], apart[:SEGMENTS])
    assert not np.array_equal(rows[SEGMENTS:], apart[SEGMENTS:])
    for first in (SEGMENTS - reach, SEGMENTS):
        compare(rows[first + reach : first + SEGMENTS], clip.rows(both[first : first + SEGMENTS])[reach:])
    whole = in_pytorch(exported.bundle, precision, both)
    if precision == "int8":  # other kernels than PyTorch's round some values to the other side
        step = exported.bundle.network("int8").classifier.out.scale
        assert (np.abs(rows - whole) <= 2.01 * step).mean() >= 0.99
    else:
        assert np.abs(rows - whole).max() <= 1e-5 * np.abs(whole).max()


@pytest.mark.parametrize("runtime", list(TARGETS))
def test_next_states_are_computed(exported: Exported, runtime: str) -> None:
    """A state's rows move up by one and the frame's row follows; no output is an input's tensor."""
    runner = StreamRunner(exported.path(runtime, "int8"))
    rng = np.random.default_rng(0)
    integers = runner.contract.input.dtype == "int8"
    before = {}
    for state, known in zip(runner.contract.states, exported.bundle.form("int8", "stream").states, strict=True):
        values = rng.integers(-128, 128, state.shape)
        before[state.input] = (
            values.astype(np.int8) if integers else np.float32(known.scale) * np.float32(values - known.zero_point)
        )
    runner.states = before
    runner.step(pictures(1, 3)[0])
    for name, after in runner.states.items():
        old, new = (rows_of(value, runner.contract.states[0].layout) for value in (before[name], after))
        np.testing.assert_array_equal(new[0], old[1])
        assert not np.array_equal(new[1], old[0]) and not np.array_equal(new[1], old[1])
    if runtime == "coreml":
        program = read_mil_program(runner.path)
        made, inputs = Dataflow(program).maker, {value.name for value in program.inputs}
        assert all(value.name in made and value.name not in inputs for value in program.outputs)


def rows_of(state: np.ndarray, layout: str) -> np.ndarray:
    """The two rows of a state in any layout."""
    if layout == "NCTP":
        return state[0].transpose(1, 2, 0)
    return state.reshape(2, -1, state.shape[-1])


@pytest.mark.parametrize("runtime", list(TARGETS))
def test_wrong_states_and_frames(exported: Exported, runtime: str) -> None:
    runner = StreamRunner(exported.path(runtime, "int8"))
    with pytest.raises(UserError, match=r"takes frames of uint8 \(64, 64, 3\), not uint8 \(32, 32, 3\)"):
        runner.step(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(UserError, match="not float32"):
        runner.step(np.zeros((SIZE, SIZE, 3), np.float32))
    states = runner.states
    first = next(iter(states))
    for wrong in (
        {name: value for name, value in states.items() if name != first},
        {**states, first: states[first][..., :-1]},
        {**states, first: states[first].astype(np.float64)},
        {**states, "state_99": states[first]},
    ):
        with pytest.raises(UserError, match=r"of another network or size than .*: state_"):
            runner.states = wrong
    runner.states = states
    with pytest.raises(UserError, match="takes whole clips"):
        StreamRunner(exported.path(runtime, "int8", "clip"))


@pytest.mark.parametrize("chunk", [2, 4])
@pytest.mark.parametrize("runtime", ["litert", "executorch"])
def test_chunks_give_the_rows_of_the_clip(exported: Exported, tmp_path: Path, runtime: str, chunk: int) -> None:
    """Several frames in one step: to the bit what the clip of the same runtime gives, over two clips with a reset."""
    clip = ArtefactRunner(exported.path(runtime, "int8", "clip"))
    form = form_of(exported.bundle.network("int8"), SIZE, "stream", chunk=chunk)
    path = tmp_path / f"chunk{TARGETS[runtime].suffix}"
    contract = load_contract(exported.path(runtime, "int8"))
    if runtime == "litert":
        lower_to_tflite(form, "int8", path)
        backend: Any = LiteRTRunner(path)
    else:
        lower_to_pte(form.export(), path, "int8")
        backend = ExecuTorchRunner(path)
    names = [contract.output.name, *(state.output for state in contract.states)]
    for seed in (5, 6):
        frames_TSSC = pictures(SEGMENTS, seed)
        states = {s.input: np.full(s.shape, int(s.reset), np.int8) for s in contract.states}
        rows = []
        for tensor in np.split(clip.input_tensor(frames_TSSC), SEGMENTS // chunk):
            found = backend.step({"frames": np.ascontiguousarray(tensor), **states}, names)
            states = {state.input: found[state.output] for state in contract.states}
            rows.append(found["logits"].copy())
        logits = np.concatenate(rows)
        if contract.output.quantization is not None:
            logits = contract.output.quantization.to_real(logits)
        assert np.array_equal(logits, clip.rows(frames_TSSC))
