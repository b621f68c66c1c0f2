"""Checkpoints: what one says of itself, and those that do not fit as one line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from training_runs import Run, tiny_recipe

from training.common.errors import UserError
from training.engine.checkpoint import (
    code_version,
    input_spec_of,
    load_checkpoint,
    make_checkpoint,
    network_of,
    save_checkpoint,
)
from training.engine.loop import FINAL
from training.networks import build_network
from training.rendered import jester_labels


def test_the_final_checkpoint_says_what_it_is(trained: Run) -> None:
    checkpoint = load_checkpoint(trained.folder / FINAL)
    assert checkpoint["network"] == "sth_mobilenet_v2"
    assert checkpoint["options"] == {"width": 0.35, "p": 0.25}
    assert checkpoint["labels"] == list(jester_labels())
    assert checkpoint["recipe"] == dataclasses.asdict(trained.recipe)
    assert checkpoint["code_version"] == code_version()
    assert checkpoint["metrics"] == {key: trained.scores[key] for key in ("clips", "top1", "top5")}
    assert "trainer" not in checkpoint
    spec = input_spec_of(checkpoint)
    assert spec == trained.recipe.input_spec()
    network = network_of(checkpoint)
    assert not network.training
    assert network(torch.zeros(1, 2, 3, 64, 64)).shape == (1, 27)


def checkpoint_of(labels: list[str], **changes: Any) -> dict[str, Any]:
    recipe = tiny_recipe(Path("x"))
    network = build_network(recipe.network, num_classes=len(labels), segments=2, **recipe.options)
    return {**make_checkpoint(network, recipe, labels, {}), **changes}


def test_checkpoints_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with pytest.raises(UserError, match="there is no checkpoint"):
        load_checkpoint(path)
    save_checkpoint(path, {"format": "other/1"})
    with pytest.raises(UserError, match="no checkpoint of this project"):
        load_checkpoint(path)
    whole = checkpoint_of(["a", "b"])
    save_checkpoint(path, {key: value for key, value in whole.items() if key not in ("labels", "model")})
    with pytest.raises(UserError, match="lacks labels, model"):
        load_checkpoint(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="is no checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "change",
    [
        {"network": "tsn_mobilenet_v2", "options": {"width": 0.35}},
        {"network": "mobilenet_v9"},
        {"options": {"width": 0.5, "p": 0.25}},
        {"labels": ["a", "b", "c"]},
        {"options": {"depth": 3}},
        {"input": {}},
        {"model": {}},
    ],
    ids=str,
)
def test_weights_of_another_network_are_one_line(change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"model\.pt: the weights are not those of") as caught:
        network_of({**checkpoint_of(["a", "b"]), **change}, "model.pt")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_options_are_copied_into_a_checkpoint() -> None:
    checkpoint = checkpoint_of(["a", "b"])
    checkpoint["options"]["p"] = 0.5
    assert tiny_recipe(Path("x")).options["p"] == 0.25
    assert checkpoint_of(["a", "b"])["options"]["p"] == 0.25
