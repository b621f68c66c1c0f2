"""LiteRT's profiler, through the C interface of the library that the ai-edge-litert wheel ships.

The wheel's Python classes have no switch for it: ``CompiledModel`` takes no runtime options. The C interface does
(``litert/c/litert_profiler.h``), and with it on, XNNPACK reports each of its operators.
"""

from __future__ import annotations

import ctypes
import struct
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mobile.latency.profile.profilers import Samples, noise
from mobile.runtimes.native_log import native_log
from training.common.errors import UserError, missing_extra

_KNOWN = "2.3.0"
_CPU = 1  # kLiteRtHwAcceleratorCpu
_WRITE = 1  # kLiteRtTensorBufferLockModeWrite
# ProfiledEventData: tag, type, start, elapsed, two records of memory use (3 words each), two of metadata, source
_EVENT = struct.Struct("<QI4xQQ24x24xQQI4x")
_ROOM = 256  # bytes kept for each event, so that another layout cannot write past the end
_DEFAULT, _OPERATOR, _DELEGATE_OPERATOR, _DELEGATE_PROFILED = 1, 2, 4, 8
_TYPES = {1 << bit for bit in range(9)}
_ELEMENTS: dict[int, np.dtype] = {1: np.dtype(np.float32), 9: np.dtype(np.int8), 10: np.dtype(np.float16)}


class _Layout(ctypes.Structure):
    _fields_ = (("rank", ctypes.c_uint32), ("dimensions", ctypes.c_int32 * 8), ("strides", ctypes.c_uint32 * 8))


class _TensorType(ctypes.Structure):
    _fields_ = (("element", c_int), ("layout", _Layout))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.layout.dimensions[: self.layout.rank & 127])  # the eighth bit says that strides are set


class LiteRTProfiler:
    """A .tflite in LiteRT with XNNPACK, profiled.

    Args:
        model: a file's path, or its content.

    Raises:
        UserError: ai-edge-litert is not installed, lays out its events in another way, or cannot load the model.
    """

    def __init__(self, model: Path | bytes, *, threads: int = 1, seed: int = 0) -> None:
        self._library = _library()
        self.runtime = f"LiteRT {version('ai-edge-litert')} (XNNPACK)"
        self.method = "LiteRT's profiler (C interface), the events of XNNPACK's operators"
        self._model = model  # what the runtime reads from must stay
        with native_log():
            self._compile(model, threads)
            rng = np.random.default_rng(seed)
            self._inputs, self._outputs = self._buffers("Input"), self._buffers("Output")
            for buffer, tensor in zip(self._inputs, self._tensors["Input"], strict=True):
                self._fill(c_void_p(buffer), noise(tensor.shape, _ELEMENTS[tensor.element], rng))
            self._profiler = c_void_p()
            self._call("LiteRtCompiledModelGetProfiler", self._compiled, byref(self._profiler))
        self._kernels: tuple[str, ...] | None = None
        self._op_us: list[list[int]] = []
        self._whole_us: list[int] = []

    def _call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, name)
        function.restype = c_int
        status = function(*arguments)
        if status:
            what = self._model if isinstance(self._model, Path) else "the model"
            raise UserError(f"LiteRT cannot profile {what}: {name} failed with status {status}")

    def _compile(self, model: Path | bytes, threads: int) -> None:
        self._environment, handle, options, self._compiled = c_void_p(), c_void_p(), c_void_p(), c_void_p()
        self._call("LiteRtCreateEnvironment", 0, None, byref(self._environment))
        if isinstance(model, bytes):
            size = c_size_t(len(model))
            self._call("LiteRtCreateModelFromBuffer", self._environment, c_char_p(model), size, byref(handle))
        else:
            self._call("LiteRtCreateModelFromFile", self._environment, str(model).encode(), byref(handle))
        self._handle = handle
        self._call("LiteRtCreateOptions", byref(options))
        self._call("LiteRtSetOptionsHardwareAccelerators", options, c_int(_CPU))
        self._add(options, b"xnnpack", f"num_threads = {threads}\n")
        self._add(options, b"runtime_options_string", "enable_profiling = true\n")
        self._call("LiteRtCreateCompiledModel", self._environment, handle, options, byref(self._compiled))

    def _add(self, options: c_void_p, name: bytes, toml: str) -> None:
        """Options of one part of the runtime; it frees the text with C's own ``free``."""
        libc = ctypes.CDLL(None)
        libc.strdup.restype, libc.strdup.argtypes = c_void_p, [c_char_p]
        opaque = c_void_p()
        text = c_void_p(libc.strdup(toml.encode()))
        self._call("LiteRtCreateOpaqueOptions", name, text, ctypes.cast(libc.free, c_void_p), byref(opaque))
        self._call("LiteRtAddOpaqueOptions", options, opaque)

    def _buffers(self, side: str) -> Any:
        """Buffers for all inputs or all outputs, allocated as the compiled model wants them."""
        signature, count = c_void_p(), c_size_t()
        self._call("LiteRtGetModelSignature", self._handle, c_size_t(0), byref(signature))
        self._call(f"LiteRtGetNumSignature{side}s", signature, byref(count))
        self._tensors = getattr(self, "_tensors", {}) | {side: []}
        buffers = (c_void_p * count.value)()
        for index in range(count.value):
            tensor, wanted, buffer, kind = c_void_p(), c_void_p(), c_void_p(), _TensorType()
            self._call(f"LiteRtGetSignature{side}TensorByIndex", signature, c_size_t(index), byref(tensor))
            self._call("LiteRtGetRankedTensorType", tensor, byref(kind))
            self._call(f"LiteRtGetCompiledModel{side}BufferRequirements", self._compiled, c_size_t(0),
                       c_size_t(index), byref(wanted))  # fmt: skip
            self._call("LiteRtCreateManagedTensorBufferFromRequirements", self._environment, byref(kind), wanted,
                       byref(buffer))  # fmt: skip
            self._tensors[side].append(kind)
            buffers[index] = buffer.value
        return buffers

    def _fill(self, buffer: c_void_p, values: np.ndarray) -> None:
        address = c_void_p()
        self._call("LiteRtLockTensorBuffer", buffer, byref(address), c_int(_WRITE))
        assert address.value is not None
        ctypes.memmove(address.value, values.ctypes.data, values.nbytes)
        self._call("LiteRtUnlockTensorBuffer", buffer)

    def run(self) -> None:
        """One inference with the profiler on.

        Raises:
            UserError: the events are laid out in another way than those of the known version, or change between runs.
        """
        self._call("LiteRtResetProfiler", self._profiler)
        self._call("LiteRtStartProfiler", self._profiler)
        self._call("LiteRtRunCompiledModel", self._compiled, c_size_t(0), c_size_t(len(self._inputs)), self._inputs,
                   c_size_t(len(self._outputs)), self._outputs)  # fmt: skip
        self._call("LiteRtStopProfiler", self._profiler)
        whole, ops = _sort(self._events())
        kernels = tuple(name for name, _ in ops)
        if self._kernels not in (None, kernels):
            raise UserError("LiteRT ran other operators in one run than in another; profile again")
        self._kernels = kernels
        self._op_us.append([microseconds for _, microseconds in ops])
        self._whole_us.append(whole)

    def _events(self) -> list[tuple[str, int, int]]:
        """Name, type and microseconds of each event of the last run."""
        count = c_int()
        self._call("LiteRtGetNumProfilerEvents", self._profiler, byref(count))
        kept = ctypes.create_string_buffer(count.value * _ROOM)
        self._call("LiteRtGetProfilerEvents", self._profiler, count, kept)
        found = [_EVENT.unpack_from(kept, number * _EVENT.size) for number in range(count.value)]
        sane = all(kind in _TYPES and source < 3 and address for address, kind, *_, source in found)
        if not found or not sane:
            raise UserError(
                f"ai-edge-litert {version('ai-edge-litert')} lays out its events in another way than {_KNOWN}; "
                "pip install -e '.[tflite]' brings the version that this command reads"
            )
        return [(ctypes.string_at(address).decode(), kind, elapsed) for address, kind, _, elapsed, *_ in found]

    def samples(self) -> Samples:
        """Of all runs so far."""
        return Samples(self._kernels or (), np.asarray(self._op_us, float), np.asarray(self._whole_us, float))


def _sort(events: list[tuple[str, int, int]]) -> tuple[int, list[tuple[str, int]]]:
    """Microseconds of the whole inference, and name and microseconds of each operator.

    An operator that the delegate takes is an event of the delegate's own; one that it leaves, of the interpreter's.
    The delegate's node itself is an event too where its operators are not reported one by one.
    """
    whole = next(elapsed for name, kind, elapsed in events if kind == _DEFAULT and name == "Invoke")
    wanted = (_OPERATOR, _DELEGATE_OPERATOR, _DELEGATE_PROFILED)
    return whole, [(name, elapsed) for name, kind, elapsed in events if kind in wanted]


def _library() -> ctypes.CDLL:
    """The wheel's library with the C interface."""
    found = find_spec("ai_edge_litert")
    if found is None or not found.submodule_search_locations:
        raise missing_extra("ai-edge-litert", "tflite")
    for name in ("libLiteRt.so", "libLiteRt.dylib"):
        path = Path(found.submodule_search_locations[0]) / name
        if path.is_file():
            library = ctypes.CDLL(str(path))
            if hasattr(library, "LiteRtGetProfilerEvents"):
                return library
    raise UserError(
        f"ai-edge-litert {version('ai-edge-litert')} has no profiler in its library; {_KNOWN} for Linux has"
    )
