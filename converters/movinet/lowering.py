"""MoViNet-A0 with random weights as a .tflite, to be timed beside this project's networks.

Float artefacts compute what the PyTorch network computes, which is checked before one is written. int8 is TensorFlow's
own post-training quantization (what its authors publish): for the time only, its running means change their scale from
one step to the next.

Axes: B frames, T frame, S height and width, K class.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from converters.movinet.graph import COUNT, states_of
from converters.tflite.graph import Graph
from converters.tflite.inspect_tflite import delegation, operators
from converters.tflite.lowering import tools
from converters.tflite.tensorflow_process import run_tensorflow
from mobile.deploy.exported import next_name
from mobile.interface.contract import Contract, Quantization, StateSpec, TensorSpec, contract_path, report_path
from mobile.runtimes import ArtefactRunner
from mobile.studies.movinet import folded, random_movinet
from training.clips import ClipDataset
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.common.files import atomic_path, sha256_of, write_json
from training.engine.provenance import code_version
from training.formats import open_data

_RELATIVE = 1e-4
_CALIBRATION = "rendered:4:0"


def export_movinet(
    *, precision: str, size: int, segments: int, classes: int, options: dict[str, Any], folder: Path, mode: str,
    stem: str,
) -> Path:  # fmt: skip
    """Write artefact, contract and report of MoViNet-A0 with random weights into ``folder``; returns its path.

    Args:
        options: ``composed``, hard swish of additions and products (see ``converters.movinet.graph``).

    Raises:
        UserError: a precision other than fp32 and int8, a failed conversion, or one that computes something else.
    """
    if precision not in ("fp32", "int8"):
        raise UserError(f"precision is {precision!r}; MoViNet-A0 is built in fp32 and int8")
    network, spec = random_movinet(segments=segments, num_classes=classes), InputSpec(segments=segments, size=size)
    weights, target = folded(network), folder / f"{stem}.tflite"
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(target) as temporary:
        temporary.write_bytes(_convert(weights, spec, precision=precision, mode=mode, **options))
        contract = _contract(temporary, weights, spec, precision, mode, classes, options)
        if precision == "fp32":
            _check(network, temporary, contract)
        taken = delegation(temporary)
        report = {
            "kind": "artefact", "artefact": target.name, "checkpoint": "movinet_a0 with random weights",
            "code_version": code_version(), "runtime": "litert", "precision": precision, "mode": mode,
            "tools": tools(), "sha256": sha256_of(temporary), "bytes": temporary.stat().st_size,
            "operators": operators(Graph(temporary.read_bytes())), "delegate": taken.delegate,
            "delegate_pieces": taken.pieces, "operators_outside": taken.outside,
            "state_bytes": sum(state.bytes for state in contract.states),
        }  # fmt: skip
        contract.save(contract_path(target))
        write_json(report_path(target), report)
    return target


def _convert(
    weights: dict[str, np.ndarray], spec: InputSpec, *, precision: str, mode: str, composed: bool = False
) -> bytes:
    with tempfile.TemporaryDirectory(prefix="movinet-") as name:
        source, made = Path(name, "weights.npz"), Path(name, "network.tflite")
        clips = {"clips": _clips(spec).permute(0, 1, 3, 4, 2).numpy()} if precision == "int8" else {}
        np.savez(source, **weights, **clips)  # type: ignore[arg-type]
        words = ["--mode", mode, "--size", str(spec.size), "--frames", str(spec.segments), *["--composed"] * composed]
        run_tensorflow("converters.movinet.graph", [str(source), str(made), *words], made)
        return made.read_bytes()


def _clips(spec: InputSpec) -> torch.Tensor:
    """Rendered clips as the network takes them, (N, T, 3, S, S)."""
    dataset = ClipDataset(open_data(_CALIBRATION, "train"), spec, training=False)
    frames_NTHWC = torch.cat([dataset[index].frames_CTHWC for index in range(len(dataset))])  # type: ignore[union-attr]
    return spec.to_network(frames_NTHWC)


def _contract(
    artefact: Path, weights: dict[str, np.ndarray], spec: InputSpec, precision: str, mode: str, classes: int,
    options: dict[str, Any],
) -> Contract:  # fmt: skip
    """The interface, with the quantization that the file says."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(artefact)).get_signature_runner("serving_default")
    inputs, outputs = runner.get_input_details(), runner.get_output_details()

    def border(name: str, detail: dict[str, Any], layout: str) -> TensorSpec:
        dtype, (scale, zero_point) = np.dtype(detail["dtype"]).name, detail["quantization"]
        point = Quantization(dtype, float(scale), int(zero_point)) if scale else None
        return TensorSpec(name, tuple(int(side) for side in detail["shape"]), layout, dtype, point)

    states = []
    for name in states_of(weights, spec.size) if mode == "stream" else ():
        seen = border(name, inputs[name], "N" if name == COUNT else "NTPC")
        reset = float(seen.quantization.zero_point) if seen.quantization else 0.0
        states.append(
            StateSpec(name, next_name(name), seen.shape, seen.layout, seen.dtype, reset, seen.quantization)
        )  # fmt: skip
    return Contract(
        runtime="litert", precision=precision, network="movinet_a0", options=dict(options), mode=mode, frames=spec,
        input=border("frames", inputs["frames"], "THWC"), output=border("logits", outputs["logits"], "NK"),
        labels=tuple(f"class {number}" for number in range(classes)), states=tuple(states),
        frames_per_second=4.0 if mode == "stream" else 0.0,
    )  # fmt: skip


@torch.no_grad()
def _check(network: torch.nn.Module, artefact: Path, contract: Contract) -> None:
    """A stream's rows are the clip's frame logits in PyTorch, a clip's row is the last of them."""
    contract.save(contract_path(artefact))
    try:
        runner, spec = ArtefactRunner(artefact), contract.frames
        frames_NTSSC = np.random.default_rng(0).integers(0, 256, (1, spec.segments, spec.size, spec.size, 3), np.uint8)
        wanted_TK = network.frame_logits(spec.to_network(torch.from_numpy(frames_NTSSC)))[0].numpy()  # type: ignore[operator]
        found_TK = runner.rows(frames_NTSSC[0])
    finally:
        contract_path(artefact).unlink()
    difference = float(np.abs(found_TK - wanted_TK[-len(found_TK) :]).max() / np.abs(wanted_TK).max())
    if not difference <= _RELATIVE:
        raise UserError(f"MoViNet's TFLite graph differs from PyTorch by {difference:.2g} of the largest logit")
