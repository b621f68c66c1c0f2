"""Everything that a converter starts from, made from one checkpoint: the two networks, their programs, the contract.

Axes: T frame, H row, W column, C colour, K class.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import torch

from mobile.deploy.exported import Form, form_of, next_name
from mobile.deploy.network import INPUT_SCALE, INPUT_ZERO_POINT, DeployNetwork, deploy_form
from mobile.deploy.number_systems import System
from mobile.deploy.stream import State
from mobile.interface.contract import Contract, Quantization, StateSpec, TensorSpec
from mobile.quantization.quantized_program import calibrate, convert_to_int8, load_quantized_state
from training.clips import ClipDataset
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.engine.checkpoint import input_spec_of, load_checkpoint, network_of
from training.formats import open_data
from training.networks import FrameNetwork, build_network, option_text

SHIPPED = Path(__file__).parent / "checkpoints" / "sth_mobilenet_v2_rendered.pt"
SHIPPED_CAUSAL = Path(__file__).parent / "checkpoints" / "sth_mobilenet_v2_causal_rendered.pt"
PRECISIONS = ("int8", "fp16", "fp32")
LAYOUTS = {"TCHW": (0, 3, 1, 2), "THWC": (0, 1, 2, 3)}


@dataclasses.dataclass(eq=False)  # compared and hashed by identity: `program` is cached
class Bundle:
    """One trained network in the forms that converters and the parity ladder need.

    Attributes:
        training: the training form, in evaluation.
        floating: its deploy form in float.
        int8: the deploy form in int8; None for a checkpoint without QAT.
        spec: of the input; ``size`` may differ from the checkpoint's.
    """

    name: str
    options: dict[str, Any]
    training: FrameNetwork
    floating: DeployNetwork
    int8: DeployNetwork | None
    spec: InputSpec
    labels: tuple[str, ...]
    source: str
    checkpoint: dict[str, Any]

    def network(self, precision: str) -> DeployNetwork:
        """The deploy form behind an artefact of this precision.

        Raises:
            UserError: an unknown precision, or int8 of a checkpoint that was never QAT-trained.
        """
        if precision not in PRECISIONS:
            raise UserError(f"precision is {precision!r}; expected one of {', '.join(PRECISIONS)}")
        if precision != "int8":
            return self.floating
        if self.int8 is None:
            raise UserError(f"{self.source} holds no int8 network; run `sth qat {self.source}` first")
        return self.int8

    def artefact_name(self, precision: str, mode: str = "clip", *, stateful: bool = False) -> str:
        """Name of an artefact without its ending: ``sth_mobilenet_v2_96_int8``, ``..._causal_stream_96_int8``,
        ``..._causal_stream_96_int8_stateful``."""
        words = [self.name, *(["causal"] if self.floating.per_frame else []), *(["stream"] if mode == "stream" else [])]
        return "_".join([*words, str(self.spec.size), precision, *(["stateful"] if stateful else [])])

    def form(self, precision: str, mode: str = "clip", *, stateful: bool = False) -> Form:
        """What a converter exports.

        Raises:
            UserError: an unknown precision or mode, no int8 network, states in a clip, or a network that cannot run
                as a stream.
        """
        try:
            return form_of(self.network(precision), self.spec.size, mode, stateful=stateful)
        except ValueError as error:
            raise UserError(f"{self.source}: {error}") from error

    @functools.cache  # noqa: B019 (a bundle lives as long as the process)
    def program(self, system: System, mode: str = "clip", *, stateful: bool = False) -> torch.export.ExportedProgram:
        """The exported program: "int8" (the one quantized program) or "float"."""
        return self.form("int8" if system == "int8" else "fp32", mode, stateful=stateful).export()

    @property
    def frames_per_second(self) -> float:
        """How fast frames should come to the network's stream."""
        return float(self.checkpoint.get("recipe", {}).get("frames_per_second", 4.0))

    def contract(
        self,
        runtime: str,
        precision: str,
        *,
        layout: str,
        quantized_input: bool,
        quantized_output: bool,
        mode: str = "clip",
        state_layout: str = "NTPC",
        stateful: bool = False,
    ) -> Contract:
        """The contract of an artefact.

        Args:
            layout: "TCHW" or "THWC" of the input.
            quantized_input, quantized_output: the artefact takes, or gives, int8 (else float32); states are int8
                where the input is.
            state_layout: "NTPC" or "NCTP".
            stateful: the artefact keeps its states.
        """
        form = self.form(precision, mode, stateful=stateful)
        shape = (form.frames, self.spec.size, self.spec.size, 3)
        if layout == "TCHW":
            shape = (shape[0], 3, shape[1], shape[2])
        into = out = None
        if quantized_input:
            into = Quantization("int8", INPUT_SCALE, INPUT_ZERO_POINT)
        if quantized_output:
            point = self.network("int8").classifier.out
            out = Quantization("int8", point.scale, point.zero_point)
        return Contract(
            runtime=runtime,
            precision=precision,
            network=self.name,
            options=self.options,
            mode=mode,
            frames=self.spec,
            input=TensorSpec("frames", shape, layout, into.dtype if into else "float32", into),
            output=TensorSpec(
                "logits", (form.rows, len(self.labels)), "TK" if self.floating.per_frame else "NK",
                out.dtype if out else "float32", out,
            ),
            labels=self.labels,
            states=tuple(_state_spec(state, state_layout, quantized_input) for state in form.states),
            frames_per_second=self.frames_per_second if mode == "stream" else 0.0,
            stateful=stateful,
        )  # fmt: skip


def _state_spec(state: State, layout: str, quantized: bool) -> StateSpec:
    _, channels, rows, pixels = state.shape
    shapes = {
        "NTPC": (1, rows, pixels, channels),
        "NCTP": (1, channels, rows, pixels),
    }
    return StateSpec(
        input=state.name,
        output=next_name(state.name),
        shape=shapes[layout],
        layout=layout,
        dtype="int8" if quantized else "float32",
        reset=float(state.zero_point) if quantized else 0.0,
        quantization=Quantization("int8", state.scale, state.zero_point) if quantized else None,
    )


def open_bundle(path: Path | str = SHIPPED, *, size: int | None = None) -> Bundle:
    """Open a checkpoint as a bundle.

    Args:
        size: another input size, divisible by 32, than the checkpoint was trained at.

    Raises:
        UserError: no checkpoint, another network's, or a size that does not fit.
    """
    path = Path(path)
    checkpoint = load_checkpoint(path)
    training = network_of(checkpoint, path)
    spec = input_spec_of(checkpoint, path)
    if size is not None:
        try:
            spec = dataclasses.replace(spec, size=size)
        except ValueError as error:
            raise UserError(str(error)) from error
    try:
        floating = deploy_form(training)
        int8 = None
        if "quantized" in checkpoint:
            int8 = deploy_form(training)
            load_quantized_state(int8, checkpoint["quantized"])
    except (ValueError, KeyError) as error:
        raise UserError(f"{path}: {error}") from error
    return Bundle(
        checkpoint["network"],
        dict(checkpoint["options"]),
        training,
        floating,
        int8,
        spec,
        tuple(checkpoint["labels"]),
        str(path),
        checkpoint,
    )


def random_bundle(
    name: str, *, size: int, segments: int = 8, num_classes: int = 27, seed: int = 0, **options: Any
) -> Bundle:
    """A network with random weights and batch-norm statistics, calibrated on rendered clips: for latency and tests.

    Time does not depend on the weights, so a network that was never trained can be timed.
    """
    torch.manual_seed(seed)
    training = build_network(name, num_classes=num_classes, segments=segments, **options)
    randomize(training)
    awaken(training)
    spec = InputSpec(segments=segments, size=size)
    dataset = ClipDataset(open_data(f"rendered:4:{seed}", "train"), spec, training=False)
    frames_NTHWC = torch.cat([dataset[index].frames_CTHWC for index in range(len(dataset))])  # type: ignore[union-attr]
    floating, int8 = deploy_form(training), deploy_form(training)
    calibrate(int8, [spec.to_network(frames_NTHWC).flatten(0, 1)])
    convert_to_int8(int8)
    labels = tuple(f"class {number}" for number in range(num_classes))
    source = f"{name} with random weights"
    return Bundle(name, options, training.eval(), floating, int8, spec, labels, source, {})


def randomize(network: FrameNetwork) -> None:
    """Random batch-norm statistics and a classifier whose logits differ: an identity batch norm hides errors."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    torch.nn.init.normal_(network.classifier.weight, 0, 0.2)
    network.eval()


def awaken(network: FrameNetwork) -> None:
    """Batch norms that know their inputs, so that logits differ between clips and with the order of their frames.

    With other statistics the biases drown the input: every clip has the same logits, and no comparison of two
    runtimes can fail. Biases around 1 keep most channels above zero, or else one step grows to many on the way.
    """
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.bias, 1, 0.3)
            module.reset_running_stats()
            module.momentum = None  # the plain mean over the batches
    coarse_BCHW = torch.rand(4 * network.segments, 3, 6, 6) * 2 - 1
    smooth_BCHW = torch.nn.functional.interpolate(coarse_BCHW, size=(64, 64), mode="bilinear")
    network.train()
    with torch.no_grad():
        network(smooth_BCHW.unflatten(0, (4, network.segments)))
    network.eval()


def random_stem(
    name: str, *, precision: str, size: int, segments: int, options: dict[str, Any], mode: str = "clip"
) -> str:
    """Name, without its ending, of an artefact of a network with random weights."""
    words = [
        name,
        *(f"{key}{option_text(value)}" for key, value in sorted(options.items())),
        f"{'stream' if mode == 'stream' else segments}x{size}",
        precision,
    ]
    return "_".join(words)
