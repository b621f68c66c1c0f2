"""The README's tables are what the result files give, its pictures exist, and its command lines are understood."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mobile.commands import COMMANDS
from mobile.report.command import RESULTS
from mobile.report.readme import fill_tables
from training.recipes import RECIPES

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
READMES = [ROOT / "README.md", ROOT / "android_demo" / "README.md", ROOT / "ios_demo" / "README.md"]
CODE = [path for folder in ("training", "mobile", "android_demo/tools") for path in (ROOT / folder).rglob("*.py")]


def test_the_tables_are_those_of_the_result_files() -> None:
    assert fill_tables(TEXT, *RESULTS) == TEXT
    assert TEXT.count("<!-- table: ") >= 6


def test_the_android_readme_has_its_table_once_it_was_measured() -> None:
    text, results = (ROOT / "android_demo" / "README.md").read_text(encoding="utf-8"), ROOT / "mobile" / "results"
    if (results / "android_preprocess.json").is_file():
        assert fill_tables(text, results) == text
    else:
        assert "<!-- table: android_preprocess -->\n**not run**" in text


def test_pictures_and_links_exist() -> None:
    paths = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_commands_exist() -> None:
    words = set(re.findall(r"^sth ([\w-]+)", TEXT, re.MULTILINE))
    assert "live" in words
    assert sorted(words - COMMANDS.keys()) == []
    scripts = set(re.findall(r"(converters/export_\w+\.py)", TEXT))
    assert [script for script in sorted(scripts) if not (ROOT / script).is_file()] == []


def command_lines(text: str) -> list[tuple[str, list[str]]]:
    """Module and words of each line that is a command, ``sth WORD`` too, without the remark behind it."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        command = re.split(r"(?<=\S)\s+#\s|(?<=\S)\s{2,}(?![\s-])", line)[0]
        command = re.sub(r"^\s*(?:torchrun .* -m )?sth ([\w-]+)", _module_of, command)
        if match := re.fullmatch(r"\s*(?:python|torchrun .*) -m ([\w.]+)((?: .*)?)", command):
            found.append((match[1], [word for word in shlex.split(match[2]) if word != "..."]))
    return found


def _module_of(match: re.Match[str]) -> str:
    return f"python -m {COMMANDS[match[1]].module}" if match[1] in COMMANDS else match[0]


class Understood(Exception):
    """Raised in place of the work that a command line asks for."""


def main_of(module: str) -> Callable[[], int | None]:
    spec = importlib.util.find_spec(module)
    assert spec is not None, module
    package = spec.submodule_search_locations is not None
    main = importlib.import_module(f"{module}.__main__" if package else module).main
    assert {"argparse", "command_parser"} & vars(sys.modules[main.__module__]).keys(), f"{module} would run"
    return main


def test_command_lines_are_understood(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the READMEs, and the examples of the commands themselves; nothing runs."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser, arguments: list[str] | None = None, _: object = None) -> None:
        parse(parser, arguments)
        raise Understood

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    lines = [line for path in (*READMES, *CODE) for line in command_lines(path.read_text(encoding="utf-8"))]
    assert len(lines) > 100
    refused = []
    for module, words in lines:
        monkeypatch.setattr(sys, "argv", [module, *words])
        try:
            with pytest.raises(Understood):
                main_of(module)()
        except SystemExit:
            refused.append(f"python -m {module} {shlex.join(words)}: {capsys.readouterr().err.splitlines()[-1]}")
        if module == "training.train" and words[0] not in RECIPES:
            refused.append(f"no recipe {words[0]}")
    assert refused == []


def test_a_command_line_that_is_not_understood_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    [(module, words)] = command_lines("  sth profile a.pte --tops 3     the slowest # three")
    assert (module, words) == ("mobile.latency.profile.command", ["a.pte", "--tops", "3"])
    monkeypatch.setattr(sys, "argv", [module, *words])
    with pytest.raises(SystemExit):
        main_of(module)()
