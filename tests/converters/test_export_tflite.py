"""The .tflite: int8 all through, the quantized program's own numbers, the same logits, and no half-written file.

Axes: T frame, H row, W column, C colour, K class.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter

from converters.int8_numbers import require_same_numbers
from converters.tflite import float_graph as tflite_float
from converters.tflite import from_onnx as tflite_from_onnx
from converters.tflite.graph import Graph, schema
from converters.tflite.inspect_tflite import _point, read_numbers, require_int8
from converters.tflite.lowering import lower_to_tflite
from mobile.deploy.exported import form_of
from mobile.deploy.network import DeployNetwork, deploy_form
from mobile.deploy.number_systems import Point
from mobile.quantization.quantized_program import calibrate, convert_to_int8
from mobile.runtimes.litert_runner import LiteRTRunner
from training.common.errors import UserError
from training.networks import FrameNetwork, build_network

pytestmark = pytest.mark.minutes  # one conversion through onnx2tf and TensorFlow: half a minute of one core
SIZE, WIDTH = 96, 0.5  # the shipped network's: here block 2 has C = H = W, which onnx2tf mistakes unless told


@pytest.fixture(scope="module")
def trained() -> FrameNetwork:
    """Random weights, but batch norms that know their inputs, or else logits hardly depend on the clip.

    Their bias keeps most channels above zero: with half of them cut, an untrained network turns one flipped
    rounding into noise at the logits, which a trained one does not.
    """
    torch.manual_seed(0)
    made = build_network("sth_mobilenet_v2", num_classes=27, segments=8, width=WIDTH)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 1, 0.3)
            module.momentum = None  # a plain average
    torch.nn.init.normal_(made.classifier.weight, 0, 0.2)
    with torch.no_grad():
        made.train()(torch.stack(list(clips(8, seed=1))))
    return made.eval()


@pytest.fixture(scope="module")
def network(trained: FrameNetwork) -> DeployNetwork:
    made = deploy_form(trained)
    calibrate(made, list(clips(8, seed=2)))
    convert_to_int8(made)
    return made


@pytest.fixture(scope="module")
def float_content(network: DeployNetwork) -> bytes:
    return tflite_float.float_tflite(form_of(network, SIZE))


@pytest.fixture(autouse=True)
def _convert_once(float_content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite_float, "float_tflite", lambda form, fp16=False: float_content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tflite")


@pytest.fixture(scope="module")
def lowered(network: DeployNetwork, float_content: bytes, folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tflite_float, "float_tflite", lambda *_, **__: float_content)
        path = folder / "int8.tflite"
        yield path, lower_to_tflite(form_of(network, SIZE), "int8", path)


def clips(count: int, seed: int) -> Iterator[torch.Tensor]:
    """Clips on the int8 grid whose frames differ: a drifting pattern, (T, 3, S, S)."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        still = torch.randn(1, 3, SIZE // 8, SIZE // 8, generator=generator).repeat_interleave(8, 2)
        still = still.repeat_interleave(8, 3)
        frames = torch.cat([still.roll(5 * t, 3) * (0.3 + 0.1 * t) for t in range(8)])
        noise = 0.1 * torch.randn(frames.shape, generator=generator)
        yield (128 * (frames + noise)).round().clamp(-128, 127) / 128


def channels_last(x_TCHW: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(x_TCHW.permute(0, 2, 3, 1).numpy())


def test_every_operator_is_int8_and_in_one_piece(lowered: tuple[Path, dict[str, Any]]) -> None:
    _, report = lowered
    assert {kind for kinds in report["operators"].values() for kind in kinds} == {"int8"}
    assert (report["delegate_pieces"], report["operators_outside"]) == (1, {})


def test_the_graph_is_the_deploy_forms(lowered: tuple[Path, dict[str, Any]], network: DeployNetwork) -> None:
    operators = {kind: sum(types.values()) for kind, types in lowered[1]["operators"].items()}
    hybrids = sum(hasattr(block, "temporal") for block in network.blocks)
    depthwise = sum(conv.groups > 1 for conv in network.convs().values())
    assert operators == {
        "ADD": sum(block.residual for block in network.blocks),
        "CONCATENATION": hybrids,
        "CONV_2D": len(network.convs()) - depthwise,
        "DEPTHWISE_CONV_2D": depthwise,
        "MEAN": 1,
        "PAD": 5,
        "RESHAPE": 2 * hybrids + 2,  # a view and its inverse in each, one before the mean, one after the classifier
    }


def test_weights_biases_and_their_scales_are_the_quantized_programs(
    lowered: tuple[Path, dict[str, Any]], network: DeployNetwork
) -> None:
    found = read_numbers(lowered[0])
    require_same_numbers(found, network, lowered[0].name)
    assert set(found.layers) == set(network.convs())


def test_every_activation_has_the_point_of_the_quantized_program(
    lowered: tuple[Path, dict[str, Any]], network: DeployNetwork
) -> None:
    graph = Graph.read(lowered[0])
    points = {graph.name(t): _point(graph, t) for t in [graph.inputs[0], *(t for op in graph.ops for t in op.outputs)]}
    of = {name: (point.scale, point.zero_point) for name, point in network.points().items()}
    sums = [points[graph.name(op.outputs[0])] for op in graph.ops if op.kind == "ADD"]
    assert sums == [of[f"blocks.{n}.out"] for n, block in enumerate(network.blocks) if block.residual]
    means = [points[graph.name(op.outputs[0])] for op in graph.ops if op.kind == "MEAN"]
    assert means == [of["mean"]]
    for op in graph.ops:
        if op.kind in ("RESHAPE", "PAD", "CONCATENATION"):
            tensors = [*graph.computed(op), *op.outputs]
            assert len({points[graph.name(tensor)] for tensor in tensors}) == 1, graph.name(op.outputs[0])
    assert set(points.values()) == set(of.values())


def test_border(lowered: tuple[Path, dict[str, Any]], network: DeployNetwork) -> None:
    runner = LiteRTRunner(lowered[0])
    out = network.classifier.out
    assert (runner.input_name, runner.output_name) == ("frames", "logits")
    assert (runner.input_shape, runner.output_shape) == ((8, SIZE, SIZE, 3), (1, network.num_classes))
    assert (runner.input_type, runner.input_quantization) == (np.int8, (1 / 128, 0))
    assert (runner.output_type, runner.output_quantization) == (np.int8, (out.scale, out.zero_point))


def test_logits_within_two_steps_of_the_quantized_program(
    lowered: tuple[Path, dict[str, Any]], network: DeployNetwork
) -> None:
    runner, step = LiteRTRunner(lowered[0]), network.classifier.out.scale
    steps, moved = [], []
    for x_TCHW in clips(12, seed=3):
        with torch.no_grad():
            expected_K = network(x_TCHW)[0].numpy()
        logits_K = runner.run(channels_last(x_TCHW))[0]
        steps.append(np.abs(logits_K - expected_K) / step)
        moved.append(np.abs(runner.run(channels_last(x_TCHW.flip(0))) - logits_K).max() / step)
    assert np.mean(np.stack(steps) <= 2.001) >= 0.99
    assert np.std(logits_K) > 10 * step, "logits that hardly differ prove nothing"
    assert min(moved) > 4, "the order of the frames must matter"


def test_every_convolution_rounds_as_the_quantized_program(
    lowered: tuple[Path, dict[str, Any]], network: DeployNetwork
) -> None:
    graph = Graph.read(lowered[0])
    convolutions = list(graph.convolutions())
    runtime = all_tensors(graph, next(clips(1, seed=5)))
    for op in convolutions:
        name = graph.name(op.inputs[1]).removesuffix(".weight")
        conv = network.convs()[name]
        padded = graph.producer.get(op.inputs[0])
        source = padded.inputs[0] if padded is not None and padded.kind == "PAD" else op.inputs[0]
        expected = conv(on_grid(runtime[source], conv.source)).detach()
        off = (expected - on_grid(runtime[op.outputs[0]], conv.out)).abs() / conv.out.scale
        assert off.max() <= 1.001, name
        assert (off > 0.5).float().mean() <= 1e-3, name


def all_tensors(graph: Graph, x_TCHW: torch.Tensor) -> dict[int, np.ndarray]:
    """Every activation that XNNPACK computes for a clip, by tensor number."""
    computed = [graph.inputs[0], *(tensor for op in graph.ops for tensor in op.outputs)]
    final = graph.outputs
    graph.model.subgraphs[0].outputs = graph.outputs = computed[1:]
    graph.model.signatureDefs = None
    interpreter = Interpreter(model_content=graph.to_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(graph.inputs[0], (channels_last(x_TCHW) * 128).astype(np.int8))
    interpreter.invoke()
    assert set(final) <= set(graph.outputs)
    return {tensor: interpreter.get_tensor(tensor).copy() for tensor in computed}


def on_grid(values_BHWC: np.ndarray, point: Point) -> torch.Tensor:
    return torch.from_numpy((values_BHWC.astype(np.float32) - point.zero_point) * np.float32(point.scale)).permute(
        0, 3, 1, 2
    )


def test_fp32_equals_pytorch(network: DeployNetwork, folder: Path) -> None:
    report = lower_to_tflite(form_of(network, SIZE), "fp32", folder / "fp32.tflite")
    runner = LiteRTRunner(folder / "fp32.tflite")
    assert report["delegate_pieces"] == 1
    network.set_system("float")
    try:
        for x_TCHW in clips(3, seed=4):
            with torch.no_grad():
                expected_K = network(x_TCHW)[0].numpy()
            difference = np.abs(runner.run(channels_last(x_TCHW))[0] - expected_K).max()
            assert difference <= 1e-4 * np.abs(expected_K).max()
    finally:
        network.set_system("int8")


def with_logistic(content: bytes) -> bytes:
    """The model with one addition replaced by an operator that has no place in it."""
    graph = Graph(content)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.LOGISTIC
    graph.model.operatorCodes.append(code)
    addition = next(op for op in graph.ops if op.kind == "ADD")
    graph.model.subgraphs[0].operators[addition.index].opcodeIndex = len(graph.model.operatorCodes) - 1
    return graph.to_bytes()


def test_a_foreign_operator_is_an_error_and_the_old_file_stays(
    network: DeployNetwork, float_content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    foreign = with_logistic(float_content)
    monkeypatch.setattr(tflite_float, "float_tflite", lambda *_, **__: foreign)
    target = tmp_path / "int8.tflite"
    target.write_bytes(b"what was here before")
    with pytest.raises(UserError, match=r"LOGISTIC at blocks\.1\.project/logistic has no int8 form"):
        lower_to_tflite(form_of(network, SIZE), "int8", target)
    assert target.read_bytes() == b"what was here before"
    assert [path.name for path in tmp_path.iterdir()] == ["int8.tflite"]


def test_a_float_operator_in_an_int8_file_is_found(lowered: tuple[Path, dict[str, Any]]) -> None:
    graph = Graph.read(lowered[0])
    require_int8(graph, "int8.tflite")
    layer = next(op for op in graph.convolutions() if graph.name(op.outputs[0]) == "blocks.5.temporal")
    graph.tensors[layer.outputs[0]].type = schema.TensorType.FLOAT32
    with pytest.raises(UserError, match=r"DEPTHWISE_CONV_2D at blocks\.5\.temporal computes in float32"):
        require_int8(graph, "int8.tflite")


def with_other_weights(content: bytes) -> bytes:
    """The model with the first convolution's weights a hundredth larger."""
    graph = Graph(content)
    op = next(graph.convolutions())
    buffer = graph.model.buffers[graph.tensors[op.inputs[1]].buffer]
    buffer.data = np.frombuffer((graph.constant(op.inputs[1]) * np.float32(1.01)).tobytes(), np.uint8)
    return graph.to_bytes()


def test_other_weights_than_the_networks_are_an_error(
    network: DeployNetwork, float_content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = with_other_weights(float_content)
    monkeypatch.setattr(tflite_float, "float_tflite", lambda *_, **__: content)
    with pytest.raises(UserError, match=r"CONV_2D number 1 .* is no layer of the network"):
        lower_to_tflite(form_of(network, SIZE), "int8", tmp_path / "int8.tflite")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("size", "precision", "message"),
    [(SIZE, "int4", "precision is 'int4'"), (65, "int8", "size is 65"), (SIZE, "int8", "not quantized")],
)
def test_bad_arguments(trained: FrameNetwork, tmp_path: Path, size: int, precision: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        lower_to_tflite(form_of(deploy_form(trained), size), precision, tmp_path / "x.tflite")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_none(network: DeployNetwork, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match="cannot write"):
        lower_to_tflite(form_of(network, SIZE), "int8", tmp_path / "file" / "x.tflite")


def test_an_operator_that_onnx2tf_lacks_is_named_with_its_layer(tmp_path: Path) -> None:
    source, result = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 3]) for n in ("x", "y"))
    node = onnx.helper.make_node("Frobnicate", ["x", "blocks.7.project.weight"], ["y"], name="node_frob")
    graph = onnx.helper.make_graph([node], "g", [source], [result])
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "network.onnx"))
    with pytest.raises(UserError, match=r"no operator Frobnicate, which blocks\.7\.project needs .*\.log\)") as caught:
        tflite_float._from_onnx(tmp_path / "network.onnx", tmp_path / "network.tflite", fp16=False)
    Path(str(caught.value).rsplit(" ", 1)[1].rstrip(")")).unlink()


def test_a_graph_that_computes_something_else_is_an_error(
    network: DeployNetwork, float_content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "other.tflite").write_bytes(with_other_weights(float_content))
    with tflite_float._in_float(network), pytest.raises(UserError, match="differs from PyTorch by"):
        tflite_float._compare(form_of(network, SIZE), tmp_path / "other.tflite", 1e-4)


def test_rules_for_onnx2tf() -> None:
    make, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [
        make("Transpose", ["x"], ["a"], name="t1", perm=[0, 2, 3, 1]),
        make("Reshape", ["a", "shape"], ["b"], name="r"),
        make("Transpose", ["b"], ["c"], name="t2", perm=[0, 3, 1, 2]),
        make("ReduceMean", ["c", "axes"], ["y"], name="m"),
    ]
    for side, extra in ((16, []), (24, [("r", "a", [0, 2, 3, 1])])):
        shapes = {"a": [8, side, side, 24], "b": [1, 8, side * side, 24], "c": [1, 24, 8, side * side]}
        values = [info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes.items()]
        rules = tflite_from_onnx.replacements(onnx.helper.make_graph(nodes, "g", [], [], value_info=values))
        found = [(rule["op_name"], rule["param_name"], list(rule.values())[-1]) for rule in rules]
        still = [0, 1, 2, 3]
        assert found == [("t1", "perm", still), *extra, ("t2", "perm", still), ("m", "axes", [1, 2])]


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1c\x00\x00\x00TFL3" + bytes(200)])
def test_a_broken_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot load .*broken\.tflite"):
        LiteRTRunner(path)


def test_a_cut_file_is_one_line(lowered: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes(lowered[0].read_bytes()[:100_000])
    with pytest.raises(UserError, match=r"cannot load .*cut\.tflite"):
        LiteRTRunner(path)


def test_missing_file_and_wrong_shape(lowered: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        LiteRTRunner(tmp_path / "none.tflite")
    with pytest.raises(UserError, match=r"takes a clip of shape \(8, 96, 96, 3\), not \(8, 32, 32, 3\)"):
        LiteRTRunner(lowered[0]).run(np.zeros((8, 32, 32, 3), np.float32))
