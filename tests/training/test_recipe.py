"""Recipes: complete, never shared, changed by ``--set`` and checked before a run begins."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from training.common.errors import UserError
from training.engine.optimizer import learning_rate, make_optimizer, parameter_groups
from training.engine.recipe import Recipe, check, override
from training.networks import build_network
from training.recipes import RECIPES, recipe


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_is_complete_and_buildable(name: str) -> None:
    chosen = recipe(name)
    check(chosen)
    assert chosen.name == name
    assert chosen.train_data
    assert chosen.validation_data
    assert chosen.train_data != chosen.validation_data or not chosen.train_data.startswith("rendered")
    network = build_network(chosen.network, num_classes=27, segments=chosen.segments, **chosen.options)
    assert network.segments == chosen.segments


@pytest.mark.parametrize("data", ["rendered", "jester", "gestures"])
def test_rivals_differ_in_their_network_only(data: str) -> None:
    """STH, TSN and TSM are compared: all else is the same."""
    rows = [dataclasses.asdict(recipe(f"{data}_{kind}")) for kind in ("sth", "tsn", "tsm")]
    assert [row["network"] for row in rows] == [f"{kind}_mobilenet_v2" for kind in ("sth", "tsn", "tsm")]
    widths = {row["options"].get("width") for row in rows}
    assert len(widths) == 1
    for row in rows:
        for key in ("name", "network", "options"):
            del row[key]
    assert rows[0] == rows[1] == rows[2]


def test_the_papers_schedule_is_the_default() -> None:
    """Section 4.2: SGD, momentum 0.9, weight decay 5e-4, 50 epochs; the rate and its steps are TSN's habit."""
    default = Recipe()
    assert (default.optimizer, default.momentum, default.weight_decay) == ("sgd", 0.9, 5e-4)
    assert (default.epochs, default.lr, default.milestones, default.batch) == (50, 0.01, [20, 40], 64)
    assert (default.size, default.segments, default.dropout) == (224, 8, 0.5)


def test_the_stream_recipe_is_the_causal_networks() -> None:
    """Windows of four seconds, and a checkpoint of the clip form that the causal network has."""
    stream, causal = recipe("rendered_stream"), recipe("rendered_sth_causal")
    assert (stream.network, stream.options) == (causal.network, causal.options)
    assert (stream.frames(), causal.frames()) == (16, 8)
    assert stream.input_spec() == causal.input_spec()


def test_runs_from_before_a_key_existed_go_on() -> None:
    """The hash of a recipe is the one it had; a new key counts where it is not at its default."""
    plain = Recipe()
    assert plain.fingerprint() == "6728b8f73a36"
    assert plain.fingerprint() != dataclasses.replace(plain, supervision="frame").fingerprint()


def test_recipes_share_nothing() -> None:
    first = recipe("rendered_sth")
    first.options["p"] = 0.5
    first.milestones.append(99)
    assert recipe("rendered_sth").options["p"] == 0.25
    assert recipe("rendered_sth").milestones == [20, 40]


def test_set_changes_a_copy() -> None:
    before = recipe("rendered_sth")
    changed = override(
        before, ["options.p=0.5", "epochs=3", "lr=1", "milestones=[1,2]", "options.causal=true", "out=runs/try"]
    )
    assert (changed.options["p"], changed.options["width"], changed.options["causal"]) == (0.5, 0.5, True)
    assert (changed.epochs, changed.lr, changed.milestones) == (3, 1.0, [1, 2])
    assert isinstance(changed.lr, float)
    assert before == recipe("rendered_sth")
    changed.options["p"] = 0.125
    changed.crop_scales.append(0.5)
    assert (before.options["p"], before.crop_scales) == (0.25, [1.0, 0.875])
    assert override(before, []) == before


def test_set_empties_a_text() -> None:
    assert override(recipe("something_sth"), ["weights="]).weights == ""
    with pytest.raises(UserError, match="--set: epochs: '' is not a whole number"):
        override(Recipe(), ["epochs="])


@pytest.mark.parametrize(
    "text", ["/data/my set #2", "0017", "on", "null", "1e3", "a: b", "{x}", "${x}", "[1,2]", "k=v", " a", "'a'"]
)
def test_a_text_stays_as_it_is_written(text: str) -> None:
    assert override(Recipe(), [f"train_data={text}", f"out={text}"]).train_data == text
    assert override(Recipe(), [f"out={text}"]).out == text


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("options.p=0", "p", 0.0),
        ("options.causal=False", "causal", False),
        ("options.temporal_blocks=[1, 3]", "temporal_blocks", [1, 3]),
        ("options.temporal_blocks=null", "temporal_blocks", None),
    ],
)
def test_options_have_the_types_of_their_network(assignment: str, key: str, value: Any) -> None:
    found = override(Recipe(), [assignment]).options[key]
    assert found == value
    assert type(found) is type(value)


def test_a_network_and_its_options_in_any_order() -> None:
    changed = override(Recipe(), ["options.variant=tsm", "network=sth_resnet50"])
    assert (changed.network, changed.options) == ("sth_resnet50", {"variant": "tsm"})


@pytest.mark.parametrize(
    ("assignment", "reason"),
    [
        ("epochs", "key=value"),
        ("epoch=3", "no key epoch;"),
        ("=3", "no key ;"),
        ("epochs=many", "--set: epochs: 'many' is not a whole number"),
        ("epochs=1.5", "'1.5' is not a whole number"),
        ("lr=", "'' is not a number"),
        ("lr=[1", "'[1' is not a number"),
        ("lr.x=1", "no key lr.x;"),
        ("flip=on", "'on' is not true or false"),
        ("network=magic", "no network is called 'magic'"),
        ("options=3", "name the option"),
        ("options.depth=3", "sth_mobilenet_v2 has no option depth;"),
        ("options.causal=on", "'on' is not true or false"),
        ("options.p=much", "'much' is not a number"),
        ("milestones=5", "'5' is no list"),
        ("milestones=[1,x]", "no list"),
        ("milestones=[1.5]", "'1.5' is not a whole number"),
        ("optimizer=adam", "sgd, adamw"),
        ("schedule=linear", "steps, cosine"),
        ("amp=int8", "none, bf16, fp16"),
        ("device=tpu", "auto, cpu, cuda"),
        ("supervision=video", "clip, frame"),
        ("window=16", "needs supervision=frame"),
        ("window=-1", "window is -1"),
        ("epochs=0", "epochs is 0"),
        ("batch=-1", "batch is -1"),
        ("segments=0", "segments is 0"),
        ("seed=-1", "seed is -1"),
        ("lr=nan", "lr is nan"),
        ("workers=-2", "workers is -2"),
        ("validate_every=0", "validate_every is 0"),
        ("qat_epochs=0", "qat_epochs is 0"),
        ("qat_freeze=0", "qat_freeze is 0"),
        ("size=100", "multiple of 32"),
        ("size=0", "multiple of 32"),
        ("crop_scales=[]", "crop_scales"),
        ("crop_scales=[1,2]", "crop_scales"),
        ("label_smoothing=2", "label_smoothing is 2"),
        ("dropout=-0.1", "dropout is -0.1"),
    ],
)
def test_a_bad_assignment_is_one_line(assignment: str, reason: str) -> None:
    with pytest.raises(UserError) as caught:
        override(Recipe(), [assignment])
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_early_epochs_need_a_size() -> None:
    with pytest.raises(UserError, match="early_size is 0"):
        override(Recipe(), ["early_epochs=2"])
    with pytest.raises(UserError, match="early_size is 50"):
        override(Recipe(), ["early_epochs=2", "early_size=50"])
    assert override(Recipe(), ["early_epochs=2", "early_size=64"]).early_size == 64


def test_there_is_one_start() -> None:
    with pytest.raises(UserError, match="give one of them"):
        override(Recipe(), ["init=final.pt", "weights=imagenet"])


def test_an_unknown_recipe_says_what_exists() -> None:
    with pytest.raises(UserError, match="no recipe is called 'rendered'") as caught:
        recipe("rendered")
    assert all(name in str(caught.value) for name in RECIPES)


def test_the_fingerprint_is_that_of_the_result() -> None:
    here, base = recipe("rendered_sth").fingerprint(), recipe("rendered_sth")
    assert here == base.fingerprint()
    for free in ({"out": "x"}, {"workers": 7}, {"checkpoint_minutes": 0.0}, {"threads": 3}):
        assert dataclasses.replace(base, **free).fingerprint() == here, free
    bound: list[dict[str, Any]] = [{"seed": 1}, {"lr": 0.1}, {"options": {"p": 0.5}}, {"epochs": 21}, {"size": 64}]
    for change in bound:
        assert dataclasses.replace(base, **change).fingerprint() != here, change


def test_steps_by_hand() -> None:
    chosen = Recipe(lr=0.01, epochs=50, milestones=[20, 40])
    rates = [learning_rate(chosen, epoch) for epoch in (0, 19.99, 20, 39.5, 40, 49.99)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001])


def test_warm_up_then_cosine_by_hand() -> None:
    chosen = Recipe(lr=0.8, epochs=11, schedule="cosine", warmup_epochs=1.0)
    # linear to 0.8 in one epoch, then 0.4 (1 + cos(pi share)) over the other ten
    rates = [learning_rate(chosen, epoch) for epoch in (0.25, 0.5, 1, 6, 1 + 10 / 3, 11)]
    assert rates == pytest.approx([0.2, 0.4, 0.8, 0.4, 0.6, 0.0])
    assert 0 < learning_rate(chosen, 0) <= 0.01  # the first step moves too
    assert learning_rate(chosen, 12) == pytest.approx(0)
    short = Recipe(lr=0.8, epochs=2, warmup_epochs=0.005)
    assert learning_rate(short, 0) <= 0.8


def test_weight_decay_spares_biases_and_batch_norm() -> None:
    network = build_network("sth_mobilenet_v2", num_classes=5, segments=2, width=0.35)
    decayed, spared = parameter_groups(network, 5e-4)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (5e-4, 0.0)
    assert len(decayed["params"]) + len(spared["params"]) == len(list(network.parameters()))
    assert all(weight.dim() > 1 for weight in decayed["params"])
    assert all(weight.dim() == 1 for weight in spared["params"])
    sgd = make_optimizer(network, Recipe(lr=0.3))
    assert [group["momentum"] for group in sgd.param_groups] == [0.9, 0.9]
    adamw = make_optimizer(network, Recipe(optimizer="adamw", weight_decay=0.02))
    assert [group["weight_decay"] for group in adamw.param_groups] == [0.02, 0.0]
