"""The training loop: epochs of clips, validation, checkpoints that resume bit-identically on the CPU.

Axes: N clip, T frame, C colour, H row, W column, K class, L labels.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from training import checkpoint as checkpoints
from training.clips import UNLABELLED, CachedClips, ClipDataset, ClipLoader, open_data
from training.errors import UserError, missing_extra
from training.files import write_json
from training.input_spec import InputSpec
from training.metrics import scores
from training.networks.frame_network import to_channels_last
from training.recipe import Recipe

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

LAST, FINAL, RESULT = "last.pt", "final.pt", "result.json"


def device_of(recipe: Recipe) -> torch.device:
    """The device that a recipe asks for.

    Raises:
        UserError: CUDA is asked for and not there.
    """
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, and PyTorch sees no CUDA device; use --set device=cpu")
    return torch.device("cuda" if recipe.device != "cpu" and torch.cuda.is_available() else "cpu")


def open_writer(folder: Path) -> SummaryWriter:
    """TensorBoard scalars in a folder.

    Raises:
        UserError: TensorBoard is not installed, or the folder cannot be written to.
    """
    # TensorBoard's writer imports all of TensorFlow where it finds it, unless this module exists.
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise missing_extra("tensorboard", "train") from error
    try:
        return SummaryWriter(str(folder))
    except OSError as error:
        raise UserError(f"cannot write into {folder}: {error.strerror}; choose another folder") from error


def open_loader(recipe: Recipe, *, training: bool, size: int, labels: list[str] | None = None) -> ClipLoader:
    """Batches of the recipe's training or validation clips."""
    split, data = ("train", recipe.train_data) if training else ("validation", recipe.validation_data)
    source = open_data(data, split, labels)
    # evaluation reads the files themselves: a cached frame is resized twice, a phone's once
    if training and recipe.cache_short_side and not data.startswith("rendered"):
        source = CachedClips(source, short_side=recipe.cache_short_side)
    dataset = ClipDataset(
        source,
        InputSpec(segments=recipe.frames(), size=size),
        training=training,
        seed=recipe.seed,
        flip=recipe.flip,
        colour_jitter=recipe.colour_jitter,
        scales=recipe.crop_scales,
        repeat_short=recipe.repeat_short,
        fresh_each_epoch=recipe.fresh_each_epoch and training,
        per_frame=recipe.supervision == "frame",
    )
    return ClipLoader(dataset, recipe.batch, workers=recipe.workers)


def learning_rate(recipe: Recipe, epoch: float) -> float:
    """The rate at a fractional epoch: linear warm-up, then steps of 1/10 at the milestones or half a cosine."""
    if recipe.warmup_epochs and epoch < recipe.warmup_epochs:
        return recipe.lr * min(max(epoch, 1e-2) / recipe.warmup_epochs, 1.0)
    if recipe.schedule == "steps":
        return recipe.lr * 0.1 ** sum(epoch >= milestone for milestone in recipe.milestones)
    share = (epoch - recipe.warmup_epochs) / max(recipe.epochs - recipe.warmup_epochs, 1e-9)
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for kernels; none for biases and batch norm."""
    kernels = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    return [{"params": kernels, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def make_optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters."""
    groups = parameter_groups(module, recipe.weight_decay)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum)


@dataclasses.dataclass
class Progress:
    """Where a run stands: what a checkpoint holds beside weights and optimiser."""

    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    losses: list[float] = dataclasses.field(default_factory=list)  # of this epoch's batches so far
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class Trainer:
    """Trains ``module`` by a recipe; the training form and the QAT'd deploy form are both trained by it.

    Args:
        module: maps ``to_input(x_NTCHW)`` to logits (N, K).
        folder: where checkpoints, TensorBoard scalars and ``result.json`` go.
        pack: makes a checkpoint's content from metrics; the loop adds its own state under ``trainer``.
        frame_forward: maps ``to_input(x_NTCHW)`` to the logits of each frame, (N, T, K) or (N * T, K); needed where
            the recipe's supervision is "frame". It computes with ``module``'s weights.
        final: name of the checkpoint of the finished network; None for none.
        on_epoch: called with the epoch before it starts (QAT freezes its ranges there).

    Raises:
        UserError: the recipe asks for CUDA and there is none, or for frames of a network that gives no logits of them.
    """

    def __init__(
        self,
        module: nn.Module,
        recipe: Recipe,
        folder: Path,
        *,
        pack: Callable[[dict[str, Any]], dict[str, Any]],
        labels: list[str],
        frame_forward: Callable[[torch.Tensor], torch.Tensor] | None = None,
        final: str | None = FINAL,
        to_input: Callable[[torch.Tensor], torch.Tensor] = lambda x_NTCHW: x_NTCHW,
        on_epoch: Callable[[int], None] = lambda epoch: None,
    ) -> None:
        self.recipe, self.folder, self.labels = recipe, folder, labels
        self.device = device_of(recipe)
        self.module = module.to(self.device)
        if recipe.channels_last:
            to_channels_last(self.module)
        self.logits: Callable[[torch.Tensor], torch.Tensor] = self.module
        if recipe.supervision == "frame":
            if frame_forward is None:
                raise UserError("supervision is frame; this network gives no logits of its frames; train it by clips")
            self.logits = frame_forward
        self.forward = torch.compile(self.logits) if recipe.compile else self.logits
        self.pack, self.to_input, self.on_epoch, self.final = pack, to_input, on_epoch, final
        self.optimizer = make_optimizer(self.module, recipe)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.amp == "fp16")
        self.progress = Progress()

    def state(self) -> dict[str, Any]:
        """What resuming needs beside the weights."""
        return {
            "fingerprint": self.recipe.fingerprint(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "module": self.module.state_dict(),
            "random": torch.get_rng_state(),
            "progress": dataclasses.asdict(self.progress),
        }

    def resume(self, checkpoint: dict[str, Any]) -> None:
        """Go on from a checkpoint of the same recipe.

        Raises:
            UserError: the checkpoint is of another recipe, or a finished network without training state.
        """
        state = checkpoint.get("trainer")
        if state is None:
            raise UserError("this checkpoint holds a finished network and no training state; resume from last.pt")
        if state["fingerprint"] != self.recipe.fingerprint():
            raise UserError(
                "the checkpoint is of another recipe; resume with the recipe and --set values it began with"
            )
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        self.progress = Progress(**state["progress"])

    def save(self, name: str, metrics: dict[str, Any]) -> None:
        checkpoints.save_checkpoint(self.folder / name, {**self.pack(metrics), "trainer": self.state()})

    def run(self) -> dict[str, Any]:
        """Train to the last epoch; returns the last validation's scores, which ``result.json`` holds too."""
        recipe, progress = self.recipe, self.progress
        writer = open_writer(self.folder / "tensorboard")
        loaders: dict[int, ClipLoader] = {}
        final: dict[str, Any] | None = None
        for epoch in range(progress.epoch, recipe.epochs):
            size = recipe.early_size if epoch < recipe.early_epochs else recipe.size
            if size not in loaders:
                loaders = {size: open_loader(recipe, training=True, size=size, labels=self.labels)}
            self.on_epoch(epoch)
            row = self._epoch(epoch, loaders[size], writer)
            progress.epoch, progress.batch, progress.losses = epoch + 1, 0, []
            if (epoch + 1) % recipe.validate_every == 0 or epoch + 1 == recipe.epochs:
                found = self.validate(size)
                final = found if epoch + 1 == recipe.epochs and size == recipe.size else None
                row |= {key: value for key, value in found.items() if key != "confusion"}
                writer.add_scalar("validation/top1", row["top1"], epoch + 1)
            progress.history.append(row)
            tqdm.write(" ".join(f"{key} {value:.4g}" for key, value in row.items()))
            self.save(LAST, row)
        writer.close()
        if final is None:
            final = self.validate(recipe.size)
        self._finish(final)
        return final

    def _epoch(self, epoch: int, loader: ClipLoader, writer: SummaryWriter) -> dict[str, Any]:
        """One epoch from ``progress.batch`` on."""
        progress, saved, started = self.progress, time.monotonic(), time.monotonic()
        begun, losses = progress.seconds, progress.losses
        loader.set_epoch(epoch, start_batch=progress.batch)
        waiting, asked = 0.0, time.monotonic()
        self.module.train()
        bar = tqdm(loader, total=len(loader), initial=progress.batch, desc=f"epoch {epoch + 1}/{self.recipe.epochs}",
                   unit="batch", mininterval=5)  # fmt: skip
        for batch in bar:
            waiting += time.monotonic() - asked
            share = progress.batch / len(loader)
            losses.append(
                self._step(batch.frames_NTHWC, batch.labels_N, learning_rate(self.recipe, epoch + share), loader)
            )
            progress.batch = loader.position
            progress.seconds = begun + time.monotonic() - started
            bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}", skipped=len(loader.skipped), refresh=False)
            step = epoch * len(loader) + progress.batch
            writer.add_scalar("train/loss", losses[-1], step)
            if time.monotonic() - saved > 60 * self.recipe.checkpoint_minutes:
                self.save(LAST, {})
                saved = time.monotonic()
            asked = time.monotonic()
        seconds = max(time.monotonic() - started, 1e-9)
        return {"epoch": epoch + 1, "loss": float(np.mean(losses)) if losses else math.nan,
                "waiting_for_data": waiting / seconds, "skipped": len(loader.skipped)}  # fmt: skip

    def _step(self, frames_NTHWC: torch.Tensor, labels: torch.Tensor, rate: float, loader: ClipLoader) -> float:
        """One step of the optimiser on labels (N,) or (N, T); returns the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        x_NTCHW = loader.dataset.spec.to_network(frames_NTHWC.to(self.device, non_blocking=True))
        with self._autocast():
            logits = self.forward(self.to_input(x_NTCHW))
            loss = self._loss(logits.float().flatten(0, -2), labels.to(self.device).flatten())
        value = float(loss.detach())
        if not math.isfinite(value):
            raise UserError(f"the loss is {value}; lower lr (now {rate:.3g}) or clip_gradient, and resume from {LAST}")
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        if self.recipe.clip_gradient:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip_gradient)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return value

    def _loss(self, logits_LK: torch.Tensor, labels_L: torch.Tensor) -> torch.Tensor:
        """Mean cross entropy over what is labelled; 0 where nothing is, as in a batch of undecided frames."""
        smoothing = self.recipe.label_smoothing
        if (labels_L == UNLABELLED).all():
            return 0 * logits_LK.sum()
        return F.cross_entropy(logits_LK, labels_L, ignore_index=UNLABELLED, label_smoothing=smoothing)

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.recipe.amp == "none":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16 if self.recipe.amp == "bf16" else torch.float16)

    @torch.no_grad()
    def validate(self, size: int) -> dict[str, Any]:
        """Scores on the validation clips at an input size.

        With frame supervision they are those of the labelled frames: ``frames`` counts them, ``clips`` the windows.
        """
        loader = open_loader(self.recipe, training=False, size=size, labels=self.labels)
        self.module.eval()
        logits, labels, clips = [], [], 0
        for batch in tqdm(loader, desc="validation", unit="batch", leave=False, mininterval=5):
            x_NTCHW = loader.dataset.spec.to_network(batch.frames_NTHWC.to(self.device))
            with self._autocast():
                logits.append(self.logits(self.to_input(x_NTCHW)).float().flatten(0, -2).cpu().numpy())
            labels.append(batch.labels_N.flatten().numpy())
            clips += len(batch.labels_N)
        logits_LK, labels_L = np.concatenate(logits), np.concatenate(labels)
        if self.recipe.supervision == "clip":
            return scores(logits_LK, labels_L)
        known_L = labels_L != UNLABELLED
        found = scores(logits_LK[known_L], labels_L[known_L])
        return {**found, "clips": clips, "frames": found["clips"]}

    def _finish(self, final: dict[str, Any]) -> None:
        result = {
            "recipe": dataclasses.asdict(self.recipe),
            "code_version": checkpoints.code_version(),
            "parameters": sum(p.numel() for p in self.module.parameters()),
            "seconds": self.progress.seconds,
            "history": self.progress.history,
            "validation": final,
        }
        write_json(self.folder / RESULT, result)
        summary: dict[str, Any] = {key: final[key] for key in ("clips", "frames", "top1", "top5") if key in final}
        if self.final is not None:
            checkpoints.save_checkpoint(self.folder / self.final, self.pack(summary))
