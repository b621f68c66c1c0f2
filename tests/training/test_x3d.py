"""Why X3D-XS has no row in the frontier: what becomes of depthwise 3-D convolutions on the ways to LiteRT.

Axes: N clip, T frame, H row, W column, C channel.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mobile.studies.frontier import ABSENT, X3D_DEPTHWISE_CHANNELS

pytestmark = pytest.mark.minutes  # TensorFlow twice
CHANNELS, FRAMES, SIDE = 8, 4, 8
WHY = ABSENT["X3D-XS"]
# A kernel over all channels shows that the script itself works.
SCRIPT = """
import json
import tensorflow as tf
said = {}
def note(name, run):
    try:
        run()
        said[name] = ""
    except Exception as error:
        said[name] = str(error)
x_NTHWC = tf.random.normal((1, FRAMES, SIDE, SIDE, CHANNELS))
for inputs in (CHANNELS, 1):
    kernel = tf.random.normal((3, 3, 3, inputs, CHANNELS))
    step = tf.function(lambda x, kernel=kernel: tf.nn.conv3d(x, kernel, [1] * 5, "SAME"))
    concrete = step.get_concrete_function(tf.TensorSpec(x_NTHWC.shape, tf.float32))
    note(f"kernel {inputs}", lambda: step(x_NTHWC))
    note(f"converter {inputs}", lambda: tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
print()
print(json.dumps(said))
"""


def _need(package: str) -> None:
    """Skip without it; not by an import, since TensorFlow takes seconds to load and runs in processes of its own."""
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")


def test_tensorflow_and_its_converter_refuse_it(tmp_path: Path) -> None:
    _need("tensorflow")
    script, text = tmp_path / "depthwise.py", SCRIPT
    for name, value in (("CHANNELS", CHANNELS), ("FRAMES", FRAMES), ("SIDE", SIDE)):
        text = text.replace(name, str(value))
    script.write_text(text)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said.pop(f"kernel {CHANNELS}") == said.pop(f"converter {CHANNELS}") == ""
    for name, message in (("kernel 1", "input and filter must have the same depth"),
                          ("converter 1", "ERROR_NEEDS_FLEX_OPS")):  # fmt: skip
        assert message in said[name]
        assert message in WHY


def test_onnx2tf_makes_one_convolution_of_each_channel(tmp_path: Path) -> None:
    """The function is kept, in operators that the delegate leaves."""
    onnx = pytest.importorskip("onnx")
    _need("onnx2tf")
    from converters.tflite.graph import Graph
    from converters.tflite.inspect_tflite import delegation, operators
    from converters.tflite.tensorflow_process import run_tensorflow
    from mobile.runtimes.litert_runner import LiteRTRunner

    generator = torch.Generator().manual_seed(0)
    kernel = torch.randn((CHANNELS, 1, 3, 3, 3), generator=generator)
    x_NCTHW = torch.randn((1, CHANNELS, FRAMES, SIDE - 2, SIDE), generator=generator)
    shape, float32 = list(x_NCTHW.shape), onnx.TensorProto.FLOAT
    node = onnx.helper.make_node("Conv", ["frames", "w"], ["y"], name="dw", group=CHANNELS, pads=[1] * 6,
                                 kernel_shape=[3] * 3)  # fmt: skip
    values = [onnx.helper.make_tensor_value_info(name, float32, shape) for name in ("frames", "y")]
    constant = onnx.numpy_helper.from_array(kernel.numpy(), "w")
    graph = onnx.helper.make_graph([node], "x3d", values[:1], values[1:], [constant])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    source, made = tmp_path / "depthwise.onnx", tmp_path / "depthwise.tflite"
    onnx.save(model, str(source))
    run_tensorflow("converters.tflite.from_onnx", [str(source), str(made)], made)
    assert operators(Graph.read(made))["CONV_3D"] == {"float32": CHANNELS}
    assert delegation(made).outside["CONV_3D"] == CHANNELS
    x_NTHWC = np.ascontiguousarray(x_NCTHW.permute(0, 2, 3, 4, 1).numpy())
    found_NTHWC = LiteRTRunner(made).step({"frames": x_NTHWC}, ["y"])["y"]
    wanted_NCTHW = F.conv3d(x_NCTHW, kernel, padding=1, groups=CHANNELS)
    np.testing.assert_allclose(found_NTHWC, wanted_NCTHW.permute(0, 2, 3, 4, 1).numpy(), atol=1e-4)
    assert f"{X3D_DEPTHWISE_CHANNELS:,}" in WHY
