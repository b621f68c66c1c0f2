"""Result files that go down to single layers: where the time goes, and where the error comes from.

They are read and checked by ``mobile.schemas``, as all others.
"""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class KernelTime:
    """A kernel of the runtime in one profiled artefact.

    Attributes:
        kernel: the runtime's name of it.
        layer, role, kind: of the network's operator that it computes; None for what only moves data.
        us, low_us, high_us: median and quartiles over the rounds.
        macs, bytes: multiply-adds, and bytes read and written, of the operator; 0 where that is unknown.
    """

    kernel: str
    layer: str | None
    role: str | None
    kind: str
    us: float
    low_us: float
    high_us: float
    macs: int
    bytes: int


@dataclasses.dataclass(frozen=True)
class ProfiledArtefact:
    """The kernels of one artefact in the order of execution (``sth profile``).

    Attributes:
        method: where the times come from.
        whole_us: median of the whole inference by the same profiler.
        peak_macs_per_second: of the fastest matrix product of the same precision in the same run.
    """

    artefact: str
    sha256: str
    network: str
    precision: str
    input: str
    runtime: str
    method: str
    whole_us: float
    peak_macs_per_second: float
    peak_product: str
    kernels: tuple[KernelTime, ...]

    def __post_init__(self) -> None:
        if not self.kernels or self.peak_macs_per_second <= 0:
            raise ValueError(f"{self.artefact} has no kernels, or a peak of {self.peak_macs_per_second}")
        for kernel in self.kernels:
            if not kernel.low_us <= kernel.us <= kernel.high_us:
                raise ValueError(f"{kernel.kernel} of {self.artefact}: {kernel.us} us lie outside of their quartiles")

    @property
    def kernels_us(self) -> float:
        """Sum of the kernels' medians."""
        return sum(kernel.us for kernel in self.kernels)

    def share_of_peak(self, macs: int, us: float) -> float | None:
        """Multiply-adds a second over the peak; None where there are none, or no time."""
        return macs / (us / 1e6) / self.peak_macs_per_second if macs and us else None

    def roles(self) -> dict[str, tuple[float, int, int]]:
        """Microseconds, multiply-adds and bytes of each role, in the order of first appearance."""
        found: dict[str, tuple[float, int, int]] = {}
        counted: set[str | None] = set()
        for kernel in self.kernels:
            role = kernel.role or "moving data"
            us, macs, moved = found.get(role, (0.0, 0, 0))
            again = kernel.layer is not None and kernel.layer in counted  # a concat may be several copies
            counted.add(kernel.layer)
            found[role] = (us + kernel.us, macs + kernel.macs * (not again), moved + kernel.bytes * (not again))
        return found


@dataclasses.dataclass(frozen=True)
class Profile:
    """Artefacts profiled together, in interleaved rounds."""

    code_version: str
    host: dict[str, Any]
    threads: int
    rounds: int
    load_average: float
    artefacts: tuple[ProfiledArtefact, ...]


@dataclasses.dataclass(frozen=True)
class LayerNoise:
    """A layer of the int8 network against float (``sth noise``); all SQNR in dB.

    Attributes:
        sqnr_db: after this layer, everything up to it in int8, against the float network.
        rounding_db: the same against the int8 network's own weights in real numbers: what rounding activations does.
        weight_db: the float network's weights against themselves rounded to int8; None where there are none.
        alone_db: of the float network's logits when this layer alone is rounded to int8, weights and output.
        spared_db: of the same when all layers but this one are.
    """

    layer: str
    sqnr_db: float
    rounding_db: float
    weight_db: float | None
    alone_db: float | None
    spared_db: float | None


@dataclasses.dataclass(frozen=True)
class RangeUse:
    """A quantized tensor: its int8 range, and what the float network puts there.

    Attributes:
        low, high: the range that int8 can show.
        least, most: of the values before rounding, over the clips.
        below, above: share of values outside of the range, in per cent.
        steps: of the 256, how many lie between the least and the largest value that occurred.
    """

    layer: str
    low: float
    high: float
    least: float
    most: float
    below: float
    above: float
    steps: int

    @property
    def clipped(self) -> float:
        """Share of values outside of the range, in per cent."""
        return self.below + self.above


@dataclasses.dataclass(frozen=True)
class QuantDebug:
    """Where int8 loses against float, layer by layer (``sth noise``).

    Attributes:
        logits_db: SQNR of the int8 logits against the float network's.
        rounding_db: the same against the int8 network's weights in real numbers.
        untrained_db: of the float network with all layers rounded, without QAT; None where that was not tried.
        one_by_one_clips: clips behind ``alone_db`` and ``spared_db``.
    """

    code_version: str
    checkpoint: str
    data: str
    clips: int
    one_by_one_clips: int
    logits_db: float
    rounding_db: float
    untrained_db: float | None
    same_top1: float
    layers: tuple[LayerNoise, ...]
    ranges: tuple[RangeUse, ...]

    def __post_init__(self) -> None:
        if not self.layers or self.layers[-1].layer != "classifier":
            raise ValueError("the last layer is not the classifier, so logits_db cannot be its figure")
        if abs(self.layers[-1].sqnr_db - self.logits_db) > 0.05:
            raise ValueError(f"logits_db is {self.logits_db}; the classifier's layer says {self.layers[-1].sqnr_db}")

    def worst(self, count: int = 8) -> list[LayerNoise]:
        """The layers that lose most at the logits when they alone are int8, the worst first."""
        known = [layer for layer in self.layers if layer.alone_db is not None]
        return sorted(known, key=lambda layer: layer.alone_db or 0.0)[:count]
