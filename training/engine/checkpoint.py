"""Checkpoints: a network's weights with everything needed to know what they are.

A checkpoint is a dictionary that ``torch.load(weights_only=True)`` reads. ``model`` is the training form; ``quantized``
(after QAT) is the state of the quantized program, see ``mobile.quantization.quantized_program``.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import torch

from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.common.files import atomic_path, read_tensors
from training.engine.provenance import code_version
from training.engine.recipe import Recipe
from training.networks import FrameNetwork, build_network

FORMAT = "sth-checkpoint/1"
_FULL_MIB = 16  # that a disk has left when a file did not fit on it, at most
_REQUIRED = ("network", "options", "labels", "input", "model", "recipe")


def make_checkpoint(
    network: FrameNetwork, recipe: Recipe, labels: list[str], metrics: dict[str, Any], **extra: Any
) -> dict[str, Any]:
    """A checkpoint of a network in its training form."""
    return {
        "format": FORMAT,
        "network": recipe.network,
        "options": recipe.network_options(),
        "labels": list(labels),
        "input": dataclasses.asdict(recipe.input_spec()),
        "recipe": dataclasses.asdict(recipe),
        "code_version": code_version(),
        "metrics": metrics,
        "model": {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()},
        **extra,
    }


def save_checkpoint(path: Path | str, checkpoint: dict[str, Any]) -> None:
    """Write a checkpoint atomically.

    Raises:
        UserError: it cannot be written whole (a full disk); what was at ``path`` is untouched.
    """
    with atomic_path(path) as temporary:
        try:
            torch.save(checkpoint, temporary)
        except (OSError, RuntimeError) as error:  # PyTorch's writer says RuntimeError where the disk is full
            reason = _why_unwritten(error, temporary.parent)
            kept = "; the one written before it is whole" if Path(path).exists() else ""
            raise UserError(f"cannot write {path}: {reason}{kept}; make room there and go on with --resume") from error


def _why_unwritten(error: OSError | RuntimeError, folder: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    free = shutil.disk_usage(folder).free / 2**20
    told = "no space left on the disk" if free < _FULL_MIB else " ".join(str(error).split())[:120]
    return f"{told} ({free:.1f} MiB free)"


def load_checkpoint(path: Path | str) -> dict[str, Any]:
    """Read a checkpoint and check that it is one.

    Raises:
        UserError: no such file, or a file that is no checkpoint of this project.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}; give a .pt file that training.train wrote")
    checkpoint = read_tensors(path, "checkpoint")
    if not isinstance(checkpoint, dict) or checkpoint.get("format") != FORMAT:
        raise UserError(
            f"{path} is no checkpoint of this project (expected format {FORMAT}); train one with training.train"
        )
    missing = [key for key in _REQUIRED if key not in checkpoint]
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}; the file is damaged, train or download it again")
    return checkpoint


def network_of(
    checkpoint: dict[str, Any], path: Path | str = "the checkpoint", *, segments: int | None = None
) -> FrameNetwork:
    """The network of a checkpoint, in evaluation mode.

    Args:
        segments: T if not the checkpoint's own, for the windows of frame supervision.

    Raises:
        UserError: the weights are of another network than the checkpoint says.
    """
    try:
        network = build_network(
            checkpoint["network"],
            num_classes=len(checkpoint["labels"]),
            segments=checkpoint["input"]["segments"] if segments is None else segments,
            **checkpoint["options"],
        )
        network.load_state_dict(checkpoint["model"])
    except (ValueError, RuntimeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: the weights are not those of {checkpoint['network']}: {reason}") from error
    return network.eval()


def input_spec_of(checkpoint: dict[str, Any], path: Path | str = "the checkpoint") -> InputSpec:
    """The input specification of a checkpoint.

    Raises:
        UserError: it is none.
    """
    fields: dict[str, Any] = dict(checkpoint["input"])
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
    try:
        return InputSpec(**values)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: bad input specification: {error}; train or download it again") from error
