"""A golden stream: the input tensors of successive frames, and an artefact's logits and states after each.

Axes: F frame; the rest is the contract's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mobile.apps.golden.files import GoldenFolder, GoldenWriter
from mobile.interface.resize_rule import centre_crop_resize
from mobile.runtimes import StreamRunner
from training.rendered import RenderedStream

FRAMES, EVERY = 12, 3
_STATE_BYTES = 1_200_000  # more than this, and only the states of these frames are kept, counted from 1:
_KEPT = (1, 2, FRAMES)


def add_stream(writer: GoldenWriter, runner: StreamRunner, seed: int) -> dict[str, Any]:
    """Run an artefact over a rendered stream, from its reset states; the manifest's part about it."""
    contract, inputs = runner.contract, _inputs(runner, seed)
    logits_FK, states = run_stream(runner, inputs)
    large = FRAMES * sum(state.bytes for state in contract.states) > _STATE_BYTES
    kept = list(_KEPT if large else range(1, FRAMES + 1))
    rows = [number - 1 for number in kept]
    layouts = {state.input: state.layout for state in contract.states}
    return {
        "frames": FRAMES,
        "inputs": writer.add("stream/inputs.bin", inputs, f"F{contract.input.layout}"),
        "logits": writer.add("stream/logits.bin", logits_FK, "FK"),
        "state_frames": kept,
        "states": {
            name: writer.add(f"stream/{name}.bin", values[rows], f"F{layouts[name]}") for name, values in states.items()
        },
    }


def check_stream(folder: GoldenFolder, runner: StreamRunner) -> int:
    """Render the frames and run the artefact again; how many frames.

    Raises:
        UserError: other inputs, logits or states than the files hold.
    """
    about, inputs = folder.manifest["stream"], _inputs(runner, folder.manifest["made_of"]["seed"])
    folder.require(about["inputs"], inputs)
    logits_FK, states = run_stream(runner, inputs)
    rows = [number - 1 for number in about["state_frames"]]
    for name, values in states.items():
        folder.require(about["states"][name], values[rows])
    folder.require(about["logits"], logits_FK)
    return len(logits_FK)


def run_stream(runner: StreamRunner, inputs: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Input tensors of successive frames -> logits float32 (F, K), and each state after each frame, in raw types."""
    runner.reset()
    logits, states = [], []
    for tensor in inputs:
        logits.append(runner.run(tensor))
        states.append({name: state.copy() for name, state in runner.states.items()})
    return np.stack(logits), {name: np.stack([each[name] for each in states]) for name in states[0]}


def _inputs(runner: StreamRunner, seed: int) -> np.ndarray:
    """Every third frame of a rendered stream as the artefact's input tensor."""
    stream, spec = RenderedStream(8, seed), runner.contract.frames
    first = _lively(stream)
    pictures_FHWC = stream.frames(range(first, first + FRAMES * EVERY, EVERY))
    return np.stack([runner.input_tensor(centre_crop_resize(each, spec)[None]) for each in pictures_FHWC])


def _lively(stream: RenderedStream) -> int:
    """The first frame from which on a hand is in view: shortly before the first gesture, if there is one."""
    begin = round(stream.events[0].begin * stream.frames_per_second) if stream.events else 0
    return max(0, min(begin - 2 * EVERY, stream.frame_count - FRAMES * EVERY))
