"""The command line of the project's commands."""

from __future__ import annotations

import argparse


def command_parser(command: str, description: str | None, examples: str) -> argparse.ArgumentParser:
    """A parser without arguments whose help shows the description and the examples with the lines that they have.

    Args:
        command: what a person types, ``python -m mobile.profile``.
        description: the docstring of its module.
    """
    return argparse.ArgumentParser(
        prog=command, description=description, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
