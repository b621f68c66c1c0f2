"""What a streaming artefact says of a rendered video, for the app's tests on the JVM, which cannot run it themselves.

A folder is of the form of ``mobile.apps.golden``'s: contract, thresholds, the frames as I420 in full range (what
cameras give) and their logits.

Axes: F frame, H row, W column, C colour, K class.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mobile.apps.golden.files import GoldenWriter
from mobile.events.detector import BEGIN, EventDetector
from mobile.events.recordings import milliseconds
from mobile.events.score import read_thresholds
from mobile.interface.contract import contract_path
from mobile.runtimes import StreamRunner
from training.common.errors import UserError
from training.common.files import atomic_path
from training.rendered import RenderedStream

HEIGHT, WIDTH = 640, 480
_SECONDS = 60


def record(model: Path, out: Path, *, seed: int = 0, gestures: int = 4) -> dict[str, Any]:
    """Show a rendered person to an artefact until it sees the last of so many gestures; the folder's manifest.

    Raises:
        UserError: no streaming artefact, or one that does not see so many in a minute.
    """
    runner = StreamRunner(model)
    contract, thresholds = runner.contract, read_thresholds(None, model)
    detector = EventDetector(thresholds, contract.labels)
    stream = RenderedStream(_SECONDS, seed, height=HEIGHT, width=WIDTH)
    frames: list[np.ndarray] = []
    logits: list[np.ndarray] = []
    steps: list[dict[str, float]] = []
    begun: list[str] = []
    for number in itertools.count():
        time_ms = milliseconds(number / contract.frames_per_second)
        index = round(time_ms / 1000 * stream.frames_per_second)
        if index >= stream.frame_count:
            raise UserError(f"{model} sees {len(begun)} gestures in {_SECONDS} s, not {gestures}; take another seed")
        picture_HWC = stream.frames([index])[0]
        tensor = runner.input_tensor(contract.frames.centre_crop_resize(picture_HWC[None]))
        started = time.perf_counter_ns()
        logits.append(runner.run(tensor))
        steps.append({"time_ms": time_ms, "milliseconds": (time.perf_counter_ns() - started) / 1e6})
        frames.append(i420(picture_HWC))
        events = detector.step(logits[-1].astype(np.float64).tolist(), time_ms)
        begun += [contract.labels[event.label] for event in events if event.kind == BEGIN]
        if len(begun) == gestures:
            break
    content: dict[str, Any] = {
        "kind": "recording",
        "runtime": runner.runtime,
        "width": WIDTH,
        "height": HEIGHT,
        "steps": steps,
        "gestures": begun,
    }
    with atomic_path(out) as temporary:
        writer = GoldenWriter(temporary)
        content["contract"] = writer.add_json(contract_path(model).name, contract.to_json())
        content["thresholds"] = writer.add_json("thresholds.json", thresholds.to_json())
        content["frames"] = writer.add("frames.bin", np.stack(frames), "FB")
        content["logits"] = writer.add("logits.bin", np.stack(logits), "FK")
        writer.finish(content)
    return content


def i420(picture_HWC: np.ndarray) -> np.ndarray:
    """RGB -> the planes Y, U, V of BT.601 in full range, one after the other, uint8 (H * W * 3 / 2,); even sides."""
    y, v, u = cv2.split(cv2.cvtColor(picture_HWC, cv2.COLOR_RGB2YCrCb))
    half = (picture_HWC.shape[1] // 2, picture_HWC.shape[0] // 2)
    small = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (u, v)]
    return np.concatenate([plane.ravel() for plane in (y, *small)])
