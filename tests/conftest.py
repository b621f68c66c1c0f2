"""Every test starts from the same seeds and computes in one thread."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
import training_runs

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (so that no code under test depends on it)
    torch.manual_seed(0)
    torch.set_num_threads(1)  # a tested command may have changed it


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> training_runs.Run:
    """A run of two epochs that nothing interrupted; its folder is read, never written to."""
    return training_runs.run(training_runs.tiny_recipe(tmp_path_factory.mktemp("trained") / "run"))
