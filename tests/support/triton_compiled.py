"""The Triton kernels compiled for GPUs that are not here: Triton's compiler needs none. ``triton_compiled.py RESULT``.

A program of its own, since Triton must not be loaded after TensorFlow.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from training.common.files import write_json
from training.operators import triton_kernels
from training.operators.tap_conv import Hybrid
from training.operators.triton_conv import _shape_of

TARGETS = [(90, "bfloat16", False, 1), (80, "float16", True, 2), (75, "float32", False, 2)]
KERNELS: list[tuple[str, dict[str, Any]]] = [
    ("forward", {"SPACE_TAPS": 9, "TIME_TAPS": 3}),
    ("input_gradient", {"SPACE_TAPS": 9, "TIME_TAPS": 3}),
    ("weight_gradient", {"TAPS": 9, "ALONG_TIME": False}),
    ("weight_gradient", {"TAPS": 3, "ALONG_TIME": True}),
]
POINTERS = ("x", "y", "spatial", "temporal", "parts")
CHANNELS_LAST = {"xc": 1, "yc": 1, "sc": 1, "tc": 1}  # strides
SIZES = ("HEIGHT", "COLUMNS_IN", "ROWS", "COLUMNS")  # no multiples of 16, as addresses and the other strides are
TYPES = {"float16": "*fp16", "bfloat16": "*bf16", "float32": "*fp32"}


def compile_for(capability: int, kernel: str, dtype: str, hybrid: Hybrid, number: int = 0, **constants: Any) -> Any:
    """One kernel with one of its configurations for a GPU of this compute capability; returns what was compiled."""
    tuned = getattr(triton_kernels, kernel)
    fixed = {
        **_shape_of(hybrid), "MERGE": hybrid.merge, "BLOCK_WIDTH": 64, "BLOCK_SUMMED": 64, "PRECISION": "tf32",
        "WIDEN": False, **CHANNELS_LAST, **constants, **tuned.configs[number].kwargs,
    }  # fmt: skip
    fixed = {name: value for name, value in fixed.items() if name in tuned.arg_names}
    signature = {
        name: "constexpr"
        if name in fixed
        else "*fp32"
        if name == "parts"
        else TYPES[dtype]
        if name in POINTERS
        else "i32"
        for name in tuned.arg_names
    }
    whole = {name for name, kind in signature.items() if kind != "constexpr" and name not in SIZES}
    attributes = {(place,): [["tt.divisibility", 16]] for place, name in enumerate(tuned.arg_names) if name in whole}
    source = ASTSource(fn=tuned.fn, signature=signature, constexprs=fixed, attrs=attributes)
    chosen = tuned.configs[number]
    options = {"num_warps": chosen.num_warps, "num_stages": chosen.num_stages}
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


def configurations_left(kernel: str, width: int, summed: int) -> int:
    """How many configurations the autotuner would time, asked as a launch asks it."""
    tuned = getattr(triton_kernels, kernel)
    tuned.nargs = {name: None for name in tuned.arg_names[:4]}  # a launch gives tensors by their place
    return len(tuned.prune_configs({"BLOCK_WIDTH": width, "BLOCK_SUMMED": summed, "grid": (1,), "warmup": False}))


def main() -> None:
    """Bytes of machine code, and instructions of tensor cores, of each kernel for each target."""
    rows = []
    for capability, dtype, merge, stride in TARGETS:
        hybrid = Hybrid(64, 128, 8, 4, merge, (3, 3, 3), stride, (1, 1), (1, 1, 1), False)
        for kernel, constants in KERNELS:
            made = compile_for(capability, kernel, dtype, hybrid, **constants)
            left = [configurations_left(kernel, channels, channels) for channels in (16, 512)]
            row = {"capability": capability, "dtype": dtype, "kernel": kernel, "configurations": left}
            rows.append({**row, "bytes": len(made.asm["cubin"]), "tensor_cores": made.asm["ptx"].count("mma")})
    write_json(Path(sys.argv[1]), rows)


if __name__ == "__main__":
    main()
