"""Latency of artefacts on a device: ``python -m mobile.latency [--against tsn tsm] [ARTEFACT ...]``.

Without an artefact, STH-MobileNetV2 at 8 x 224 x 224 is built with random weights (time does not depend on them) for
LiteRT and ExecuTorch.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from mobile import thresholds
from mobile.contract import Contract, report_path
from mobile.forms import MODES
from mobile.runners import ArtefactRunner
from mobile.timing import Timing, describe_host, interleaved, peak_memory_mb, ratio_of_medians
from training.checkpoint import code_version
from training.errors import UserError, run_cli
from training.files import atomic_path, read_json, sha256_of, size_of, write_json
from training.networks import title_of

EXAMPLES = """examples:
  python -m mobile.latency --against tsn tsm                 the table of the README
  python -m mobile.latency --mode stream --against tsn clip  one streamed frame against one frame, and against the clip
  python -m mobile.latency --against tsn build/artefacts/*.tflite build/artefacts/*.pte --json latency.json
"""
RIVALS = {"sth": "sth_mobilenet_v2", "tsn": "tsn_mobilenet_v2", "tsm": "tsm_mobilenet_v2"}
CLIP = "clip"
"""The rival of a stream that is its own network in clip mode."""
DEVICES = ("host",)


@dataclasses.dataclass(frozen=True)
class Measured:
    """One row of the table."""

    artefact: Path
    contract: Contract
    runtime: str
    timing: Timing
    load_seconds: float
    peak_mb: float | None
    delegate: str
    ratios: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        spec = self.contract.frames
        return {
            "artefact": self.artefact.name,
            "sha256": sha256_of(self.artefact),
            "bytes": size_of(self.artefact),
            "network": title_of(self.contract.network, self.contract.options),
            "options": self.contract.options,
            "precision": self.contract.precision,
            "input": f"{self.contract.frames_per_inference} x {spec.size} x {spec.size}",
            "mode": self.contract.mode,
            "state_bytes": sum(state.bytes for state in self.contract.states),
            "runtime": self.runtime,
            "delegate": self.delegate,
            "median_ms": self.timing.median,
            "p90_ms": self.timing.p90,
            "load_ms": 1000 * self.load_seconds,
            "peak_mb": self.peak_mb,
            "ratio_to": self.ratios,
            "samples_ms": list(self.timing.samples),
        }


def build_rival(short: str, like: ArtefactRunner, folder: Path) -> Path:
    """The same-size rival of an artefact, made by the same converter with random weights; kept in ``folder``.

    The rival of a stream is one frame of the other network, or, by the name ``clip``, the whole clip of its own.

    Raises:
        UserError: the converters are not installed.
    """
    contract = like.contract
    own = short == CLIP
    options = {key: value for key, value in contract.options.items() if own or key == "width"}
    return build(
        contract.network if own else RIVALS[short],
        contract.runtime,
        precision=contract.precision,
        size=contract.frames.size,
        segments=contract.frames.segments if own else contract.frames_per_inference,
        classes=len(contract.labels),
        options=options,
        folder=folder,
    )


def build(
    name: str,
    runtime: str,
    *,
    precision: str,
    size: int,
    segments: int,
    classes: int,
    options: dict[str, Any],
    folder: Path,
    mode: str = "clip",
) -> Path:
    """Export a network with random weights by the converter registered for ``runtime``."""
    exporters = {entry.name: entry for entry in entry_points(group="sth.exporters")}
    if runtime not in exporters:
        raise UserError(f"no converter is installed for {runtime}; pip install -e '.[all]' brings them")
    return exporters[runtime].load()(
        name,
        precision=precision,
        size=size,
        segments=segments,
        classes=classes,
        options=options,
        folder=folder,
        mode=mode,
    )


def measure(
    artefacts: list[Path],
    *,
    against: list[str],
    threads: int,
    rounds: int,
    warm_up: int,
    seed: int,
    folder: Path,
) -> list[Measured]:
    """Time artefacts and their rivals together.

    Raises:
        UserError: an artefact that does not load, or one whose runtime cannot be timed here.
    """
    runners = [ArtefactRunner(path, threads=threads) for path in artefacts]
    for runner in runners:
        if "interpreter" in runner.runtime:
            raise UserError(f"{runner.path} cannot be timed here: Core ML exists on Apple's systems only")
    rivals: dict[tuple[int, str], int] = {}
    paths = {runner.path.resolve(): index for index, runner in enumerate(runners)}
    for index in range(len(artefacts)):
        for short in against:
            path = build_rival(short, runners[index], folder)
            if path.resolve() not in paths:
                paths[path.resolve()] = len(runners)
                runners.append(ArtefactRunner(path, threads=threads))
            rivals[index, short] = paths[path.resolve()]
    timings = interleaved(runners, rounds=rounds, warm_up=warm_up, seed=seed)
    return [
        Measured(
            artefact=runner.path,
            contract=runner.contract,
            runtime=runner.runtime,
            timing=timings[index],
            load_seconds=runner.load_seconds,
            peak_mb=peak_memory_mb(runner.path, threads),
            delegate=delegate_of(runner.path),
            ratios={
                short: ratio_of_medians(timings[index], timings[rivals[index, short]])
                for short in against
                if (index, short) in rivals
            },
        )
        for index, runner in enumerate(runners)
    ]


def delegate_of(artefact: Path) -> str:
    """The delegate and its pieces as the artefact's report states them."""
    report = report_path(artefact)
    if not report.is_file():
        return "unknown (no report)"
    content = read_json(report, "report")
    if "delegate" not in content:
        return "none"
    return f"{content['delegate']} in {content['delegate_pieces']}"


def show(rows: list[Measured], console: Console, threads: int) -> None:
    """Print the table, readable at 80 columns."""
    shorts = sorted({short for row in rows for short in row.ratios})
    figures = ["median\nms", "p90\nms", *(f"/ {short}" for short in shorts), "load\nms", "peak\nMB", "size\nMB"]
    columns = [Column(name, justify="right") for name in figures]
    table = Table(Column("what", min_width=22), *columns, title=f"{threads} thread(s), this host", expand=True)
    for row in rows:
        content = row.to_json()
        about = [content["network"], f"{content['precision']}, {content['input']}", row.runtime, row.delegate]
        table.add_row(
            "\n".join(about), f"{content['median_ms']:.1f}", f"{content['p90_ms']:.1f}",
            *(f"{row.ratios[short]:.3f}" if short in row.ratios else "" for short in shorts),
            f"{content['load_ms']:.0f}", "" if row.peak_mb is None else f"{row.peak_mb:.0f}",
            f"{content['bytes'] / 1e6:.1f}",
        )  # fmt: skip
    console.print(table)


def note_on_int8(rows: list[Measured], host: dict[str, Any]) -> str | None:
    """What the table must say where int8 stands beside fp32."""
    if host["int8_dot_product"] is not False or not {"int8", "fp32"} <= {row.contract.precision for row in rows}:
        return None
    return (
        "This CPU has no int8 dot product: XNNPACK widens int8 to int16 and multiplies pairs, which is about as fast "
        "as its fp32. int8 gains size here, not time; on CPUs with dot products (phones since about 2018) it gains "
        "both."
    )


def result_of(rows: list[Measured], host: dict[str, Any], *, threads: int, rounds: int) -> dict[str, Any]:
    """The result file of a run (``mobile.result_files.Latency``)."""
    return {
        "kind": "latency",
        "code_version": code_version(),
        "host": host,
        "threads": threads,
        "rounds": rounds,
        "note": note_on_int8(rows, host),
        "rows": [row.to_json() for row in rows],
    }


def missed_limits(rows: Sequence[Measured], threads: int) -> list[str]:
    """Which limits of ``mobile.thresholds`` the rows miss. They hold for int8 STH, 8 x 224 x 224, one thread."""
    misses = []
    for row in rows:
        spec, contract = row.contract.frames, row.contract
        if (contract.network, contract.precision, spec.segments, spec.size) != ("sth_mobilenet_v2", "int8", 8, 224):
            continue
        for rival, limit in _limits(contract).items():
            ratio = row.ratios.get(rival)
            if threads == 1 and ratio is not None and ratio > limit:
                took = f"{row.artefact.name} takes {ratio:.3f} times the time of {rival}"
                misses.append(f"{took}; at most {limit:.3f} was asked")
        if row.peak_mb is not None and row.peak_mb > thresholds.PEAK_MEMORY_MB:
            misses.append(f"{row.artefact.name} needs {row.peak_mb:.0f} MB; at most {thresholds.PEAK_MEMORY_MB:.0f}")
    return misses


def _limits(contract: Contract) -> dict[str, float]:
    """The largest ratio to each rival."""
    if contract.mode == "stream":
        return {"tsn": thresholds.STREAM_RATIO_TO_FRAME, CLIP: thresholds.STREAM_RATIO_TO_CLIP}
    return {"tsn": thresholds.RATIO_TO_TSN[contract.runtime]}


def box_plot(names: Sequence[str], samples: Sequence[Sequence[float]], target: Path) -> None:
    """Draw milliseconds of single inferences, one box a name, as PNG or SVG by the target's suffix."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 0.6 * len(names) + 1.5), layout="constrained")
    axes.boxplot(samples, orientation="horizontal", tick_labels=names)
    axes.set(xlabel="ms for one clip", title="Latency on this host, interleaved rounds")
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    with atomic_path(target) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m mobile.latency", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("artefacts", nargs="*", type=Path, metavar="ARTEFACT", help=".tflite or .pte")
    parser.add_argument("--device", default="host", help="host (phones follow with the device lab)")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--against", nargs="*", default=[], metavar="RIVAL",
                        help=f"rivals of the same size: {', '.join(RIVALS)}; {CLIP}: a stream's own clip")  # fmt: skip
    parser.add_argument("--mode", default="clip", choices=MODES, help="of what is built when no artefact is given")
    parser.add_argument("--precision", nargs="*", default=["int8"], choices=["int8", "fp16", "fp32"],
                        help="of what is built when no artefact is given")  # fmt: skip
    parser.add_argument("--size", type=int, default=224, help="of what is built when no artefact is given")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--build", type=Path, default=Path("build/latency"), help="where built networks are kept")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="box plot, .png or .svg")
    parsed = parser.parse_args(arguments)
    # `--against tsn tsm a.tflite` reads naturally: what is no rival's name is an artefact
    others = [word for word in parsed.against if word not in (*RIVALS, CLIP)]
    for word in others:
        if not Path(word).suffix:
            parser.error(f"--against {word}: expected {', '.join(RIVALS)}, {CLIP}, or the path of an artefact")
    parsed.artefacts += [Path(word) for word in others]
    parsed.against = [word for word in parsed.against if word not in others]
    return parsed


def main() -> int:
    arguments = parse(sys.argv[1:])
    if arguments.device not in DEVICES:
        raise UserError(f"device is {arguments.device!r}; expected one of {', '.join(DEVICES)}")
    options = {"width": 1.0, "p": 0.25, **({"causal": True} if arguments.mode == "stream" else {})}
    artefacts = arguments.artefacts or [
        build("sth_mobilenet_v2", runtime, precision=precision, size=arguments.size, segments=8, classes=27,
              options=options, folder=arguments.build, mode=arguments.mode)
        for runtime in ("litert", "executorch") for precision in arguments.precision
    ]  # fmt: skip
    rows = measure(
        artefacts, against=arguments.against, threads=arguments.threads, rounds=arguments.rounds,
        warm_up=arguments.warm_up, seed=arguments.seed, folder=arguments.build,
    )  # fmt: skip
    console, host = Console(), describe_host()
    show(rows, console, arguments.threads)
    note = note_on_int8(rows, host)
    if note:
        console.print(note)
    if arguments.json:
        write_json(arguments.json, result_of(rows, host, threads=arguments.threads, rounds=arguments.rounds))
    if arguments.plot:
        names = [f"{r.contract.network}\n{r.contract.runtime} {r.contract.precision}" for r in rows]
        box_plot(names, [row.timing.samples for row in rows], arguments.plot)
    misses = missed_limits(rows, arguments.threads)
    for miss in misses:
        print(f"error: {miss}", file=sys.stderr)
    return 1 if misses else 0


if __name__ == "__main__":
    run_cli(main)
