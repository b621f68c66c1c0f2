"""Where the time of an artefact goes: ``sth profile ARTEFACT [ARTEFACT ...]``.

The time of each operator by the runtime's own profiler, its multiply-adds and bytes, and its speed as a share of the
fastest matrix product of the same precision, which the command measures in the same runtime and the same rounds.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Column, Table
from tqdm import tqdm

from mobile.interface.contract import Contract, load_contract
from mobile.latency.profile.network_operators import Op, kind_of_kernel, match, ops_of
from mobile.latency.profile.peak import Peak, fastest, product_profilers
from mobile.latency.profile.plot import plot_profiles
from mobile.latency.profile.profilers import Profiler, Samples, open_profiler
from mobile.latency.rivals import EXPORT_SOURCES
from mobile.latency.timing import describe_host
from mobile.schemas.layers import KernelTime, ProfiledArtefact
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import sha256_of
from training.common.pictures import check_picture
from training.engine.provenance import code_version, write_result
from training.networks import title_of

SOURCES = (*EXPORT_SOURCES, "mobile/latency/profile")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth profile build/artefacts/sth_mobilenet_v2_96_int8.tflite
  sth profile a_int8.tflite a_fp32.tflite --json profile.json --plot profile.png   int8 beside fp32
  sth profile a_int8.pte --top 20
"""


def profile(
    paths: Sequence[Path], *, threads: int, rounds: int, warm_up: int, seed: int
) -> tuple[list[ProfiledArtefact], float]:
    """Profile artefacts, and the matrix products of their precisions, in interleaved rounds.

    Returns:
        One result an artefact, and the load average of the machine meanwhile.

    Raises:
        UserError: fewer than one round, an artefact that cannot be profiled, or one that does not load.
    """
    if rounds < 1 or warm_up < 0:
        raise UserError(f"rounds is {rounds} and warm-up {warm_up}; expected at least 1 and 0")
    contracts = [load_contract(path) for path in paths]
    profilers: dict[Any, Profiler] = {path: open_profiler(path, threads=threads, seed=seed) for path in paths}
    for runtime, precision in dict.fromkeys((c.runtime, c.precision) for c in contracts):
        products = product_profilers(runtime, precision, threads, seed)
        profilers |= {(runtime, precision, size): profiler for size, profiler in products.items()}
    _run_interleaved(list(profilers.values()), rounds + warm_up, seed)
    samples = {key: profiler.samples().without_first(warm_up) for key, profiler in profilers.items()}
    results = []
    for path, contract in zip(paths, contracts, strict=True):
        kind = (contract.runtime, contract.precision)
        peak = fastest({key[2]: seen for key, seen in samples.items() if isinstance(key, tuple) and key[:2] == kind})
        results.append(_result(path, contract, profilers[path], samples[path], peak))
    return results, os.getloadavg()[0]


def _run_interleaved(profilers: Sequence[Profiler], rounds: int, seed: int) -> None:
    """All once a round, in shuffled order, so that a slow minute hits all of them alike."""
    rng = np.random.default_rng(seed)
    for _ in tqdm(range(rounds), desc="profiling", unit="round", leave=False):
        for index in rng.permutation(len(profilers)):
            profilers[index].run()


def _result(path: Path, contract: Contract, profiler: Profiler, samples: Samples, peak: Peak) -> ProfiledArtefact:
    ops = match(samples.kernels, ops_of(contract))
    low, middle, high = np.percentile(samples.op_us, (25, 50, 75), axis=0)
    kernels = tuple(
        _kernel(name, op, float(middle[index]), float(low[index]), float(high[index]))
        for index, (name, op) in enumerate(zip(samples.kernels, ops, strict=True))
    )
    spec = contract.frames
    return ProfiledArtefact(
        artefact=path.name,
        sha256=sha256_of(path),
        network=title_of(contract.network, contract.options),
        precision=contract.precision,
        input=f"{contract.frames_per_inference} x {spec.size} x {spec.size}",
        runtime=profiler.runtime,
        method=profiler.method,
        whole_us=float(np.median(samples.whole_us)),
        peak_macs_per_second=peak.macs_per_second,
        peak_product=f"{peak.product}, {peak.kernel}",
        kernels=kernels,
    )


def _kernel(name: str, op: Op | None, us: float, low_us: float, high_us: float) -> KernelTime:
    if op is None:
        return KernelTime(name, None, None, kind_of_kernel(name), us, low_us, high_us, 0, 0)
    return KernelTime(name, op.layer, op.role, op.kind, us, low_us, high_us, op.macs, op.bytes)


def show(found: ProfiledArtefact, console: Console, top: int) -> None:
    """Print the slowest kernels, and the sum of each role; readable at 80 columns."""
    title = f"{found.artefact}: {found.kernels_us / 1000:.2f} ms in kernels"
    table = Table(Column("layer", min_width=20), Column("kernel", ratio=1), *_figures(), title=title, expand=True)
    slowest = sorted(found.kernels, key=lambda kernel: -kernel.us)
    for kernel in slowest[:top]:
        table.add_row(kernel.layer or "", kernel.kernel, *_cells(found, kernel.us, kernel.macs, kernel.bytes))
    console.print(table)
    roles = Table(Column("role", min_width=20), *_figures(), title="by what it does", expand=True)
    for role, (us, macs, moved) in sorted(found.roles().items(), key=lambda item: -item[1][0]):
        roles.add_row(role, *_cells(found, us, macs, moved))
    console.print(roles)
    peak = found.peak_macs_per_second / 1e9
    console.print(
        f"{found.runtime}; {found.method}. Whole inference {found.whole_us / 1000:.2f} ms. 100 % of the peak is "
        f"{peak:.1f} G multiply-adds a second in {found.precision} ({found.peak_product}).",
        highlight=False,
    )
    if all(kernel.layer is None for kernel in found.kernels):
        console.print("The kernels are not those of the contract's network, so layers and multiply-adds are unknown.")


def _figures() -> list[Column]:
    return [Column(name, justify="right") for name in ("us", "% of\ntime", "M\nMAC", "MB", "% of\npeak")]


def _cells(found: ProfiledArtefact, us: float, macs: int, moved: int) -> list[str]:
    share = found.share_of_peak(macs, us)
    return [f"{us:.0f}", f"{100 * us / max(found.kernels_us, 1e-9):.1f}", f"{macs / 1e6:.1f}" if macs else "",
            f"{moved / 1e6:.2f}" if moved else "", "" if share is None else f"{100 * share:.0f}"]  # fmt: skip


def result_of(found: Sequence[ProfiledArtefact], load: float, *, threads: int, rounds: int) -> dict[str, Any]:
    """The result file of a run (``mobile.schemas.layers.Profile``)."""
    return {
        "kind": "profile",
        "code_version": code_version(),
        "host": describe_host(),
        "threads": threads,
        "rounds": rounds,
        "load_average": load,
        "artefacts": [dataclasses.asdict(artefact) for artefact in found],
    }


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth profile", __doc__, EXAMPLES)
    parser.add_argument("artefacts", nargs="+", type=Path, metavar="ARTEFACT", help=".tflite or .pte, int8 or fp32")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--top", type=int, default=12, metavar="N", help="kernels to print; --json has all")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs and the order")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="time layer by layer, .png or .svg")
    return parser.parse_args(arguments)


def main() -> None:
    arguments = parse(sys.argv[1:])
    if arguments.plot:
        check_picture(arguments.plot)
    found, load = profile(arguments.artefacts, threads=arguments.threads, rounds=arguments.rounds,
                          warm_up=arguments.warm_up, seed=arguments.seed)  # fmt: skip
    console = Console()
    for artefact in found:
        show(artefact, console, arguments.top)
    if arguments.json:
        content = result_of(found, load, threads=arguments.threads, rounds=arguments.rounds)
        write_result(arguments.json, content, sources=SOURCES)
    if arguments.plot:
        plot_profiles(found, arguments.plot)


if __name__ == "__main__":
    run_cli(main)
