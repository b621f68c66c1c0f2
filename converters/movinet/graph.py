"""MoViNet's folded weights -> TensorFlow -> .tflite, as a stream or a clip; a process of its own, without torch.

``converters.movinet.lowering`` runs it as ``python -m converters.movinet.graph``. The graph is the published one for
phones, with two changes in favour of its speed: one count of frames for all running means, and the mean itself is the
state (a sum grows without bound, which no int8 range holds).

Axes: B frames, T frame, S height and width of the input, H row, W column, P = H * W, C channel, K class, R = KT - 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from converters.tflite.tensorflow_process import tell_parent

COUNT = "count"
Weights = dict[str, np.ndarray]


def states_of(weights: Weights, size: int) -> dict[str, tuple[int, ...]]:
    """Shape of each state of the stream by its name; all are float32 but the count of frames, int32 (1,)."""
    side, found = -(-size // 2), {}
    for number, stride in enumerate(weights["strides"]):
        side = -(-side // int(stride))
        kernel = weights.get(f"{number}.temporal.weight")
        if kernel is not None:
            found[f"state_{number}"] = (1, kernel.shape[2] - 1, side * side, kernel.shape[0])
        found[f"pool_{number}"] = (1, 1, 1, len(weights[f"{number}.expand.bias"]))
    return {**found, "pool_head": (1, 1, 1, len(weights["head.bias"])), COUNT: (1,)}


class Step:
    """The next frame of a stream, or, without states, all frames of a clip.

    Args:
        weights: see ``mobile.studies.movinet.folded``.
        composed: hard swish of additions and products, which XNNPACK has in int8, in place of HARD_SWISH, which it
            has in float only.
    """

    def __init__(self, weights: Weights, *, composed: bool) -> None:
        import tensorflow as tf

        self.tf, self.weights, self.composed = tf, weights, composed

    def __call__(self, frames_BSSC: Any, states: dict[str, Any] | None) -> dict[str, Any]:
        """(B, S, S, 3) and the states, B = 1 -> logits (1, K) and the new states; None for a clip -> logits (1, K)."""
        tf = self.tf
        self.past, self.future = states, {}
        if states is not None:
            count = states[COUNT] + 1
            self.future[COUNT] = count
            self.share = 1.0 / tf.cast(count, tf.float32)
        h_BHWC = self.swish(self.convolution("stem", frames_BSSC, 2))
        for number, stride in enumerate(self.weights["strides"]):
            h_BHWC = self.block(number, h_BHWC, int(stride))
        h_BHWC = self.swish(self.convolution("head", h_BHWC))
        mean_B11C = tf.reduce_mean(h_BHWC, [1, 2], keepdims=True)
        if states is None:
            last_1C = tf.reduce_mean(mean_B11C, [0, 1, 2])[None]
        else:
            last_1C = tf.reshape(self.running_mean("pool_head", mean_B11C), (1, -1))
        logits_1K = self.linear("classifier", self.swish(self.linear("hidden", last_1C)))
        return {"logits": logits_1K, **{f"{name}_next": self.future[name] for name in self.future}}

    def block(self, number: int, x_BHWC: Any, stride: int) -> Any:
        """An inverted residual, with its temporal kernel where it has one, and its gate."""
        tf = self.tf
        h_BHWC = self.swish(self.convolution(f"{number}.expand", x_BHWC))
        h_BHWC = self.swish(self.depthwise(f"{number}.spatial", h_BHWC, stride, "SAME"))
        if f"{number}.temporal.weight" in self.weights:
            h_BHWC = self.swish(self.temporal(number, h_BHWC))
        frame_B11C = tf.reduce_mean(h_BHWC, [1, 2], keepdims=True)
        both_B11C = tf.concat([self.running_mean(f"pool_{number}", frame_B11C), frame_B11C], axis=3)
        squeezed = self.swish(self.convolution(f"{number}.reduce", both_B11C))
        gate_B11C = tf.nn.relu6(self.convolution(f"{number}.gate", squeezed) + 3.0) * (1 / 6)
        y_BHWC = self.convolution(f"{number}.project", h_BHWC * gate_B11C)
        if stride > 1:
            x_BHWC = tf.nn.avg_pool2d(x_BHWC, 3, 2, "SAME")
        if f"{number}.skip.weight" in self.weights:
            x_BHWC = self.convolution(f"{number}.skip", x_BHWC)
        return y_BHWC + x_BHWC

    def temporal(self, number: int, h_BHWC: Any) -> Any:
        """The frames of a clip, or the past and the present, as the rows of an image of P columns."""
        tf = self.tf
        frames, height, width, channels = h_BHWC.shape
        reach = self.weights[f"{number}.temporal.weight"].shape[2] - 1
        rows_1TPC = tf.reshape(h_BHWC, (1, frames, height * width, channels))
        if self.past is None:
            rows_1TPC = tf.pad(rows_1TPC, [[0, 0], [reach, 0], [0, 0], [0, 0]])
        else:
            rows_1TPC = tf.concat([self.past[f"state_{number}"], rows_1TPC], axis=1)
            self.future[f"state_{number}"] = rows_1TPC[:, frames:]
        y_1TPC = self.depthwise(f"{number}.temporal", rows_1TPC, 1, "VALID")
        return tf.reshape(y_1TPC, (frames, height, width, channels))

    def running_mean(self, name: str, x_B11C: Any) -> Any:
        """The mean of all frames up to each one."""
        tf = self.tf
        if self.past is not None:
            mean = self.past[name] + (x_B11C - self.past[name]) * self.share
            self.future[name] = mean
            return mean
        frames, channels = x_B11C.shape[0], x_B11C.shape[3]
        lower_TT = np.tril(np.ones((frames, frames), np.float32)) / np.arange(1, frames + 1, dtype=np.float32)[:, None]
        x_CT = tf.transpose(tf.reshape(x_B11C, (frames, channels)))
        return tf.reshape(tf.transpose(tf.matmul(x_CT, tf.constant(lower_TT.T))), (frames, 1, 1, channels))

    def convolution(self, name: str, x_BHWC: Any, stride: int = 1) -> Any:
        """The convolution of these weights, padded as "SAME", with its bias."""
        kernel_HWIO = self.weights[f"{name}.weight"].transpose(2, 3, 1, 0)
        return self.tf.nn.conv2d(x_BHWC, kernel_HWIO, stride, "SAME") + self.weights[f"{name}.bias"]

    def depthwise(self, name: str, x_BHWC: Any, stride: int, padding: str) -> Any:
        """The depthwise convolution of these weights, with its bias."""
        kernel_HWC1 = self.weights[f"{name}.weight"].transpose(2, 3, 0, 1)
        y_BHWC = self.tf.nn.depthwise_conv2d(x_BHWC, kernel_HWC1, [1, stride, stride, 1], padding)
        return y_BHWC + self.weights[f"{name}.bias"]

    def linear(self, name: str, x_1C: Any) -> Any:
        """The fully connected layer of these weights."""
        return self.tf.matmul(x_1C, self.weights[f"{name}.weight"].T) + self.weights[f"{name}.bias"]

    def swish(self, x: Any) -> Any:
        """Hard swish: one operator of LiteRT, or ``composed`` of products and sums."""
        if self.composed:
            return (x * (1 / 6)) * self.tf.nn.relu6(x + 3.0)
        return x * self.tf.nn.relu6(x + 3.0) * (1 / 6)


def convert(weights: Weights, arguments: argparse.Namespace, clips_NTSSC: np.ndarray | None) -> bytes:
    """The .tflite; int8, with int8 at its border, by TensorFlow's own quantizer over ``clips_NTSSC``."""
    import tensorflow as tf

    step, size = Step(weights, composed=arguments.composed), arguments.size
    states = states_of(weights, size) if arguments.mode == "stream" else {}
    frames = 1 if states else arguments.frames
    signature = {"frames": tf.TensorSpec((frames, size, size, 3), tf.float32, name="frames")}
    for name, shape in states.items():
        signature[name] = tf.TensorSpec(shape, tf.int32 if name == COUNT else tf.float32, name=name)
    holder = tf.Module()

    def run(**given: Any) -> dict[str, Any]:
        return step(given.pop("frames"), given or None)

    holder.run = tf.function(run)
    concrete = holder.run.get_concrete_function(**signature)
    tf.saved_model.save(holder, "saved_model", signatures={"serving_default": concrete})
    converter = tf.lite.TFLiteConverter.from_saved_model("saved_model")
    if clips_NTSSC is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: examples(holder.run, states, clips_NTSSC)
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def examples(
    run: Callable[..., dict[str, Any]], states: dict[str, tuple[int, ...]], clips_NTSSC: np.ndarray
) -> Iterator[dict[str, np.ndarray]]:
    """Inputs to take ranges from: whole clips, or each frame of them with the states before it."""
    for clip_TSSC in clips_NTSSC:
        if not states:
            yield {"frames": clip_TSSC}
            continue
        kept = {name: np.zeros(shape, np.int32 if name == COUNT else np.float32) for name, shape in states.items()}
        for frame_SSC in clip_TSSC:
            given = {"frames": frame_SSC[None], **kept}
            yield given
            found = run(**given)
            kept = {name: found[f"{name}_next"].numpy() for name in states}


def main() -> int:
    """Convert as the command line says; 0, or 1 after telling the parent why."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", type=Path, help=".npz; 'clips' in it are frames (N, T, S, S, 3) to take ranges from")
    parser.add_argument("tflite", type=Path)
    parser.add_argument("--mode", choices=("clip", "stream"), required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--frames", type=int, default=8, help="of a clip")
    parser.add_argument("--composed", action="store_true", help="hard swish of additions and products")
    arguments = parser.parse_args()
    weights = dict(np.load(arguments.weights))
    clips_NTSSC = weights.pop("clips", None)
    try:
        content = convert(weights, arguments, clips_NTSSC)
    except Exception as error:
        tell_parent(" ".join(f"{type(error).__name__}: {error}".split())[:300])
        raise
    arguments.tflite.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
