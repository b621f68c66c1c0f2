"""The README's tables are what the result files give, and its pictures and commands exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from mobile.report.readme import fill_tables

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_result_files() -> None:
    assert fill_tables(TEXT, ROOT / "mobile" / "results") == TEXT
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
    modules = set(re.findall(r"python -m ([\w.]+)", TEXT))
    assert "mobile.live" in modules
    assert [module for module in sorted(modules) if importlib.util.find_spec(module) is None] == []
    scripts = set(re.findall(r"(converters/export_\w+\.py)", TEXT))
    assert [script for script in sorted(scripts) if not (ROOT / script).is_file()] == []
