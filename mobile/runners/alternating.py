"""Memory for a stream's outputs that is allocated once: at 224 pixels, allocating it anew costs a tenth of a step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


class Alternating:
    """Two sets of arrays that are written in turn: what one ``store`` gave is valid until the next but one."""

    def __init__(self) -> None:
        self._sets: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
        self._turn = 0

    def store(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Copies of the values; the values themselves may be views of a runtime's memory."""
        self._turn = 1 - self._turn
        kept = self._sets[self._turn]
        for name, value in values.items():
            held = kept.get(name)
            if held is None or held.shape != value.shape or held.dtype != value.dtype:
                kept[name] = value.copy()
            else:
                np.copyto(held, value)
        return {name: kept[name] for name in values}
