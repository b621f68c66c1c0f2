"""The ``sth`` command; ``python -m mobile`` is the same."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

import argcomplete

from mobile.commands import COMMANDS, GROUPS
from training.common.errors import run_cli


def help_text() -> str:
    """All words by group, one screen."""
    lines = ["usage: sth WORD ...     sth WORD --help explains one word"]
    for group, words in GROUPS.items():
        lines.append(f"{group}:")
        lines += [f"  {word:<13}{command.help}" for word, command in words.items()]
    return "\n".join(lines)


def _complete() -> None:
    """Tab completion: the first word here, everything after it by the word's own parser."""
    line = os.environ.get("COMP_LINE", "")
    words = line.split()
    if len(words) > 1 and words[1] in COMMANDS and (len(words) > 2 or line.endswith(" ")):
        os.environ["_ARGCOMPLETE"] = "2"  # the word's own arguments begin after two words
        _run(words[1], [])
    parser = argparse.ArgumentParser(prog="sth")
    parser.add_argument("word", choices=list(COMMANDS))
    argcomplete.autocomplete(parser)


def _run(word: str, arguments: list[str]) -> int | None:
    sys.argv = [f"sth {word}", *arguments]
    return importlib.import_module(COMMANDS[word].module).main()


def main() -> int | None:
    """Run the word that the command line names."""
    if "_ARGCOMPLETE" in os.environ:
        _complete()
    word = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if word in COMMANDS:
        return _run(word, sys.argv[2:])
    if word in ("-h", "--help"):
        print(help_text())
        return 0
    print(f"error: sth has no word {word!r}; `sth --help` lists them", file=sys.stderr)
    return 2


def command() -> None:
    """The console script ``sth``."""
    run_cli(main)


if __name__ == "__main__":
    command()
