"""Runs a .tflite of a clip or of a stream in LiteRT with XNNPACK; needs Python, numpy and ai-edge-litert, nothing else.

    python tflite_runner.py --model M.tflite --frames IN.raw --logits OUT.raw [--steps N] [--threads N] [--progress]

What its options mean, what it reads, writes and prints is said at the head of ``runner/pte_runner.cpp``, but for the
states: the contract beside the model says what they are before the first frame.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter


class Network:
    """A model with its contract, and the states that it is at."""

    def __init__(self, model: Path, threads: int) -> None:
        contract = json.loads(model.with_name(f"{model.name}.contract.json").read_text(encoding="utf-8"))
        self.input, self.output, self.states = contract["input"], contract["output"], contract["states"]
        self._interpreter: Any = Interpreter(model_path=str(model), num_threads=threads)
        self._interpreter.allocate_tensors()
        runner = self._interpreter.get_signature_runner()
        self._inputs, self._outputs = runner.get_input_details(), runner.get_output_details()

    def begin(self) -> None:
        """The states before the first frame."""
        for state in self.states:
            self._set(state["input"], np.full(state["shape"], state["reset"], state["dtype"]))

    def step(self, tensor: np.ndarray) -> bytes:
        """One input -> the raw logits; the new states become inputs."""
        self._set(self.input["name"], tensor)
        self._interpreter.invoke()
        for state, value in [(state, self._get(state["output"])) for state in self.states]:
            self._set(state["input"], value)
        return self._get(self.output["name"]).tobytes()

    def _set(self, name: str, value: np.ndarray) -> None:
        self._interpreter.set_tensor(self._inputs[name]["index"], value)

    def _get(self, name: str) -> np.ndarray:
        return self._interpreter.get_tensor(self._outputs[name]["index"])


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the logits of all inputs -> the last line."""
    network = Network(arguments.model, arguments.threads)
    shape, dtype = network.input["shape"], np.dtype(network.input["dtype"])
    frames = np.frombuffer(arguments.frames.read_bytes(), dtype)
    if frames.size == 0 or frames.size % np.prod(shape):
        raise ValueError(f"{arguments.frames} holds {frames.size} elements; expected a multiple of {np.prod(shape)}")
    inputs, logits = frames.reshape(-1, *shape), []
    for number, tensor in enumerate(inputs):
        if number == 0 or (arguments.steps and number % arguments.steps == 0):
            network.begin()
        logits.append(network.step(tensor))
        if arguments.progress:
            print(f"{number + 1} of {len(inputs)}", flush=True)
    arguments.logits.write_bytes(b"".join(logits))
    return {
        "runner": "tflite_runner", "runtime": f"LiteRT {version('ai-edge-litert')} (XNNPACK)",
        "machine": platform.machine(), "threads": arguments.threads, "model_sha256": sha256_of(arguments.model),
        "frames_sha256": sha256_of(arguments.frames), "logits_sha256": sha256_of(arguments.logits),
        "inputs": len(inputs), "states": len(network.states), "logits_dtype": network.output["dtype"],
        "logits_shape": network.output["shape"], "ended": True,
    }  # fmt: skip


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--model", "--frames", "--logits"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--progress", action="store_true")
    try:
        print(json.dumps(run(parser.parse_args())), flush=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
