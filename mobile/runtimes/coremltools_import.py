"""The one way in which this project imports coremltools: quiet, and without TensorFlow."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType

from training.common.errors import missing_extra

# coremltools imports whatever it finds of these, for converters that nobody uses here: twenty seconds.
_UNUSED = ("tensorflow", "sklearn", "executorch", "torchao", "transformers", "xgboost", "libsvm")


def settle_triton() -> None:
    """Load torch's triton now, or see to it that it is never loaded.

    Triton loaded after TensorFlow ends in a segmentation fault. Nothing here needs it: it compiles for GPUs.
    """
    if "tensorflow" in sys.modules:
        sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    else:
        with contextlib.suppress(ImportError):
            import triton  # noqa: F401


settle_triton()


def load_coremltools() -> ModuleType:
    """coremltools, imported without its optional converters and without its warnings.

    Raises:
        UserError: coremltools is not installed.
    """
    with hidden(*_UNUSED), quiet():
        try:
            import coremltools
        except ImportError as error:
            raise missing_extra("coremltools", "coreml") from error
    return coremltools


@contextlib.contextmanager
def hidden(*packages: str) -> Iterator[None]:
    """Packages that are not loaded yet cannot be imported inside the block, as if they weren't installed."""
    absent = [package for package in packages if package not in sys.modules]
    for package in absent:
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for package in absent:
            del sys.modules[package]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No warnings and no log lines below ERROR inside the block."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
