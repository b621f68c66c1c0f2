"""The reference interpreter of MIL: each operation against torch or numpy, and what it refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mobile.runtimes.mil_interpreter import MilInterpreter
from mobile.runtimes.mil_program import MilOp, MilProgram, MilValue
from training.common.errors import UserError

SHAPE = (2, 6, 7, 10)  # rows and columns differ, and neither is a power of two


def program(*operations: MilOp, inputs: list[MilValue] | None = None) -> MilProgram:
    entry = inputs or [MilValue("x", SHAPE, "fp32")]
    return MilProgram(Path("a.mlpackage"), "CoreML7", entry, [operations[-1].output], list(operations), {})


def op(kind: str, shape: tuple[int, ...], *, dtype: str = "fp32", name: str = "y", **inputs: Any) -> MilOp:
    """An operation; strings are names of values (except for parameters that are words), the rest constants."""
    words = {"pad_type", "output_dtype", "mode", "dtype_"}
    bindings = {}
    for parameter, value in inputs.items():
        values = value if isinstance(value, list) and value and isinstance(value[0], str) else [value]
        bindings[parameter.rstrip("_")] = [
            item if isinstance(item, str) and parameter not in words else np.asarray(item) for item in values
        ]
    return MilOp(kind, bindings, [MilValue(name, shape, dtype)])


def result(*operations: MilOp, **feeds: np.ndarray | torch.Tensor) -> np.ndarray:
    inputs = [MilValue(name, tuple(value.shape), "fp32") for name, value in feeds.items()]
    return MilInterpreter(program(*operations, inputs=inputs)).run(feeds)[operations[-1].output.name]


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(SHAPE)


CONVOLUTIONS = {
    "pointwise": dict(weight=(4, 6, 1, 1), strides=[1, 1], dilations=[1, 1], groups=1, pad=(0, 0, 0, 0)),
    "stride": dict(weight=(4, 6, 3, 3), strides=[2, 2], dilations=[1, 1], groups=1, pad=(1, 1, 1, 1)),
    "depthwise": dict(weight=(6, 1, 3, 3), strides=[1, 1], dilations=[1, 1], groups=6, pad=(1, 1, 1, 1)),
    "temporal": dict(weight=(6, 1, 3, 1), strides=[1, 1], dilations=[1, 1], groups=6, pad=(1, 1, 0, 0)),
    "groups and dilation": dict(weight=(4, 3, 3, 2), strides=[2, 1], dilations=[1, 2], groups=2, pad=(1, 1, 2, 2)),
    "one-sided padding": dict(weight=(6, 1, 3, 1), strides=[1, 1], dilations=[1, 1], groups=6, pad=(2, 0, 0, 1)),
}


@pytest.mark.parametrize("case", CONVOLUTIONS.values(), ids=CONVOLUTIONS.keys())
@pytest.mark.parametrize("bias", [True, False])
def test_convolution(x: torch.Tensor, case: dict[str, Any], bias: bool) -> None:
    case = dict(case)
    weight, pad = torch.randn(case.pop("weight")), case["pad"]
    offset = torch.randn(weight.shape[0]) if bias else None
    padded = F.pad(x, (pad[2], pad[3], pad[0], pad[1]))
    expected = F.conv2d(padded, weight, offset, case["strides"], 0, case["dilations"], case["groups"])
    case |= {"weight": weight.numpy(), "pad_type": "custom"} | ({"bias": offset.numpy()} if bias else {})
    np.testing.assert_allclose(result(op("conv", tuple(expected.shape), x="x", **case), x=x), expected, atol=2e-5)


def test_convolution_without_padding_ignores_pad(x: torch.Tensor) -> None:
    weight = torch.randn(4, 6, 3, 3)
    case = dict(strides=[1, 1], dilations=[1, 1], groups=1, pad_type="valid", pad=[9, 9, 9, 9])
    got = result(op("conv", (2, 4, 5, 8), x="x", weight=weight.numpy(), **case), x=x)
    np.testing.assert_allclose(got, F.conv2d(x, weight), atol=2e-5)


@pytest.mark.parametrize(("dtype", "zero"), [("int8", -17), ("int8", 0), ("uint8", 3)])
def test_quantize_rounds_half_to_even_and_saturates(dtype: str, zero: int) -> None:
    scale = np.float32(0.5)
    low, high = (-128, 127) if dtype == "int8" else (0, 255)
    x = np.array([-1e3, -0.75, -0.25, 0.0, 0.25, 0.75, 1.25, 1.3, 1e3], dtype=np.float32)
    rounded = np.array([-2000, -2, 0, 0, 0, 2, 2, 3, 2000])
    numbers = {} if zero == 0 else {"zero_point": np.array(zero, dtype)}
    got = result(op("quantize", x.shape, dtype=dtype, input="x", scale=scale, output_dtype=dtype, **numbers), x=x)
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got, np.clip(rounded + zero, low, high))


@pytest.mark.parametrize(("dtype", "zero"), [("int8", -17), ("int8", 0), ("uint8", 3)])
def test_dequantize_returns_to_the_grid(x: torch.Tensor, dtype: str, zero: int) -> None:
    scale = np.float32(0.03)
    numbers = {} if zero == 0 else {"zero_point": np.array(zero, dtype)}
    there = op("quantize", SHAPE, dtype=dtype, name="q", input="x", scale=scale, output_dtype=dtype, **numbers)
    back = op("dequantize", SHAPE, input="q", scale=scale, **numbers)
    low, high = (-128, 127) if dtype == "int8" else (0, 255)
    quantized = (x / scale).round().add(zero).clamp(low, high)
    np.testing.assert_allclose(result(there, back, x=x), (quantized - zero) * scale, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_weights_are_scaled_along_their_axis(x: torch.Tensor, axis: int) -> None:
    data = np.random.default_rng(0).integers(-127, 128, (6, 6, 1, 1)).astype(np.int8)
    scale = np.linspace(0.01, 0.06, 6, dtype=np.float32)
    zero = np.arange(6).astype(np.int8)
    constant = op(
        "constexpr_affine_dequantize",
        data.shape,
        name="w",
        quantized_data=data,
        scale=scale,
        zero_point=zero,
        axis=axis,
    )
    case = dict(strides=[1, 1], dilations=[1, 1], groups=1, pad_type="valid", pad=[0] * 4)
    shape = [1, 1, 1, 1]
    shape[axis] = 6
    weight = (data.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape)
    got = result(constant, op("conv", SHAPE, x="x", weight="w", **case), x=x)
    np.testing.assert_allclose(got, F.conv2d(x, torch.from_numpy(weight)), atol=2e-5)


def test_relu6(x: torch.Tensor) -> None:
    np.testing.assert_array_equal(result(op("relu6", SHAPE, x="x"), x=5 * x), F.relu6(5 * x))


def test_add_and_a_value_read_twice(x: torch.Tensor) -> None:
    total = op("add", SHAPE, name="z", x="x", y="x")
    np.testing.assert_array_equal(result(total, op("add", SHAPE, x="z", y="x"), x=x), x + x + x)


def test_concat_of_values_and_a_constant(x: torch.Tensor) -> None:
    zeros = np.zeros((2, 3, 7, 10), np.float32)
    joined = MilOp(
        "concat",
        {"values": ["x", zeros, "x"], "axis": [np.array(1)], "interleave": [np.array(False)]},
        [MilValue("y", (2, 15, 7, 10), "fp32")],
    )
    np.testing.assert_array_equal(result(joined, x=x), torch.cat([x, torch.from_numpy(zeros), x], 1))


def test_transpose_and_reshape_follow_the_order_of_rows(x: torch.Tensor) -> None:
    moved = op("transpose", (7, 2, 10, 6), name="t", x="x", perm=[2, 0, 3, 1])
    shaped = op("reshape", (14, 60), x="t", shape_=[14, 60])
    np.testing.assert_array_equal(result(moved, shaped, x=x), x.permute(2, 0, 3, 1).reshape(14, 60))


@pytest.mark.parametrize("keep", [True, False])
def test_reduce_mean(x: torch.Tensor, keep: bool) -> None:
    expected = x.mean(dim=(2, 3), keepdim=keep)
    got = result(op("reduce_mean", tuple(expected.shape), x="x", axes=[2, 3], keep_dims=keep), x=x)
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_slice_takes_masks_for_borders(x: torch.Tensor) -> None:
    cut = op(
        "slice_by_index", (2, 3, 6, 4), x="x", begin=[9, 2, 0, 1], end=[0, 5, -1, 0], stride=[1, 1, 1, 2],
        begin_mask=[True, False, False, False], end_mask=[True, False, False, True],
    )  # fmt: skip
    np.testing.assert_array_equal(result(cut, x=x), x[:, 2:5, :-1, 1::2])


def test_pad_counts_its_pairs_from_the_last_axis(x: torch.Tensor) -> None:
    padded = op("pad", (2, 6, 9, 11), x="x", pad=[2, 0, 0, 1], mode="constant", constant_val=np.float32(0.5))
    np.testing.assert_array_equal(result(padded, x=x), F.pad(x, (0, 1, 2, 0), value=0.5))


def test_float16_results_are_rounded_to_float16(x: torch.Tensor) -> None:
    cast = op("cast", SHAPE, dtype="fp16", name="h", x="x", dtype_="fp16")
    np.testing.assert_array_equal(result(cast, x=x), x.half().float())
    total = op("add", SHAPE, dtype="fp16", x="h", y="h")
    np.testing.assert_array_equal(result(cast, total, x=x), (2 * x.half().float()).half().float())


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        (op("softmax", SHAPE, name="scores", x="x", axis=1), ["softmax", "scores", "relu6"]),
        (op("pad", SHAPE, name="edge", x="x", pad=[0, 0], mode="reflect"), ["pad", "edge", "reflect"]),
        (op("concat", SHAPE, name="mix", values=["x"], axis=1, interleave=True), ["concat", "mix", "interleave"]),
        (op("slice_by_index", SHAPE, name="cut", x="x", begin=[0], end=[1], squeeze_mask=[True]), ["cut", "squeez"]),
        (op("cast", SHAPE, name="whole", x="x", dtype_="int16"), ["cast", "whole", "int16"]),
        (
            op("conv", SHAPE, name="same", x="x", weight=np.ones((6, 6, 1, 1), np.float32), strides=[1, 1],
               dilations=[1, 1], groups=1, pad_type="same", pad=[0] * 4),
            ["conv", "same"],
        ),
    ],
    ids=lambda value: value.type if isinstance(value, MilOp) else "",
)  # fmt: skip
def test_what_is_unknown_is_named(unknown: MilOp, words: list[str]) -> None:
    with pytest.raises(UserError) as error:
        MilInterpreter(program(unknown))
    assert all(word in str(error.value) for word in words)


def test_inputs_are_checked(x: torch.Tensor) -> None:
    interpreter = MilInterpreter(program(op("relu6", SHAPE, x="x")))
    with pytest.raises(UserError, match="input x is missing"):
        interpreter.run({})
    with pytest.raises(UserError, match=r"\(2, 6, 10, 7\); expected \(2, 6, 7, 10\)"):
        interpreter.run({"x": x.transpose(2, 3)})


def test_runs_do_not_disturb_each_other_or_their_input(x: torch.Tensor) -> None:
    interpreter = MilInterpreter(
        program(
            op("quantize", SHAPE, dtype="int8", name="q", input="x", scale=np.float32(0.1), output_dtype="int8"),
            op("dequantize", SHAPE, name="d", input="q", scale=np.float32(0.1)),
            op("relu6", SHAPE, x="d"),
        )
    )
    given = x.clone()
    first = interpreter.run({"x": x})["y"].copy()
    assert torch.equal(x, given)
    assert not np.array_equal(interpreter.run({"x": -x})["y"], first)
    np.testing.assert_array_equal(interpreter.run({"x": x})["y"], first)


def test_states_are_read_written_in_float16_and_reset(x: torch.Tensor) -> None:
    read = op("read_state", SHAPE, dtype="fp16", name="before", input="memory")
    write = MilOp("write_state", {"input": ["memory"], "data": ["y"]}, [])
    made = program(read, op("add", SHAPE, x="x", y="before"), inputs=[MilValue("x", SHAPE, "fp32")])
    made = dataclasses.replace(
        made, operations=[*made.operations, write], states=[MilValue("memory", SHAPE, "fp16")]
    )  # fmt: skip
    interpreter, half = MilInterpreter(made), x.half().float()
    np.testing.assert_array_equal(interpreter.run({"x": x})["y"], x)
    np.testing.assert_array_equal(interpreter.run({"x": x})["y"], x + half)
    interpreter.reset()
    np.testing.assert_array_equal(interpreter.run({"x": x})["y"], x)
    with pytest.raises(UserError, match=r"write_state \(memory\) is of no state"):
        MilInterpreter(dataclasses.replace(made, operations=[write], states=[]))


def test_weights_of_ios_18(x: torch.Tensor) -> None:
    data = np.random.default_rng(0).integers(-127, 128, SHAPE).astype(np.int8)
    scale, offset = np.full((1, 6, 1, 1), 0.01, np.float32) * np.arange(1, 7).reshape(1, 6, 1, 1), np.int8(3)
    weight = op("constexpr_blockwise_shift_scale", SHAPE, name="w", data=data, scale=scale, offset=offset)
    got = result(weight, op("add", SHAPE, x="x", y="w"), x=x)
    np.testing.assert_allclose(got, x.numpy() + (data.astype(np.float32) - 3) * scale, atol=1e-5)
    blocks = op("constexpr_blockwise_shift_scale", SHAPE, name="w", data=data, scale=np.ones((1, 3, 1, 1), np.float32))
    with pytest.raises(UserError, match="smaller blocks"):
        MilInterpreter(program(blocks))
