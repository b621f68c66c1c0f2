"""Values of ``--set KEY=VALUE``: each text is read by the type of its field; a text for a text stays as it is."""

from __future__ import annotations

import json
import typing
from fractions import Fraction
from typing import Any

_TRUTHS = {"true": True, "false": False}
_EXPECTED = {"bool": "true or false", "int": "a whole number", "float": "a number"}


def value_of(text: str, kind: Any) -> Any:
    """The value of a text for a field.

    Args:
        kind: str, bool, int, float, or a list of one of them, such as ``list[int]``.

    Raises:
        ValueError: the text is of another type; the message says what is expected.
    """
    if typing.get_origin(kind) is list:
        return _list_of(text, typing.get_args(kind)[0])
    try:
        return _TRUTHS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{text!r} is not {_EXPECTED[kind.__name__]}") from error


def _list_of(text: str, kind: type) -> list[Any]:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, list):
        raise ValueError(f"{text!r} is no list; write it as [1,2]")
    return [value_of(json.dumps(value), kind) for value in values]


def option_of(text: str, default: Any) -> Any:
    """The value of a text for a network's option, by the type of its default; None stands for a list or nothing.

    Raises:
        ValueError: as ``value_of``.
    """
    if default is None:
        return None if text == "null" else _list_of(text, int)
    return value_of(text, float if isinstance(default, Fraction) else type(default))
