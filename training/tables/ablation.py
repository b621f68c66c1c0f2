"""Tables 6, 7 and 8 trained for real at small scale: STH-ResNet-18 on rendered gestures, several seeds.

Runs that stand in the folder are not run again, and one that was cut off goes on: a stopped table costs nothing.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table
from tqdm import tqdm

from training.common.errors import UserError
from training.common.files import read_json
from training.common.pictures import drawing
from training.engine.loop import RESULT
from training.engine.provenance import code_version
from training.engine.recipe import Recipe
from training.tables import NOT_RUN
from training.tables.paper import ROWS
from training.train import train

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclasses.dataclass(frozen=True)
class Reached:
    """What a finished run reached.

    Attributes:
        top1: in per cent.
        device: that it was trained on, in words.
    """

    seed: int
    top1: float
    device: str


def run_all(
    recipe: Recipe, seeds: Sequence[int], folder: Path, *, keep_going: bool = True, jobs: int = 1
) -> dict[str, list[Reached]]:
    """Train every network of the rows with every seed; finished runs by ``Row.key``, in the order of seeds.

    Args:
        recipe: of one run; options, seed and folder are set here.
        keep_going: train what is missing; else only read what is there.
        jobs: runs at a time; each that is not the only one writes ``log.txt`` into its folder.

    Raises:
        UserError: a run failed, or its folder holds a run of another recipe.
    """
    options = {row.key: row.options for row in ROWS}
    # seed by seed: cut off, the table has all rows with fewer seeds
    todo = {
        (name, seed): dataclasses.replace(
            recipe, options=options[name], seed=seed, out=str(folder / f"{name}-seed{seed}")
        )
        for seed in seeds
        for name in options
    }
    missing = {key: chosen for key, chosen in todo.items() if keep_going and _reached(chosen) is None}
    with tqdm(total=len(todo), initial=len(todo) - len(missing), desc="ablation", unit="run") as bar:
        for _ in _trained(list(missing.values()), jobs):
            bar.update()
    return {name: [run for seed in seeds if (run := _reached(todo[name, seed])) is not None] for name in options}


def _trained(missing: Sequence[Recipe], jobs: int) -> Iterator[None]:
    """Once for each run as it ends."""
    if jobs == 1:
        for chosen in missing:
            train(chosen, resume=True)
            yield
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        ends = [pool.submit(_train_apart, chosen) for chosen in missing]
        try:
            for end in concurrent.futures.as_completed(ends):
                end.result()
                yield
        finally:
            pool.shutdown(cancel_futures=True)


def _train_apart(chosen: Recipe) -> None:
    """One of several runs at a time: bars of all of them on one screen would say nothing."""
    log = Path(chosen.out) / "log.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        train(chosen, resume=True)


def _reached(chosen: Recipe) -> Reached | None:
    """What a finished run of this recipe reached; None for one that is not finished."""
    result = Path(chosen.out) / RESULT
    if not result.is_file():
        return None
    content = read_json(result, "result of a run")
    theirs = Recipe(**content["recipe"]).fingerprint()
    if theirs != chosen.fingerprint():
        raise UserError(f"{result} is of another recipe; choose another folder with --runs, or delete it")
    return Reached(chosen.seed, float(content["validation"]["top1"]), content["device"])


def result_of(recipe: Recipe, seeds: Sequence[int], found: dict[str, list[Reached]]) -> dict[str, Any]:
    """The result file; a row without a run has no figures, and says so by an empty list."""
    return {
        "kind": "ablation",
        "code_version": code_version(),
        "network": recipe.network,
        "recipe": dataclasses.asdict(dataclasses.replace(recipe, options={}, out="")),
        "seeds": list(seeds),
        "rows": [
            {
                "table": row.table,
                "row": row.name,
                "options": row.options,
                "seeds": [run.seed for run in found[row.key]],
                "top1": [run.top1 for run in found[row.key]],
                "devices": [run.device for run in found[row.key]],
                "paper_top1": row.paper_top1,
            }
            for row in ROWS
        ],
    }


def table_of(result: dict[str, Any]) -> Table:
    """For the terminal: mean and spread beside the paper's figure for its own data."""
    table = Table("table, row", *(Column(text, justify="right") for text in ("runs", "mean", "min", "max", "paper")),
                  title=f"{result['network']} on {result['recipe']['train_data']}, top-1 %")  # fmt: skip
    for row in result["rows"]:
        values = row["top1"]
        cells = [f"{of(values):.2f}" for of in (statistics.fmean, min, max)] if values else [NOT_RUN, "", ""]
        table.add_row(f"{row['table']} {row['row']}", str(len(values)), *cells, f"{row['paper_top1']:.1f}")
    return table


def plot(result: dict[str, Any], target: Path) -> None:
    """Our top-1 with its spread, and the paper's for its own data, one panel a table."""
    tables = sorted({row["table"] for row in result["rows"]})
    with drawing(target, 1, len(tables), inches=(4 * len(tables), 3.6), squeeze=False) as (_, (panels,)):
        for number, axes in zip(tables, panels, strict=True):
            axes.set_title(f"Table {number}")
            _draw_rows(axes, [row for row in result["rows"] if row["table"] == number])
        panels[0].set_ylabel("top-1 %")
        panels[0].legend(fontsize=8)


def _draw_rows(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    for place, row in enumerate(rows):
        values = row["top1"]
        if values:
            seeds: dict[str, Any] = {"color": "C0", "alpha": 0.5, "label": "" if place else "a seed"}
            axes.plot([place] * len(values), values, "o", **seeds)
            axes.plot([place - 0.2, place + 0.2], [statistics.fmean(values)] * 2, "-", color="C0")
        axes.plot(place, row["paper_top1"], "x", color="C1", label="" if place else "the paper's data")
    names = [row["row"].replace(", ", ",\n") for row in rows]
    axes.set_xticks(range(len(rows)), names, rotation=20, fontsize=8)
    axes.grid(axis="y", alpha=0.3)
