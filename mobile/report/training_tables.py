"""The README's tables of what ``training.tables`` and ``training.analysis.attention`` measured."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any

from mobile.report.markdown import known, markdown
from mobile.schemas.training import Ablation, Attention, Memory, Runtime, Stages
from training.analysis.attention import coefficient_rows, groups_of
from training.engine.metrics import spread
from training.tables import NOT_RUN


def memory_tables(found: Sequence[Memory]) -> str:
    """GiB that each GPU is expected to need, by recipe and number of GPUs."""
    tables = []
    for result in found:
        counts = [on.processes for on in result.rows[0].on]
        header = ["recipe", "network", "input", "precision", "batch", "M parameters", "fixed GiB", "MiB a clip",
                  *(f"GiB on {count}" for count in counts), "on a GPU"]  # fmt: skip
        rows = [
            [row.recipe, row.network, row.input, row.amp, str(row.batch), f"{row.parameters / 1e6:.1f}",
             f"{row.fixed_bytes / 2**30:.2f}", f"{row.bytes_per_clip / 2**20:.0f}",
             *(f"{on.bytes / 2**30:.1f}" for on in row.on),
             f"**{row.on_gpu}**" if row.on_gpu == NOT_RUN else row.on_gpu]
            for row in result.rows
        ]  # fmt: skip
        tables.append(markdown(header, rows))
    return "\n\n".join(tables)


def runtime_tables(found: Sequence[Runtime]) -> str:
    """As Table 9, with what the paper printed for the same operator."""
    header = ["operator", "M param.", "G mul-adds", "videos/s", "to TSM", "in the paper"]
    tables = []
    for result in found:
        rows = [
            [
                row.operator,
                f"{row.parameters / 1e6:.2f}",
                f"{row.multiply_adds / 1e9:.2f}",
                f"{row.videos_per_second:.2f}",
                known(row.ratio_to_tsm, ".2f"),
                known(row.paper_ratio_to_tsm, ".2f"),
            ]
            for row in result.rows
        ]
        said = f"{result.network}, batches of {result.input}, {result.device}, medians of {result.rounds} rounds."
        tables.append(f"{markdown(header, rows)}\n\n{said}")
    return "\n\n".join(tables)


def stage_tables(found: Sequence[Stages]) -> str:
    """Each lowering's time relative to the 2-D convolution, forward (forward and backward)."""
    tables = []
    for result in found:
        pairs = {(row.channels, row.size): {} for row in result.rows}  # type: ignore[var-annotated]
        for row in result.rows:
            pairs[row.channels, row.size][row.backward] = row.ratios
        names = list(result.rows[0].ratios)
        rows = [
            [f"{channels} x {size}", *(f"{pair[False][name]:.2f} ({pair[True][name]:.2f})" for name in names)]
            for (channels, size), pair in pairs.items()
        ]
        said = (
            f"Time relative to the 2-D convolution, forward (with backward): {result.batch} x {result.segments} frames,"
            f" {result.device}, medians of the ratios of {result.rounds} rounds."
        )
        tables += [f"{markdown(['stage', *names], rows)}\n\n{said}", *_rates(result)]
    return "\n\n".join(tables)


def _rates(result: Stages) -> list[str]:
    """Where ``taps`` was timed: how many products it and the 2-D convolution make in a second."""
    rows = [row for row in result.rows if not row.backward and row.multiply_adds and "taps" in row.multiply_adds]
    if not rows:
        return []
    names = ["2d", *(name for name in rows[0].samples_s if name.startswith("taps"))]
    cells = [[f"{row.channels} x {row.size}", *(f"{row.rate(name) / 1e9:.1f}" for name in names)] for row in rows]
    return [f"{markdown(['G multiply-adds/s', *names], cells)}\n\nForward, of the products of Eq. 2."]


def ablation_tables(found: Sequence[Ablation]) -> str:
    """Tables 6, 7 and 8: our top-1 with its spread over the seeds, beside the paper's for its own data."""
    tables = []
    for result in found:
        rows = [
            [str(row.table), row.row, str(len(row.top1)), *_spread(row.top1), f"{row.paper_top1:.1f}"]
            for row in result.rows
        ]
        recipe = result.recipe
        said = (
            f"{result.network}, {recipe['segments']} x {recipe['size']} x {recipe['size']}, trained on"
            f" `{recipe['train_data']}` for {recipe['epochs']} epochs, scored on `{recipe['validation_data']}`;"
            f" {_of_devices(result.devices())}. The paper's column is ResNet-50 on Something-Something V1."
        )
        header = ["table", "row", "runs", "top-1 %", "least", "most", "in the paper"]
        tables.append(f"{markdown(header, rows)}\n\n{said}")
    return "\n\n".join(tables)


def _of_devices(networks: dict[str, dict[int, int]]) -> str:
    """How many networks of which seed were trained where."""
    parts = [
        f"on {device} {', '.join(f'{count} of seed {seed}' for seed, count in seeds.items())}"
        for device, seeds in networks.items()
    ]
    return f"networks {'; '.join(parts)}" if parts else "no run"


def _spread(values: Sequence[float]) -> list[str]:
    if not values:
        return [f"**{NOT_RUN}**", "", ""]
    return [f"{of(values):.1f}" for of in (statistics.fmean, min, max)]


def attention_tables(found: Sequence[Attention]) -> str:
    """The temporal component's coefficient per layer, a column for each group of seeds."""
    return "\n\n".join(_attention_table(result) for result in found)


def _attention_table(result: Attention) -> str:
    groups = groups_of([dataclasses.asdict(run) for run in result.runs])
    rows = [[f"`{layer}`", *cells] for layer, *cells in coefficient_rows(list(groups.values()), digits=2)]
    rows.append(["all layers", *(
        spread([statistics.fmean(run["temporal_mean"]) for run in group], 2) for group in groups.values()
    )])  # fmt: skip
    rows.append(["top-1 %", *(_top1_of(group) for group in groups.values())])
    counts = ", ".join(f"{len(group)} x {group[0]['clips']}" for group in groups.values())
    return f"{markdown(['layer', *groups], rows)}\n\nNetworks x clips: {counts}; mean (least to most)."


def _top1_of(group: Sequence[dict[str, Any]]) -> str:
    known_ = [run["top1"] for run in group if run["top1"] is not None]
    return spread(known_, 1) if known_ else ""
