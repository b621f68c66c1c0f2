"""All recipes by name."""

from __future__ import annotations

import functools
from collections.abc import Callable

from training.common.errors import UserError
from training.engine.recipe import Recipe
from training.recipes import ablation, appearance, frontier, gestures, jester, rendered, something

RECIPES: dict[str, Callable[[], Recipe]] = {
    "ablation": ablation.ablation,
    "rendered_sth": rendered.rendered_sth,
    "rendered_sth_causal": rendered.rendered_sth_causal,
    "rendered_stream": rendered.rendered_stream,
    "rendered_stream_long": rendered.rendered_stream_long,
    "rendered_stream_few": rendered.rendered_stream_few,
    "rendered_stream_fewer": rendered.rendered_stream_fewer,
    "rendered_tsn": rendered.rendered_tsn,
    "rendered_tsm": rendered.rendered_tsm,
    "jester_sth": jester.jester_sth,
    "jester_tsn": jester.jester_tsn,
    "jester_tsm": jester.jester_tsm,
    "jester_sth_resnet50": jester.jester_sth_resnet50,
    "something_sth": something.something_sth,
    "kinetics_sth": appearance.kinetics_sth,
    "ucf101_sth": appearance.ucf101_sth,
    "hmdb51_sth": appearance.hmdb51_sth,
    "gestures_sth": gestures.gestures_sth,
    "gestures_tsn": gestures.gestures_tsn,
    "gestures_tsm": gestures.gestures_tsm,
    **{frontier.name_of(width): functools.partial(frontier.frontier_sth, width) for width in frontier.WIDTHS},
    "frontier_movinet_a0": frontier.frontier_movinet_a0,
}


def recipe(name: str) -> Recipe:
    """The recipe called ``name``.

    Raises:
        UserError: there is none of that name.
    """
    if name not in RECIPES:
        raise UserError(f"no recipe is called {name!r}; there are: {', '.join(sorted(RECIPES))}")
    return RECIPES[name]()
