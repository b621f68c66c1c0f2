"""Times a .tflite on a Linux device that has Python, numpy and ai-edge-litert, and nothing of this project.

    python3 litert_runner.py --model M.tflite --frames IN.raw [--states RESET.raw] [--threads N] [--rounds N]

Options and the last line, one JSON, are those of ``pte_runner`` (mobile/runtimes/arm64/runner). A stream's states go
through Python here, which a phone's runner does not do: about a tenth of a step at 224 pixels.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import resource
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np


def open_model(path: Path, threads: int) -> tuple[Any, dict[str, np.ndarray], list[dict[str, Any]]]:
    """The signature's runner, its inputs as zeros, and the contract's states."""
    from ai_edge_litert.interpreter import Interpreter

    contract = json.loads(Path(f"{path}.contract.json").read_text(encoding="utf-8"))
    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner()
    inputs = {name: np.zeros(about["shape"], about["dtype"]) for name, about in runner.get_input_details().items()}
    return runner, inputs, contract.get("states", [])


def fill(tensors: list[np.ndarray], content: bytes) -> None:
    """Write raw bytes into tensors, one after another."""
    if len(content) != sum(tensor.nbytes for tensor in tensors):
        raise SystemExit(f"error: {len(content)} bytes for tensors of {sum(tensor.nbytes for tensor in tensors)}")
    for tensor in tensors:
        tensor[...] = np.frombuffer(content[: tensor.nbytes], tensor.dtype).reshape(tensor.shape)
        content = content[tensor.nbytes :]


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """The JSON of the last line."""
    started = time.perf_counter()
    runner, inputs, states = open_model(arguments.model, arguments.threads)
    load_ms = 1e3 * (time.perf_counter() - started)
    becomes = {state["output"]: state["input"] for state in states}
    (frames,) = set(inputs) - set(becomes.values())
    fill([inputs[frames]], arguments.frames.read_bytes())
    fill([inputs[state["input"]] for state in states], arguments.states.read_bytes() if arguments.states else b"")
    step_ms = []
    for _ in range(arguments.rounds):
        begin = time.perf_counter_ns()
        outputs = runner(**inputs)
        inputs.update({becomes[name]: value for name, value in outputs.items() if name in becomes})
        step_ms.append((time.perf_counter_ns() - begin) / 1e6)
    return {
        "runner": "litert_runner",
        "runtime": f"LiteRT {version('ai-edge-litert')} (XNNPACK)",
        "machine": platform.machine(),
        "threads": arguments.threads,
        "model_sha256": hashlib.sha256(arguments.model.read_bytes()).hexdigest(),
        "load_ms": load_ms,
        "step_ms": step_ms,
        "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "ended": True,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "frames"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--states", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    print(json.dumps(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
