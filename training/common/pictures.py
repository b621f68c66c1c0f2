"""Pictures of results: drawn off screen, whole or absent, PNG or SVG by their name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.common.errors import UserError
from training.common.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_picture(target: Path | str) -> None:
    """Refuse a picture that cannot be drawn, before the work that it shows.

    Raises:
        UserError: the suffix is neither .png nor .svg.
    """
    if Path(target).suffix not in (".png", ".svg"):
        raise UserError(f"cannot draw {target}: expected a name ending in .png or .svg")


@contextlib.contextmanager
def drawing(
    target: Path | str, rows: int = 1, columns: int = 1, *, inches: tuple[float, float], dpi: int = 110, **options: Any
) -> Iterator[tuple[Figure, Any]]:
    """Yield a figure and its axes, and write ``target`` when the block succeeds.

    Args:
        inches: width and height.
        options: of ``Figure.subplots``, which says what the axes are.

    Raises:
        UserError: the suffix is neither .png nor .svg, or the folder cannot be written to.
    """
    check_picture(target)
    from matplotlib.figure import Figure  # here, since importing it takes a second that most commands need not wait

    figure = Figure(figsize=inches, layout="constrained")
    yield figure, figure.subplots(rows, columns, **options)
    with atomic_path(target) as temporary:
        figure.savefig(temporary, dpi=dpi)
