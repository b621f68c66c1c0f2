"""The README's tables: made from result files, never typed.

Between ``<!-- table: NAME -->`` and ``<!-- /table -->`` stands the table of ``NAME.json``, or of all files in the
folder ``NAME``, of the results folder.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mobile.report import layer_tables
from mobile.report.frontier import scale_of, sentences, table_cells
from mobile.report.markdown import joined, known, markdown, number
from mobile.report.training_tables import ablation_tables, attention_tables, memory_tables, runtime_tables, stage_tables
from mobile.schemas import (
    Accuracy,
    Arm64,
    Artefact,
    Events,
    Frontier,
    Latency,
    Parity,
    PreprocessSpeed,
    Result,
    States,
    Study,
    load_result,
    load_results,
)
from mobile.schemas.latency import DeviceFacts, facts_of_host
from mobile.schemas.layers import Profile, QuantDebug
from mobile.schemas.row import NOT_RUN, titled
from mobile.schemas.training import Ablation, Attention, Memory, Runtime, Stages
from training.common.errors import UserError
from training.engine.metrics import spread

_OPENING = re.compile(r"<!-- table: (?P<name>\S+) -->")
_CLOSING = "<!-- /table -->"


def fill_tables(text: str, *results: Path) -> str:
    """The text with every table made anew from the folders of results; the first that has a table's file counts.

    Raises:
        UserError: a marker without its end, a name without result file, or a bad result file.
    """
    parts, position = [], 0
    for opening in _OPENING.finditer(text):
        if opening.start() < position:
            raise UserError(f"the table {opening['name']} begins inside of another one; close that with {_CLOSING}")
        end = text.find(_CLOSING, opening.end())
        if end < 0:
            raise UserError(f"the table {opening['name']} has no end; write {_CLOSING} after it")
        parts += [text[position : opening.end()], "\n", table_of(results_of(results, opening["name"])), "\n"]
        position = end
    return "".join([*parts, text[position:]])


def results_of(results: Sequence[Path], name: str) -> list[Result]:
    """The result files behind a table's name, in the first folder that has them.

    Raises:
        UserError: there are none.
    """
    for folder in results:
        if (folder / f"{name}.json").is_file():
            return [load_result(folder / f"{name}.json")]
        if (folder / name).is_dir() and (found := load_results(folder / name)):
            return list(found.values())
    tried = " or ".join(str(folder / f"{name}.json") for folder in results)
    raise UserError(f"there is no result file {tried}, and none in a folder of that name")


def table_of(found: Sequence[Result]) -> str:
    """Markdown for result files of one kind.

    Raises:
        UserError: files of different kinds, or of a kind that has no table.
    """
    makers: dict[type, Callable[[Any], str]] = {
        Accuracy: accuracy_table,
        Parity: parity_tables,
        Arm64: arm64_table,
        Latency: latency_tables,
        Artefact: artefact_table,
        Study: study_tables,
        Events: events_tables,
        States: state_tables,
        Profile: profile_tables,
        QuantDebug: noise_tables,
        Memory: memory_tables,
        Runtime: runtime_tables,
        Stages: stage_tables,
        Ablation: ablation_tables,
        Attention: attention_tables,
        Frontier: frontier_tables,
        PreprocessSpeed: preprocess_tables,
    }
    kinds = {type(result) for result in found}
    if len(kinds) != 1 or not kinds <= set(makers):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        known = ", ".join(kind.__name__ for kind in makers)
        raise UserError(f"a table is of one kind of {known}; found {names}")
    return makers[kinds.pop()](found)


def accuracy_table(found: Sequence[Accuracy]) -> str:
    """Runs that differ in nothing but the model's file (seeds) share a row: mean, least and most."""
    groups: dict[tuple[str, ...], list[Accuracy]] = {}
    for result in found:
        key = (result.network, result.precision, result.runtime, f"{result.data} {result.split}", str(result.clips))
        groups.setdefault(key, []).append(result)
    rows = []
    for (network, precision, runtime, data, clips), runs in groups.items():
        top1, top5 = ([getattr(run, name) for run in runs] for name in ("top1", "top5"))
        rows.append([network, precision, runtime, f"`{data}`", clips, str(len(runs)), spread(top1, 2), spread(top5, 2)])
    return markdown(["network", "precision", "runtime", "data", "clips", "runs", "top-1 %", "top-5 %"], rows)


def parity_tables(found: Sequence[Parity]) -> str:
    """A ladder each, its rows in the order of the hops."""
    header = ["hop", "row", "status", "clips", "max", "mean", "SQNR dB", "same top-1 %", "top-1 % left / right",
              "within 2 steps %"]  # fmt: skip
    tables = []
    for result in found:
        apart = [[str(row.hop), row.name, row.cpu or "", f" (`{row.artefact}`)" if row.artefact else "",
                  f"**{row.status}**: {row.note}" if row.status == NOT_RUN else f"{row.status} ({row.note})",
                  *agreement_cells(row)] for row in result.rows]  # fmt: skip
        rows = [
            [hop, f"{titled(name, cpus)}{artefact}", *cells] for hop, name, cpus, artefact, *cells in joined(apart, 2)
        ]
        tables.append(f"{markdown(header, rows)}\n\n`{result.checkpoint}` over `{result.data}`.")
    return "\n\n".join(tables)


def arm64_table(found: Sequence[Arm64]) -> str:
    """How many logits differ on each emulated CPU."""
    header = ["artefact", "sha256", "runtime", "emulated CPUs", "clips", "logits", "differ", "largest, steps"]
    rows = [
        [f"`{row.artefact}`", f"`{row.sha256[:12]}`", row.runtime, row.cpu, str(row.clips), str(row.logits),
         str(row.differing), f"{row.largest_steps:.3g}"]
        for result in found for row in result.rows
    ]  # fmt: skip
    ran = ", ".join(dict.fromkeys(f"`{result.data}` on {result.emulator}" for result in found))
    return f"{markdown(header, joined(rows, 3))}\n\n{ran}."


def agreement_cells(row: Any) -> list[str]:
    """Clips, max, mean, SQNR, same top-1, top-1 of both sides and within two steps of a parity row."""
    if row.agreement is None:
        return [""] * 7
    left, right = number(row.number("left_top1"), ".2f"), number(row.number("right_top1"), ".2f")
    return [
        number(row.number("clips"), ".0f"),
        number(row.number("largest"), ".2g"),
        number(row.number("mean"), ".2g"),
        number(row.number("sqnr_db"), ".1f"),
        number(row.number("same_top1"), ".2f"),
        f"{left} / {right}" if left else "",
        number(row.number("within_two_steps"), ".2f"),
    ]


def latency_tables(found: Sequence[Latency]) -> str:
    """One table a device; where there are several, each has its name above it."""
    devices = list(dict.fromkeys(result.device for result in found))
    tables = []
    for device in devices:
        title = [f"**{device.name}**"] if len(devices) > 1 else []
        tables += [*title, *(_latency_table(result) for result in found if result.device == device)]
    return "\n\n".join(tables)


def latency_cells(result: Latency) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a latency table."""
    rivals = sorted({rival for row in result.rows for rival in row.ratio_to})
    header = ["network", "runtime", "precision", "input", "median ms", "p90 ms", *(f"/ {rival}" for rival in rivals),
              "load ms", "peak MB", "size MB", "delegate (pieces)"]  # fmt: skip
    rows = [
        [f"{row.network}, stream" if row.mode == "stream" else row.network, row.runtime, row.precision, row.input,
         f"{row.median_ms:.1f}{' (*)' if row.heat else ''}", f"{row.p90_ms:.1f}",
         *(number(row.ratio_to.get(rival, math.nan), ".3f") for rival in rivals), f"{row.load_ms:.0f}",
         number(math.nan if row.peak_mb is None else row.peak_mb, ".0f"), f"{row.bytes / 1e6:.1f}", row.delegate]
        for row in result.rows
    ]  # fmt: skip
    for missing in result.not_run:
        rows.append([f"`{missing.artefact}`", f"**not run**: {missing.reason}", *[""] * (len(header) - 2)])
    return header, rows


def _latency_table(result: Latency) -> str:
    lines = [markdown(*latency_cells(result)), "", latency_caption(result)]
    heat = [f"`{row.artefact}`: {row.heat}" for row in result.rows if row.heat]
    if heat:
        lines += ["", f"(*) {'; '.join(heat)}."]
    ratios = int8_ratios(result)
    if ratios:
        lines += ["", f"Time of int8 over fp32: {ratios}."]
    return "\n".join([*lines, "", result.note] if result.note else lines)


def latency_caption(result: Latency) -> str:
    """How and on what it was measured, in one line."""
    rounds = result.method if result.method.endswith("rounds") else f"rounds, {result.method}"
    return f"{result.threads_line}, {result.rounds} {rounds}, {result.device.line()}."


def int8_ratios(result: Latency) -> str:
    """Median of int8 over fp32 for each network and runtime that was timed in both."""
    medians = {
        (row.network, row.runtime, row.input, row.precision): row.median_ms
        for row in result.rows if row.mode == "clip"
    }  # fmt: skip
    return "; ".join(
        f"{network} in {runtime} {milliseconds / medians[network, runtime, size, 'fp32']:.2f}"
        for (network, runtime, size, precision), milliseconds in medians.items()
        if precision == "int8" and (network, runtime, size, "fp32") in medians
    )


def host_line(host: dict[str, Any]) -> str:
    """What ``mobile.latency.timing.describe_host`` says, in one line."""
    return DeviceFacts(**facts_of_host(host)).line()


def study_tables(found: Sequence[Study]) -> str:
    """Top-1 of each recipe and side over the seeds: mean, least and most."""
    tables = []
    for study in found:
        sides = list(dict.fromkeys(side for row in study.rows for side in row.right))
        rows = []
        for recipe in dict.fromkeys(row.recipe for row in study.rows):
            runs = [row for row in study.rows if row.recipe == recipe]
            tops = [[100 * run.right[side] / run.clips for run in runs if side in run.right] for side in sides]
            rows.append([recipe, str(len(runs)), str(runs[0].clips), *(spread(top, 2) if top else "" for top in tops)])
        tables.append(markdown(["recipe", "seeds", "clips", *(f"{side}, top-1 %" for side in sides)], rows))
    return "\n\n".join(tables)


def events_tables(found: Sequence[Events]) -> str:
    """Scores of the event detector and its rivals, one table an artefact."""
    header = ["rule", "Levenshtein %", "precision %", "recall %", "false / min", "delay ms", "median delay ms",
              "delay from end ms"]  # fmt: skip
    tables = []
    for result in found:
        rows = [
            [row.rule, f"{row.levenshtein:.1f}", known(row.precision, ".1f"), f"{row.recall:.1f}",
             f"{row.false_per_minute:.2f}", known(row.delay_ms), known(row.median_delay_ms),
             known(row.delay_from_end_ms)]
            for row in result.rows
        ]  # fmt: skip
        first, fitted = result.rows[0], f"fitted on `{result.fitted_on}`" if result.fitted_on else "not fitted"
        below = (
            f"`{result.artefact}` over `{result.streams}`: {first.events} gestures in {first.minutes:.1f} minutes at "
            f"{result.frames_per_second:g} frames a second; the detector was {fitted}. Delays are from the begin of "
            f"the nucleus; a detection is true until {result.tolerance_ms} ms after its end."
        )
        tables.append(f"{markdown(header, rows)}\n\n{below}")
    return "\n\n".join(tables)


def state_tables(found: Sequence[States]) -> str:
    """Bytes of each state, and what is lost without it."""
    header = ["state", "bytes", "share %", "top-1 % without", "top-1 % without all up to it"]
    tables = []
    for result in found:
        rows = [
            [f"`{row.state}`", f"{row.bytes}", f"{100 * row.bytes / result.bytes:.1f}", f"{row.top1_without:.2f}",
             f"{row.top1_without_all_up_to:.2f}"]
            for row in result.states
        ]  # fmt: skip
        below = (
            f"`{result.checkpoint}` over {result.clips} clips of `{result.data}`: top-1 {result.top1:.2f} % with "
            f"all states, {result.bytes / 1e6:.3f} MB of int8 at {result.size} x {result.size}. The network was not "
            "trained again without a state, so the losses are upper bounds."
        )
        tables.append(f"{markdown(header, rows)}\n\n{below}")
    return "\n\n".join(tables)


def profile_tables(found: Sequence[Profile]) -> str:
    """Where the time goes, int8 beside fp32; the page has it role by role."""
    header = ["input", "runtime", "what", "M multiply-adds", "int8 ms", "int8 % of peak", "fp32 ms", "fp32 % of peak",
              "time ratio"]  # fmt: skip
    rows, below = [], []
    for result in found:
        both = [(left, right) for left, right in layer_tables.pairs(result) if right is not None]
        rows += [row for left, right in both for row in layer_tables.kind_rows(left, right)]
        peaks = "; ".join(
            f"{left.runtime} {left.peak_macs_per_second / 1e9:.0f} and {right.peak_macs_per_second / 1e9:.0f}"
            for left, right in both
        )
        below.append(f"{both[0][0].input}: {peaks}" if both else "")
    if not rows:
        raise UserError("a table of profiles needs an int8 artefact and the fp32 one of the same network and runtime")
    first = found[0]
    return (
        f"{markdown(header, rows)}\n\n100 % of the peak, in G multiply-adds a second of int8 and fp32: "
        f"{'. '.join(below)}. {first.threads} thread(s), medians of {first.rounds} interleaved rounds, "
        f"{host_line(first.host)}; other work ran beside it (load average "
        f"{' and '.join(f'{result.load_average:.0f}' for result in found)})."
    )


def noise_tables(found: Sequence[QuantDebug]) -> str:
    """The layers that lose most to int8."""
    tables = []
    for result in found:
        header, rows = layer_tables.noise_table(layer_tables.worst_layers(result))
        cells = [[f"`{layer}`", *rest] for layer, *rest in rows]
        tables.append(f"{markdown(header, cells)}\n\n{layer_tables.noise_words(result)}")
    return "\n\n".join(tables)


def frontier_tables(found: Sequence[Frontier]) -> str:
    """Networks beside each other: top-1, size, time of a frame and of a clip; who leads."""
    tables = []
    for result in found:
        host = f"LiteRT, {result.threads} thread, {result.rounds} interleaved rounds, {host_line(result.host)}."
        below = " ".join([*sentences(result), scale_of(result), host]).replace("  ", " ")
        tables.append(f"{markdown(*table_cells(result))}\n\n{below}")
    return "\n\n".join(tables)


def artefact_table(found: Sequence[Artefact]) -> str:
    """A row for each exported file."""
    rows = [
        [f"`{a.artefact}`", a.runtime, a.precision, f"{a.bytes / 1e6:.2f}", operators_line(a.operators),
         pieces(a), f"`{a.sha256[:12]}`"]
        for a in found
    ]  # fmt: skip
    return markdown(["artefact", "runtime", "precision", "MB", "operators", "delegate", "sha256"], rows)


def pieces(artefact: Artefact) -> str:
    """The delegate and in how many pieces it takes the network."""
    if artefact.delegate is None:
        return "planned on the device"
    return f"{artefact.delegate} in {artefact.delegate_pieces}"


def operators_line(operators: dict[str, dict[str, int]]) -> str:
    """Operators counted by data type, most frequent first: "98 int8, 2 float32"."""
    counted: dict[str, int] = {}
    for types in operators.values():
        for dtype, count in types.items():
            counted[dtype] = counted.get(dtype, 0) + count
    return ", ".join(f"{count} {dtype}" for dtype, count in sorted(counted.items(), key=lambda pair: -pair[1]))


def preprocess_tables(found: Sequence[PreprocessSpeed]) -> str:
    """The Android app's preprocessing on the JVM beside inference."""
    header = ["frame", "input", "preprocess ms", "p90 ms", "inference ms", "p90 ms", "ratio"]
    rows = [
        [result.frame, result.input, f"{result.preprocess_ms.median:.2f}", f"{result.preprocess_ms.p90:.2f}",
         f"{result.inference_ms.median:.2f}", f"{result.inference_ms.p90:.2f}", f"{result.ratio:.2f}"]
        for result in found
    ]  # fmt: skip
    below = [
        f"Inference: `{result.artefact}`, {result.runtime}, one thread; medians of {result.rounds} x {result.burst} "
        f"frames, the ratio of the medians of each round; {host_line(result.host)}."
        for result in found
    ]
    return f"{markdown(header, rows)}\n\n{' '.join(below)}"
