"""The contract: what an app reads comes back as written, and what is no contract is one line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobile.interface.contract import Contract, Quantization, TensorSpec, contract_path, load_contract
from mobile.runtimes import ArtefactRunner, input_tensor
from training.clips.input_spec import InputSpec, resize_frames
from training.common.errors import UserError


def contract(*, layout: str = "THWC", quantized: bool = True, **changes: Any) -> Contract:
    shape = (4, 32, 32, 3) if layout == "THWC" else (4, 3, 32, 32)
    dtype = "int8" if quantized else "float32"
    into = Quantization("int8", 1 / 128, 0) if quantized else None
    out = Quantization("int8", 0.125, -3) if quantized else None
    fields = {
        "runtime": "litert",
        "precision": "int8" if quantized else "fp32",
        "network": "sth_mobilenet_v2",
        "options": {"p": 0.25, "width": 0.5, "causal": False},
        "mode": "clip",
        "frames": InputSpec(segments=4, size=32),
        "input": TensorSpec("frames", shape, layout, dtype, into),
        "output": TensorSpec("logits", (1, 3), "NK", dtype, out),
        "labels": ("Swiping Left", "Händeklatschen", "No gesture"),
    }
    return Contract(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("layout", ["THWC", "TCHW"])
def test_a_contract_comes_back_as_written(tmp_path: Path, layout: str, quantized: bool) -> None:
    written = contract(layout=layout, quantized=quantized)
    written.save(contract_path(tmp_path / "model.tflite"))
    assert load_contract(tmp_path / "model.tflite") == written


def test_numbers_come_back_exactly(tmp_path: Path) -> None:
    mean = (0.1, 1 / 3, 128 / 255)
    spec = InputSpec(segments=4, size=32, mean=mean, std=mean, crop_fraction=0.7)
    scale = float(np.float32(0.0123456789))
    written = contract(frames=spec, output=TensorSpec("logits", (1, 3), "NK", "int8", Quantization("int8", scale, 7)))
    written.save(contract_path(tmp_path / "model.pte"))
    read = load_contract(tmp_path / "model.pte")
    assert read.frames.mean == mean
    assert read.output.quantization == Quantization("int8", scale, 7)


def test_what_an_app_reads() -> None:
    content = contract().to_json()
    assert content["preprocess"]["colour_order"] == "RGB"
    assert (content["preprocess"]["size"], content["preprocess"]["segments"]) == (32, 4)
    assert content["preprocess"]["crop_fraction"] == 0.875
    assert content["input"]["quantization"] == {"dtype": "int8", "scale": 1 / 128, "zero_point": 0}
    assert content["labels"][2] == "No gesture"
    json.dumps(content)


def test_artefacts_of_one_name_have_a_contract_each(tmp_path: Path) -> None:
    """The exporters write into one folder by default, and their contracts differ."""
    paths = [contract_path(tmp_path / f"sth_96_int8{suffix}") for suffix in (".tflite", ".pte", ".mlpackage")]
    assert len(set(paths)) == 3
    assert all(path.parent == tmp_path for path in paths)
    assert paths[0].name == "sth_96_int8.tflite.contract.json"


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "of version 99": lambda content: content.update(version=99),
    "no whole contract": lambda content: content.pop("labels"),
    "KeyError": lambda content: content["preprocess"].pop("size"),
    "multiple of 32": lambda content: content["preprocess"].update(size=100),
    "zero": lambda content: content["input"]["quantization"].update(zero=1),
    "TypeError": lambda content: content.update(input=None),
}


@pytest.mark.parametrize("reason", list(BROKEN))
def test_a_damaged_contract_is_one_line(tmp_path: Path, reason: str) -> None:
    content = contract().to_json()
    BROKEN[reason](content)
    contract_path(tmp_path / "model.tflite").write_text(json.dumps(content))
    with pytest.raises(UserError, match=reason) as caught:
        load_contract(tmp_path / "model.tflite")
    assert "model.tflite.contract.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '{"version": 1}'])
def test_a_file_that_is_no_contract_is_one_line(tmp_path: Path, text: str) -> None:
    contract_path(tmp_path / "model.tflite").write_text(text)
    with pytest.raises(UserError, match="contract"):
        load_contract(tmp_path / "model.tflite")


def test_an_artefact_without_a_contract(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"")
    with pytest.raises(UserError, match=r"has no contract model\.tflite\.contract\.json"):
        ArtefactRunner(tmp_path / "model.tflite")
    with pytest.raises(UserError, match="there is no artefact"):
        ArtefactRunner(tmp_path / "absent.tflite")
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(UserError, match=r"is no artefact: expected .*\.tflite, \.pte, \.mlpackage"):
        ArtefactRunner(tmp_path / "model.onnx")


def frames() -> np.ndarray:
    """Every value of a byte occurs."""
    return (np.arange(4 * 32 * 32 * 3) % 256).astype(np.uint8).reshape(4, 32, 32, 3)


def test_an_int8_input_is_u_minus_128() -> None:
    tensor = input_tensor(frames(), contract())
    assert tensor.dtype == np.int8
    np.testing.assert_array_equal(tensor, frames().astype(int) - 128)


def test_a_float_input_is_normalised_and_laid_out() -> None:
    tensor = input_tensor(frames(), contract(layout="TCHW", quantized=False))
    assert (tensor.dtype, tensor.shape) == (np.float32, (4, 3, 32, 32))
    assert tensor.flags.c_contiguous
    wanted = (frames().astype(np.float64) - 128) / 128
    np.testing.assert_allclose(tensor, wanted.transpose(0, 3, 1, 2), atol=1e-6)


def test_quantization_follows_the_contract() -> None:
    """Another mean, standard deviation, scale and zero point, by hand: u = 200, 100, 0."""
    spec = InputSpec(segments=1, size=32, mean=(0.5, 0.4, 0.3), std=(0.25, 0.2, 0.1))
    other = dataclasses.replace(
        contract(), frames=spec, input=TensorSpec("x", (1, 1, 1, 3), "THWC", "int8", Quantization("int8", 0.05, 10))
    )
    tensor = input_tensor(np.array([200, 100, 0], np.uint8).reshape(1, 1, 1, 3), other)
    # (200/255 - 0.5)/0.25 = 1.13725 -> 22.745 + 10; (100/255 - 0.4)/0.2 = -0.03922 -> -0.784 + 10; -3 -> -60 + 10
    assert tensor.flatten().tolist() == [33, 9, -50]


def test_the_centre_crop_by_hand() -> None:
    """100 x 132: side floor(0.875 * 100) = 87, corner ((100 - 87) // 2, (132 - 87) // 2) = (6, 22)."""
    picture = np.zeros((1, 100, 132, 3), np.uint8)
    picture[:, 6:93, 22:109] = 200
    spec = InputSpec(segments=1, size=32)
    assert set(np.unique(spec.centre_crop_resize(picture))) == {200}
    picture[:, 5:94, 21:110] = np.where(picture[:, 5:94, 21:110] == 200, 0, 255)  # a frame around the crop
    assert set(np.unique(spec.centre_crop_resize(picture))) == {0}


def test_resizing_by_hand() -> None:
    """Shrinking takes the mean of the area; enlarging interpolates between the centres of pixels."""
    shrunk = resize_frames(np.repeat(np.array([10, 20, 30, 50], np.uint8), 3).reshape(1, 2, 2, 3), 1)
    assert shrunk.flatten().tolist() in ([27] * 3, [28] * 3)  # 27.5
    row = np.array([[0, 100], [0, 100]], np.uint8)[None, :, :, None].repeat(3, axis=3)
    assert resize_frames(row, 4)[0, 0, :, 0].tolist() == [0, 25, 75, 100]
    same = np.zeros((1, 4, 4, 3), np.uint8)
    assert resize_frames(same, 4) is same


@pytest.mark.parametrize(("field", "value"), [("size", 0), ("size", -32), ("size", 100), ("segments", 0)])
def test_an_input_spec_refuses(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        InputSpec(**{field: value})
