"""The command line of the project's commands."""

from __future__ import annotations

import argparse
from typing import Any

import argcomplete


class _Parser(argparse.ArgumentParser):
    """A parser that answers the shell's tab completion before it parses."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:  # type: ignore[override]
        argcomplete.autocomplete(self)
        return super().parse_args(args, namespace)


def command_parser(command: str, description: str | None, examples: str) -> argparse.ArgumentParser:
    """A parser without arguments whose help shows the description and the examples with the lines that they have.

    Args:
        command: what a person types, ``sth profile``.
        description: the docstring of its module.
    """
    return _Parser(
        prog=command, description=description, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
