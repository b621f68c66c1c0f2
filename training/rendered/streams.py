"""Long rendered videos: one person makes gestures now and then, with the times at which he made them.

A stream is what the phone's camera sees. It serves to measure gesture events, and, cut into windows
(`training.rendered.windows`), to train a network that answers frame by frame.

Legend of axes: F frames of the stream, n wanted frames.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.clips.source import UNLABELLED
from training.common.errors import UserError
from training.rendered.clips import jester_labels
from training.rendered.draw import draw_frames
from training.rendered.gestures import Motion
from training.rendered.performance import RATE, Performance, idle, perform
from training.rendered.scene import Scene, make_scene

FRAMES_PER_SECOND = RATE
NO_GESTURE, OTHER = "No gesture", "Doing other things"

# The labels of frames. A frame that none of the rules speaks of is "No gesture".
UNKNOWN_SHARE = 0.4  # of the nucleus, from its begin, unlabelled: nobody can know yet what it becomes
STAYS = 0.25  # seconds that the label outlasts the nucleus: one more frame of a stream of four a second
FADES = 0.3  # seconds without a label after that: when exactly to let go is not worth a lesson
OTHER_UNKNOWN = 0.5  # seconds of other things without a label: they begin as a gesture may
HELD = frozenset({"Thumb Up", "Thumb Down", "Stop Sign"})  # still shown, hence unlabelled, till the hand withdraws

# What comes next, and how long the picture is empty before it.
_KINDS = {"gesture": 0.72, "rest": 0.07, "idle": 0.09, "other": 0.12}
_REPEATED = 0.2  # how often a gesture is the one before once more
_SHORT_PAUSE, _LONG_PAUSE = (0.3, 1.0), (1.0, 4.0)  # seconds
_SHORT = 0.6  # how often the pause is a short one: gestures in succession
_IDLE = (1.0, 4.0)  # seconds

_STREAMS = 1912  # keeps the streams' random numbers apart from those of the clips of the same seed


@dataclass(frozen=True)
class StreamEvent:
    """One performance of a gesture.

    Attributes:
        label: class id in Jester's list.
        begin, end: of the nucleus (the stroke), seconds from the stream's first frame.
    """

    label: int
    begin: float
    end: float


@dataclass(frozen=True)
class _Segment:
    """A performance and where it stands in the stream."""

    first: int
    label: int
    performance: Performance


class RenderedStream:
    """A long video of one person in one place, who performs gestures, does other things or nothing.

    It is a function of seconds, seed, index and picture size only. Between two segments nobody is in view.

    Args:
        seconds: length; at least 2.
        seed: any integer >= 0.
        index: number of the stream: each has another person, place and sequence.
        height, width: size of the pictures in pixels.

    Attributes:
        frame_count, frames_per_second: frame i shows the time i / frames_per_second.
        labels: Jester's; the position is the class id.
        events: the gestures, by time; no two overlap. None is "No gesture" or "Doing other things".

    Raises:
        UserError: a number is out of range.
    """

    def __init__(self, seconds: float, seed: int, *, index: int = 0, height: int = 100, width: int = 132) -> None:
        for name, value, least in (
            ("seconds", seconds, 2),
            ("seed", seed, 0),
            ("index", index, 0),
            ("height", height, 32),
            ("width", width, 32),
        ):
            if not value >= least:
                raise UserError(f"{name} is {value}; a rendered stream needs {name} >= {least}")
        self.seed, self.index, self.height, self.width = seed, index, height, width
        self.labels = list(jester_labels())
        self.frames_per_second = FRAMES_PER_SECOND
        self.frame_count = round(seconds * FRAMES_PER_SECOND)
        self._segments = self._act(np.random.default_rng([_STREAMS, seed, index, 1]))
        self._scene = make_scene(np.random.default_rng([_STREAMS, seed, index, 2]), self.frame_count, height, width)
        self.events = tuple(self._event(segment) for segment in self._segments if self._is_gesture(segment.label))
        self._labels_F = self._label_frames()

    def frames(self, frame_indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The wanted frames in the wanted order, uint8 (n, H, W, 3) RGB. Raises IndexError past the end."""
        wanted = self._checked(frame_indices)
        size = (self.height, self.width)
        pictures = np.empty((len(wanted), *size, 3), np.uint8)
        empty = np.ones(len(wanted), bool)
        for segment in self._segments:
            local = wanted - segment.first
            inside = (local >= 0) & (local < len(segment.performance))
            if inside.any():
                scene = _scene_from(self._scene, segment.first, len(segment.performance))
                pictures[inside] = draw_frames(segment.performance.motion, scene, size, local[inside])
                empty &= ~inside
        if empty.any():
            pictures[empty] = draw_frames(_nobody(self.frame_count), self._scene, size, wanted[empty])
        return pictures

    def frame_labels(self, frame_indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """What a recogniser that has seen the stream up to a frame should say there: class ids, int64 (n,).

        -1 where no answer is right or wrong. Raises IndexError past the end.
        """
        return self._labels_F[self._checked(frame_indices)]

    def gesture_frames(self, frame_indices: Sequence[int] | np.ndarray) -> int:
        """How many of the given frames have a gesture's label. Raises IndexError past the end."""
        return sum(label >= 0 and self._is_gesture(label) for label in self.frame_labels(frame_indices))

    def _checked(self, frame_indices: Sequence[int] | np.ndarray) -> np.ndarray:
        wanted = np.asarray(frame_indices, dtype=int)
        if wanted.size and not (0 <= wanted.min() and wanted.max() < self.frame_count):
            raise IndexError(f"the stream has frames 0 to {self.frame_count - 1}; asked for {wanted.tolist()}")
        return wanted

    def _is_gesture(self, label: int) -> bool:
        return self.labels[label] not in (NO_GESTURE, OTHER)

    def _act(self, rng: np.random.Generator) -> list[_Segment]:
        """What happens, in order; whatever does not fit before the end is left out."""
        gestures = [label for label in range(len(self.labels)) if self._is_gesture(label)]
        segments: list[_Segment] = []
        first, repeated = round(rng.uniform(0, 1) * RATE), -1
        while True:
            kind = rng.choice(list(_KINDS), p=list(_KINDS.values()))
            label = self.labels.index(OTHER if kind == "other" else NO_GESTURE)
            if kind == "gesture":
                again = rng.random() < _REPEATED and repeated >= 0
                label = repeated = repeated if again else int(rng.choice(gestures))
            performance = idle(rng, rng.uniform(*_IDLE)) if kind == "idle" else perform(self.labels[label], rng)
            if first + len(performance) > self.frame_count:
                return segments
            segments.append(_Segment(first, label, performance))
            pause = rng.uniform(*(_SHORT_PAUSE if rng.random() < _SHORT else _LONG_PAUSE))
            first += len(performance) + int(np.ceil(pause * RATE))

    def _event(self, segment: _Segment) -> StreamEvent:
        begin, end = ((segment.first + frame) / RATE for frame in segment.performance.nucleus)
        return StreamEvent(segment.label, begin, end)

    def _label_frames(self) -> np.ndarray:
        labels_F = np.full(self.frame_count, self.labels.index(NO_GESTURE), np.int64)
        for segment in self._segments:
            name, performance = self.labels[segment.label], segment.performance
            begin, end = performance.nucleus
            if name == NO_GESTURE:
                continue
            if name == OTHER:
                known, end = begin + OTHER_UNKNOWN * RATE, float(performance.leaves)
                gone = end
            else:
                known, gone = begin + UNKNOWN_SHARE * (end - begin), end + STAYS * RATE
            faded = gone + FADES * RATE
            if name in HELD:
                faded = max(faded, float(performance.leaves))
            frame_F = np.arange(self.frame_count) - segment.first
            labels_F[(frame_F >= begin) & (frame_F <= faded)] = UNLABELLED
            labels_F[(frame_F >= known) & (frame_F <= gone)] = segment.label
        return labels_F


def rendered_streams(
    minutes: float, seed: int, *, seconds: float = 90.0, height: int = 100, width: int = 132
) -> list[RenderedStream]:
    """Streams of `seconds` each, `minutes` in all (rounded up to whole streams), each another person and place.

    Raises:
        UserError: a number is out of range.
    """
    if not minutes > 0:
        raise UserError(f"minutes is {minutes}; rendered streams need minutes > 0")
    count = int(np.ceil(minutes * 60 / seconds)) if seconds > 0 else 1
    return [RenderedStream(seconds, seed, index=index, height=height, width=width) for index in range(count)]


def _scene_from(scene: Scene, first: int, count: int) -> Scene:
    """The scene of `count` frames from `first` on."""
    part = slice(first, first + count)
    return dataclasses.replace(
        scene,
        camera_F23=scene.camera_F23[part],
        exposure_F=scene.exposure_F[part],
        noise_offset_F2=scene.noise_offset_F2[part],
    )


def _nobody(frames: int) -> Motion:
    still_F = np.zeros(frames)
    return Motion(np.zeros((frames, 25)), np.zeros((frames, 2)), still_F, still_F, still_F, still_F, visible=False)
