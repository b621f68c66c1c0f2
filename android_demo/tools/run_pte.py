"""Runs a .pte in ExecuTorch's Python package with XNNPACK: MODEL INPUTS OUTPUTS STEPS, as the app's ``RunModel.kt``.

Needs Python, torch, numpy and executorch of any version, nothing of this project.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from executorch.extension.pybindings import portable_lib


def run(model: Path, inputs: bytes, steps: int) -> bytes:
    """The raw results of all inferences."""
    contract = json.loads(model.with_name(f"{model.name}.contract.json").read_text(encoding="utf-8"))
    program: Any = portable_lib._load_for_executorch(str(model))
    tensors = np.frombuffer(inputs, contract["input"]["dtype"]).reshape(-1, *contract["input"]["shape"])
    kept: list[bytes] = []
    states: list[torch.Tensor] = []
    for number, tensor in enumerate(tensors):
        if number % steps == 0:
            states = [
                torch.from_numpy(np.full(state["shape"], state["reset"], state["dtype"]))
                for state in contract.get("states", [])
            ]
        logits, *states = program.forward([torch.from_numpy(tensor.copy()), *states])
        kept += [value.numpy().tobytes() for value in (logits, *states)]
    return b"".join(kept)


def main() -> None:
    model, inputs, outputs, steps = sys.argv[1:]
    portable_lib._unsafe_reset_threadpool(1)
    Path(outputs).write_bytes(run(Path(model), Path(inputs).read_bytes(), int(steps)))
    print(json.dumps({"runtime": f"executorch {version('executorch')} (XNNPACK), torch {torch.__version__}"}))


if __name__ == "__main__":
    main()
