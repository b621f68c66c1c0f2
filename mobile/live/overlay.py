"""What is drawn over the live picture: the gesture with its bar, the best three, a history and the times.

Axes: H row, W column, 3 colours in the order RGB, K class.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from mobile.live.pipeline import Gesture

HEIGHT, WIDTH = 480, 560
"""Smaller pictures are enlarged to this height; all sizes below are pixels of a page of at least this size."""
_TALLEST, _UPRIGHT = 720, 960  # pixels of what is shown; the second of pictures that are higher than wide
_HISTORY, _BEST = 5, 3
_VISIBLE = 0.005  # a smaller share has no bar
_HOLD_MS = 600  # a gesture stays on show for so long after its end

Colour = tuple[int, int, int]
_PANEL: Colour = (14, 18, 26)
_TEXT: Colour = (240, 243, 247)
_DIM: Colour = (158, 168, 182)
_TRACK: Colour = (62, 70, 84)
_ACCENT: Colour = (64, 214, 160)
_OTHER: Colour = (104, 150, 214)
_WARNING: Colour = (255, 190, 84)
COLOURS = (_PANEL, _TEXT, _DIM, _TRACK, _ACCENT, _OTHER, _WARNING)
"""What a recording of few colours should not lose."""
_OPACITY = 0.72
_REGULAR, _BOLD = 400, 650


@dataclass(frozen=True)
class View:
    """What the overlay shows.

    Attributes:
        time_ms: of the picture.
        scores: (K,), None before the network's first frame.
        gestures: so far, of which the last may still last.
        background: class ids that are no gestures.
        shown_rate, network_rate: frames a second.
        stages: p50 and p90 in milliseconds.
        notice: one line that matters more than the gesture.
    """

    labels: Sequence[str]
    time_ms: int
    scores: Sequence[float] | None = None
    gestures: Sequence[Gesture] = ()
    background: frozenset[int] = frozenset()
    shown_rate: float = 0.0
    network_rate: float = 0.0
    dropped: int = 0
    stages: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    notice: str | None = None


def draw(image_HWC: np.ndarray, view: View) -> np.ndarray:
    """A copy of the picture, uint8 (H, W, 3), of a comfortable and even size, with the overlay."""
    page = _Page(_resize(image_HWC))
    _draw_gesture(page, view)
    _draw_history(page, view)
    _draw_times(page, view)
    if view.notice:
        _draw_notice(page, view.notice)
    return page.image_HWC


def _resize(image_HWC: np.ndarray) -> np.ndarray:
    height, width = image_HWC.shape[:2]
    target = _UPRIGHT if height > width else min(max(height, HEIGHT), _TALLEST) // 2 * 2
    rule = cv2.INTER_CUBIC if target > height else cv2.INTER_AREA
    size = (max(2, round(width * target / height) // 2 * 2), target)  # video codecs want even sides
    return cv2.resize(image_HWC, size, interpolation=rule) if size != (width, height) else image_HWC.copy()


class _Page:
    """A picture to draw on, in units that make it at least ``HEIGHT`` by ``WIDTH``."""

    def __init__(self, image_HWC: np.ndarray) -> None:
        self.image_HWC = np.ascontiguousarray(image_HWC)
        self.scale = min(image_HWC.shape[0] / HEIGHT, image_HWC.shape[1] / WIDTH)
        self.height, self.width = (side / self.scale for side in image_HWC.shape[:2])

    def panel(self, left: float, top: float, right: float, bottom: float) -> None:
        """Darken a rectangle with round corners."""
        x0, y0, x1, y1 = self._pixels(left, top, right, bottom)
        part_HWC = self.image_HWC[y0:y1, x0:x1]
        if not part_HWC.size:
            return
        mask_HW = np.zeros(part_HWC.shape[:2], np.uint8)
        _rounded(mask_HW, (0, 0, x1 - x0, y1 - y0), round(8 * self.scale), 255)
        alpha_HW1 = (mask_HW.astype(np.float32) * (_OPACITY / 255))[..., None]
        mixed_HWC = part_HWC * (1 - alpha_HW1) + np.asarray(_PANEL, np.float32) * alpha_HW1
        part_HWC[:] = np.rint(mixed_HWC).astype(np.uint8)

    def bar(self, left: float, top: float, right: float, thickness: float, share: float, colour: Colour) -> None:
        """A horizontal bar on its track."""
        x0, y0, x1, y1 = self._pixels(left, top, right, top + thickness)
        _rounded(self.image_HWC, (x0, y0, x1, y1), (y1 - y0) // 2, _TRACK)
        if share > _VISIBLE:
            end = x0 + max(y1 - y0, round((x1 - x0) * min(share, 1.0)))
            _rounded(self.image_HWC, (x0, y0, end, y1), (y1 - y0) // 2, colour)

    def text(
        self, text: str, x: float, baseline: float, size: float, colour: Colour, *, weight: int = _REGULAR,
        right: bool = False, most: float | None = None,
    ) -> None:  # fmt: skip
        """A line from ``x`` on, or up to it; a line longer than ``most`` is set smaller."""
        length = self._length(text, size, weight)
        if most is not None and length > most:
            size *= most / length
            length = most
        start = x - length if right else x
        origin = (round(start * self.scale), round(baseline * self.scale))
        cv2.putText(self.image_HWC, text, origin, colour, _font(), round(size * self.scale), weight)

    def _length(self, text: str, size: float, weight: int) -> float:
        box = cv2.getTextSize((0, 0), text, (0, 0), _font(), round(size * self.scale), weight)
        return (box[0] + box[2]) / self.scale

    def _pixels(self, *values: float) -> tuple[int, ...]:
        return tuple(max(0, round(value * self.scale)) for value in values)


@functools.cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def _rounded(image: np.ndarray, box: tuple[int, ...], radius: int, colour: int | Colour) -> None:
    x0, y0, x1, y1 = box[0], box[1], box[2] - 1, box[3] - 1
    radius = max(0, min(radius, (x1 - x0) // 2, (y1 - y0) // 2))
    cv2.rectangle(image, (x0 + radius, y0), (x1 - radius, y1), colour, -1)
    cv2.rectangle(image, (x0, y0 + radius), (x1, y1 - radius), colour, -1)
    for x in (x0 + radius, x1 - radius):
        for y in (y0 + radius, y1 - radius):
            cv2.circle(image, (x, y), radius, colour, -1, cv2.LINE_AA)


def _draw_gesture(page: _Page, view: View) -> None:
    """The strip at the bottom: the gesture on the left, the best classes on the right."""
    top, bottom, edge = page.height - 104, page.height - 12, page.width - 12
    middle = 12 + (edge - 12) * 0.54
    page.panel(12, top, edge, bottom)
    gesture = _on_show(view)
    if gesture is None:
        page.text(
            "no gesture" if view.scores is not None else "waiting for frames", 28, top + 44, 28, _DIM, most=middle - 44
        )
        page.bar(28, top + 62, middle - 16, 10, 0.0, _ACCENT)
    else:
        lasts = gesture.end_ms is None
        share = view.scores[gesture.label] if lasts and view.scores is not None else gesture.confidence
        colour = _ACCENT if lasts else _DIM
        page.text(view.labels[gesture.label], 28, top + 44, 30, _TEXT, weight=_BOLD, most=middle - 44)
        page.bar(28, top + 62, middle - 60, 10, share, colour)
        page.text(f"{100 * share:.0f} %", middle - 16, top + 72, 15, colour, weight=_BOLD, right=True)
    scores = [] if view.scores is None else view.scores
    best = sorted(range(len(scores)), key=lambda label: -scores[label])[:_BEST]
    for row, label in enumerate(best):
        line = top + 28 + 26 * row
        background = label in view.background
        colour = _TRACK if background else _ACCENT if gesture and label == gesture.label else _OTHER
        page.text(view.labels[label], middle, line, 13, _DIM if background else _TEXT, most=edge - 118 - middle)
        page.bar(edge - 112, line - 8, edge - 50, 7, scores[label], _DIM if background else colour)
        page.text(f"{100 * scores[label]:.0f} %", edge - 14, line, 13, _DIM, right=True)


def _on_show(view: View) -> Gesture | None:
    if not view.gestures:
        return None
    last = view.gestures[-1]
    return last if last.end_ms is None or view.time_ms - last.end_ms < _HOLD_MS else None


def _draw_history(page: _Page, view: View) -> None:
    """Upper left: the last gestures with their times, the newest first."""
    recent = list(view.gestures)[-_HISTORY:][::-1]
    if not recent:
        return
    page.panel(12, 12, 232, 12 + 14 + 20 * len(recent))
    for row, gesture in enumerate(recent):
        line, lasts = 32 + 20 * row, gesture.end_ms is None
        page.text(clock_text(gesture.begin_ms), 22, line, 12, _ACCENT if lasts else _DIM)
        page.text(view.labels[gesture.label], 74, line, 13, _TEXT if lasts or not row else _DIM, most=148)


def _draw_times(page: _Page, view: View) -> None:
    """Upper right: frames a second, p50 and p90 of each stage, and how many frames were dropped."""
    edge = page.width - 12
    left = edge - 172
    page.panel(left, 12, edge, 12 + 34 + 16 * (1 + len(view.stages) + bool(view.dropped)))
    page.text(f"{view.shown_rate:.0f} fps", left + 10, 31, 13, _TEXT, weight=_BOLD)
    page.text(f"network {view.network_rate:.1f}", edge - 10, 31, 11, _DIM, right=True)
    rows = [("ms", "p50", "p90", _DIM)]
    rows += [(stage, _short(p50), _short(p90), _TEXT) for stage, (p50, p90) in view.stages.items()]
    rows += [("frames dropped", "", str(view.dropped), _TEXT)] * bool(view.dropped)
    for row, (name, left_figure, right_figure, colour) in enumerate(rows):
        line = 49 + 16 * row
        page.text(name, left + 10, line, 11, _DIM)
        page.text(left_figure, edge - 58, line, 11, colour, right=True)
        page.text(right_figure, edge - 10, line, 11, colour, right=True)


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.2f}" if milliseconds < 10 else f"{milliseconds:.1f}"


def _draw_notice(page: _Page, notice: str) -> None:
    middle = page.height / 2 - 10
    page.panel(40, middle - 26, page.width - 40, middle + 22)
    page.text(notice, 60, middle + 6, 18, _WARNING, weight=_BOLD, most=page.width - 120)


def clock_text(time_ms: int) -> str:
    """Minutes, seconds and tenths: "01:07.3"."""
    tenths = time_ms // 100
    return f"{tenths // 600:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"
