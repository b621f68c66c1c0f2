"""The fastest matrix product that a runtime shows on this machine: what an operator's speed is a share of.

A product (M, K) x (K, N) as one 1 x 1 convolution or fully connected layer, int8 or float32, through the same runtime
and the same profiler as the network, of several sizes; the fastest counts. So a share says how well an operator uses
what this library reaches on this processor, not how far the library is from the processor's data sheet.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mobile.latency.profile.network_operators import CONV, kind_of_kernel
from mobile.latency.profile.profilers import Profiler, Samples
from training.common.errors import UserError, missing_extra

SIZES = ((512, 256, 256), (512, 512, 512), (1024, 1024, 1024))
"""(M, K, N): weights of 64 KB to 1 MB in int8, so that one of them suits each processor's caches."""


@dataclasses.dataclass(frozen=True)
class Peak:
    """The fastest of the products of one precision.

    Attributes:
        macs_per_second: multiply-adds a second.
        product: "512 x 256 x 256".
        kernel: the runtime's name of what computed it.
    """

    macs_per_second: float
    product: str
    kernel: str


def product_profilers(runtime: str, precision: str, threads: int, seed: int) -> dict[tuple[int, int, int], Profiler]:
    """A profiler for each of ``SIZES``.

    Raises:
        UserError: a runtime or a precision without such a product, or a package that is missing.
    """
    if precision not in ("int8", "fp32"):
        raise UserError(f"there is no matrix product in {precision} to compare with; profile an int8 or fp32 artefact")
    if runtime == "litert":
        from mobile.latency.profile.profilers.litert import LiteRTProfiler

        models = {size: _tflite_product(*size, precision, seed) for size in SIZES}
        return {size: LiteRTProfiler(model, threads=threads, seed=seed) for size, model in models.items()}
    from mobile.latency.profile.profilers.executorch import ExecuTorchProfiler

    models = {size: _pte_product(*size, precision, seed) for size in SIZES}
    return {size: ExecuTorchProfiler(model, threads=threads, seed=seed) for size, model in models.items()}


def fastest(samples: dict[tuple[int, int, int], Samples]) -> Peak:
    """The best product by the median time of its kernel.

    Raises:
        UserError: a profile without a matrix product, or only products that the profiler's clock cannot time.
    """
    found = []
    for (rows, depth, columns), seen in samples.items():
        kernels = [index for index, name in enumerate(seen.kernels) if kind_of_kernel(name) == CONV]
        if len(kernels) != 1:
            raise UserError(f"the runtime computes a matrix product with {', '.join(seen.kernels) or 'no kernel'}")
        seconds = float(np.median(seen.op_us[:, kernels[0]])) / 1e6
        if seconds == 0:  # faster than the profiler's clock, which counts whole microseconds
            continue
        rate = rows * depth * columns / seconds
        found.append(Peak(rate, f"{rows} x {depth} x {columns}", seen.kernels[kernels[0]]))
    if not found:
        raise UserError("every matrix product is faster than the profiler's clock can tell; profile larger ones")
    return max(found, key=lambda peak: peak.macs_per_second)


def _tflite_product(rows: int, depth: int, columns: int, precision: str, seed: int) -> bytes:
    """A .tflite of one FULLY_CONNECTED."""
    try:
        from ai_edge_litert import schema_py_generated as schema
        from ai_edge_litert.tools import flatbuffer_utils
    except ImportError as error:
        raise missing_extra("ai-edge-litert", "tflite") from error
    rng, int8 = np.random.default_rng(seed), precision == "int8"
    weight = rng.integers(-127, 128, (columns, depth)).astype(np.int8 if int8 else np.float32)
    bias = np.zeros(columns, np.int32 if int8 else np.float32)
    kind = schema.TensorType.INT8 if int8 else schema.TensorType.FLOAT32
    bias_kind = schema.TensorType.INT32 if int8 else schema.TensorType.FLOAT32
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]

    def tensor(
        name: str, shape: tuple[int, ...], kind: int, scales: list[float], data: np.ndarray | None = None
    ) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name.encode(), list(shape), kind, 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        if int8:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = scales, [0] * len(scales)
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    graph.tensors = []
    entry = tensor("x", (rows, depth), kind, [1 / 128])
    inner = [tensor("w", weight.shape, kind, [1 / 128] * columns, weight),
             tensor("b", bias.shape, bias_kind, [1 / 128**2] * columns, bias)]  # fmt: skip
    result = tensor("y", (rows, columns), kind, [depth / 128])
    code, op = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 5 if int8 else 1
    op.inputs, op.outputs = [entry, *inner], [result]
    op.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    op.builtinOptions = schema.FullyConnectedOptionsT()
    graph.inputs, graph.outputs, graph.operators, model.operatorCodes = [entry], [result], [op], [code]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _pte_product(rows: int, depth: int, columns: int, precision: str, seed: int) -> bytes:
    """A .pte of one 1 x 1 convolution of the project's own, over an image of ``rows`` pixels."""
    import warnings

    import torch

    from mobile.deploy.number_systems import Conv, Point

    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
    except ImportError as error:
        raise missing_extra("executorch", "executorch") from error
    generator = torch.Generator().manual_seed(seed)
    weight = torch.rand((columns, depth, 1, 1), generator=generator) - 0.5
    source, out = Point(), Point()
    conv = Conv(weight, torch.zeros(columns), source=source, out=out)
    network = torch.nn.Sequential(source, conv)
    x_BCHW = (torch.rand((1, depth, 1, rows), generator=generator) * 2 - 1).to(memory_format=torch.channels_last)
    if precision == "int8":
        for point, scale in ((source, 1 / 128), (out, depth / 128)):
            point.fix(scale, 0)
            point.scale, point.zero_point = point.parameters_of_range()
        conv.round_to_int8()
        for module in (source, out, conv):
            module.system = "int8"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.export.export(network.eval(), (x_BCHW,))
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        return bytes(lowered.to_executorch().buffer)
