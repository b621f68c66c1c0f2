"""The training loop: epochs of clips, validation, checkpoints that resume bit-identically on the CPU.

With several processes (``training.engine.distributed``) a batch is split over them. The clips, their order, the loss
and the step are those of one process. Two things differ: the order of sums, and dropout, whose masks each process
draws for itself. A run can resume with another number of processes.

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
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from training.clips import UNLABELLED, ClipBatch, ClipError, ClipLoader
from training.common.errors import UserError, missing_extra
from training.common.files import write_json
from training.engine import checkpoint as checkpoints
from training.engine import distributed
from training.engine.batches import open_loader
from training.engine.metrics import scores
from training.engine.optimizer import learning_rate, make_optimizer
from training.engine.recipe import Recipe, differences
from training.networks.frame_network import to_channels_last
from training.networks.sync_norm import synchronize

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_DROPOUT_STREAM = 3  # keeps dropout's random numbers apart from those of other users of the same seed
LAST, FINAL, RESULT = "last.pt", "final.pt", "result.json"


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


@dataclasses.dataclass
class Progress:
    """Where a run stands: what a checkpoint holds beside weights and optimiser."""

    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    waiting: float = 0.0  # of the seconds, those in which the slowest process waited for clips
    losses: list[float] = dataclasses.field(default_factory=list)  # of this epoch's batches so far
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class _Logits(nn.Module):
    """A module by the function that computes its logits, as DistributedDataParallel needs it."""

    def __init__(self, module: nn.Module, logits: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.module, self.logits = module, logits

    def forward(self, x_NTCHW: torch.Tensor) -> torch.Tensor:
        return self.logits(x_NTCHW)


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
        self.here, self.device = distributed.current(), distributed.device_named(recipe.device)
        if recipe.sync_batch_norm and self.here.size > 1:
            synchronize(module, self.device)
        self.module = module.to(self.device)
        if recipe.channels_last:
            to_channels_last(self.module)
        self.logits: Callable[[torch.Tensor], torch.Tensor] = self.module
        if recipe.supervision == "frame":
            if frame_forward is None:
                raise UserError("supervision is frame; this network gives no logits of its frames; train it by clips")
            self.logits = frame_forward
        self.parallel = self._parallel() if self.here.size > 1 else None
        forward = self.logits if self.parallel is None else self.parallel
        self.forward: Callable[[torch.Tensor], torch.Tensor] = torch.compile(forward) if recipe.compile else forward
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # all batches have one shape
            torch.cuda.reset_peak_memory_stats(self.device)
        self.pack, self.to_input, self.on_epoch, self.final = pack, to_input, on_epoch, final
        self.optimizer = make_optimizer(self.module, recipe)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.amp == "fp16")
        self.progress = Progress()

    def _parallel(self) -> DistributedDataParallel:
        return DistributedDataParallel(
            _Logits(self.module, self.logits),
            device_ids=[self.device.index] if self.device.type == "cuda" else None,
            forward_sync_buffers=not self.recipe.sync_batch_norm,
        )

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
            raise distributed.shared_error(
                "this checkpoint holds a finished network and no training state; resume from last.pt"
            )
        if state["fingerprint"] != self.recipe.fingerprint():
            differing = "; ".join(differences(checkpoint["recipe"], dataclasses.asdict(self.recipe)))
            raise distributed.shared_error(
                "the checkpoint is of another recipe; resume with the recipe and --set values it began with"
                + (f" ({differing})" if differing else "")
            )
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        self.progress = Progress(**state["progress"])

    def save(self, name: str, metrics: dict[str, Any]) -> None:
        """Write a checkpoint; only the first process does. Raises UserError."""
        if not self.here.first:
            return
        checkpoints.save_checkpoint(self.folder / name, {**self.pack(metrics), "trainer": self.state()})

    def run(self) -> dict[str, Any]:
        """Train to the last epoch; returns the last validation's scores, which ``result.json`` holds too."""
        recipe, progress = self.recipe, self.progress
        writer = open_writer(self.folder / "tensorboard") if self.here.first else None
        loaders: dict[int, ClipLoader] = {}
        final: dict[str, Any] | None = None
        for epoch in range(progress.epoch, recipe.epochs):
            size = recipe.early_size if epoch < recipe.early_epochs else recipe.size
            if size not in loaders:
                loaders = {size: open_loader(recipe, training=True, size=size, labels=self.labels)}
            self.on_epoch(epoch)
            row = self._epoch(epoch, loaders[size], writer)
            if (epoch + 1) % recipe.validate_every == 0 or epoch + 1 == recipe.epochs:
                self.save(LAST, {})  # the epoch is not lost where validation stops
                found = self.validate(size)
                final = found if epoch + 1 == recipe.epochs and size == recipe.size else None
                row |= {key: value for key, value in found.items() if key not in ("confusion", "skipped")}
                if recipe.skip_broken:
                    row["validation_skipped"] = len(found["skipped"])
                if writer is not None:
                    writer.add_scalar("validation/top1", row["top1"], epoch + 1)
            progress.epoch, progress.batch, progress.losses = epoch + 1, 0, []
            progress.history.append(row)
            if self.here.first:
                tqdm.write(" ".join(f"{key} {value:.4g}" for key, value in row.items()))
            self.save(LAST, row)
        if writer is not None:
            writer.close()
        if final is None:
            final = self.validate(recipe.size)
        self._finish(final)
        return final

    def _epoch(self, epoch: int, loader: ClipLoader, writer: SummaryWriter | None) -> dict[str, Any]:
        """One epoch from ``progress.batch`` on."""
        progress, saved, started = self.progress, time.monotonic(), time.monotonic()
        begun, losses = (progress.seconds, progress.waiting), progress.losses
        loader.set_epoch(epoch, start_batch=progress.batch)
        waiting, asked, taken = 0.0, time.monotonic(), 0
        self.module.train()
        bar = tqdm(loader, total=len(loader), initial=progress.batch, desc=f"epoch {epoch + 1}/{self.recipe.epochs}",
                   unit="batch", mininterval=5, disable=not self.here.first)  # fmt: skip
        for batch in bar:
            waiting += time.monotonic() - asked
            if self._usable(batch):
                self._seed(epoch, progress.batch)
                rate = learning_rate(self.recipe, epoch + progress.batch / len(loader))
                losses.append(self._step(batch.frames_NTHWC, batch.labels_N, rate, loader))
                taken += len(batch.labels_N)
            progress.batch = loader.position
            progress.seconds = begun[0] + time.monotonic() - started
            progress.waiting = begun[1] + waiting
            bar.set_postfix(loss=f"{np.mean(losses[-50:] or [math.nan]):.3f}", skipped=len(loader.skipped),
                            waiting=f"{100 * waiting / (time.monotonic() - started):.0f} %", refresh=False)  # fmt: skip
            if writer is not None and losses:
                writer.add_scalar("train/loss", losses[-1], epoch * len(loader) + progress.batch)
            if time.monotonic() - saved > 60 * self.recipe.checkpoint_minutes:
                self.save(LAST, {})
                saved = time.monotonic()
            asked = time.monotonic()
        seconds = max(time.monotonic() - started, 1e-9)
        told = distributed.gather_numbers(waiting, len(loader.skipped), taken)
        slowest = max(row[0] for row in told)
        progress.waiting = begun[1] + slowest
        return {"epoch": epoch + 1, "loss": float(np.mean(losses)) if losses else math.nan,
                "waiting_for_data": slowest / seconds, "skipped": int(sum(row[1] for row in told)),
                "clips_per_second": sum(row[2] for row in told) / seconds}  # fmt: skip

    def _usable(self, batch: ClipBatch) -> bool:
        """Whether every process has clips for each part of its batch; else all of them leave the batch out."""
        if self.here.size == 1 and self.recipe.accumulate == 1:
            return True  # the loader gives no empty batch
        return min(row[0] for row in distributed.gather_numbers(len(batch.labels_N))) >= self.recipe.accumulate

    def _seed(self, epoch: int, batch: int) -> None:
        """One process keeps its random state in the checkpoint; several draw theirs anew from where they stand."""
        if self.here.size > 1:
            place = (_DROPOUT_STREAM, self.recipe.seed, epoch, batch, self.here.rank)
            torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def _step(self, frames_NTHWC: torch.Tensor, labels: torch.Tensor, rate: float, loader: ClipLoader) -> float:
        """One step of the optimiser on labels (N,) or (N, T) of this process; returns the loss of all of them."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        parts = self.recipe.accumulate
        labelled = sum(row[0] for row in distributed.gather_numbers(int((labels != UNLABELLED).sum())))
        self.optimizer.zero_grad(set_to_none=True)
        losses = []
        pairs = zip(frames_NTHWC.tensor_split(parts), labels.tensor_split(parts), strict=True)
        for number, (frames, truths) in enumerate(pairs, start=1):
            with self._gradients_shared(number == parts):
                loss = self._loss_of(frames, truths, loader, labelled)
                self.scaler.scale(loss).backward()
            losses.append(loss.detach())
        value = sum(row[0] for row in distributed.gather_numbers(float(sum(losses)))) / self.here.size
        if not math.isfinite(value):
            raise distributed.shared_error(
                f"the loss is {value}; lower lr (now {rate:.3g}) or clip_gradient, and resume from {LAST}"
            )
        if self.recipe.clip_gradient:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip_gradient)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return value

    def _loss_of(
        self, frames_NTHWC: torch.Tensor, labels: torch.Tensor, loader: ClipLoader, labelled: float
    ) -> torch.Tensor:
        """The loss of one part of a batch; the mean over the processes of the sum of the parts is the batch's."""
        x_NTCHW = loader.dataset.spec.to_network(frames_NTHWC.to(self.device, non_blocking=True))
        with self._autocast():
            logits = self.forward(self.to_input(x_NTCHW))
            loss = self._loss(logits.float().flatten(0, -2), labels.to(self.device).flatten())
        if self.here.size == self.recipe.accumulate == 1:
            return loss
        return loss * (self.here.size * int((labels != UNLABELLED).sum()) / max(labelled, 1))

    def _gradients_shared(self, last: bool) -> contextlib.AbstractContextManager[Any]:
        """Gradients go over the network once a step, with its last part."""
        return contextlib.nullcontext() if last or self.parallel is None else self.parallel.no_sync()

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
        With ``skip_broken`` the clips that were left out are in ``skipped``, reason by name.

        Raises:
            UserError: no clip can be used, or one cannot and the recipe has no ``skip_broken``.
        """
        loader = open_loader(self.recipe, training=False, size=size, labels=self.labels)
        distributed.copy_buffers(self.module)
        self.module.eval()
        with distributed.one_error():
            rows = self._logits_of(loader)
        told = distributed.gather((rows, loader.skipped))
        rows = [row for theirs, _ in told for row in theirs]
        if not rows:
            raise distributed.shared_error(f"none of the {len(loader.dataset)} validation clips can be used")
        skipped = {name: reason for _, theirs in told for name, reason in theirs.items()}
        indices, logits_NK, labels_N = _in_order(rows)
        clips = len(indices)
        logits_LK, labels_L = logits_NK.reshape(-1, logits_NK.shape[-1]), labels_N.reshape(-1)
        left_out = {"skipped": skipped} if self.recipe.skip_broken else {}
        if self.recipe.supervision == "clip":
            return scores(logits_LK, labels_L) | left_out
        known_L = labels_L != UNLABELLED
        found = scores(logits_LK[known_L], labels_L[known_L])
        return {**found, "clips": clips, "frames": found["clips"], **left_out}

    def _logits_of(self, loader: ClipLoader) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Clip numbers (N,), logits (N, K) or (N, T, K) and labels of this process's validation batches."""
        rows = []
        try:
            for batch in tqdm(loader, desc="validation", unit="batch", leave=False, mininterval=5,
                              disable=not self.here.first):  # fmt: skip
                x_NTCHW = loader.dataset.spec.to_network(batch.frames_NTHWC.to(self.device, non_blocking=True))
                with self._autocast():
                    logits = self.logits(self.to_input(x_NTCHW)).float().cpu()
                logits = logits.reshape(*batch.labels_N.shape, -1)
                rows.append((batch.indices_N.numpy(), logits.numpy(), batch.labels_N.numpy()))
        except ClipError as error:
            raise UserError(f"{error}; skip_broken=true validates without such clips, go on with --resume") from error
        return rows

    def _finish(self, final: dict[str, Any]) -> None:
        if not self.here.first:
            return
        result = {
            "recipe": dataclasses.asdict(self.recipe),
            "code_version": checkpoints.code_version(),
            "parameters": sum(p.numel() for p in self.module.parameters()),
            "seconds": self.progress.seconds,
            "waiting_for_data": self.progress.waiting / max(self.progress.seconds, 1e-9),
            "processes": self.here.size,
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU",
            "peak_gpu_bytes": self._peak_bytes(),
            "history": self.progress.history,
            "validation": final,
        }
        write_json(self.folder / RESULT, result)
        summary: dict[str, Any] = {key: final[key] for key in ("clips", "frames", "top1", "top5") if key in final}
        if self.final is not None:
            checkpoints.save_checkpoint(self.folder / self.final, self.pack(summary))

    def _peak_bytes(self) -> int | None:
        """The most that tensors took on this process's GPU; None on a CPU."""
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else None


def _in_order(rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clip numbers, logits and labels of all batches of all processes in the order of the clips."""
    indices, logits, labels = (np.concatenate(columns) for columns in zip(*rows, strict=True))
    order = np.argsort(indices, kind="stable")
    return indices[order], logits[order], labels[order]
