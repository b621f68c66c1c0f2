"""Runs a .tflite in LiteRT with XNNPACK.

Axes: T frame, H row, W column, C colour, K class.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from training.common.errors import UserError, missing_extra

_SIGNATURE = "serving_default"
_FRAMES, _LOGITS = "frames", "logits"


class LiteRTRunner:
    """One clip in, logits out; or, by name, any inputs in and all outputs out (a stream's states).

    Args:
        path: a .tflite made by ``converters``, of any precision.
        threads: threads of XNNPACK.

    Attributes:
        load_seconds: reading the file, delegating and packing the weights.
        input_shape: (T, S, S, 3).
        input_type, output_type: numpy types at the artefact's border.
        input_quantization, output_quantization: scale and zero point, None where the border is float.

    Raises:
        UserError: the file is missing or no TFLite model, or ai-edge-litert is not installed.
    """

    def __init__(self, path: Path | str, threads: int = 1) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise missing_extra("ai-edge-litert", "tflite") from error
        if not Path(path).is_file():
            raise UserError(f"there is no file {path}; export it with converters/export_tflite.py")
        if threads < 1:
            raise UserError(f"threads is {threads}; expected at least 1")
        start = time.perf_counter()
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
            signature = self._interpreter.get_signature_list()[_SIGNATURE]
        except (ValueError, RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"LiteRT cannot load {path}: {reason}; export it again") from error
        self.load_seconds = time.perf_counter() - start
        self.path, self.threads = Path(path), threads
        self.runtime = f"LiteRT {version('ai-edge-litert')} (XNNPACK)"
        entries, results = _by_name(self._interpreter, signature)
        self.input_name = _FRAMES if _FRAMES in entries else signature["inputs"][0]
        self.output_name = _LOGITS if _LOGITS in results else signature["outputs"][0]
        entry, result = entries[self.input_name], results[self.output_name]
        self._inputs = {name: detail["index"] for name, detail in entries.items()}
        self._outputs = {name: detail["index"] for name, detail in results.items()}
        self._input_index, self._output_index = entry["index"], result["index"]
        self.input_shape, self.output_shape = (
            tuple(map(int, entry["shape"])),
            tuple(map(int, result["shape"])),
        )
        self.input_type, self.output_type = np.dtype(entry["dtype"]), np.dtype(result["dtype"])
        self.input_quantization = _quantization(entry)
        self.output_quantization = _quantization(result)

    def to_input(self, x_THWC: np.ndarray) -> np.ndarray:
        """Normalised float frames (T, S, S, 3) as the artefact's input type; what is of that type stays as it is.

        Raises:
            UserError: the shape is not the artefact's.
        """
        if x_THWC.shape != self.input_shape:
            raise UserError(f"{self.path.name} takes a clip of shape {self.input_shape}, not {x_THWC.shape}")
        if self.input_quantization is None or x_THWC.dtype == self.input_type:
            return x_THWC.astype(self.input_type, copy=False)
        scale, zero_point = self.input_quantization
        return np.clip(np.rint(x_THWC / scale) + zero_point, -128, 127).astype(np.int8)

    def set_input(self, tensor_THWC: np.ndarray) -> None:
        """Copy a clip that is of the input type already."""
        self._interpreter.set_tensor(self._input_index, tensor_THWC)

    def invoke(self) -> None:
        """Compute; what a latency measurement times."""
        self._interpreter.invoke()

    def output(self) -> np.ndarray:
        """The last logits as the artefact has them, (rows, K), int8 or float32."""
        return self._interpreter.get_tensor(self._output_index)

    def run(self, x_THWC: np.ndarray) -> np.ndarray:
        """Frames (T, S, S, 3), float32 or int8 by the contract -> float32 logits (rows, K), dequantized where int8."""
        self.set_input(self.to_input(x_THWC))
        self.invoke()
        return self.to_real(self.output())

    def to_real(self, logits: np.ndarray) -> np.ndarray:
        """Logits as the artefact has them as float32."""
        if self.output_quantization is None:
            return logits.astype(np.float32)
        scale, zero_point = self.output_quantization
        return np.float32(scale) * (logits.astype(np.float32) - zero_point)

    def step(self, inputs: dict[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """All inputs by name -> copies of the named outputs, in the artefact's own types."""
        for name, value in inputs.items():
            self._interpreter.set_tensor(self._inputs[name], value)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(self._outputs[name]) for name in outputs}


def _by_name(interpreter: Any, signature: dict[str, list[str]]) -> tuple[dict[str, dict], dict[str, dict]]:
    """Details of inputs and outputs by their names in the signature."""
    runner = interpreter.get_signature_runner(_SIGNATURE)
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    return {name: inputs[name] for name in signature["inputs"]}, {name: outputs[name] for name in signature["outputs"]}


def _quantization(detail: dict) -> tuple[float, int] | None:
    scale, zero_point = detail["quantization"]
    return (float(scale), int(zero_point)) if scale else None
