"""Top-1, top-5 and confusion matrix of a checkpoint or an artefact: ``sth evaluate MODEL --data DATA``.

Axes: M clips, N batch of clips, T frame, S height and width, C colour, K class.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from training.analysis.score_files import Scores, check_name, save_scores
from training.clips import UNLABELLED, ClipDataset, ClipError, ClipLoader, as_modality
from training.clips.input_spec import InputSpec
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.pictures import check_picture
from training.engine import distributed
from training.engine.checkpoint import input_spec_of, load_checkpoint, network_of
from training.engine.distributed import device_named
from training.engine.metrics import plot_confusion, scores
from training.engine.provenance import CLIP_SOURCES, NETWORK_SOURCES, code_version, write_result
from training.formats import DATA_HELP, is_rendered, open_data, with_seed
from training.networks import title_of

SOURCES = (*CLIP_SOURCES, *NETWORK_SOURCES, "training/evaluate.py")
"""What decides the figures beside the measured files."""
EXAMPLES = """examples:
  sth evaluate runs/rendered_sth-seed0/final.pt --data rendered:2000:9
  sth evaluate build/artefacts/sth_mobilenet_v2_96_int8.tflite --plot confusion.png
  sth evaluate final.pt --data DIR --split validation --clips-per-video 2 --scores final.npz
  sth evaluate final.pt --data UCF#1 --clips-per-video 10 --crops 3 --workers 8
  torchrun --nproc-per-node 8 -m training.evaluate final.pt --data DIR --workers 8
"""
Predict = Callable[[np.ndarray], np.ndarray]


def open_model(path: str, device: str = "cpu") -> tuple[InputSpec, list[str], Predict, dict[str, Any]]:
    """A model of any kind: its input spec, labels, a function from uint8 frames (T, S, S, 3) to logits (K,), and
    a description. Artefacts are opened by what is registered under the entry point group ``sth.predictors``.

    Args:
        device: of a checkpoint, auto, cpu or cuda; artefacts run where their runtime does.

    Raises:
        UserError: no such file, nobody can open it, or there is no such device.
    """
    if Path(path).suffix != ".pt":
        for entry in entry_points(group="sth.predictors"):
            return entry.load()(path)
        raise UserError(f"{path} is no checkpoint, and nothing that opens artefacts is installed; pip install -e .")
    checkpoint = load_checkpoint(path)
    place = device_named(device)
    network, spec = network_of(checkpoint, path).to(place), input_spec_of(checkpoint, path)

    @torch.no_grad()
    def predict(frames_TSSC: np.ndarray) -> np.ndarray:
        return network(spec.to_network(torch.from_numpy(frames_TSSC)[None].to(place)))[0].cpu().numpy()

    about: dict[str, Any] = {
        "runtime": f"PyTorch {torch.__version__}",
        "precision": "float",
        "network": title_of(checkpoint["network"], checkpoint["options"]),
    }
    seen = {key: checkpoint["recipe"].get(key) for key in ("modality", "frame_size")}
    about |= {key: value for key, value in seen.items() if value not in (None, "rgb", [])}
    return spec, list(checkpoint["labels"]), predict, about


def evaluate(
    model: str,
    data: str,
    *,
    split: str = "validation",
    clips_per_video: int = 1,
    crops: int = 1,
    skip_broken: bool = False,
    repeat_short: bool = False,
    keep: Path | None = None,
    device: str = "auto",
    workers: int = 0,
    flow_cache: Path | str = "",
) -> dict[str, Any]:
    """Scores of a model over one split; ``skipped`` names the clips left out.

    The logits of a video are the mean over its ``clips_per_video`` clips of ``crops`` crops each (Section 4.2: one
    clip and the centre in Tables 2 and 9; else 2 clips where time matters and 10 where appearance does). Processes
    that torchrun started share the clips; each clip is counted once, and all of them return the same.

    Args:
        keep: writes the logits of each video there (``training.analysis.fuse``).
        device, workers, flow_cache: as in a recipe.

    Raises:
        UserError: a bad model or data, or (unless ``skip_broken``) a clip that cannot be used.
    """
    if clips_per_video < 1:
        raise distributed.shared_error(f"clips per video is {clips_per_video}; expected at least 1")
    with distributed.one_error():
        spec, labels, predict, about = open_model(model, device)
        source = open_data(data, split, labels)
        if any(source.label_of(index) == UNLABELLED for index in range(len(source))):
            raise UserError(f"the split {split!r} has clips without labels; evaluate on validation")
        source = as_modality(
            source, about.get("modality", "rgb"), frame_size=about.get("frame_size", ()), flow_cache=flow_cache
        )
        dataset = ClipDataset(
            source, spec, training=False, clips_per_video=clips_per_video, crops=crops, repeat_short=repeat_short
        )
        share = _share(dataset, predict, Path(model).name, workers=workers, skip_broken=skip_broken)
    told = distributed.gather(share)
    rows = sorted((row for theirs, _ in told for row in theirs), key=lambda row: row[0])
    if not rows:
        raise distributed.shared_error(f"none of the {len(source)} clips can be used")
    skipped = {name: reason for _, theirs in told for name, reason in theirs.items()}
    logits_MK, truths_M = np.stack([row[1] for row in rows]), np.array([row[2] for row in rows])
    names = [source.name_of(row[0]) for row in rows]
    result = scores(logits_MK, truths_M)
    protocol = {"data": data, "split": split, "clips_per_video": clips_per_video, "crops": crops}
    if keep is not None and distributed.current().first:
        save_scores(keep, Scores(logits_MK, truths_M, names, labels, {"model": model, **about, **protocol}))
    return {
        "kind": "accuracy",
        "code_version": code_version(),
        "model": model,
        **about,
        **protocol,
        "labels": labels,
        **result,
        "skipped": skipped,
    }


def _share(
    dataset: ClipDataset, predict: Predict, name: str, *, workers: int, skip_broken: bool
) -> tuple[list[tuple[int, np.ndarray, int]], dict[str, str]]:
    """What this process sees of the videos: number, mean logits (K,) and label of each; why others were skipped."""
    here = distributed.current()
    loader = ClipLoader(
        dataset, here.size, workers=workers, on_error="skip" if skip_broken else "stop",
        rank=here.rank, ranks=here.size,
    )  # fmt: skip
    rows = []
    try:
        for batch in tqdm(loader, desc=name, unit="clip", mininterval=2, disable=not here.first):
            mean_K = np.mean([predict(frames.numpy()) for frames in batch.frames_NTHWC], axis=0)
            rows.append((int(batch.indices_N[0]), mean_K, int(batch.labels_N[0])))
    except ClipError as error:
        raise UserError(
            f"{error}; --skip-broken leaves out such clips, --repeat-short repeats the frames of short ones"
        ) from error
    return rows, loader.skipped


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = command_parser("sth evaluate", __doc__, EXAMPLES)
    parser.add_argument("model", help="a checkpoint .pt, or an artefact .tflite, .pte, .mlpackage")
    parser.add_argument("--data", default="rendered:540:9", help=DATA_HELP)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--clips-per-video", type=int, default=1, metavar="N",
                        help="average N clips of each video: 1, 2 or 10 in the paper (default: 1)")  # fmt: skip
    parser.add_argument(
        "--crops", type=int, default=1, choices=(1, 3), help="the centre, or three of the whole short side"
    )
    parser.add_argument(
        "--skip-broken", action="store_true", help="leave out clips that cannot be read, and count them"
    )
    parser.add_argument("--repeat-short", action="store_true", help="repeat frames of clips shorter than T")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="of a checkpoint")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that decode clips (default: 0)")
    parser.add_argument(
        "--flow-cache", default="", metavar="DIR", help="of a network of optical flow, see training.analysis.flow"
    )
    parser.add_argument("--seed", type=int, help="seed of rendered clips (replaces the one in --data)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the confusion matrix, .png or .svg")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores here")
    parser.add_argument("--scores", type=Path, metavar="FILE", help="write the logits of each clip here, .npz, to fuse")
    return parser.parse_args(arguments)


def _reseeded(data: str, seed: int | None) -> str:
    """Rendered data with another seed."""
    if seed is None:
        return data
    if not is_rendered(data):
        raise UserError(f"--seed draws rendered clips, and the data are {data}; leave it out")
    return with_seed(":".join(data.split(":")[:2]), seed)


def main() -> None:
    arguments = parse(sys.argv[1:])
    data = _reseeded(arguments.data, arguments.seed)
    if arguments.plot:
        check_picture(arguments.plot)
    if arguments.scores:
        check_name(arguments.scores)
    with distributed.joined(arguments.device) as here:
        result = evaluate(
            arguments.model,
            data,
            split=arguments.split,
            clips_per_video=arguments.clips_per_video,
            crops=arguments.crops,
            skip_broken=arguments.skip_broken,
            repeat_short=arguments.repeat_short,
            keep=arguments.scores,
            device=arguments.device,
            workers=arguments.workers,
            flow_cache=arguments.flow_cache,
        )
    if not here.first:
        return
    table = Table("model", "runtime", "clips", "top-1", "top-5", "skipped")
    name = Path(arguments.model).name
    table.add_row(name, result["runtime"], str(result["clips"]), f"{result['top1']:.2f} %", f"{result['top5']:.2f} %",
                  str(len(result["skipped"])))  # fmt: skip
    Console().print(table)
    if arguments.plot:
        plot_confusion(result["confusion"], result["labels"], arguments.plot, f"{name}: top-1 {result['top1']:.2f} %")
    if arguments.json:
        write_result(arguments.json, result, sources=SOURCES, measured=[arguments.model])


if __name__ == "__main__":
    run_cli(main)
