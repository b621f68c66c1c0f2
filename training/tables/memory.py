"""Memory of training by each recipe: expected, without a GPU, and what a run on one took.

Expected memory is counted on tensors that have shapes and no content.

Per process: weights, gradients and the optimiser's moments in float32, DistributedDataParallel's buckets, and what
autograd keeps of each clip for the backward pass (PyTorch's ``saved_tensors_hooks`` under ``FakeTensorMode``, in the
recipe's precision). Not counted: convolution workspaces, gradients of activations on their way, the CUDA context (about
0.5 GiB) and the allocator's fragments; leave a fifth free.

Axes: N clip.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from rich.table import Column, Table
from torch._subclasses.fake_tensor import FakeTensorMode
from tqdm import tqdm

from training.common.errors import UserError
from training.common.files import read_json
from training.engine.loop import RESULT
from training.engine.provenance import code_version
from training.engine.recipe import Recipe
from training.networks import FrameNetwork, build_network
from training.networks.first_convolution import first_convolution
from training.tables import NOT_RUN
from training.train import train

GIB = 2**30
_CLASSES = 100  # of the network that is counted; the logits of a clip weigh nothing
_MOMENTS = {"sgd": 1, "adamw": 2}  # numbers that the optimiser keeps of each weight


@dataclasses.dataclass(frozen=True)
class Need:
    """What one recipe needs.

    Attributes:
        fixed: bytes whatever the batch: weights, gradients, moments, buckets, weights cast to 16 bits.
        per_clip: bytes of one more clip.
    """

    recipe: Recipe
    parameters: int
    fixed: int
    per_clip: int

    def of(self, processes: int) -> float:
        """Bytes of each of some processes, at the recipe's batch."""
        share = self.recipe.batch / processes / self.recipe.accumulate
        return self.fixed + share * self.per_clip


def need_of(recipe: Recipe, classes: int) -> Need:
    """Counts what training keeps; takes seconds.

    Raises:
        UserError: a network or an option that there is not.
    """
    try:
        with torch.device("meta"):
            network = _build(recipe, classes)
    except ValueError as error:
        raise UserError(f"{recipe.name}: {error}") from error
    parameters = sum(p.numel() for p in network.parameters())
    options = json.dumps(recipe.network_options(), sort_keys=True)
    shape = (recipe.network, options, recipe.frames(), recipe.size, recipe.amp)
    kept = [_kept(*shape, clips) for clips in (1, 2)]
    per_clip = kept[1] - kept[0]
    copies = 2 + _MOMENTS[recipe.optimizer] + 1  # weights, gradients, moments, buckets
    return Need(recipe, parameters, 4 * parameters * copies + kept[0] - per_clip, per_clip)


def _build(recipe: Recipe, classes: int) -> FrameNetwork:
    options = recipe.network_options()
    return build_network(recipe.network, num_classes=classes, segments=recipe.frames(), **options)


@functools.cache  # recipes of one network differ in their classes only
def _kept(name: str, options: str, segments: int, size: int, amp: str, clips: int) -> int:
    """Bytes that autograd keeps of a forward pass beside the parameters, and those of the input."""
    half = torch.float16 if amp == "fp16" else torch.bfloat16
    autocast: Any = torch.autocast("cpu", half) if amp != "none" else contextlib.nullcontext()
    with FakeTensorMode():
        network = build_network(name, num_classes=_CLASSES, segments=segments, **json.loads(options)).train()
        own = {tensor.untyped_storage()._cdata for tensor in (*network.parameters(), *network.buffers())}
        kept: dict[int, torch.UntypedStorage] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in own:
                kept[storage._cdata] = storage  # held, so that no other takes its place
            return tensor

        channels = first_convolution(network.features)[2].in_channels
        frames_NTCHW = torch.empty(clips, segments, channels, size, size)
        keep(frames_NTCHW)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), autocast:
            F.cross_entropy(network(frames_NTCHW).float(), torch.zeros(clips, dtype=torch.long))
    return sum(storage.nbytes() for storage in kept.values())


def measure(recipes: Sequence[tuple[Recipe, int]]) -> list[Need]:
    """Every recipe, each with its number of classes."""
    return [need_of(*pair) for pair in tqdm(recipes, desc="counting", unit="recipe", leave=False)]


@dataclasses.dataclass(frozen=True)
class Run:
    """What training by a recipe took on this machine's GPU.

    Attributes:
        bytes: the most that tensors took; the CUDA context and the allocator's fragments come on top.
        clips_per_second: of the second epoch, waiting for clips included.
        waiting: share of that epoch in which the GPU waited for clips.
    """

    device: str
    bytes: int
    clips_per_second: float
    waiting: float

    def __str__(self) -> str:
        speed = f"{self.clips_per_second:.0f} clips/s, {100 * self.waiting:.0f} % of it waiting for them"
        return f"{self.device}: {self.bytes / GIB:.1f} GiB, {speed}"


def run_on_gpu(recipe: Recipe, folder: Path, *, batches: int = 12) -> Run | str:
    """Train by the recipe for two short epochs on rendered clips in place of its data, from random weights.

    Its batch, frames, input size, precision and optimiser are the recipe's; the classes are the 27 of the rendered
    clips.

    Returns:
        Why it stopped in place of what it took, where the GPU has too little memory.
    """
    chosen = dataclasses.replace(
        recipe,
        train_data=f"rendered:{batches * recipe.batch}:1",
        validation_data=f"rendered:{recipe.batch}:2",
        weights="",
        epochs=2,
        validate_every=2,
        device="cuda",
        frame_cache=str(folder / "frames"),
        out=str(folder / f"{recipe.name}-batch{recipe.batch}"),
    )
    try:
        train(chosen)
    except torch.OutOfMemoryError:
        return f"{torch.cuda.get_device_name()}: too little memory"
    result = read_json(Path(chosen.out) / RESULT, "result of a run")
    second = result["history"][1]
    return Run(result["device"], result["peak_gpu_bytes"], second["clips_per_second"], second["waiting_for_data"])


def measured_in(file: Path, needs: Sequence[Need]) -> dict[str, str]:
    """What runs on a GPU took by an earlier result file, by the name of their recipe: counting again needs no GPU.

    Raises:
        UserError: it is no such file, or its recipe of that name had another network, input, precision or batch.
    """
    content = read_json(file, "result of training.tables memory")
    if content.get("kind") != "memory":
        raise UserError(f"{file} is no result of training.tables memory: its kind is {content.get('kind')!r}")
    theirs = {row["recipe"]: row for row in content["rows"]}
    found = {}
    for need in needs:
        ours, row = as_json(need, (), {}), theirs.get(need.recipe.name)
        if row is None:
            continue
        if differing := [key for key in ("network", "input", "amp", "batch", "parameters") if row[key] != ours[key]]:
            told = ", ".join(f"{key} {row[key]} in place of {ours[key]}" for key in differing)
            raise UserError(f"{file} measured another {need.recipe.name}: {told}; run it on a GPU with --device cuda")
        found[need.recipe.name] = row["on_gpu"]
    return {name: run for name, run in found.items() if run != NOT_RUN}


def table_of(needs: Sequence[Need], processes: Sequence[int], *, measured: bool) -> Table:
    """For the terminal; ``measured`` where runs on a GPU stand below it."""
    columns = ("batch", "M par.", "fixed GiB", "MiB a clip", *(f"GiB on {count}" for count in processes))
    table = Table(Column("recipe", no_wrap=True), Column("input", no_wrap=True), "amp",
                  *(Column(text, justify="right") for text in columns), padding=(0, 0),
                  title=f"expected memory of each GPU{'' if measured else '; no recipe was run on a GPU'}")  # fmt: skip
    for need in needs:
        row = as_json(need, processes, {})
        table.add_row(
            row["recipe"], f"{need.recipe.frames()} x {need.recipe.size}²", row["amp"], str(row["batch"]),
            f"{row['parameters'] / 1e6:.1f}",
            f"{row['fixed_bytes'] / GIB:.2f}", f"{row['bytes_per_clip'] / 2**20:.0f}",
            *(f"{found['bytes'] / GIB:.1f}" for found in row["on"]),
        )  # fmt: skip
    return table


def as_json(need: Need, processes: Sequence[int], runs: Mapping[str, Run | str]) -> dict[str, Any]:
    """One row of the result file."""
    recipe = need.recipe
    return {
        "recipe": recipe.name,
        "network": recipe.network,
        "input": f"{recipe.frames()} x {recipe.size} x {recipe.size}",
        "amp": recipe.amp,
        "batch": recipe.batch,
        "parameters": need.parameters,
        "fixed_bytes": need.fixed,
        "bytes_per_clip": need.per_clip,
        "on": [{"processes": count, "bytes": round(need.of(count))} for count in processes],
        "on_gpu": str(runs.get(recipe.name, NOT_RUN)),
    }


def result_of(needs: Sequence[Need], processes: Sequence[int], runs: Mapping[str, Run | str]) -> dict[str, Any]:
    """The result file."""
    rows = [as_json(need, processes, runs) for need in needs]
    return {"kind": "memory", "code_version": code_version(), "rows": rows}
