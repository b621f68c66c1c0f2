"""The paper's tables: ``python -m training.tables complexity``, ``runtime`` or ``ablation``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from rich.console import Console

from training.errors import UserError, run_cli
from training.files import write_json
from training.recipe import override
from training.recipes import RECIPES
from training.tables import ablation, complexity, runtime

EXAMPLES = """examples:
  python -m training.tables complexity                     Tables 6, 7 and 8 beside the paper's figures
  python -m training.tables runtime --json runtime.json    Table 9 on this machine: batches of 16 on a GPU, else of 1
  python -m training.tables runtime --operators tsm hybrid+attention --frames 16 --batch 4
  python -m training.tables ablation --json ablation.json  Tables 6, 7, 8 trained on rendered gestures; resumes
  python -m training.tables ablation --seeds 0 --set epochs=2 size=32
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.tables", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
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
    trained.add_argument("--collect", action="store_true", help="train nothing, show what is there")
    trained.add_argument("--plot", type=Path, metavar="FILE", help="picture, .png or .svg")
    for table in (sizes, speed, trained):
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
    else:
        result = _time(arguments, console)
    if arguments.json:
        write_json(arguments.json, result)


def _train(arguments: argparse.Namespace, console: Console) -> dict[str, object]:
    chosen = override(RECIPES["ablation"](), arguments.set)
    found = ablation.run_all(chosen, arguments.seeds, arguments.runs, keep_going=not arguments.collect)
    result = ablation.result_of(chosen, arguments.seeds, found)
    console.print(ablation.table_of(result))
    if arguments.plot:
        ablation.plot(result, arguments.plot)
    return result


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
    )
    shape = {"network": arguments.network, "segments": arguments.frames, "size": arguments.size}
    console.print(runtime.table_of(speeds, **shape, device=runtime.name_of(device)))
    return runtime.result_of(speeds, **shape, device=device)


if __name__ == "__main__":
    run_cli(main)
