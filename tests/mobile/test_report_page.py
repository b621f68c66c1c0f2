"""The page of results: what it shows, and that it asks nobody for anything."""

from __future__ import annotations

import base64
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from result_samples import ALL, ARTEFACT, LATENCY, PARITY, accuracy, write

from mobile.report import command as report
from mobile.report.command import render_page
from mobile.schemas import load_results
from training.common.errors import UserError


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["report", *map(str, words)])
    return report.main()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render_page(load_results(write(tmp_path_factory.mktemp("results"), **ALL)))


class Tags(HTMLParser):
    """Start tags with their attributes, and the text inside of each status badge."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.badges: list[tuple[str, str]] = []
        self._badge: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        classes = (dict(attrs).get("class") or "").split()
        self._badge = classes[1] if classes[:1] == ["status"] else None

    def handle_data(self, data: str) -> None:
        if self._badge:
            self.badges.append((self._badge, data.strip()))
            self._badge = None


@pytest.mark.minutes
def test_the_page_asks_nobody_for_anything(page: str) -> None:
    assert not re.search(r"(https?:)?//[a-z]", re.sub(r"base64,[A-Za-z0-9+/=]+", "", page))
    assert "@import" not in page
    for tag, attributes in Tags(page).tags:
        assert tag not in ("script", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "poster", "action"):
            within = tag == "a" and (attributes.get(name) or "").startswith("#")
            assert within or (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)


def test_the_page_fits_phones_and_both_colour_schemes(page: str) -> None:
    assert '<meta name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme: dark" in page
    assert "<html lang=" in page


def test_rows_that_were_not_run_look_like_nothing_else(page: str) -> None:
    badges = Tags(page).badges
    assert ("passed", "✓ 1 passed") in badges
    assert ("failed", "✗ 1 failed") in badges
    assert ("not-run", "– 1 not run") in badges
    assert [word for kind, word in badges if kind == "passed"] == ["✓ done", "✓ 1 passed", "✓ passed"]
    assert [word for kind, word in badges if kind == "not-run"] == ["– not run", "– 1 not run", "– not run"]
    assert "reason: there is no &lt;streaming&gt; form yet" in page
    assert "parity rows passed, of those that ran</dt><dd>1 of 2<" in page


def test_the_page_has_every_part(page: str) -> None:
    for words in ("12.0", "0.988", "no int8 dot product here", "feed" * 16, "3.40 MB", "XNNPACK in 1", "CONV_2D",
                  "2.21.0", "Some CPU", "-10.00", "coremltools is not installed", "clip-0"):  # fmt: skip
        assert words in page, words
    pictures = [attributes["src"] or "" for tag, attributes in Tags(page).tags if tag == "img"]
    kinds = [picture.split(";")[0] for picture in pictures]
    assert kinds == ["data:image/png"] * 4 + ["data:image/jpeg"] * 2
    dark = [attributes["srcset"] or "" for tag, attributes in Tags(page).tags if tag == "source"]
    assert len(dark) == 4 and not set(dark) & set(pictures)
    for picture in [*pictures, *dark]:
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(picture.split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None


def test_the_page_goes_down_to_classes_layers_and_operators(page: str) -> None:
    text = " ".join(page.split())
    for words in ("Where the time goes", "projection 1 x 1", "Where the error comes from", "blocks.0.project", "2.234",
                  "Operators off the delegate", "Float against int8 in each class", "not recorded"):  # fmt: skip
        assert words in text, words
    assert re.search(r"Stop Sign</td>.*?100\.0.*?90\.0.*?-10\.0", text)
    assert "Accuracy against latency" not in text  # no artefact was both scored and timed


def test_operators_off_the_delegate_are_named(tmp_path: Path) -> None:
    off = {"one": ARTEFACT | {"operators_outside": {"AVERAGE_POOL_2D": 4}, "delegate_pieces": 5},
           "two": ARTEFACT | {"operators_outside": ["aten::cat.out"], "delegate_pieces": 2},
           "three": ARTEFACT | {"operators_outside": []}}  # fmt: skip
    text = " ".join(render_page(load_results(write(tmp_path, **off))).split())
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", text)]
    found = [row[2:] for row in cells if len(row) == 4]
    assert found == [["4 AVERAGE_POOL_2D", "5"], ["none", "1"], ["aten::cat.out", "2"]]


def test_accuracy_stands_against_latency(tmp_path: Path) -> None:
    timed = json.loads(json.dumps(LATENCY))
    timed["rows"][0]["artefact"] = "tiny_int8.tflite"
    text = render_page(load_results(write(tmp_path, latency=timed, int8=accuracy())))
    row = "".join(f"<td{kind}>{cell}</td>" for kind, cell in
                  (("", "tiny_int8.tflite"), ("", "Fake 1"), ("", "int8"), (' class="figure"', "12.0"),
                   (' class="figure"', "90.00")))  # fmt: skip
    assert "Accuracy against latency" in text and row in text


def test_predictions_are_told_by_a_sign_not_by_colour_alone(page: str) -> None:
    text = " ".join(page.split())
    assert re.search(r'class="right">✓ Stop Sign', text)
    assert re.search(r'class="wrong">✗ No gesture', text)
    assert re.search(r"<li>· Thumb Up", text)


def test_what_is_absent_is_left_out(tmp_path: Path) -> None:
    page = render_page(load_results(write(tmp_path, parity=PARITY)))
    assert "Where the" not in page
    assert "Latency" not in page
    assert "Artefacts" not in page
    assert "Confusion" not in page
    with pytest.raises(UserError, match="there are no result files"):
        render_page({})


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "results", parity=PARITY)
    write(tmp_path / "artefacts", **{"a.tflite.report": ARTEFACT, "a.tflite.contract": {"version": 1}})
    target = tmp_path / "pages" / "report.html"
    words = ["--results", tmp_path / "results", "--artefacts", tmp_path / "artefacts", "--html", target]
    assert call(monkeypatch, *words) == 0
    assert "feed" * 16 in target.read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--results", "none", "--html", "page.html"], "there is no folder none"),
        (["--results", "empty", "--html", "page.html"], "there are no result files"),
        (["--results", "results", "--artefacts", "empty", "--html", "page.html"], r"holds no \*\.report\.json"),
        (["--results", "results", "--html", "file/page.html"], "cannot write file/page.html"),
        (["--results", "results", "--readme", "none.md"], r"cannot read none\.md"),
    ],
)
def test_bad_words_on_the_command_line(tmp_path: Path, monkeypatch, words: list[str], expected: str) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("results"), parity=PARITY)
    Path("empty").mkdir()
    Path("file").write_text("mine")
    with pytest.raises(UserError, match=expected):
        call(monkeypatch, *words)
    assert not Path("page.html").exists()
