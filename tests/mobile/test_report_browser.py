"""The page of results in headless Chromium: phone and desktop, light and dark."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import cv2
import numpy as np
import pytest
import result_samples
from tools_needed import need

from mobile.report.command import load_tree, write_page
from mobile.schemas import load_results

pytestmark = pytest.mark.minutes
RESULTS = Path(__file__).resolve().parents[2] / "mobile" / "results"
PHONE, DESKTOP = (390, 844), (1280, 900)


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    there = importlib.util.find_spec("selenium") is not None
    need("chromium", "chromedriver", install="tests/support/install_browser.sh", there=there)
    with browser.chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of result that the tests know, beside the project's own."""
    folder = tmp_path_factory.mktemp("page")
    results = load_results(result_samples.write(folder / "results", **result_samples.ALL)) | load_tree(RESULTS)
    write_page(results, folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_page_in_a_browser(driver: Any, page: Path, size: tuple[int, int], dark: bool) -> None:
    seen = browser.look(driver, page, width=size[0], height=size[1], dark=dark)
    assert seen.requests == [] and seen.complaints == []
    assert seen.overflow <= 0 and seen.wide == []
    assert seen.broken == 0
    assert seen.contrast >= 4.5, f"{seen.faint} has a contrast of {seen.contrast:.2f}"
    picture = cv2.imdecode(np.frombuffer(seen.screenshot, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None and picture.shape[1] == size[0] and picture.shape[0] > 3 * size[1]
    corner = picture[5, 5].mean()
    assert corner < 60 if dark else corner > 200
    kept = page.parent / f"{'phone' if size == PHONE else 'desktop'}-{'dark' if dark else 'light'}.png"
    kept.write_bytes(seen.screenshot)


def test_these_checks_see_what_they_look_for(driver: Any, tmp_path: Path) -> None:
    """A page with every fault: it asks for a file and an address, complains, sticks out, is faint, lacks a picture."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><meta name=viewport content=width=device-width>"
        "<link rel=icon href=data:,><body style='margin:0;background:#fff'>"
        "<img src=missing.png><img src=http://127.0.0.1:9/a.png><p style='width:900px'>wide"
        "<p style='color:#bbb'>faint<div style='overflow-x:auto'><p style='width:2000px'>scrolls</div>"
        "<script>console.error('a complaint')</script>"
    )
    seen = browser.look(driver, bad, width=390, height=844, dark=False)
    assert sorted(url.rsplit("/", 1)[-1] for url in seen.requests) == ["a.png", "missing.png"]
    assert any("a complaint" in complaint for complaint in seen.complaints)
    assert seen.overflow >= 500 and "P." in seen.wide and len(seen.wide) == 1
    assert seen.broken == 2 and seen.contrast < 2 and seen.faint == "P."
