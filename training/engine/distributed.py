"""Several processes as one run: ``torchrun`` starts them, torch.distributed joins them.

Without torchrun there is one process, and everything here is the identity. Small things (counts, losses, scores) go
over gloo between CPUs, gradients over NCCL between GPUs.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from training.common.errors import UserError


@dataclass(frozen=True)
class Ranks:
    """Which process this is: number ``rank`` of ``size``, and ``local_rank`` of ``local_size`` on its machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and speaks to people."""
        return self.rank == 0


def started() -> Ranks:
    """What torchrun says in the environment, whether or not the processes are joined."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return Ranks()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return Ranks(*(int(os.environ.get(name, default)) for name, default in zip(names, (0, 1, 0, 1), strict=True)))


def current() -> Ranks:
    """This process among those that are joined; alone where none are."""
    return started() if dist.is_initialized() else Ranks()


def device_named(name: str) -> torch.device:
    """The device that a recipe or a command asks for: auto (CUDA where there is one), cpu or cuda.

    Raises:
        UserError: CUDA is asked for and not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, and PyTorch sees no CUDA device; use the device cpu")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", current().local_rank)


def refuse(command: str) -> None:
    """Raise UserError if torchrun started a command that runs in one process."""
    if started().size > 1:
        raise _of_machine(f"{command} runs in one process; start it without torchrun")


@contextlib.contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """The processes that torchrun started are joined inside the block.

    Args:
        device: of the recipe: auto, cpu or cuda. Each process takes the GPU of its number on its machine.

    Raises:
        UserError: the machine has fewer GPUs than processes.
    """
    here = started()
    if here.size == 1:
        yield here
        return
    cuda = device != "cpu" and torch.cuda.is_available()
    if cuda:
        _check_devices(here, torch.cuda.device_count())
        torch.cuda.set_device(here.local_rank)
    elif device == "cuda":
        raise _of_machine("device is cuda, and PyTorch sees no CUDA device; use the device cpu")
    _join("cpu:gloo,cuda:nccl" if cuda else "gloo")
    yield here  # after an error the process ends, and torchrun ends the others
    dist.destroy_process_group()


def _join(backend: str) -> None:
    store, rank, size = next(iter(dist.rendezvous("env://")))
    store = dist.PrefixStore(_key_of_start(store, rank, size), store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size)


def _key_of_start(store: dist.Store, rank: int, size: int) -> str:
    """A word that these processes share, and those that torchrun started before them did not know.

    torchrun's store outlives the processes: after a restart it still holds the addresses of those that ended, which
    the new ones would try to reach (pytorch issues 135712 and 167288). Its count of restarts is no such word, machines
    count their own. So each process says hello by a new word, and the first answers all that it hears until every
    living one has its key.
    """
    mine = uuid.uuid4().hex
    if rank > 0:
        store.set(f"hello/{rank}", mine)
        key = store.get(f"key/{mine}").decode()
        store.set(f"thanks/{key}/{rank}", "")
        return key
    silent = set(range(1, size))
    while silent:
        for other in silent:
            if store.check([f"hello/{other}"]):
                store.set(f"key/{store.get(f'hello/{other}').decode()}", mine)
        silent -= {other for other in silent if store.check([f"thanks/{mine}/{other}"])}
        time.sleep(0.02)
    return mine


def _check_devices(here: Ranks, found: int) -> None:
    if here.local_size > found:
        raise _of_machine(
            f"{here.local_size} processes were asked for on this machine, which has {found} GPU{'s'[: found > 1]};"
            f" start torchrun with --nproc-per-node {found}"
        )


def _of_machine(message: str) -> BaseException:
    """An error that all processes of a machine have: the first tells it, the others end."""
    return UserError(message) if started().local_rank == 0 else SystemExit(1)


def shared_error(message: str) -> BaseException:
    """An error that all processes have at once: the first tells it, the others end."""
    return UserError(message) if current().first else SystemExit(1)


@contextlib.contextmanager
def one_error() -> Iterator[None]:
    """An error for people inside the block, in whichever process, ends all of them and is told once.

    Nothing in the block may wait for other processes.
    """
    here = current()
    if here.size == 1:
        yield
        return
    mine = ""
    try:
        yield
    except UserError as error:
        mine = str(error)
    told = gather(mine)
    if found := [number for number, message in enumerate(told) if message]:
        where = "" if len(found) == here.size else f" (in process {found[0]} of {here.size})"
        raise shared_error(told[found[0]] + where)


def gather(value: Any) -> list[Any]:
    """The value of every process, in their order."""
    here = current()
    if here.size == 1:
        return [value]
    values: list[Any] = [None] * here.size
    dist.all_gather_object(values, value)
    return values


def gather_numbers(*numbers: float) -> list[list[float]]:
    """A row of numbers of every process, in their order; float64."""
    here = current()
    if here.size == 1:
        return [list(numbers)]
    mine = torch.tensor(numbers, dtype=torch.float64)
    rows = [torch.empty_like(mine) for _ in range(here.size)]
    dist.all_gather(rows, mine)
    return [row.tolist() for row in rows]


@torch.no_grad()
def copy_buffers(module: nn.Module) -> None:
    """Give every process the first one's buffers: the running statistics of batch norm that is not synchronized."""
    if current().size > 1:
        for buffer in module.buffers():
            dist.broadcast(buffer, src=0)
