"""Deploy form -> ONNX -> onnx2tf -> TensorFlow -> float .tflite, TensorFlow in a process of its own."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from converters.tflite.tensorflow_process import run_tensorflow
from mobile.deploy.exported import LOGITS, Form
from mobile.deploy.network import DeployNetwork
from mobile.runtimes.litert_runner import LiteRTRunner
from training.common.errors import UserError

_OPSET = 18
_FP32_RELATIVE, _FP16_RELATIVE = 1e-4, 0.05


def float_tflite(form: Form, *, fp16: bool = False) -> bytes:
    """A float .tflite of a form with the weights that its network has now: (B, S, S, 3) and states -> (rows, K) and
    states, which are (1, R, P, C): R rows of the P pixels of a frame.

    A network in int8 gives the float model of its dequantized weights.

    Raises:
        UserError: a step failed (the message names operator and layer where that step tells them, and the file that
            holds what it printed), or the result does not compute what the network computes.
    """
    with tempfile.TemporaryDirectory(prefix="tflite-") as folder:
        onnx_file, tflite_file = Path(folder, "network.onnx"), Path(folder, "network.tflite")
        with _in_float(form.network):
            _export_onnx(form, onnx_file)
            _from_onnx(onnx_file, tflite_file, fp16=fp16)
            _compare(form, tflite_file, _FP16_RELATIVE if fp16 else _FP32_RELATIVE)
        return tflite_file.read_bytes()


@contextlib.contextmanager
def _in_float(network: DeployNetwork) -> Iterator[None]:
    system = network.input.system
    network.eval()
    network.set_system("float")
    try:
        yield
    finally:
        network.set_system(system)


def _compare(form: Form, tflite_file: Path, tolerance: float) -> None:
    """onnx2tf guesses layouts from shapes, so no file leaves here without having been run against PyTorch."""
    examples = form.examples()
    with torch.no_grad():
        results = form.module(*examples)
    expected = dict(zip(form.output_names, results if form.states else [results], strict=True))
    inputs = {name: channels_last(x_NCHW) for name, x_NCHW in zip(form.input_names, examples, strict=True)}
    found = LiteRTRunner(tflite_file).step(inputs, form.output_names)
    for name, value in expected.items():
        wanted = value.numpy() if name == LOGITS else channels_last(value)
        if found[name].shape != wanted.shape:
            raise UserError(f"{name} of the TFLite graph is {found[name].shape}, in PyTorch {wanted.shape}")
        difference = float(np.abs(found[name] - wanted).max() / np.abs(wanted).max())
        if not difference <= tolerance:
            raise UserError(
                f"{name} of the TFLite graph of size {form.size} differs from PyTorch by {difference:.2g} of the "
                f"largest value (at most {tolerance:g}): onnx2tf mistook the layout of a tensor; another size may do"
            )


def channels_last(x_NCHW: torch.Tensor) -> np.ndarray:
    """(N, C, H, W) -> (N, H, W, C)."""
    return np.ascontiguousarray(x_NCHW.permute(0, 2, 3, 1).numpy())


def _export_onnx(form: Form, target: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                form.module.eval(),
                form.examples(),
                dynamo=True,
                verbose=False,
                opset_version=_OPSET,
                input_names=form.input_names,
                output_names=form.output_names,
            )
            import onnx
            import onnxsim

            assert program is not None
            # It joins the slices of TSM's shift and removes what does nothing.
            simple, _ = onnxsim.simplify(program.model_proto)
        onnx.save(simple, str(target))
    except Exception as error:
        raise UserError(f"torch.onnx cannot export the network: {' '.join(str(error).split())[:300]}") from error


def _from_onnx(onnx_file: Path, tflite_file: Path, *, fp16: bool) -> None:
    words = [str(onnx_file), str(tflite_file), *["--fp16"] * fp16]
    run_tensorflow("converters.tflite.from_onnx", words, tflite_file)
