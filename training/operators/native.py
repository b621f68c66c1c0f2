"""Compile ``tap_conv.cpp`` for this processor at first use, and load it: no package is needed, a C++ compiler is."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch

SOURCE = Path(__file__).with_name("tap_conv.cpp")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC")
SWITCH = "STH_NATIVE"  # 0 in the environment: do not compile, use PyTorch's own operators

logger = logging.getLogger(__name__)
_ADDRESS, _NUMBER, _FLAG = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int


@functools.cache
def library() -> ctypes.CDLL | None:
    """The functions of ``tap_conv.cpp``; None without AVX-512, without a compiler, or where ``STH_NATIVE`` is 0."""
    if os.environ.get(SWITCH) == "0" or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return None
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        logger.info("no C++ compiler: STH-Conv uses PyTorch's convolutions, which take longer")
        return None
    try:
        loaded = ctypes.CDLL(str(_compiled(compiler)))
    except (OSError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", None) or error
        logger.warning("%s could not be compiled; STH-Conv uses PyTorch's convolutions: %s", SOURCE.name, told)
        return None
    loaded.pack.argtypes = [_ADDRESS, _NUMBER, _NUMBER, *[_ADDRESS] * 5, _FLAG, _FLAG]
    loaded.block.argtypes = [*[_ADDRESS] * 3, _FLAG]
    loaded.convolve.argtypes = [*[_ADDRESS] * 7, _FLAG]
    loaded.weight_gradient.argtypes = [*[_ADDRESS] * 8, _FLAG]
    for function in (loaded.pack, loaded.block, loaded.convolve, loaded.weight_gradient):
        function.restype = None
    return loaded


def _compiled(compiler: str) -> Path:
    """The shared library in the user's cache, named after all that it was made of."""
    made_of = [SOURCE.read_bytes(), " ".join((compiler, *FLAGS)).encode(), _processor().encode()]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sth"
    target = folder / f"tap_conv-{hashlib.sha256(b'|'.join(made_of)).hexdigest()[:16]}.so"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as here:
        made = Path(here) / target.name
        subprocess.run([compiler, *FLAGS, str(SOURCE), "-o", str(made)], check=True, capture_output=True, text=True)
        os.replace(made, target)  # processes that compile at once end with the same file
    return target


def _processor() -> str:
    try:
        flags = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")]
    except OSError:
        return ""
    return flags[0] if flags else ""
