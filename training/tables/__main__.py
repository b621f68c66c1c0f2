"""The paper's tables and what training needs: ``sth tables complexity``, ``runtime``, ``stages``,
``ablation`` or ``memory``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from rich.console import Console

from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.pictures import check_picture
from training.engine.provenance import NETWORK_SOURCES, TRAINING_SOURCES, write_result
from training.engine.recipe import override
from training.recipes import RECIPES, recipe
from training.tables import ablation, complexity, memory, runtime, stages

EXAMPLES = """examples:
  sth tables complexity                     Tables 6, 7 and 8 beside the paper's figures
  sth tables runtime --json runtime.json    Table 9 on this machine: batches of 16 on a GPU, else of 1
  sth tables runtime --operators tsm hybrid+attention --frames 16 --batch 4
  sth tables ablation --json ablation.json  Tables 6, 7, 8 trained on rendered gestures; resumes
  sth tables ablation --seeds 0 --set epochs=2 size=32
  sth tables memory something_sth --set segments=16 batch=32 --processes 4
  sth tables stages --json stages.json      every lowering of STH-Conv against 2-D; resumes
"""

_COUNTED = (*NETWORK_SOURCES, "training/tables")
SOURCES = {
    "complexity": _COUNTED,
    "memory": (*_COUNTED, "training/recipes"),
    "stages": _COUNTED,
    "runtime": _COUNTED,
    "ablation": (*TRAINING_SOURCES, "training/recipes/ablation.py"),
}
"""What decides the figures of each table."""

# recipes of published data sets, with the number of their classes
CLASSES_OF = {
    "jester_sth": 27, "jester_sth_resnet50": 27, "something_sth": 174, "kinetics_sth": 400, "ucf101_sth": 101,
    "hmdb51_sth": 51,
}  # fmt: skip


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth tables", __doc__, EXAMPLES)
    tables = parser.add_subparsers(dest="table", required=True)
    sizes = tables.add_parser("complexity", help="parameters and multiply-adds (Tables 6, 7, 8)")
    speed = tables.add_parser("runtime", help="videos per second of every operator (Table 9)")
    speed.add_argument("--operators", nargs="+", default=list(runtime.OPERATORS), metavar="NAME",
                       help="VARIANT[+attention][+dilation] (default: %(default)s)")  # fmt: skip
    speed.add_argument("--network", default="sth_resnet50")
    speed.add_argument("--batch", type=int, metavar="N", help="videos of a batch (default: 16 on a GPU, else 1)")
    speed.add_argument("--frames", type=int, default=8, metavar="T")
    speed.add_argument("--size", type=int, default=224, metavar="S")
    speed.add_argument("--rounds", type=int, default=20, help="timed batches of each operator (default: 20)")
    speed.add_argument("--warm-up", type=int, default=3, help="uncounted batches before (default: 3)")
    speed.add_argument("--threads", type=int, default=1, help="of a CPU (default: 1)")
    speed.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    trained = tables.add_parser("ablation", help="top-1 of Tables 6, 7 and 8 on rendered gestures")
    trained.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    trained.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", action="extend", help="change the recipe")
    trained.add_argument("--runs", type=Path, default=Path("runs/ablation"), help="folder of the runs")
    trained.add_argument("--jobs", type=int, default=1, metavar="N", help="runs at a time, of one device (default: 1)")
    trained.add_argument("--collect", action="store_true", help="train nothing, show what is there")
    trained.add_argument("--plot", type=Path, metavar="FILE", help="picture, .png or .svg")
    need = tables.add_parser("memory", help="expected memory of training by a recipe")
    need.add_argument("recipes", nargs="*", metavar="RECIPE", help="default: those of published data sets")
    need.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", action="extend", help="change the recipes")
    need.add_argument("--processes", nargs="+", type=int, default=[1, 4, 8], metavar="N",
                      help="that share a batch, one a GPU (default: 1 4 8)")  # fmt: skip
    gpu = need.add_mutually_exclusive_group()
    gpu.add_argument(
        "--device",
        choices=("none", "cuda"),
        default="none",
        help="cuda: train two short epochs by each recipe too, at its full batch (default: %(default)s)",
    )
    gpu.add_argument("--measured", type=Path, metavar="FILE", help="show what --device cuda wrote there with --json")
    need.add_argument("--runs", type=Path, default=Path("runs/memory"), help="folder of those runs")
    ways = tables.add_parser("stages", help="lowerings of STH-Conv at the stages of ResNet-50")
    ways.add_argument("--lowerings", nargs="+", metavar="NAME",
                      help="of taps (CPU), masked, gathered, compiled (default: all that the device has but"
                      " compiled)")  # fmt: skip
    ways.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="(default: cpu)")
    ways.add_argument("--batch", type=int, default=1, metavar="N", help="videos of a batch (default: 1)")
    ways.add_argument("--frames", type=int, default=8, metavar="T")
    ways.add_argument("--rounds", type=int, default=15, help="timed calls of each (default: 15)")
    ways.add_argument("--warm-up", type=int, default=2, help="uncounted calls before (default: 2)")
    ways.add_argument("--threads", type=int, default=1, help="(default: 1)")
    for table in (speed, ways):
        table.add_argument("--precision", choices=tuple(runtime.PRECISIONS), default="fp32", help="(default: fp32)")
        table.add_argument("--seed", type=int, default=0, help="of the order (default: 0)")
    for table in (sizes, speed, ways, trained, need):
        table.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args(arguments)


def main() -> None:
    arguments = parse(sys.argv[1:])
    console = Console()
    if arguments.table == "complexity":
        counted = complexity.count_rows()
        console.print(complexity.table_of(counted))
        for key, note in complexity.NOTES.items():
            console.print(f"{key}  {note}", soft_wrap=True, highlight=False)
        result = complexity.result_of(counted)
    elif arguments.table == "ablation":
        result = _train(arguments, console)
    elif arguments.table == "memory":
        result = _memory(arguments, console)
    elif arguments.table == "stages":
        result = _time_stages(arguments, console)
    else:
        result = _time(arguments, console)
    if arguments.json:
        write_result(arguments.json, result, sources=SOURCES[arguments.table])
        if part := _unfinished(arguments.json) if arguments.table == "stages" else None:
            part.unlink()


def _unfinished(result: Path | None) -> Path | None:
    """Where the finished stages lie until all of them are."""
    return result.with_suffix(".part.json") if result else None


def _train(arguments: argparse.Namespace, console: Console) -> dict[str, object]:
    if arguments.jobs < 1:
        raise UserError(f"--jobs is {arguments.jobs}; expected at least 1")
    if arguments.plot:
        check_picture(arguments.plot)
    chosen = override(RECIPES["ablation"](), arguments.set)
    found = ablation.run_all(
        chosen, arguments.seeds, arguments.runs, keep_going=not arguments.collect, jobs=arguments.jobs
    )
    result = ablation.result_of(chosen, arguments.seeds, found)
    console.print(ablation.table_of(result))
    if arguments.plot:
        ablation.plot(result, arguments.plot)
    return result


def _memory(arguments: argparse.Namespace, console: Console) -> dict[str, object]:
    if min(arguments.processes) < 1:
        raise UserError(f"--processes is {arguments.processes}; expected numbers of at least 1")
    names = arguments.recipes or list(CLASSES_OF)
    chosen = [override(recipe(name), arguments.set) for name in names]
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, and PyTorch sees no CUDA device; leave --device out")
    needs = memory.measure([(one, CLASSES_OF.get(one.name, 27)) for one in chosen])
    runs: dict[str, memory.Run | str] = {}
    if arguments.measured:
        runs |= memory.measured_in(arguments.measured, needs)
    elif arguments.device == "cuda":
        runs |= {one.name: memory.run_on_gpu(one, arguments.runs) for one in chosen}
    console.print(memory.table_of(needs, arguments.processes, measured=bool(runs)))
    for name, run in runs.items():
        console.print(f"{name} on {run}", soft_wrap=True, highlight=False)
    return memory.result_of(needs, arguments.processes, runs)


def _time_stages(arguments: argparse.Namespace, console: Console) -> dict[str, object]:
    if arguments.threads < 1:
        raise UserError(f"threads is {arguments.threads}; expected at least 1")
    torch.set_num_threads(arguments.threads)
    plan = stages.Plan(
        tuple(arguments.lowerings or stages.DEFAULT[arguments.device]), arguments.batch, arguments.frames,
        arguments.rounds, arguments.warm_up, arguments.seed, arguments.device, arguments.precision,
    )  # fmt: skip
    measured = stages.measure(plan, keep=_unfinished(arguments.json))
    console.print(stages.table_of(measured))
    return stages.result_of(measured, plan)


def _time(arguments: argparse.Namespace, console: Console) -> dict[str, object]:
    if arguments.threads < 1:
        raise UserError(f"threads is {arguments.threads}; expected at least 1")
    cuda = torch.cuda.is_available()
    if arguments.device == "cuda" and not cuda:
        raise UserError("device is cuda, and PyTorch sees no CUDA device; use --device cpu")
    device = torch.device("cuda" if cuda and arguments.device != "cpu" else "cpu")
    torch.set_num_threads(arguments.threads)
    batch = arguments.batch if arguments.batch is not None else (16 if device.type == "cuda" else 1)
    speeds = runtime.measure(
        arguments.operators,
        network=arguments.network,
        batch=batch,
        segments=arguments.frames,
        size=arguments.size,
        rounds=arguments.rounds,
        warm_up=arguments.warm_up,
        device=device,
        precision=arguments.precision,
        seed=arguments.seed,
    )
    shape = {"network": arguments.network, "segments": arguments.frames, "size": arguments.size}
    named = runtime.name_of(device, arguments.precision)
    console.print(runtime.table_of(speeds, **shape, device=named))
    return runtime.result_of(speeds, **shape, device=named)


if __name__ == "__main__":
    run_cli(main)
