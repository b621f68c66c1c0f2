"""A live session without a camera, a window, a clock or a network: all of them are invented here.

The network tells the colour of a picture; its one state counts the frames since the stream's beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clip_files import plain_frame
from fake_artefacts import write_artefact

from mobile import runtimes
from mobile.events.detector import EventDetector
from mobile.events.settings import Thresholds, thresholds_path
from mobile.interface.contract import Contract, StateSpec, TensorSpec
from mobile.live.camera import CameraSource
from mobile.live.pipeline import Pipeline
from mobile.live.source import Clock
from mobile.live.stats import StageTimes
from training.clips.input_spec import InputSpec

LABELS = ("Red", "Green", "Blue", "No gesture")
RED, GREEN, BLUE, BLACK = (250, 0, 0), (0, 250, 0), (0, 0, 250), (0, 0, 0)
THRESHOLDS = Thresholds(tau_ms=0, hold_ms=0, release_ms=0, refractory_ms=0, repeat_ms=0, background=("No gesture",))


class FakeClock(Clock):
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept += seconds


class ColourBackend:
    """Runtime whose logits are the mean colour; ``seen`` has the pictures, ``counts`` the state before each."""

    load_seconds = 0.0

    runtime = "Colours 1.0"

    def __init__(self, on_step: Callable[[], None] = lambda: None) -> None:
        self.seen: list[np.ndarray] = []
        self.counts: list[int] = []
        self._on_step = on_step

    def step(self, inputs: dict[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        self._on_step()
        frame_HWC = np.rint(inputs["frames"][0] * 128 + 128)
        self.seen.append(frame_HWC)
        self.counts.append(int(inputs["count"].item()))
        logits = np.append(frame_HWC.mean(axis=(0, 1)) / 25, 3.0)
        return {"logits": logits[None].astype(np.float32), "next_count": inputs["count"] + 1}

    @property
    def levels(self) -> list[int]:
        """Mean level of each picture."""
        return [round(float(frame.mean())) for frame in self.seen]


def write_stream(
    folder: Path, name: str = "net_stream_32_fp32.tflite", mode: str = "stream", fitted: bool = True
) -> Path:
    """An artefact of the network, with thresholds beside it if they are fitted."""
    contract = Contract(
        runtime="litert", precision="fp32", network="colours", options={}, mode=mode,
        frames=InputSpec(segments=1, size=32, crop_fraction=1.0),
        input=TensorSpec("frames", (1, 32, 32, 3), "THWC", "float32"),
        output=TensorSpec("logits", (1, len(LABELS)), "TK", "float32"), labels=LABELS,
        states=(StateSpec("count", "next_count", (1, 1), "NTPC", "float32", 0.0),) if mode == "stream" else (),
        frames_per_second=4.0 if mode == "stream" else 0.0,
    )  # fmt: skip
    artefact = write_artefact(folder / name, contract)
    if fitted:
        THRESHOLDS.save(thresholds_path(artefact))
    return artefact


def pipeline_of(artefact: Path, backend: ColourBackend, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Pipeline:
    """A pipeline over the artefact, that the backend computes."""
    monkeypatch.setattr(runtimes, "_open", lambda path, threads: backend)
    return Pipeline(runtimes.StreamRunner(artefact), EventDetector(THRESHOLDS, LABELS), StageTimes(clock))


class FakeCamera:
    """A device as OpenCV's: each grab takes ``interval`` seconds; None in its pictures is a failure."""

    def __init__(self, clock: FakeClock, pictures: Sequence[Any], interval: float) -> None:
        self._clock, self._pictures, self._interval = clock, list(pictures), interval
        self._image_HWC: Any = None
        self.released = False

    def get(self, prop: int) -> float:
        return 0.0

    def grab(self) -> bool:
        self._clock.sleep(self._interval)
        self._image_HWC = self._pictures.pop(0) if self._pictures else None
        return self._image_HWC is not None

    def retrieve(self) -> tuple[bool, Any]:
        return True, self._image_HWC

    def release(self) -> None:
        self.released = True


def bgr(colour: Sequence[int]) -> np.ndarray:
    """A picture of a colour given as RGB, as OpenCV's cameras give it."""
    return plain_frame(colour)[:, :, ::-1].copy()


class Shown:
    """A screen that keeps what it is shown."""

    def __init__(self, most: int = 10**6) -> None:
        self.pictures: list[np.ndarray] = []
        self.times: list[int] = []
        self._most = most

    def show(self, image_HWC: np.ndarray, time_ms: int) -> bool:
        self.pictures.append(image_HWC)
        self.times.append(time_ms)
        return self.alive()

    def alive(self) -> bool:
        return len(self.pictures) < self._most


class Pumped(CameraSource):
    """A camera without a thread: the loop's waiting is what drives it."""

    def next(self, wait: float) -> Any:
        self.pump()
        return super().next(0)


def lossy_camera(clock: FakeClock, openings: list[Any]) -> Pumped:
    """Each opening gives these pictures and fails then; None is an opening that fails. One second between attempts."""

    def opener() -> Any:
        pictures = openings.pop(0) if openings else None
        clock.sleep(1.0)
        return None if pictures is None else FakeCamera(clock, [bgr(colour) for colour in pictures], 0.125)

    return Pumped("camera 0", opener, clock, retry=0)
