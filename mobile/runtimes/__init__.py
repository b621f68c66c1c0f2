"""One way to run any artefact: uint8 frames in, float logits out, by its contract alone.

Axes: T frame, S height and width, C colour, H row, W column, K class, M clips.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np

from mobile.interface.contract import Contract, load_contract
from mobile.runtimes.backend import Backend, StatefulBackend
from mobile.runtimes.state_keeping import CopiedStream, Stream, reset_states
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.networks import title_of

SUFFIXES = {".tflite": "litert", ".pte": "executorch", ".mlpackage": "coreml"}


class ArtefactRunner:
    """A loaded artefact, of a clip or of a stream.

    Attributes:
        contract: its side file.
        runtime: name and version of what computes, or the interpreter that stands in for it.
        load_seconds: time to load and prepare the artefact; importing the runtime's package does not count.

    Raises:
        UserError: a missing or broken artefact, contract or runtime.
    """

    def __init__(self, artefact: Path | str, *, threads: int = 1) -> None:
        self.path = Path(artefact)
        if not self.path.exists():
            raise UserError(f"there is no artefact {self.path}; make one with converters/export_*.py")
        if self.path.suffix not in SUFFIXES:
            raise UserError(f"{self.path} is no artefact: expected a name ending in {', '.join(SUFFIXES)}")
        self.contract: Contract = load_contract(self.path)
        self._backend = _open(self.path, threads)
        self.load_seconds = self._backend.load_seconds
        self.runtime = self._backend.runtime
        if self.contract.mode == "stream":
            self._stream = _stream_of(self._backend, self.contract)
            self.reset()

    def input_tensor(self, frames_BSSC: np.ndarray) -> np.ndarray:
        """Preprocessed uint8 frames (B, S, S, 3) as the artefact's input tensor."""
        return input_tensor(frames_BSSC, self.contract)

    def reset(self) -> None:
        """Forget what a stream has seen, also where the artefact keeps the states."""
        if self.contract.stateful:
            cast(StatefulBackend, self._backend).reset()
        if self.contract.mode == "stream":
            self._stream.write(reset_states(self.contract))

    def run(self, tensor: np.ndarray) -> np.ndarray:
        """Input tensor -> logits float32 (K,); one step of a stream, whose states are kept."""
        rows = self._step(tensor) if self.contract.mode == "stream" else self._backend.run(tensor)
        return _consensus(rows)

    def rows(self, frames_TSSC: np.ndarray) -> np.ndarray:
        """Preprocessed uint8 frames (T, S, S, 3) of a clip -> logits float32 (1, K), or (T, K) of a causal network."""
        tensor = self.input_tensor(frames_TSSC)
        if self.contract.mode != "stream":
            return self._backend.run(tensor)
        self.reset()
        return np.concatenate([self._step(tensor[number : number + 1]) for number in range(len(tensor))])

    def logits(self, frames_TSSC: np.ndarray) -> np.ndarray:
        """Preprocessed uint8 frames (T, S, S, 3) of one clip -> logits float32 (K,), the consensus of its rows."""
        return _consensus(self.rows(frames_TSSC))

    def _step(self, tensor: np.ndarray) -> np.ndarray:
        logits, point = self._stream.step(tensor), self.contract.output.quantization
        return (logits.astype(np.float32) if point is None else point.to_real(logits)).reshape(1, -1)


def _consensus(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, rows.shape[-1]).mean(axis=0, dtype=np.float32)


class StreamRunner(ArtefactRunner):
    """An artefact that takes one frame at a time.

    Raises:
        UserError: as ``ArtefactRunner``, or the artefact is of a whole clip.
    """

    def __init__(self, artefact: Path | str, *, threads: int = 1) -> None:
        super().__init__(artefact, threads=threads)
        if self.contract.mode != "stream":
            raise UserError(f"{self.path} takes whole clips; export a stream with `--mode stream` of converters/")

    @property
    def states(self) -> dict[str, np.ndarray]:
        """The states as the artefact has them, by name; none where it keeps them.

        Raises:
            UserError: on setting: the artefact keeps its states, or these are of another network or size.
        """
        return self._stream.read()

    @states.setter
    def states(self, states: dict[str, np.ndarray]) -> None:
        if self.contract.stateful:
            raise UserError(f"{self.path.name} keeps its states, which cannot be set; export it without --stateful")
        wanted = {s.input: (tuple(s.shape), s.dtype) for s in self.contract.states}
        given = {name: (state.shape, str(state.dtype)) for name, state in states.items()}
        if given != wanted:
            fault = next((name for name in {**wanted, **given} if given.get(name) != wanted.get(name)), "")
            had, needed = (side.get(fault, "absent") for side in (given, wanted))
            raise UserError(
                f"the states are of another network or size than {self.path.name}: {fault} is {had}, not {needed}"
            )
        self._stream.write(states)

    def step(self, frame_SSC: np.ndarray) -> np.ndarray:
        """A preprocessed uint8 frame (S, S, 3) -> its logits, float32 (K,).

        Raises:
            UserError: a frame of another size or type.
        """
        size = self.contract.frames.size
        if frame_SSC.shape != (size, size, 3) or frame_SSC.dtype != np.uint8:
            raise UserError(
                f"{self.path.name} takes frames of uint8 ({size}, {size}, 3), not {frame_SSC.dtype} {frame_SSC.shape}; "
                "preprocess them with contract.frames.centre_crop_resize"
            )
        return self.run(self.input_tensor(frame_SSC[None]))


def input_tensor(frames_TSSC: np.ndarray, contract: Contract) -> np.ndarray:
    """Normalise (and quantize) uint8 frames into the layout and type that a contract asks for."""
    spec, tensor = contract.frames, contract.input
    mean, std = (np.asarray(v, dtype=np.float32) * np.float32(255) for v in (spec.mean, spec.std))
    x_TSSC = (frames_TSSC.astype(np.float32) - mean) / std
    if tensor.quantization is not None:
        real = x_TSSC / np.float32(tensor.quantization.scale) + tensor.quantization.zero_point
        x_TSSC = np.clip(np.rint(real), -128, 127).astype(np.int8)
    x = x_TSSC.transpose(0, 3, 1, 2) if tensor.layout == "TCHW" else x_TSSC
    return np.ascontiguousarray(x)


def _open(path: Path, threads: int) -> Backend:
    kind = SUFFIXES[path.suffix]
    if kind == "litert":
        contract = load_contract(path)
        if contract.mode == "stream":
            from mobile.runtimes.litert_stream import LiteRTStream

            return cast(Backend, LiteRTStream(path, contract, threads))
        from mobile.runtimes.litert_runner import LiteRTRunner

        return LiteRTRunner(path, threads)
    if kind == "executorch":
        from mobile.runtimes.executorch_runner import ExecuTorchRunner

        return ExecuTorchRunner(path, threads)
    from mobile.runtimes.coreml_runner import CoreMLRunner

    return CoreMLRunner(path)


def _stream_of(backend: Backend, contract: Contract) -> Stream:
    """The backend's own way to keep states, or copies."""
    opening = getattr(backend, "open_stream", None)
    return opening(contract) if opening else CopiedStream(backend, contract)


def open_predictor(
    path: str,
) -> tuple[InputSpec, list[str], Callable[[np.ndarray], np.ndarray], dict[str, Any]]:
    """For ``training.evaluate``: input spec, labels, frames -> logits, and a description of an artefact."""
    runner = ArtefactRunner(path)
    contract = runner.contract
    network = title_of(contract.network, contract.options)
    about = {"runtime": runner.runtime, "precision": contract.precision, "network": network}
    return contract.frames, list(contract.labels), runner.logits, about
