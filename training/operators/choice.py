"""Which of two ways is the faster on a GPU: measured at first use of each shape, as cuDNN's benchmark does.

Axes: B batch and frames, C channel, H row, W column.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Sequence

import torch

Way = Callable[[torch.Tensor], torch.Tensor]
WARM_UP, CALLS = 2, 5

logger = logging.getLogger(__name__)
_chosen: dict[Hashable, bool] = {}


def pays(key: Hashable, new: Way, known: Way, x_BCHW: torch.Tensor, weights: Sequence[torch.Tensor]) -> bool:
    """Whether ``new`` takes less time than ``known``, with the gradients that this call will need.

    A way that fails (a kernel that this GPU or this driver does not take) does not pay; a warning says so. Where
    nothing can be measured, in the capture of a CUDA graph or where results may not depend on a clock
    (``torch.use_deterministic_algorithms``), neither does it.

    Args:
        key: what the choice depends on, beside the shape, layout and type of ``x`` and the wanted gradients.
    """
    if torch.are_deterministic_algorithms_enabled():
        return False
    wanted = (x_BCHW.requires_grad, *(one.requires_grad for one in weights)) if torch.is_grad_enabled() else ()
    key = (key, x_BCHW.shape, x_BCHW.stride(), x_BCHW.dtype, x_BCHW.device, wanted)
    if key not in _chosen:
        if x_BCHW.is_cuda and torch.cuda.is_current_stream_capturing():
            return False
        try:
            _chosen[key] = seconds_of(new, x_BCHW, weights) < seconds_of(known, x_BCHW, weights)
        except Exception as error:  # a compiler and a driver raise what they like
            logger.warning("a kernel for %s does not run, PyTorch's own do: %s", tuple(x_BCHW.shape), error)
            _chosen[key] = False
    return _chosen[key]


def seconds_of(way: Way, x_BCHW: torch.Tensor, weights: Sequence[torch.Tensor]) -> float:
    """The shortest of ``CALLS`` calls, with the gradients of what asks for one; nothing is added to any ``.grad``."""
    x_BCHW = x_BCHW.detach().requires_grad_(x_BCHW.requires_grad and torch.is_grad_enabled())
    wanted = [one for one in (x_BCHW, *weights) if one.requires_grad and torch.is_grad_enabled()]
    spent = []
    for _ in range(WARM_UP + CALLS):
        _synchronize(x_BCHW)
        started = time.perf_counter()
        y_BCHW = way(x_BCHW)
        if wanted:
            torch.autograd.grad(y_BCHW, wanted, torch.ones_like(y_BCHW))
        _synchronize(x_BCHW)
        spent.append(time.perf_counter() - started)
    return min(spent[WARM_UP:])


def _synchronize(x_BCHW: torch.Tensor) -> None:
    if x_BCHW.is_cuda:
        torch.cuda.synchronize(x_BCHW.device)
