"""What is behind the person: a room made up of walls, windows, furniture and clutter, or a crop of a real picture.

Legend of axes: H rows, W columns, 3 = RGB. Pictures are uint8, as OpenCV fills and blurs them alike on every processor.
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path

import cv2
import numpy as np

from training.common.errors import UserError

MARGIN = 0.14  # of height and width, on every side: what a shaking camera may show


def room(rng: np.random.Generator, height: int, width: int, stills: Path | None = None) -> np.ndarray:
    """A background (H, W, 3) with its margins: `height` and `width` are the picture's without them."""
    size = (round(height * (1 + 2 * MARGIN)), round(width * (1 + 2 * MARGIN)))
    still = rng.random() < 0.5
    if stills is not None and still:
        return _still(rng, size, stills)
    picture = _wall(rng, size)
    style = rng.choice(["plain", "room", "clutter", "shapes"], p=[0.2, 0.4, 0.25, 0.15])
    if style in ("room", "clutter"):
        for _ in range(rng.integers(1, 4) if style == "room" else rng.integers(3, 8)):
            _PARTS[rng.integers(len(_PARTS))](rng, picture)
    elif style == "shapes":
        _shapes(rng, picture)
    out_of_focus = rng.choice([0.0, 0.6, 1.2, 2.5, 5.0], p=[0.25, 0.25, 0.25, 0.15, 0.1]) * height / 100
    if out_of_focus:
        picture = cv2.GaussianBlur(picture, (0, 0), out_of_focus)
    return _uneven(rng, picture)


def _paint(rng: np.random.Generator, vivid: float = 1.0) -> tuple[int, int, int]:
    value = rng.uniform(25, 235)
    tint = rng.normal(0, 22 * vivid, 3)
    return tuple(int(x) for x in np.clip(value + tint - tint.mean(), 4, 250))  # type: ignore[return-value]


def _wall(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A wall with a slow change of brightness, perhaps a corner, a ceiling."""
    picture = np.empty((*size, 3), np.uint8)
    picture[:] = _paint(rng, 0.8)
    height, width = size
    if rng.random() < 0.35:
        edge = int(rng.uniform(0.1, 0.9) * width)
        slant = int(rng.normal(0, 0.04) * width)
        corners = np.array([(edge, 0), (width, 0), (width, height), (edge + slant, height)])
        cv2.fillPoly(picture, [corners], tuple(int(c * rng.uniform(0.7, 1.1)) for c in picture[0, 0]))
    if rng.random() < 0.25:
        slant = int(rng.normal(0, 0.1) * height)
        edge = int(rng.uniform(0.05, 0.25) * height)
        cv2.fillPoly(picture, [np.array([(0, 0), (width, 0), (width, edge), (0, edge + slant)])], _paint(rng, 0.4))
    return picture


def _box(rng: np.random.Generator, picture: np.ndarray, low: float, high: float) -> tuple[int, int, int, int]:
    height, width = picture.shape[:2]
    w, h = int(rng.uniform(low, high) * width), int(rng.uniform(low, high) * height)
    x, y = int(rng.uniform(-0.1, 1.0) * width), int(rng.uniform(-0.1, 0.9) * height)
    return x, y, x + max(w, 2), y + max(h, 2)


def _window(rng: np.random.Generator, picture: np.ndarray) -> None:
    x0, y0, x1, y1 = _box(rng, picture, 0.15, 0.5)
    y0 = min(y0, int(0.3 * picture.shape[0]))
    y1 = y0 + int(rng.uniform(0.3, 0.7) * picture.shape[0])
    frame = _paint(rng, 0.3)
    cv2.rectangle(picture, (x0 - 2, y0 - 2), (x1 + 2, y1 + 2), frame, -1)
    bright = rng.uniform(190, 255)
    cv2.rectangle(picture, (x0, y0), (x1, y1), (int(bright * 0.95), int(bright * 0.98), int(bright)), -1)
    for k in range(1, int(rng.integers(1, 4))):
        x = x0 + (x1 - x0) * k // 3
        cv2.line(picture, (x, y0), (x, y1), frame, 2)
    if rng.random() < 0.3:  # blinds
        for y in range(y0, y1, 4):
            cv2.line(picture, (x0, y), (x1, y), frame, 1)


def _curtain(rng: np.random.Generator, picture: np.ndarray) -> None:
    _height, width = picture.shape[:2]
    x0 = int(rng.uniform(-0.1, 0.8) * width)
    x1 = min(width, x0 + int(rng.uniform(0.15, 0.6) * width))
    x0 = max(0, x0)
    if x1 - x0 < 4:
        return
    base = np.array(_paint(rng, 1.6), float)
    period, depth = rng.uniform(4, 18), rng.uniform(0.08, 0.3)
    column = np.arange(x0, x1)
    fold = 1 + depth * np.sin(2 * np.pi * column / period + 1.5 * np.sin(2 * np.pi * column / (period * 3.7)))
    picture[:, x0:x1] = np.clip(np.round(base * fold[:, None]), 0, 255).astype(np.uint8)


def _shelf(rng: np.random.Generator, picture: np.ndarray) -> None:
    x0, y0, x1, y1 = _box(rng, picture, 0.2, 0.6)
    cv2.rectangle(picture, (x0, y0), (x1, y1), _paint(rng, 0.9), -1)
    row = max(6, int(rng.uniform(0.1, 0.22) * picture.shape[0]))
    for y in range(y0, y1, row):
        x = x0 + 1
        while x < x1:
            thick = int(rng.integers(1, 6))
            if rng.random() < 0.85:
                top = y + int(rng.uniform(0.05, 0.4) * row)
                cv2.rectangle(picture, (x, top), (min(x + thick, x1), y + row - 2), _paint(rng, 2.0), -1)
            x += thick + 1
        cv2.line(picture, (x0, y), (x1, y), _paint(rng, 0.5), 1)


def _furniture(rng: np.random.Generator, picture: np.ndarray) -> None:
    x0, y0, x1, y1 = _box(rng, picture, 0.15, 0.6)
    paint = _paint(rng, 1.2)
    cv2.rectangle(picture, (x0, y0), (x1, y1), paint, -1)
    darker = tuple(int(c * 0.75) for c in paint)
    for _ in range(int(rng.integers(0, 4))):
        y = int(rng.uniform(y0, y1))
        cv2.line(picture, (x0, y), (x1, y), darker, 1)
    cv2.rectangle(picture, (x0, y0), (x1, y1), darker, 1)


def _poster(rng: np.random.Generator, picture: np.ndarray) -> None:
    x0, y0, x1, y1 = _box(rng, picture, 0.1, 0.35)
    cv2.rectangle(picture, (x0, y0), (x1, y1), _paint(rng, 2.0), -1)
    for _ in range(int(rng.integers(1, 7))):
        centre = (int(rng.uniform(x0, x1)), int(rng.uniform(y0, y1)))
        axes = (int(rng.integers(1, max(2, (x1 - x0) // 3))), int(rng.integers(1, max(2, (y1 - y0) // 3))))
        cv2.ellipse(picture, centre, axes, float(rng.integers(0, 180)), 0, 360, _paint(rng, 2.5), -1)
    cv2.rectangle(picture, (x0, y0), (x1, y1), _paint(rng, 0.3), 1)


def _lamp(rng: np.random.Generator, picture: np.ndarray) -> None:
    height, width = picture.shape[:2]
    centre = int(rng.uniform(0, width)), int(rng.uniform(0, 0.5) * height)
    radius = max(2, int(rng.uniform(0.02, 0.08) * height))
    glow = np.zeros_like(picture)
    warm = (255, int(rng.uniform(205, 255)), int(rng.uniform(140, 255)))
    cv2.circle(glow, centre, radius, warm, -1)
    halo = cv2.GaussianBlur(glow, (0, 0), radius * 2.0)
    picture[:] = cv2.add(cv2.add(picture, halo), glow)


def _chair(rng: np.random.Generator, picture: np.ndarray) -> None:
    """The back of the person's chair, about the middle."""
    height, width = picture.shape[:2]
    middle = int(rng.uniform(0.3, 0.7) * width), int(rng.uniform(0.65, 0.95) * height)
    axes = int(rng.uniform(0.12, 0.3) * width), int(rng.uniform(0.2, 0.5) * height)
    cv2.ellipse(picture, middle, axes, float(rng.integers(-10, 10)), 0, 360, _paint(rng, 0.8), -1)


def _shapes(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Anything: what no room looks like keeps a network from learning rooms."""
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(5, 30))):
        corners = (
            rng.uniform(-0.2, 1.2, 2) * (width, height) + rng.normal(0, 0.2, (int(rng.integers(3, 7)), 2)) * height
        )
        cv2.fillPoly(picture, [corners.astype(np.int32)], _paint(rng, 2.5))


_PARTS = (_window, _curtain, _curtain, _shelf, _furniture, _furniture, _poster, _lamp, _chair)


def _uneven(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Brighter on one side, and rough."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    slope = np.clip(1 + rng.normal(0, 0.16) * x + rng.normal(0, 0.12) * y, 0.3, 1.6)
    grain = rng.normal(0, rng.uniform(0, 4), (height // 3 + 1, width // 3 + 1, 1))
    rough = np.kron(grain, np.ones((3, 3, 1)))[:height, :width]
    return np.clip(np.round(picture * slope[..., None] + rough), 0, 255).astype(np.uint8)


@functools.cache
def _crops(folder: Path) -> tuple[tuple[Path, tuple[int, int, int, int]], ...]:
    """Crops without people that `backgrounds.csv` lists. Raises UserError."""
    table = folder / "backgrounds.csv"
    if not table.is_file():
        raise UserError(
            f"{folder} has no backgrounds.csv: expected a folder of stills with source,file,x,y,width,height"
        )
    crops = []
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                box = tuple(int(row[name]) for name in ("x", "y", "width", "height"))
                path = folder / row["source"] / row["file"]
            except (KeyError, TypeError, ValueError) as error:
                raise UserError(f"{table}: expected source,file,x,y,width,height in every line; got {row}") from error
            if not path.is_file():
                raise UserError(f"{table} names {path}, which is not there; restore the picture or take its line out")
            crops.append((path, box))
    if not crops:
        raise UserError(f"{table} lists no picture; expected at least one line")
    return tuple(crops)  # type: ignore[arg-type]  # each box has four numbers


def _still(rng: np.random.Generator, size: tuple[int, int], folder: Path) -> np.ndarray:
    crops = _crops(folder)
    path, (x, y, w, h) = crops[rng.integers(len(crops))]
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise UserError(f"{path} is no picture that can be read; restore it")
    picture = picture[y : y + h, x : x + w, ::-1]
    height, width = picture.shape[:2]
    scale = min(height / size[0], width / size[1]) * rng.uniform(0.6, 1.0)
    part = max(4, int(size[0] * scale)), max(4, int(size[1] * scale))
    top, left = rng.integers(0, max(1, height - part[0] + 1)), rng.integers(0, max(1, width - part[1] + 1))
    picture = picture[top : top + part[0], left : left + part[1]]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    picture = cv2.resize(np.ascontiguousarray(picture), size[::-1], interpolation=cv2.INTER_LINEAR)
    gain = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.06, 3))
    return np.clip(np.round(picture * gain), 0, 255).astype(np.uint8)
