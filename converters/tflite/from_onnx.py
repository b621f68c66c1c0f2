"""ONNX -> onnx2tf -> TensorFlow SavedModel -> float .tflite; a process of its own.

``converters.tflite.float_graph`` runs this as ``python -m converters.tflite.from_onnx``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from converters.tflite.tensorflow_process import tell_parent

# onnx2tf fetches sample images for an input like ours unless it finds this file in the working folder.
_SAMPLES, _SAMPLES_SHAPE = "calibration_image_sample_data_20x128x128x3_float32.npy", (20, 128, 128, 3)
_TO_FIRST, _TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def main() -> int:
    """Convert ``frames.onnx`` as the command line says; 0, or 1 after telling the parent why."""
    parser = argparse.ArgumentParser(description="float .tflite from an ONNX file, by onnx2tf and TensorFlow")
    parser.add_argument("onnx", type=Path)
    parser.add_argument("tflite", type=Path)
    parser.add_argument("--fp16", action="store_true", help="float16 weights")
    arguments = parser.parse_args()
    graph = onnx.load(str(arguments.onnx)).graph
    try:
        _check_operators(graph)
        content = _convert(arguments.onnx, graph, fp16=arguments.fp16)
    except (Exception, SystemExit) as error:  # onnx2tf leaves by sys.exit for some faults
        tell_parent(_one_line(error, graph))
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise
    arguments.tflite.write_bytes(content)
    return 0


def _check_operators(graph: onnx.GraphProto) -> None:
    """Name an operator that onnx2tf lacks before the long imports."""
    package = importlib.util.find_spec("onnx2tf")
    assert package is not None and package.submodule_search_locations is not None
    known = Path(package.submodule_search_locations[0], "ops")
    for node in graph.node:
        if not (known / f"{node.op_type}.py").is_file():
            raise NotImplementedError(f"onnx2tf has no operator {node.op_type}, which {layer_of(node)} needs")


def _convert(source: Path, graph: onnx.GraphProto, *, fp16: bool) -> bytes:
    import onnx2tf
    import tensorflow as tf

    np.save(_SAMPLES, np.zeros(_SAMPLES_SHAPE, np.float32))
    Path("replace.json").write_text(json.dumps({"format_version": 1, "operations": replacements(graph)}))
    network = onnx2tf.convert(
        input_onnx_file_path=str(source),
        param_replacement_file="replace.json",
        output_folder_path="onnx2tf",
        not_use_onnxsim=True,
        not_use_opname_auto_generate=True,
        disable_strict_mode=True,
        disable_model_save=True,  # saved below, with the names that the contract gives to input and output
        non_verbose=True,
    )
    shapes = {tensor.name.split(":")[0]: tensor.shape for tensor in network.inputs}
    names, results = [value.name for value in graph.input], [value.name for value in graph.output]
    holder = tf.Module()

    def step(*inputs: Any) -> dict[str, Any]:
        given = network(list(inputs) if len(inputs) > 1 else inputs[0])
        return dict(zip(results, given if len(results) > 1 else [given], strict=True))

    holder.step = tf.function(step, input_signature=[tf.TensorSpec(shapes[n], tf.float32, name=n) for n in names])
    tf.saved_model.save(holder, "saved_model", signatures={"serving_default": holder.step.get_concrete_function()})
    converter = tf.lite.TFLiteConverter.from_saved_model("saved_model")
    if fp16:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def replacements(graph: onnx.GraphProto) -> list[dict[str, Any]]:
    """onnx2tf's own replacement rules that keep a clip's view (T rows, H*W columns) channels-last.

    onnx2tf takes the permutations around a view at their word, moves the data and puts it back, and makes a grouped
    convolution of what is a depthwise one. Told that no permutation moves anything, it leaves two reshapes. It
    reads the layout off the shapes, so a tensor with C = H = W passes for channels-first: for those its
    correction is undone where it matters, at the reshape and at the concat.
    """
    shape = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.value_info}
    maker = {name: node for node in graph.node for name in node.output}
    rules = []
    for node in graph.node:
        moved = [name for name in node.input if name in maker and maker[name].op_type == "Transpose"]
        unclear = [name for name in moved if len(set(shape[name][1:])) == 1]
        if node.op_type == "Transpose":
            rules.append(_rule(node.name, "attributes", "perm", values=[0, 1, 2, 3]))
        elif node.op_type == "ReduceMean" and moved:
            rules.append(_rule(node.name, "attributes", "axes", values=[1, 2]))
        elif node.op_type == "Reshape":
            rules += [_rule(node.name, "inputs", name, pre_process_transpose_perm=_TO_LAST) for name in unclear]
        elif node.op_type == "Concat":
            rules += [_rule(node.name, "inputs", name, pre_process_transpose_perm=_TO_FIRST) for name in unclear]
    return rules


def _rule(node: str, target: str, name: str, **change: list[int]) -> dict[str, Any]:
    return {"op_name": node, "param_target": target, "param_name": name, **change}


def _one_line(error: BaseException, graph: onnx.GraphProto) -> str:
    name = getattr(error, "onnx_op_name", None)
    nodes = [node for node in graph.node if node.name == name]
    place = f" at {nodes[0].op_type} of {layer_of(nodes[0])}" if nodes else ""
    return f"{type(error).__name__}{place}: " + " ".join(str(error).split())[:300]


def layer_of(node: onnx.NodeProto) -> str:
    """The layer of a node: the owner of its weight, or else what it reads."""
    owners = [name.removesuffix(".weight") for name in node.input if name.endswith(".weight")]
    return owners[0] if owners else f"{node.name} (after {node.input[0] if node.input else 'nothing'})"


if __name__ == "__main__":
    sys.exit(main())
