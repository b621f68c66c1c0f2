"""The parts of the page that go down to classes and layers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from mobile.latency.profile.plot import plot_profiles
from mobile.report import layer_tables
from mobile.report.noise_plot import plot_noise
from mobile.report.pictures import picture
from mobile.report.readme import host_line
from mobile.schemas import Accuracy, Artefact
from mobile.schemas.layers import Profile, QuantDebug


def per_class(found: Sequence[Accuracy]) -> list[dict[str, Any]]:
    """Float against int8 in each class, for every int8 model whose float network saw the same clips.

    The classes that lose most stand first; those without a clip are left out.
    """
    floating = {(a.network, a.data, a.split): a for a in found if a.precision == "float"}
    tables = []
    for a in found:
        other = floating.get((a.network, a.data, a.split))
        if a.precision != "int8" or other is None or a.labels != other.labels:
            continue
        counts = [np.asarray(side.confusion) for side in (other, a)]
        totals = counts[0].sum(axis=1)
        shares = [100 * np.diag(count) / np.maximum(count.sum(axis=1), 1) for count in counts]
        rows: list[dict[str, Any]] = [
            {"label": label, "clips": int(totals[index]), "float": float(shares[0][index]),
             "int8": float(shares[1][index]), "difference": float(shares[1][index] - shares[0][index])}
            for index, label in enumerate(a.labels) if totals[index]
        ]  # fmt: skip
        changed = sum(row["difference"] != 0 for row in rows)
        tables.append({"model": a.model, "runtime": a.runtime, "changed": changed,
                       "rows": sorted(rows, key=lambda row: row["difference"])})  # fmt: skip
    return tables


def profiles(found: Sequence[Profile]) -> list[dict[str, Any]]:
    """Where the time goes: a table a pair of artefacts, and one picture."""
    shown = []
    for result in found:
        parts = []
        for left, right in layer_tables.pairs(result):
            header, rows = layer_tables.role_table(left, right)
            sides = [side for side in (left, right) if side is not None]
            names = ", ".join(side.artefact for side in sides)
            alt = f"Time of each block by what it does, stacked bars, of {names}"
            parts.append({
                "title": f"{left.network}, {left.input}, {left.runtime}", "header": header, "rows": rows,
                "why": layer_tables.why(left, right) if right else "", "about": layer_tables.about(left, right),
                "plot": picture(functools.partial(plot_profiles, sides), alt),
            })  # fmt: skip
        shown.append({"parts": parts, "threads": result.threads, "rounds": result.rounds, "load": result.load_average,
                      "host": host_line(result.host)})  # fmt: skip
    return shown


def noises(found: Sequence[QuantDebug]) -> list[dict[str, Any]]:
    """Where int8 loses: the picture, the worst layers, the ranges that clip, and all layers."""
    shown = []
    for result in found:
        header, rows = layer_tables.noise_table(layer_tables.worst_layers(result))
        every = layer_tables.noise_table(result.layers)[1]
        clipping = layer_tables.clipping(result)
        shown.append({
            "words": layer_tables.noise_words(result).replace("`", ""), "header": header, "rows": rows, "every": every,
            "clipping": layer_tables.range_table(clipping) if clipping else None,
            "plot": picture(functools.partial(plot_noise, result),
                            f"Signal over noise after each layer of {result.checkpoint}, int8 against float"),
        })  # fmt: skip
    return shown


def outside(found: Sequence[Artefact]) -> list[list[str]]:
    """Artefact, runtime and precision, pieces of the delegate, and the operators that it leaves outside."""
    rows = []
    for a in found:
        left = a.operators_outside
        if a.delegate is None:
            words = "planned on the device"
        elif left is None:
            words = "not recorded"
        elif isinstance(left, dict):
            words = ", ".join(f"{count} {name}" for name, count in left.items()) or "none"
        else:
            words = ", ".join(str(name) for name in left) or "none"
        pieces = "" if a.delegate_pieces is None else str(a.delegate_pieces)
        rows.append([a.artefact, f"{a.runtime}, {a.precision}", words, pieces])
    return rows
