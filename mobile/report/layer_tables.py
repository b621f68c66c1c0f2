"""Tables and sentences of profiles and of layers' noise, for the README and for the page alike."""

from __future__ import annotations

from collections.abc import Sequence

from mobile.latency.profile.network_operators import CONV, DEPTHWISE
from mobile.schemas.layers import LayerNoise, Profile, ProfiledArtefact, QuantDebug, RangeUse

Table = tuple[list[str], list[list[str]]]
"""A header and rows."""
_WORST = 8
_CLIPS = 0.01  # per cent of its values


def pairs(found: Profile) -> list[tuple[ProfiledArtefact, ProfiledArtefact | None]]:
    """Each int8 artefact beside the fp32 one of the same network, input and runtime; others alone."""
    key = {id(a): (a.network, a.input, a.runtime) for a in found.artefacts}
    floats = {key[id(a)]: a for a in found.artefacts if a.precision == "fp32"}
    int8 = [a for a in found.artefacts if a.precision == "int8"]
    taken = {key[id(a)] for a in int8}
    alone = [(a, None) for a in found.artefacts if a.precision != "int8" and key[id(a)] not in taken]
    return [*((a, floats.get(key[id(a)])) for a in int8), *alone]


def role_table(left: ProfiledArtefact, right: ProfiledArtefact | None) -> Table:
    """Time, share of the peak and ratio of each role, the slowest first."""
    roles, others = left.roles(), right.roles() if right else {}
    header = ["what", "M multiply-adds", f"{left.precision} ms", f"{left.precision} % of peak"]
    if right:
        header += [f"{right.precision} ms", f"{right.precision} % of peak", "time ratio"]
    names = sorted(dict.fromkeys([*roles, *others]), key=lambda name: -roles.get(name, (0.0, 0, 0))[0])
    rows = []
    for name in names:
        us, macs, _ = roles.get(name, (0.0, 0, 0))
        row = [name, f"{macs / 1e6:.1f}" if macs else "", f"{us / 1000:.2f}", _share(left, macs, us)]
        if right:
            other_us, other_macs, _ = others.get(name, (0.0, 0, 0))
            ratio = f"{us / other_us:.2f}" if other_us else ""
            row += [f"{other_us / 1000:.2f}", _share(right, other_macs, other_us), ratio]
        rows.append(row)
    total = ["all kernels", f"{sum(k for _, k, _ in roles.values()) / 1e6:.1f}", f"{left.kernels_us / 1000:.2f}",
             _share(left, sum(k for _, k, _ in roles.values()), left.kernels_us)]  # fmt: skip
    if right:
        macs = sum(k for _, k, _ in others.values())
        total += [f"{right.kernels_us / 1000:.2f}", _share(right, macs, right.kernels_us),
                  f"{left.kernels_us / right.kernels_us:.2f}"]  # fmt: skip
    return header, [*rows, total]


KINDS = {
    CONV: "1 x 1 and first convolutions",
    DEPTHWISE: "depthwise 3 x 3, temporal 3 x 1",
    None: "concats, sums, mean, moving data",
}


def kind_rows(left: ProfiledArtefact, right: ProfiledArtefact) -> list[list[str]]:
    """What of int8 and fp32 was timed, and their times by three kinds of kernel and in all."""
    rows = []
    for kind, name in KINDS.items():
        (mine, macs), (theirs, other_macs) = (_sums(side, kind) for side in (left, right))
        ratio = f"{mine / theirs:.2f}" if theirs else ""
        times = [
            f"{mine / 1000:.2f}",
            _share(left, macs, mine),
            f"{theirs / 1000:.2f}",
            _share(right, other_macs, theirs),
        ]
        rows.append([name, f"{macs / 1e6:.0f}" if macs else "", *times, ratio])
    return [[left.input, left.runtime, *row] for row in [*rows, ["all kernels", *role_table(left, right)[1][-1][1:]]]]


def _sums(artefact: ProfiledArtefact, kind: str | None) -> tuple[float, int]:
    """Microseconds and multiply-adds of a kind; None for all that is neither of the two that multiply."""
    mine = [k for k in artefact.kernels if (k.kind == kind if kind else k.kind not in KINDS)]
    return sum(k.us for k in mine), sum(k.macs for k in mine)


def _share(artefact: ProfiledArtefact, macs: int, us: float) -> str:
    share = artefact.share_of_peak(macs, us)
    return "" if share is None else f"{100 * share:.0f}"


def about(left: ProfiledArtefact, right: ProfiledArtefact | None) -> str:
    """What was profiled, how, and what 100 % of the peak is."""
    peaks = ", ".join(
        f"{side.peak_macs_per_second / 1e9:.0f} G multiply-adds a second in {side.precision}"
        for side in (left, right)
        if side is not None
    )
    return (
        f"{left.network}, {left.input}, {left.runtime}; {left.method}. 100 % of the peak, the fastest matrix product "
        f"in the same runtime and rounds: {peaks}."
    )


def why(left: ProfiledArtefact, right: ProfiledArtefact) -> str:
    """In one sentence, where int8 gains against fp32 and where not."""
    parts = []
    for kind, name in KINDS.items():
        mine, theirs = (_sums(side, kind)[0] for side in (left, right))
        if theirs:
            parts.append(f"{name} {mine / theirs:.2f} ({theirs / 1000:.1f} to {mine / 1000:.1f} ms)")
    peak = right.peak_macs_per_second / left.peak_macs_per_second
    return (
        f"int8 takes {left.kernels_us / right.kernels_us:.2f} of fp32's time: {', '.join(parts)}; "
        f"a large matrix product takes {peak:.2f}."
    )


def noise_table(rows: Sequence[LayerNoise]) -> Table:
    """SQNR of layers, in dB."""
    header = ["layer", "after it, dB", "rounding only, dB", "its weights, dB", "it alone in int8, dB",
              "all in int8 but it, dB"]  # fmt: skip
    cells = [
        [row.layer, *("" if value is None else f"{value:.1f}" for value in
                      (row.sqnr_db, row.rounding_db, row.weight_db, row.alone_db, row.spared_db))]
        for row in rows
    ]  # fmt: skip
    return header, cells


def worst_layers(found: QuantDebug) -> list[LayerNoise]:
    """The layers that cost most when they alone are int8; the noisiest where that was not tried."""
    return found.worst(_WORST) or sorted(found.layers, key=lambda layer: layer.sqnr_db)[:_WORST]


def clipping(found: QuantDebug) -> list[RangeUse]:
    """Ranges that clip more than a hundredth of a per cent of their values, the worst first."""
    return sorted((use for use in found.ranges if use.clipped > _CLIPS), key=lambda use: -use.clipped)


def range_table(rows: Sequence[RangeUse]) -> Table:
    """Ranges, what the values are, and how many lie outside."""
    header = ["range of", "int8 shows", "values", "clipped %", "steps used"]
    cells = [
        [use.layer, f"{use.low:.2f} to {use.high:.2f}", f"{use.least:.2f} to {use.most:.2f}", f"{use.clipped:.3f}",
         str(use.steps)]
        for use in rows
    ]  # fmt: skip
    return header, cells


def noise_words(found: QuantDebug) -> str:
    """The totals of a comparison."""
    text = (
        f"`{found.checkpoint}`, {found.clips} clips of `{found.data}`: the int8 logits are {found.logits_db:.1f} dB "
        f"over their difference to the float network's; rounding the activations alone leaves {found.rounding_db:.1f} "
        f"dB. Same top-1 for {found.same_top1:.2f} %."
    )
    if found.untrained_db is not None:
        text += (
            f" The float weights rounded as they are, without QAT: {found.untrained_db:.1f} dB; layers alone, and all "
            f"but one, are rounded in this way, over {found.one_by_one_clips} clips."
        )
    clips = clipping(found)
    worst = f", most that of {clips[0].layer} with {clips[0].clipped:.3f} %" if clips else ""
    return f"{text} {len(clips)} of {len(found.ranges)} ranges clip more than {_CLIPS} % of their values{worst}."
