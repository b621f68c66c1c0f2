"""A page in a real browser, headless Chromium: what it asked for, what it complained about, how it looks."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_QUIET = ("--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Seen:
    """A page at one width.

    Attributes:
        requests: addresses that it asked for, its own file and data URIs left out.
        complaints: of its console.
        overflow: CSS pixels by which it is wider than the screen.
        wide: elements that stick out of the screen and out of every box that scrolls.
        contrast, faint: the least contrast of a text against what is behind it, and whose it is (tag and class).
        broken: pictures that could not be drawn.
        screenshot: of the whole page, PNG.
    """

    requests: list[str]
    complaints: list[str]
    overflow: float
    wide: list[str]
    contrast: float
    faint: str
    broken: int
    screenshot: bytes


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A driver; a browser of its own with nothing in its profile."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
        for word in (*_QUIET, *sandbox, f"--user-data-dir={profile}"):
            options.add_argument(word)
        driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            yield driver
        finally:
            driver.quit()


def look(driver: Any, page: Path, *, width: int, height: int, dark: bool) -> Seen:
    """Open a page on a screen of so many CSS pixels, in the light or the dark scheme."""
    driver.get("about:blank")  # a new browser shows a page of its own
    for log in ("performance", "browser"):
        driver.get_log(log)  # of what was looked at before
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.get(page.as_uri())
    asked = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"]
    facts = driver.execute_script(_FACTS)
    whole = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    return Seen(
        requests=[url for url in urls if not url.startswith("data:") and url != page.as_uri()],
        complaints=[entry["message"] for entry in driver.get_log("browser")],
        screenshot=base64.b64decode(whole["data"]),
        **facts,
    )


_FACTS = """
const screen = document.documentElement.clientWidth;
const scrolls = element => {
  for (let e = element.parentElement; e; e = e.parentElement)
    if (getComputedStyle(e).overflowX === "auto") return true;
  return false;
};
const text = e => {  // the right end of an element's own words, which may stick out of its box
  const range = document.createRange();
  return Math.max(0, ...[...e.childNodes].filter(n => n.nodeType === 3).map(n => {
    range.selectNodeContents(n);
    return range.getBoundingClientRect().right;
  }));
};
const wide = [...document.querySelectorAll("body *")].filter(
  e => Math.max(e.getBoundingClientRect().right, text(e)) > screen + 0.5 && !scrolls(e))
  .map(e => e.tagName + "." + e.className);
const channels = text => (text.match(/[\\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const c = channels(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
let contrast = 99, faint = "";
for (const e of document.querySelectorAll("body *")) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
  const [a, b] = [light(channels(getComputedStyle(e).color)), light(behind(e))];
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < contrast) { contrast = ratio; faint = e.tagName + "." + e.className; }
}
const broken = [...document.images].filter(i => !i.complete || !i.naturalWidth).length;
return {overflow: document.documentElement.scrollWidth - screen, wide, contrast, faint, broken};
"""
