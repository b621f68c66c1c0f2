"""Deploy form -> ONNX -> onnx2tf -> TensorFlow -> float .tflite, TensorFlow in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch

from converters.tflite_from_onnx import ERROR_FILE
from mobile.deploy import DeployNetwork
from training.errors import UserError

INPUT_NAME, OUTPUT_NAME = "frames", "logits"
_OPSET = 18


def float_tflite(network: DeployNetwork, size: int, *, fp16: bool = False) -> bytes:
    """A float .tflite of the deploy form with the weights that it has now: (T, S, S, 3) -> (1, K).

    A network in int8 gives the float model of its dequantized weights.

    Raises:
        UserError: a step failed; the message names operator and layer where the failing
            step tells, and the file that holds what the step printed.
    """
    with tempfile.TemporaryDirectory(prefix="tflite-") as folder:
        onnx_file = Path(folder, "network.onnx")
        _export_onnx(network, size, onnx_file)
        return _from_onnx(onnx_file, fp16=fp16)


def _export_onnx(network: DeployNetwork, size: int, target: Path) -> None:
    system = network.input.system
    network.eval()
    network.set_system("float")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (torch.zeros(network.segments, 3, size, size),),
                dynamo=True,
                verbose=False,
                opset_version=_OPSET,
                input_names=[INPUT_NAME],
                output_names=[OUTPUT_NAME],
            )
            import onnx
            import onnxsim

            assert program is not None
            # It joins the slices of TSM's shift and removes what does nothing.
            simple, _ = onnxsim.simplify(program.model_proto)
        onnx.save(simple, str(target))
    except Exception as error:
        raise UserError(f"torch.onnx cannot export the network: {' '.join(str(error).split())[:300]}") from error
    finally:
        network.set_system(system)


def _from_onnx(onnx_file: Path, *, fp16: bool) -> bytes:
    folder, made = onnx_file.parent, onnx_file.with_suffix(".tflite")
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "converters.tflite_from_onnx", str(onnx_file), str(made)]
    done = subprocess.run(
        command + ["--fp16"] * fp16,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode == 0 and made.is_file():
        return made.read_bytes()
    log = _keep_log(done.stdout)
    told = folder / ERROR_FILE
    fault = told.read_text(encoding="utf-8") if told.is_file() else f"the process ended with status {done.returncode}"
    raise UserError(f"onnx2tf or TensorFlow failed: {fault} (what they printed is in {log})")


def _keep_log(content: bytes) -> Path:
    with tempfile.NamedTemporaryFile(prefix="tflite-", suffix=".log", delete=False) as log:
        log.write(content)
    return Path(log.name)
